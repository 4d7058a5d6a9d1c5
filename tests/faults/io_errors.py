"""Disk errors: a system call on the data folder fails at its N-th time, for N from 1 to the end of a short run.

    python -m tests.faults.io_errors --seed 1        every N of every case; half an hour

strace injects the error, and counts per thread: one that starts up, four that commit.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.faults.api import open_api
from tests.faults.crash import scrubbed
from tests.faults.verify import Verifier
from tests.faults.workload import Workload
from tests.harness import Server

WRITES = 4  # of each of sixteen writers
_TRACED = "openat,write,writev,pwrite64,fsync,fdatasync"
_NAMES = ("", "format.json", "format.json.new", "clock.json", "clock.new", "secret", "secret.new", "lock")
_SYNC = re.compile(r"f(?:data)?sync\(\d+<([^>]*)>")
_ENDED = re.compile(r"\) += ")


@dataclass(frozen=True)
class Case:
    """What fails, and how."""

    calls: str
    error: str

    def __str__(self) -> str:
        return f"{self.calls}:{self.error}"


CASES = (
    Case("fdatasync", "EIO"),
    Case("fdatasync", "ENOSPC"),
    Case("fsync", "EIO"),
    Case("pwrite64", "EIO"),
    Case("pwrite64", "ENOSPC"),
    Case("write,writev", "EIO"),
    Case("write,writev", "ENOSPC"),
    Case("openat", "EIO"),
    Case("openat", "EMFILE"),
)


class Store:
    """A store on a disk that fails now and then. `way` is a broken build of `broken.py`."""

    def __init__(self, folder: Path, seed: int, way: str = "") -> None:
        folder.mkdir(exist_ok=True)
        self._server = Server(folder)
        self._build = [str(Path(__file__).with_name("broken.py")), way] if way else ["-m", "cairn"]
        self._trace = folder / "trace"
        self._workload = Workload(seed)
        self._verifier = Verifier(self._workload.acknowledged, random.Random(seed))

    @property
    def writes(self) -> int:
        """How many were acknowledged."""
        return self._workload.acknowledged.writes

    async def run(self, case: Case, number: int) -> bool:
        """A short run in which the `number`-th call fails, then a start without failures, and a check.

        Returns whether there was so late a call. Raises AssertionError when something is wrong.
        """
        self._server.command[:] = [*self._strace(case, number), sys.executable, *self._build]
        try:
            await self._live()
            self._assert_syncs_not_retried()
            self._server.command[:] = [sys.executable, "-m", "cairn"]
            await asyncio.to_thread(self._server.start)
            async with open_api(self._server.url) as api:
                await self._verifier.check_new(api)
            assert await asyncio.to_thread(self._server.stop) == 0
        finally:
            self.close()
        assert "Traceback" not in self._server.log.read_text(), self._server.log.read_text()[-3000:]
        return "(INJECTED)" in self._trace.read_text()

    async def check_end(self) -> None:
        """Nothing of all the runs is lost, and no record is torn."""
        await asyncio.to_thread(self._server.start)
        try:
            async with open_api(self._server.url) as api:
                await self._verifier.check_all(api)
            assert await asyncio.to_thread(self._server.stop) == 0
        finally:
            self.close()
        await asyncio.to_thread(scrubbed, self._server.data)

    def close(self) -> None:
        """End the server, if it runs."""
        if self._server.process is not None:
            self._server.kill()

    def _strace(self, case: Case, number: int) -> list[str]:
        data = self._server.data
        paths = [data / name for name in _NAMES]
        paths += [data / "shard-00" / name for name in ("", "data.mdb", "lock.mdb")]
        inject = f"inject={case.calls}:error={case.error}:when={number}"
        # -D: the server is our child, and strace its tracer only.
        words = ["strace", "-D", "-f", "-y", "-q", "-o", str(self._trace), "-e", f"trace={_TRACED}", "-e", inject]
        return [*words, *(word for path in paths for word in ("-P", str(path)))]

    async def _live(self) -> None:
        """Start and be written to. It may end by itself, with an error and in order."""
        log_bytes = self._server.log.stat().st_size if self._server.log.exists() else 0
        try:
            await asyncio.to_thread(self._server.start)
        except AssertionError:
            self._assert_ended_in_order()
            return
        async with open_api(self._server.url) as api:
            await self._workload.run(api, WRITES)
        is_dead = b"the store stops" in self._server.log.read_bytes()[log_bytes:]
        if self._failed_syncs():
            self._assert_syncs_not_retried()
        if is_dead or self._failed_syncs():
            self._assert_ended_in_order()
        else:
            assert await asyncio.to_thread(self._server.stop) == 0

    def _assert_ended_in_order(self) -> None:
        assert self._server.process is not None
        try:
            code = self._server.process.wait(30)
        except subprocess.TimeoutExpired:
            raise AssertionError("it goes on") from None
        told = self._server.log.read_text()[-2000:]
        assert code > 0, f"it ended with {signal.Signals(-code).name if code < 0 else code}: {told}"

    def _failed_syncs(self) -> set[str]:
        """The files of which a sync failed."""
        return {path for path, is_injected in self._syncs() if is_injected}

    def _assert_syncs_not_retried(self) -> None:
        failed = set()
        for path, is_injected in self._syncs():
            assert path not in failed, f"after a failed sync it was tried again: {path}"
            if is_injected:
                failed.add(path)

    def _syncs(self) -> list[tuple[str, bool]]:
        """The syncs in the trace, by their ends: of which file, and whether it was made to fail."""
        begun: dict[str, str] = {}
        syncs = []
        for line in self._trace.read_text().splitlines():
            thread, _, call = line.partition(" ")
            if path := _SYNC.search(call):
                begun[thread] = path[1]
            if thread in begun and _ENDED.search(call):
                syncs.append((begun.pop(thread), "(INJECTED)" in call))
        return syncs


async def sweep(folder: Path, case: Case, seed: int, *, is_fresh: bool) -> tuple[int, int]:
    """Every N of a case, each on a store of its own or all on one that has been started before.

    Returns the last N at which there was something to fail, and how many writes were acknowledged.
    """
    store, writes, number = Store(folder, seed), 0, 0
    is_over = False
    while not is_over:
        number += 1
        if is_fresh:
            store = Store(folder / str(number), seed)
        is_over = not await store.run(case, number)
        if is_fresh or is_over:
            await store.check_end()
            writes += store.writes
    return number - 1, writes


def main() -> None:
    """Sweep all cases, and tell what came of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for number, (case, is_fresh) in enumerate(itertools.product(CASES, (True, False))):
            began = time.monotonic()
            last, writes = asyncio.run(sweep(Path(folder) / str(number), case, options.seed, is_fresh=is_fresh))
            print(
                f"{case}, {'fresh stores' if is_fresh else 'one store'}: N to {last}, {writes} writes acknowledged, "
                f"none lost; {time.monotonic() - began:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
