"""Sensors that write 50 readings a second to an encrypted chain, for the dashboard at /sensors/ of `cairn demo`.

    python examples/sensors.py http://127.0.0.1:8420

Each reading is an entry: {"n": its number, "at": unix milliseconds, "values": {"temperature °C": 21.4, ...}}. The write
capability of the chain is kept in a folder, so that the program goes on where it was when it is started again. What is
measured while the server is away waits here. After each minute comes a checkpoint, {"n", "at", "buckets"}: the last
hour in steps of 15 seconds, in which a pause is seen. From there new readers begin, and the server may drop what lies
before.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import itertools
import math
import os
import random
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from cairn.client import Chain, Opened, Payload, Rollback, WriteCapability, connect
from cairn.core.chain import Kind
from cairn.core.errors import CairnError, Conflict, Limited, NotFound, Unavailable, Unknown

WAITING_MAX = 30_000  # readings that wait here while the server is away: ten minutes; then the oldest go
BATCH_MAX = 256
BUCKET_MS, BUCKETS_MAX = 15_000, 240
PAUSE_MS, PAUSE_READINGS = 2_000, 10  # longer than both, and nothing came: it is no steady pace
RETRY_SECONDS = 1.0

Reading = dict[str, Any]


# --- what is measured


class Sensors(Protocol):
    """Something that can be read at any time: values by name, with the unit behind the name's last space."""

    def read(self) -> Mapping[str, float]:
        """The values of this moment."""


class Machine:
    """This machine, as Linux tells: how busy it is over the last second, its memory, and how warm, if it knows."""

    def __init__(self) -> None:
        self._times: deque[tuple[float, float]] = deque(maxlen=50)
        self._thermometer = next(iter(sorted(Path("/sys/class/thermal").glob("thermal_zone*/temp"))), None)

    def read(self) -> Mapping[str, float]:
        """See `Sensors`."""
        values = {"processor %": self._busy(), "memory %": self._memory()}
        with suppress(OSError, ValueError):
            if self._thermometer:
                values["temperature °C"] = int(self._thermometer.read_text()) / 1000
        return values

    def _busy(self) -> float:
        words = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        times = [float(word) for word in words]
        self._times.append((sum(times), times[3] + times[4]))  # of all, and idle
        (total, idle), (total_before, idle_before) = self._times[-1], self._times[0]
        return 100 * (1 - (idle - idle_before) / (total - total_before)) if total > total_before else 0.0

    def _memory(self) -> float:
        lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
        total, free = (int(lines[name].split()[0]) for name in ("MemTotal", "MemAvailable"))
        return 100 * (1 - free / total)


