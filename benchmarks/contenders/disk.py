"""What the disk gives to who waits for it each time: no server, no concurrency, one sync per operation."""

from __future__ import annotations

import contextlib
import os
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import lmdb

from benchmarks import load as loads
from benchmarks.contenders import base

_ENTRY_BYTES = 368
_MAP_BYTES = 16 << 30

Write = Callable[[bytes], None]


class OneSyncEach(base.Contender):
    """Writes one after the other, each made durable before the next."""

    def __init__(self, name: str, open_writer: Callable[[], contextlib.AbstractContextManager[Write]]) -> None:
        self.name = name
        self._open_writer = open_writer

    def put(self, load: base.Put) -> base.Measure:
        bodies = [b"".join(body) for body in load.bodies[:2_000]]
        return self._measure(bodies)

    def append(self, load: base.Append) -> base.Measure | None:
        if load.batch > 1:
            return None
        return self._measure([os.urandom(_ENTRY_BYTES)])

    def _measure(self, bodies: list[bytes]) -> base.Measure:
        return lambda seconds: loads.in_own_process(lambda: self._run(bodies, seconds))

    def _run(self, bodies: list[bytes], seconds: float) -> loads.Outcome:
        latencies: list[float] = []
        with self._open_writer() as write:
            started = now = time.perf_counter()
            busy = resource.getrusage(resource.RUSAGE_SELF)
            while now < started + seconds:
                write(bodies[len(latencies) % len(bodies)])
                before, now = now, time.perf_counter()
                latencies.append((now - before) * 1_000)
            done = resource.getrusage(resource.RUSAGE_SELF)
        cpu_seconds = done.ru_utime + done.ru_stime - busy.ru_utime - busy.ru_stime
        return loads.Outcome(len(latencies), now - started, sorted(latencies), cpu_seconds)


@contextlib.contextmanager
def start_file(folder: Path) -> Iterator[OneSyncEach]:
    @contextlib.contextmanager
    def open_writer() -> Iterator[Write]:
        with (folder / "log").open("ab", buffering=0) as file:

            def write(data: bytes) -> None:
                file.write(data)
                os.fdatasync(file.fileno())

            yield write

    yield OneSyncEach("file, a sync each", open_writer)


@contextlib.contextmanager
def start_lmdb(folder: Path) -> Iterator[OneSyncEach]:
    @contextlib.contextmanager
    def open_writer() -> Iterator[Write]:
        with lmdb.open(str(folder), map_size=_MAP_BYTES, writemap=False, sync=True, metasync=True) as environment:

            def write(data: bytes) -> None:
                with environment.begin(write=True) as transaction:
                    transaction.put(os.urandom(32), data)

            yield write

    yield OneSyncEach("LMDB, a commit each", open_writer)
