"""etcd: durable puts of values as large as an entry, through its HTTP/JSON gateway. It checks no signature."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import os
import shutil
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

from benchmarks import load as loads
from benchmarks.contenders import base

_VALUE_BYTES = 368  # the least entry: header, sealed 128 bytes, signature


class Etcd(base.Contender):
    name = "etcd"

    def __init__(self, port: int, pid: int) -> None:
        self._port = port
        self._pid = pid

    def append(self, load: base.Append) -> base.Measure:
        """A put stands for a single append, a transaction of puts to one key each for a batch."""
        make = _put if load.batch == 1 else _transaction
        connections = [itertools.repeat((make(chain, load.batch),), load.requests) for chain in range(load.chains)]
        return functools.partial(loads.run, loads.Load(self._port, self._pid, connections, load.batch))


def _pair(chain: int, number: int) -> dict[str, str]:
    key, value = f"chain/{chain}/{number}".encode(), os.urandom(_VALUE_BYTES)
    return {"key": b64encode(key).decode(), "value": b64encode(value).decode()}


def _put(chain: int, _batch: int) -> bytes:
    return _request("/v3/kv/put", _pair(chain, 0))


def _transaction(chain: int, batch: int) -> bytes:
    return _request("/v3/kv/txn", {"success": [{"requestPut": _pair(chain, number)} for number in range(batch)]})


def _request(path: str, message: object) -> bytes:
    body = json.dumps(message).encode()
    return base.head("POST", path, len(body), "application/json") + body


@contextlib.contextmanager
def start(folder: Path) -> Iterator[Etcd]:
    program = shutil.which("etcd")
    if program is None:
        raise base.MissingError("install etcd (Debian: etcd-server)")
    port, peer = base.free_port(), base.free_port()
    url, peer_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer}"
    command = [
        program, "--name", "bench", "--data-dir", folder / "data", "--logger", "zap",
        "--listen-client-urls", url, "--advertise-client-urls", url,
        "--listen-peer-urls", peer_url, "--initial-advertise-peer-urls", peer_url,
        "--initial-cluster", f"bench={peer_url}",
    ]  # fmt: skip
    with base.running(command, folder, lambda: base.answers(port, "/health")) as pid:
        yield Etcd(port, pid)
