"""Cairn itself, as `cairn serve` runs it; with its memory cache or without, and with its storage in another process."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks import load as loads
from benchmarks.contenders import altered, base
from cairn.client.format.secret import ChainKeys
from cairn.core.chain import Entry, Kind, accept
from cairn.wire.messages import encode_entries

NAME: Final = "Cairn"
UNGROUPED: Final = "Cairn, a commit each"
SLOW: Final = "Cairn, slow disk"
SLOW_UNGROUPED: Final = "the same, a commit each"

_ROOT: Final = Path(__file__).parents[2]
_SLOW: Final = {altered.SYNC_SECONDS: "0.005"}  # as a volume across a network takes
_PAYLOAD: Final = b"a message as a chat would send it"


class _Server(base.Contender):
    def __init__(self, name: str, port: int, pid: int, *other_pids: int) -> None:
        self.name = name
        self._port = port
        self._pid = pid
        self._other_pids = other_pids

    def _measure(self, connections: list[Iterator[loads.Buffers]], operations: int = 1) -> base.Measure:
        load = loads.Load(self._port, self._pid, connections, operations, self._other_pids)
        return functools.partial(loads.run, load)


class UncachedCairn(_Server):
    """What the storage gives where the memory cache is off."""

    def get(self, load: base.Get) -> base.Measure:
        body = base.body_of(load.size)
        path = _path_of(body)
        base.put_or_fail(self._port, path, body)
        return self._measure(base.same(base.head("GET", path)))

    def scan(self, load: base.Scan) -> base.Measure:
        paths = [_path_of(body) for body in load.bodies]
        for path, body in zip(paths, load.bodies, strict=True):
            base.put_or_fail(self._port, path, body)
        requests = itertools.cycle([(base.head("GET", path),) for path in paths])
        return self._measure(base.shared(requests))


class UngroupedCairn(_Server):
    """Writes without group commit."""

    def put(self, load: base.Put) -> base.Measure:
        paths = [_path_of(*body) for body in load.bodies]
        requests = ((base.head("PUT", path, load.size), *body) for path, body in zip(paths, load.bodies, strict=True))
        return self._measure(base.shared(requests))

    def append(self, load: base.Append) -> base.Measure:
        chains = [self._begin_chain(load) for _ in range(load.chains)]
        return self._measure([iter(requests) for requests in chains], load.batch)

    def _begin_chain(self, load: base.Append) -> list[loads.Buffers]:
        """A chain that has its genesis, and the appends that follow."""
        keys = ChainKeys(os.urandom(32))
        genesis = keys.genesis()
        path = f"/v1/chains/{keys.chain_id.hex()}/entries"
        status, answer = base.ask(self._port, "POST", path, encode_entries([genesis]))
        if status != 201:
            raise RuntimeError(f"a genesis gave {status}: {answer[:300]!r}")
        following = _entries_after(keys, genesis)
        bodies = (encode_entries(itertools.islice(following, load.batch)) for _ in range(load.requests))
        return [(base.head("POST", path, len(body)) + body,) for body in bodies]


class Cairn(UngroupedCairn, UncachedCairn):
    """As it comes."""


def _entries_after(keys: ChainKeys, genesis: Entry) -> Iterator[Entry]:
    state = accept(None, genesis)
    while True:
        entry = keys.follow(state, Kind.LINK, _PAYLOAD)
        yield entry
        state = replace(state, seq=entry.seq, hash=entry.hash)  # as `accept`, but for its check of the signature


def _path_of(*buffers: bytes | memoryview) -> str:
    digest = hashlib.sha256()
    for buffer in buffers:
        digest.update(buffer)
    return f"/v1/blocks/{digest.hexdigest()}"


@contextlib.contextmanager
def serving(folder: Path, *, module: str = "cairn", **env: str) -> Iterator[tuple[int, int]]:
    """The port and pid of a server, configured by nothing but `env`."""
    ready = folder / "ready.json"
    command = [
        sys.executable, "-m", module, "serve", "--listen", "127.0.0.1:0",
        "--data", folder / "data", "--ready-file", ready,
    ]  # fmt: skip
    with base.running(command, folder, ready.exists, {**env, "PYTHONPATH": str(_ROOT)}) as pid:
        yield json.loads(ready.read_text())["port"], pid


@contextlib.contextmanager
def start(folder: Path) -> Iterator[Cairn]:
    with serving(folder) as (port, pid):
        yield Cairn(NAME, port, pid)


@contextlib.contextmanager
def start_uncached(folder: Path) -> Iterator[UncachedCairn]:
    with serving(folder, CAIRN_CACHE_MEMORY="0") as (port, pid):
        yield UncachedCairn("Cairn, no cache", port, pid)


@contextlib.contextmanager
def start_apart(folder: Path) -> Iterator[Cairn]:
    """Interface and storage as two processes without a cache: each read takes the whole way. Both count."""
    kept, served = folder / "storage", folder / "interface"
    kept.mkdir()
    served.mkdir()
    with serving(kept, CAIRN_NODE_ROLES="storage", CAIRN_STORAGE_LISTEN="127.0.0.1:0") as (link_port, storage_pid):
        environ = {
            "CAIRN_NODE_ROLES": "interface", "CAIRN_NODE_SECRET_FILE": str(kept / "data" / "secret"),
            "CAIRN_STORAGE_ENGINE": "remote", "CAIRN_STORAGE_SERVERS": f"127.0.0.1:{link_port}",
            "CAIRN_CACHE_MEMORY": "0",
        }  # fmt: skip
        with serving(served, **environ) as (port, pid):
            yield Cairn("Cairn apart, no cache", port, pid, storage_pid)


@contextlib.contextmanager
def start_ungrouped(folder: Path) -> Iterator[UngroupedCairn]:
    with serving(folder, module=altered.__name__, **{altered.UNGROUPED: "1"}) as (port, pid):
        yield UngroupedCairn(UNGROUPED, port, pid)


@contextlib.contextmanager
def start_slow(folder: Path) -> Iterator[UngroupedCairn]:
    with serving(folder, module=altered.__name__, **_SLOW) as (port, pid):
        yield UngroupedCairn(SLOW, port, pid)


@contextlib.contextmanager
def start_slow_ungrouped(folder: Path) -> Iterator[UngroupedCairn]:
    with serving(folder, module=altered.__name__, **_SLOW, **{altered.UNGROUPED: "1"}) as (port, pid):
        yield UngroupedCairn(SLOW_UNGROUPED, port, pid)
