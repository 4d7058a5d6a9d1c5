"""Opening a data folder, and closing it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cairn.config import Storage, parse_size
from cairn.core.clock import Clock, SystemClock
from cairn.core.histogram import Histogram
from cairn.core.store import Store
from cairn.storage.embedded import folder as folders
from cairn.storage.embedded.blocks import HOUR_MS, EmbeddedBlocks
from cairn.storage.embedded.chains import EmbeddedChains
from cairn.storage.embedded.layout import BLOCKS, ENTRIES, HEADS, PINS
from cairn.storage.embedded.ledger import EmbeddedLedger
from cairn.storage.embedded.shards import Shards
from cairn.storage.embedded.sweep import Sweeper, Swept, TrustedTime
from cairn.storage.hub import Hub

_DEFAULTS: Final = Storage()


@dataclass(frozen=True, slots=True)
class Stats:
    """A store in numbers."""

    blocks: int
    pins: int
    chains: int
    entries: int
    file_bytes: int
    used_bytes: int  # of the files; the rest is free for what is written next
    free_disk_bytes: int
    is_full: bool
    damaged: int  # reads that met a damaged block since the start


class Embedded:
    """An open store."""

    def __init__(
        self, description: folders.Description, shards: Shards, blocks: EmbeddedBlocks, store: Store, sweeper: Sweeper
    ) -> None:
        self.store = store
        self.store_id = bytes.fromhex(description.store_id)
        self.restored_ms = description.restored_ms
        self._shards = shards
        self._blocks = blocks
        self._sweeper = sweeper

    @property
    def failed(self) -> asyncio.Event:
        """Set when a commit failed: nothing more is written, and the process must end with an error."""
        return self._shards.failed

    async def collect(self, *, dry_run: bool = False) -> Swept:
        """Trim and collect all that is due now, as the background does by and by; or only count it."""
        if dry_run:
            return self._sweeper.count_due()
        total = swept = await self._sweeper.sweep_once()
        while swept.tasks:
            swept = await self._sweeper.sweep_once()
            total += swept
        return total

    def commits(self) -> tuple[Histogram, Histogram]:
        """The commits since the start: seconds each took, and writes each made durable."""
        shards = list(self._shards)
        seconds, jobs = [each.commit_seconds for each in shards], [each.commit_jobs for each in shards]
        return Histogram.merged(seconds), Histogram.merged(jobs)

    def release(self) -> None:
        """Give back the memory of what was read: it is the kernel's to keep. Blocks for a moment."""
        for shard in self._shards:
            shard.release()

    def stats(self) -> Stats:
        """The store in numbers, now."""
        space = self._shards.space
        files = [shard.file_bytes for shard in self._shards]
        blocks, pins, chains, entries = (
            sum(shard.count(table) for shard in self._shards) for table in (BLOCKS, PINS, HEADS, ENTRIES)
        )
        return Stats(
            blocks, pins, chains, entries,
            file_bytes=sum(size for size, _ in files), used_bytes=sum(used for _, used in files),
            is_full=space.is_full, free_disk_bytes=space.free_bytes, damaged=self._blocks.damaged,
        )  # fmt: skip


@asynccontextmanager
async def open_embedded(
    folder: Path, settings: Storage = _DEFAULTS, *, clock: Clock | None = None, sweeps: bool = True
) -> AsyncIterator[Embedded]:
    """The store in a folder, which is made if it is not there. It is this process's alone until closed.

    With `sweeps` false nothing is trimmed or collected in the background.

    Raises:
        InUse: another process has it. FolderError: it is not ours to use. Corrupt: it is damaged.
    """
    clock = clock or SystemClock()
    with folders.locked(folder):
        description = folders.prepare(folder, settings.shards)
        shards = await _open_shards(folder, description, settings)
        unpinned_ms = int(settings.unpinned_hours * HOUR_MS)
        blocks = EmbeddedBlocks(shards, clock, unpinned_ms)
        chains = EmbeddedChains(shards, clock, int(settings.trim_hours * HOUR_MS))
        store = Store(blocks, chains, EmbeddedLedger(shards), Hub(chains.state, clock))
        sweeper = Sweeper(shards, TrustedTime(folder, clock), unpinned_ms)
        sweeping = asyncio.create_task(sweeper.run()) if sweeps else None
        try:
            yield Embedded(description, shards, blocks, store, sweeper)
        finally:
            if sweeping is not None:
                sweeping.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await sweeping
            await asyncio.to_thread(shards.stop)


async def _open_shards(folder: Path, description: folders.Description, settings: Storage) -> Shards:
    paths = folders.shard_folders(folder, description)
    for path in paths:
        path.mkdir(mode=0o700, exist_ok=True)
    folders.sync_folder(folder)
    return Shards(paths, parse_size(settings.reserve))