class Greenhouse:
    """A simulated one: the same seed gives the same values."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - weather, not a secret
        self._drift = 0.0
        self._turn = itertools.count()

    def read(self) -> Mapping[str, float]:
        """See `Sensors`."""
        wave = math.sin(next(self._turn) / 900)
        self._drift = 0.999 * self._drift + self._random.gauss(0, 0.03)
        return {
            "temperature °C": 22 + 3 * wave + self._drift + self._random.gauss(0, 0.08),
            "humidity %": 61 - 9 * wave - 3 * self._drift + self._random.gauss(0, 0.25),
            "light klx": max(0.0, 18 + 14 * wave + 4 * self._drift + self._random.gauss(0, 0.3)),
        }


# --- what is written


class Record:
    """What stands in the chain: where it ends, the number and time of its newest reading, and the last hour in buckets.

    A bucket is [when it begins in milliseconds, {name: [lowest, highest, sum, count]}, how many milliseconds it has],
    from its first reading to its last. It ends with its step of 15 seconds, or before a pause.
    """

    def __init__(self, pace_ms: float) -> None:
        self._pause_ms = max(PAUSE_MS, PAUSE_READINGS * pace_ms)
        self.seq = 0
        self.number = 0
        self.at = 0
        self.since_checkpoint = 0
        self._buckets: list[tuple[int, dict[str, list[float]], int]] = []

    @classmethod
    async def of(cls, chain: Chain, pace_ms: float) -> Record:
        """As the chain stands on the server; a new one is made."""
        record = cls(pace_ms)
        try:
            async for entry in chain.kept():
                record.take(entry)
        except NotFound:
            await chain.create()
        return record

    def take(self, entry: Opened) -> None:
        """Go on with an entry of the chain."""
        self.seq = entry.seq
        if entry.kind == Kind.CHECKPOINT:
            state = entry.json()
            self.number, self.at, self.since_checkpoint = state["n"], state["at"], 0
            buckets = state["buckets"]
            self._buckets = [(start, values, *(width or [BUCKET_MS])) for start, values, *width in buckets]
        elif entry.kind == Kind.LINK:
            self.add(entry.json())

    def add(self, reading: Reading) -> None:
        """Go on with a reading that stands."""
        is_apart = reading["at"] - self.at > self._pause_ms
        self.number, self.at = reading["n"], reading["at"]
        self.since_checkpoint += 1
        if not self._buckets or is_apart or self._buckets[-1][0] < self.at - self.at % BUCKET_MS:
            self._buckets = [*self._buckets[1 - BUCKETS_MAX :], (self.at, {}, 1)]
        start, values, _ = self._buckets[-1]
        for name, value in reading["values"].items():
            low, high, total, count = values.get(name, (value, value, 0, 0))
            values[name] = [min(low, value), max(high, value), round(total + value, 3), count + 1]
        self._buckets[-1] = (start, values, self.at - start + 1)

    def checkpoint(self) -> Payload:
        """All of this, for those who begin here; of the hour as much as fits an entry."""
        for first in range(0, BUCKETS_MAX, 10):
            state = {"n": self.number, "at": self.at, "buckets": self._buckets[first:]}
            payload = Payload.of_json(state)
            if payload.size_bytes < 60_000:
                break
        return payload


class Writer:
    """Measures at a steady rate, and brings each reading into the chain, once and in order."""

    def __init__(self, sensors: Sensors, rate: float, checkpoint_every: int) -> None:
        self._sensors = sensors
        self.pause = 1 / rate
        self._checkpoint_every = checkpoint_every
        self._waiting: deque[Reading] = deque(maxlen=WAITING_MAX)
        self._came = asyncio.Event()
        self._last: tuple[int, int] | None = None

    async def measure(self, number: int, at: int) -> None:
        """For ever, behind the newest reading that stands."""
        due = time.monotonic()
        while True:
            number, at = number + 1, max(at + 1, time.time_ns() // 1_000_000)
            values = {name: round(value, 2) for name, value in self._sensors.read().items()}
            self._waiting.append({"n": number, "at": at, "values": values})
            self._came.set()
            due = max(due + self.pause, time.monotonic() - 1)  # who slept for hours does not make up for it
            await asyncio.sleep(due - time.monotonic())

    async def send(self, chain: Chain, record: Record) -> None:
        """For ever, until the server is away. While one request is under way, what comes goes together in the next."""
        while True:
            self._forget(record.number)
            while not self._waiting:
                self._came.clear()
                await self._came.wait()
            batch = list(itertools.islice(self._waiting, BATCH_MAX))
            entries = await chain.append_all([Payload.of_json(reading) for reading in batch], at=record.seq + 1)
            record.seq = entries[-1].seq
            for reading in batch:
                record.add(reading)
            if record.since_checkpoint >= self._checkpoint_every:
                record.seq = (await chain.checkpoint(record.checkpoint(), trims=True, at=record.seq + 1)).seq
                record.since_checkpoint = 0

    def _forget(self, number: int) -> None:
        """Up to this one they stand."""
        while self._waiting and self._waiting[0]["n"] <= number:
            self._waiting.popleft()


async def run(options: argparse.Namespace, capability: WriteCapability) -> None:
    """Connect, again and again, and write."""
    writer = Writer(options.sensors, options.rate, options.checkpoint)
    is_measuring, told = False, ""
    async with asyncio.TaskGroup() as tasks:
        while True:
            try:
                async with connect(options.server, grant=options.grant, state=options.folder / "state") as session:
                    chain = session.chain(capability)
                    record = await Record.of(chain, 1_000 * writer.pause)
                    say(f"Dashboard: {options.page}#{await chain.share()}")
                    if not is_measuring:
                        tasks.create_task(writer.measure(record.number, record.at))
                        is_measuring = True
                    await writer.send(chain, record)
            except (Unavailable, Unknown, Conflict, Limited) as problem:  # look what stands, and go on behind it
                if told != str(problem):
                    say(f"{problem}: trying again")
                told = str(problem)
                await asyncio.sleep(RETRY_SECONDS)


@contextmanager
def kept_capability(path: Path) -> Iterator[WriteCapability]:
    """The one of earlier runs, or a new one: a secret, for whoever has it can write. For one program at a time."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_RDWR, 0o600), "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not (text := file.read().strip()):
            text = str(WriteCapability.new())
            file.write(text)
            file.flush()
        yield WriteCapability.parse(text)


def say(words: str) -> None:
    """To whoever runs this."""
    print(words, flush=True)  # noqa: T201


def main() -> int:
    """Parse, and run until Ctrl-C."""
    words = argparse.ArgumentParser(description="Write the readings of sensors to an encrypted chain.")
    words.add_argument("server", nargs="?", default="http://127.0.0.1:8420")
    words.add_argument("--page", help="the dashboard's address; SERVER/sensors/, if not given")
    words.add_argument(
        "--grant", default=os.environ.get("CAIRN_GRANT"), help="what pays for writing, where it is asked for"
    )
    words.add_argument("--folder", type=Path, default=Path("sensors-data"), help="keeps the write capability")
    words.add_argument("--simulate", type=int, metavar="SEED", help="a simulated greenhouse, and not this machine")
    words.add_argument("--rate", type=float, default=50, help="readings a second")
    words.add_argument("--checkpoint", type=int, default=3_000, help="readings between two checkpoints")
    options = words.parse_args()
    options.page = options.page or f"{options.server.rstrip('/')}/sensors/"
    has_machine = options.simulate is None and Path("/proc/meminfo").exists()
    options.sensors = Machine() if has_machine else Greenhouse(options.simulate or 0)
    code = 0
    try:
        with suppress(KeyboardInterrupt), kept_capability(options.folder / "sensors.key") as capability:
            asyncio.run(run(options, capability))
    except* BlockingIOError:
        code = 1
        print(f"error: another program writes from {options.folder}: give this one a --folder", file=sys.stderr)  # noqa: T201
    except* CairnError as problems:
        problem, code = problems.exceptions[0], 1
        hint = f"; if the server was set up anew, begin anew: --folder OTHER than {options.folder}"
        print(f"error: {problem}{hint if isinstance(problem, Rollback) else ''}", file=sys.stderr)  # noqa: T201
    return code


if __name__ == "__main__":
    sys.exit(main())
