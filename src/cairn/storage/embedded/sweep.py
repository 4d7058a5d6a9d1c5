"""What must be done when its time has come: trims below a floor, and blocks that nobody pinned.

The due table orders it by time, so a sweep reads only what is due, does it in small commits among the writes of others,
and goes on where it stopped, also after a crash.

Nothing is dropped on the word of a clock that has jumped: wall time is believed only as far as it moved with the
monotonic clock since the store was opened, within `SLACK_MS`. And when a store is opened far from the time it was last
swept, sweeps wait for a day of running first: a machine that was off that long loses nothing by it, and one whose
clock is wrong has a day to be noticed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cairn.core.clock import Clock
from cairn.core.errors import CairnError
from cairn.storage.embedded.blocks import count_expire, expire
from cairn.storage.embedded.chains import count_trim, trim
from cairn.storage.embedded.engine import Shard
from cairn.storage.embedded.layout import DUE, DueKey, Task, decode_argument, decode_due_key
from cairn.storage.embedded.shards import Shards
from cairn.storage.embedded.transaction import Reading, Writing

SLACK_MS: Final = 3_600_000
GAP_MS: Final = 7 * 24 * 3_600_000
QUARANTINE_SECONDS: Final = 24 * 3_600.0

_TASKS_PER_PASS: Final = 1_024
_COUNTED_MAX: Final = 1_000_000
_PAUSE_SECONDS: Final = 60.0
_SEEN: Final = "clock.json"
_TASK_BYTES: Final = 4_096

_log = logging.getLogger("cairn.storage")


class TrustedTime:
    """The wall clock, as far as it can be believed."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._file = folder / _SEEN
        self._clock = clock
        self._wall_start, self._mono_start = clock.now_ms(), clock.monotonic()
        last_seen = self._last_seen()
        self._is_far = last_seen is not None and not -SLACK_MS <= self._wall_start - last_seen <= GAP_MS

    def now_ms(self) -> int | None:
        """Unix milliseconds; None while the clock is not believed."""
        wall, elapsed = self._clock.now_ms(), self._clock.monotonic() - self._mono_start
        if abs(wall - self._wall_start - elapsed * 1000) > SLACK_MS:
            return None
        if self._is_far and elapsed < QUARANTINE_SECONDS:
            return None
        return wall

    def remember(self) -> None:
        """Note the time of a sweep. A hint, so it need not be durable; only never torn."""
        draft = self._file.with_suffix(".new")
        draft.write_text(json.dumps({"last_seen_ms": self._clock.now_ms()}))
        draft.replace(self._file)

    def _last_seen(self) -> int | None:
        try:
            return int(json.loads(self._file.read_text())["last_seen_ms"])
        except (OSError, ValueError, KeyError, TypeError):
            return None


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did, or would do."""

    tasks: int = 0
    entries: int = 0
    blocks: int = 0

    def __add__(self, other: Swept) -> Swept:
        return Swept(self.tasks + other.tasks, self.entries + other.entries, self.blocks + other.blocks)


class Sweeper:
    """Does what is due, now and then."""

    def __init__(self, shards: Shards, time: TrustedTime, unpinned_ms: int) -> None:
        self._shards = shards
        self._time = time
        self._unpinned_ms = unpinned_ms

    async def run(self) -> None:
        """Sweep for ever."""
        while True:
            try:
                swept = await self.sweep_once()
            except CairnError as error:
                _log.warning("a sweep stopped and is tried again: %s", error)
                swept = Swept()
            if not swept.tasks:
                await asyncio.sleep(_PAUSE_SECONDS)

    async def sweep_once(self) -> Swept:
        """Do a bounded part of what is due. No tasks done: nothing is due now."""
        now = self._time.now_ms()
        if now is None:
            _log.warning("the clock has jumped: nothing is trimmed or collected for now")
            return Swept()
        swept = Swept()
        for shard in self._shards:
            for due, argument in self._due(shard, now):
                swept += await shard.write(self._work(due, argument, now), _TASK_BYTES)
        with contextlib.suppress(OSError):
            self._time.remember()
        return swept

    def count_due(self) -> Swept:
        """What sweeps would do now, if nobody changed anything."""
        now = self._time.now_ms()
        if now is None:
            return Swept()
        swept = Swept()
        for shard in self._shards:
            for due, argument in self._due(shard, now, tasks_max=_COUNTED_MAX):
                with shard.reading() as reading:
                    swept += self._count(reading, due, argument, now)
        return swept

    def _due(self, shard: Shard, now: int, tasks_max: int = _TASKS_PER_PASS) -> list[tuple[DueKey, int]]:
        """The earliest tasks of a shard whose time has come, with their arguments."""
        tasks: list[tuple[DueKey, int]] = []
        with shard.reading() as reading:
            for key, record in reading.range(DUE, b""):
                task = decode_due_key(key)
                if task.time_ms > now or len(tasks) == tasks_max:
                    break
                tasks.append((task, decode_argument(key, record)))
        return tasks

    def _work(self, due: DueKey, argument: int, now: int) -> Callable[[Writing], Swept]:
        if due.task is Task.TRIM:
            return lambda writing: Swept(1, entries=trim(writing, due, argument))
        return lambda writing: Swept(1, blocks=expire(writing, due, now, self._unpinned_ms))

    def _count(self, reading: Reading, due: DueKey, argument: int, now: int) -> Swept:
        if due.task is Task.TRIM:
            return Swept(1, entries=count_trim(reading, due, argument))
        return Swept(1, blocks=count_expire(reading, due, now, self._unpinned_ms))
