"""A million chains: how fast a store of them starts, and what memory it takes. `python -m benchmarks.many_chains -h`.

The store is built through its own interface, signatures and all, which takes long; a folder that is there is used
again. All keys come from the chain's number, so that every run has the same chains.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import multiprocessing
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, Final

import uvloop

from benchmarks import machine
from benchmarks.contenders import base
from cairn.client.format.secret import ChainKeys
from cairn.core.block import NO_GRANT
from cairn.core.chain import Entry, Kind, accept
from cairn.core.store import ChainStore
from cairn.storage.embedded import open_embedded
from cairn.wire.messages import encode_entries

ENTRIES: Final = 3
_PAYLOAD: Final = b"a message as a chat would send it"
_UNDER_WAY: Final = 2_048
_TOUCHED: Final = 5_000
_SEED: Final = 20_260
_MIB: Final = 1 << 20


def main() -> None:
    """Build if need be, then measure."""
    arguments = _arguments()
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    about = machine.describe(folder)
    for name, value in about.items():
        print(f"{name:8} {value}")
    _build_once(folder, arguments.chains)
    figures = {"chains": arguments.chains, "entries": ENTRIES * arguments.chains, **_measure(folder, arguments)}
    for name, value in figures.items():
        print(f"{name:34} {value:,.2f}" if isinstance(value, float) else f"{name:34} {value:,}", flush=True)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps({"machine": about, "figures": figures}, indent=2) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many_chains", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the store is, or is made: some 4 GB for a million chains")
    parser.add_argument("--chains", type=int, default=1_000_000)
    parser.add_argument("--starts", type=int, default=5, help="of each kind: the figures are medians")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    return parser.parse_args()


# --- building --------------------------------------------------------------------------------------------------------


def _build_once(folder: Path, chains: int) -> None:
    built = folder / f"built-{chains}"
    if built.exists():
        return
    began = time.monotonic()
    uvloop.run(_build(folder / "data", chains))
    built.touch()
    print(f"built in {time.monotonic() - began:,.0f} s", flush=True)


async def _build(data: Path, chains: int) -> None:
    async with open_embedded(data, sweeps=False) as embedded:
        with multiprocessing.get_context("spawn").Pool(max(1, (os.cpu_count() or 1) - 1)) as signers:
            made = signers.imap_unordered(_chain, range(chains), chunksize=256)
            await asyncio.gather(*(_append(embedded.store.chains, made) for _ in range(_UNDER_WAY)))
        assert embedded.stats().chains == chains


async def _append(store: ChainStore, made: Iterator[list[bytes]]) -> None:
    for raws in made:
        await store.append([Entry.decode(raw) for raw in raws], NO_GRANT)


def _keys(number: int) -> ChainKeys:
    return ChainKeys(hashlib.sha256(b"chain %d" % number).digest())


def _chain(number: int) -> list[bytes]:
    """The entries of a chain, encoded."""
    return [entry.raw for entry in _entries(_keys(number), ENTRIES)]


def _entries(keys: ChainKeys, count: int) -> Iterable[Entry]:
    entry = keys.genesis()
    state = accept(None, entry)
    yield entry
    for _ in range(count - 1):
        entry = keys.follow(state, Kind.LINK, _PAYLOAD, salt=bytes(32))
        state = replace(state, seq=entry.seq, hash=entry.hash)  # as `accept`, but for its check of the signature
        yield entry


# --- measuring -------------------------------------------------------------------------------------------------------


def _measure(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    figures: dict[str, Any] = {"file MiB": sum(each.stat().st_size for each in _files(folder)) / _MIB}
    for kind, prepare in (("cold", _forget), ("warm", _files)):
        seconds = []
        for _ in range(arguments.starts):
            prepare(folder)
            with _serving(folder) as (_, pid, started):
                seconds.append(started)
                figures[f"memory after a {kind} start, MiB"] = _rss(pid)
        figures[f"{kind} start, s"], figures[f"{kind} start, s, at most"] = median(seconds), max(seconds)
    figures.update(_touch(folder, arguments.chains))
    return figures


def _touch(folder: Path, chains: int) -> dict[str, Any]:
    """What memory is taken once many chains were read, and appended to."""
    picked = random.Random(_SEED).sample(range(chains), min(_TOUCHED, chains))
    figures: dict[str, Any] = {}
    with _serving(folder) as (port, pid, _):
        for number in picked:
            status, answer = base.ask(port, "GET", f"/v1/chains/{_keys(number).chain_id.hex()}/entries")
            assert status == 200, answer
        figures[f"memory after {len(picked):,} reads, MiB"] = _rss(pid)
        for number in picked:
            *_, last = _entries(_keys(number), ENTRIES + 1)
            path = f"/v1/chains/{_keys(number).chain_id.hex()}/entries"
            status, answer = base.ask(port, "POST", path, encode_entries([last]))
            assert status in (200, 201, 409), answer
        figures[f"memory after {len(picked):,} appends, MiB"] = _rss(pid)
        figures["own memory, MiB"] = _rss(pid, "RssAnon")
    return figures


@contextlib.contextmanager
def _serving(folder: Path) -> Iterator[tuple[int, int, float]]:
    """Port and pid of a server, and the seconds that it took to answer."""
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    command = [sys.executable, "-m", "cairn", "serve", "--listen", "127.0.0.1:0",
               "--data", str(folder / "data"), "--ready-file", str(ready)]  # fmt: skip
    began = time.monotonic()
    with (folder / "log").open("ab") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            while not ready.exists():
                assert process.poll() is None, "the server did not start: see the log"
                time.sleep(0.002)
            seconds = time.monotonic() - began
            port = int(json.loads(ready.read_text())["port"])
            assert base.answers(port, "/readyz")
            yield port, process.pid, seconds
        finally:
            process.terminate()


def _files(folder: Path) -> list[Path]:
    return sorted((folder / "data").rglob("*.mdb"))


def _forget(folder: Path) -> None:
    """Have the kernel drop what it keeps of the store's files."""
    for path in _files(folder):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _rss(pid: int, name: str = "VmRSS") -> float:
    """Resident memory in MiB (proc(5), status); VmRSS has the pages of mapped files, too."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


if __name__ == "__main__":
    main()
