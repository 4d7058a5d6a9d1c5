"""Kills a server at random moments under sixteen writers, again and again: nothing acknowledged may be lost.

python -m tests.faults.crash --rounds 1000 --seed 1
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.api import Api, open_api
from tests.faults.verify import Verifier
from tests.faults.workload import Workload
from tests.harness import Server

_WRITE_SECONDS_MAX = 0.2
_START_KILL_SHARE = 0.1  # of the rounds have a kill while the server starts, too
_START_KILL_SECONDS_MAX = 0.5


@dataclass
class Outcome:
    """What came of the rounds."""

    seed: int
    rounds: int = 0
    writes: int = 0
    blocks: int = 0
    entries: int = 0
    deletions: int = 0
    start_seconds: list[float] = field(default_factory=list)
    scrubbed_records: int = 0

    def __str__(self) -> str:
        starts = sorted(self.start_seconds)
        return (
            f"seed {self.seed}: {self.rounds} kills, {self.writes} writes acknowledged ({self.blocks} blocks, "
            f"{self.entries} entries, {self.deletions} deletions), nothing lost; {self.scrubbed_records} records "
            f"scrubbed; restart {starts[len(starts) // 2]:.3f} s median, {starts[-1]:.3f} s at most"
        )


async def crash_rounds(server: Server, rounds: int, seed: int) -> Outcome:
    """Kill the server so often, then check everything. The server need not run yet.

    Raises:
        Lie: something acknowledged is lost or wrong.
    """
    rand = random.Random(f"crash {seed}")
    workload, outcome = Workload(seed), Outcome(seed)
    verifier = Verifier(workload.acknowledged, rand)
    for number in range(rounds):
        try:
            await _round(server, workload, verifier, rand)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, round {number}: {error}") from error
        outcome.start_seconds.append(server.start_seconds)
        outcome.rounds += 1
    await _check_end(server, workload, verifier, outcome)
    return outcome


async def _round(server: Server, workload: Workload, verifier: Verifier, rand: random.Random) -> None:
    if rand.random() < _START_KILL_SHARE:
        await asyncio.to_thread(_kill_while_starting, server, rand.uniform(0, _START_KILL_SECONDS_MAX))
    await asyncio.to_thread(server.start)
    async with open_api(server.url) as api:
        await verifier.check_new(api)
        await _write_until_killed(server, workload, api, rand.uniform(0, _WRITE_SECONDS_MAX))


async def _write_until_killed(server: Server, workload: Workload, api: Api, seconds: float) -> None:
    # From a thread, so that the moment does not depend on what the event loop here is at.
    killer = threading.Timer(seconds, server.kill)
    killer.start()
    await workload.run(api)
    killer.join()


def _kill_while_starting(server: Server, seconds: float) -> None:
    """Kill a start after some time, whether it is ready by then or not."""
    server.process = None
    starting = threading.Thread(target=_start_perhaps, args=(server,))
    starting.start()
    while server.process is None:
        time.sleep(0.001)
    time.sleep(seconds)
    server.kill()
    starting.join()


def _start_perhaps(server: Server) -> None:
    with contextlib.suppress(AssertionError):
        server.start()


async def _check_end(server: Server, workload: Workload, verifier: Verifier, outcome: Outcome) -> None:
    await asyncio.to_thread(server.start)
    async with open_api(server.url) as api:
        await verifier.check_all(api)
    assert await asyncio.to_thread(server.stop) == 0
    outcome.scrubbed_records = await asyncio.to_thread(scrubbed, server.data)
    told = workload.acknowledged
    outcome.writes, outcome.deletions = told.writes, len(told.deleted)
    outcome.blocks = len(told.blocks) + len(told.pins) + len(told.deleted)
    outcome.entries = sum(chain.acknowledged for chain in told.chains)


def scrubbed(data: Path) -> int:
    """Scrub a folder, which must be whole; returns how many records it has."""
    words = [sys.executable, "-m", "cairn", "scrub", "--data", str(data), "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=data.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    return int(json.loads(done.stdout)["records"])


def main() -> None:
    """Run so many rounds and tell what came of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        try:
            print(asyncio.run(crash_rounds(server, options.rounds, options.seed)))
        finally:
            if server.process is not None:
                server.kill()
    print(f"{time.monotonic() - began:.0f} s in all")


if __name__ == "__main__":
    main()
