"""All shards of a folder as one: routes a key to its shard, and sums what is told of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, TypeVar

from cairn.core.slot import SLOT_BYTES
from cairn.storage.embedded.engine import Shard, shard_number
from cairn.storage.embedded.space import Space
from cairn.storage.embedded.transaction import Reading, Writing

T = TypeVar("T")

_READ_THREADS: Final = 8


class Shards:
    """The engine as the stores see it. Made on the event loop that will use it."""

    def __init__(self, folders: list[Path], reserve_bytes: int) -> None:
        self.space = Space(folders[0].parent, reserve_bytes, self)
        self.failed = asyncio.Event()
        self._all = [Shard(folder, self.space, lambda _: self.failed.set()) for folder in folders]
        self._threads = ThreadPoolExecutor(_READ_THREADS, thread_name_prefix="read")

    def __iter__(self) -> Iterator[Shard]:
        return iter(self._all)

    def of(self, key: bytes) -> Shard:
        """The shard of a key that begins with a slot."""
        return self._all[shard_number(int.from_bytes(key[:SLOT_BYTES], "big"), len(self._all))]

    def admit(self, key: bytes, size: int) -> None:
        """Count on space for `size` bytes under a key. Raises Full."""
        self.space.admit(key, size)

    @property
    def pending_bytes(self) -> int:
        """How much waits to be committed."""
        return sum(shard.pending_bytes for shard in self._all)

    def reusable_bytes(self, key: bytes) -> int:
        """How much is free within the file of a key's shard."""
        return self.of(key).reusable_bytes

    def reading(self, key: bytes) -> AbstractContextManager[Reading]:
        """A snapshot of the shard of a key."""
        return self.of(key).reading()

    async def write(
        self, key: bytes, run: Callable[[Writing], T], size: int, after_commit: Callable[[T], None] | None = None
    ) -> T:
        """Run a write in the shard of a key; see `Shard.write`."""
        return await self.of(key).write(run, size, after_commit)

    async def in_thread(self, read: Callable[[], T]) -> T:
        """Run a read off the event loop: one that may wait for a disk, or takes long."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, read)

    def stop(self) -> None:
        """Commit what is queued and close. Blocks."""
        self._threads.shutdown()
        for shard in self._all:
            shard.stop()
