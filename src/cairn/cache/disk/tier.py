"""The disk tier as the event loop sees it: it waits for no disk, and nothing that goes wrong here fails a request.

A small block whose pages the kernel has is read and hashed on the spot; anything else in a thread. What comes in
queues up for one thread, bounded in bytes: what does not fit is refused, since a cache that cannot keep up is better
passed by than waited for. After an error of the disk (a full one, too) nothing comes in for a while. A disk on which
a deletion cannot be done is not read any more, either.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from cairn.cache.counts import Counts
from cairn.cache.disk.shelf import BusyError, DiskFullError, Kept, Offer, Shelf
from cairn.core.block import Block, BlockId
from cairn.core.clock import Clock

QUEUE_BYTES_MAX: Final = 16 * 1024 * 1024

_INLINE_BYTES_MAX: Final = 16 * 1024  # above, hashing in another thread is worth the way there
_BATCH: Final = 64
_PAUSE_SECONDS: Final = 30.0
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")

_log = logging.getLogger("cairn.cache")


class FromDisk(NamedTuple):
    """A block, and when storage was last known to have it, in the clock's monotonic seconds; None: not known."""

    block: Block
    since: float | None


class DiskTier(Counts):
    """Blocks on the disk, at most `capacity` bytes with all that it takes to keep them; 0: off.

    `path` is shared by all processes of the machine. Without one there is no disk tier, whatever its capacity.
    """

    def __init__(self, path: Path | None, clock: Clock, *, boot: int | None = None) -> None:
        super().__init__()
        self.capacity = 0
        self._path = path
        self._clock = clock
        self._boot = this_boot() if boot is None else boot
        self._shelf: Shelf | None = None
        self._paused_until = float("-inf")
        self._has_complained = False
        self._queue: deque[Offer] = deque()
        self._queued_bytes = 0
        self._wake = threading.Condition()
        self._writer: threading.Thread | None = None
        self._is_closing = False

    def __len__(self) -> int:
        return self._shelf.header.blocks if self._shelf else 0

    @property
    def bytes(self) -> int:
        """What it takes on the disk."""
        return self._shelf.disk_bytes if self._shelf else 0

    @property
    def damaged(self) -> int:
        """Reads that did not verify."""
        return self._shelf.damaged if self._shelf else 0

    def resize(self, capacity: int) -> None:
        """Have another capacity from now on; a smaller one takes effect before this returns. May wait for the disk.

        Raises:
            OSError: the folder cannot be had; nothing is kept on disk then.
        """
        if self._path is None or (not capacity and self._shelf is None):
            return
        try:
            shelf = self._shelf or Shelf(self._path, self, self._now_ms, self._boot)
            shelf.resize(capacity)
        except BusyError:
            raise OSError(errno.EBUSY, "another process holds the lock of the disk cache", str(self._path)) from None
        self._shelf, self.capacity = shelf, capacity
        self._paused_until = float("-inf")
        if self._writer is None:
            self._writer = threading.Thread(target=self._write_forever, name="cache-disk", daemon=True)
            self._writer.start()

    def close(self) -> None:
        """Write what is queued, and give the files back."""
        with self._wake:
            self._is_closing = True
            self._wake.notify()
        if self._writer is not None:
            self._writer.join()
        self._shelf, self.capacity = None, 0

    async def get(self, block_id: BlockId) -> FromDisk | None:
        """A block, if it is here and whole."""
        shelf = self._shelf
        if shelf is None or not self.capacity:
            return None
        try:
            kept = await self._find(shelf, block_id)
        except OSError as error:
            self._complain(error)
            kept = None
        if kept is None:
            self.misses += 1
            return None
        self.hits += 1
        self.hit_bytes += len(kept.block)
        return FromDisk(kept.block, None if kept.since_ms is None else kept.since_ms / 1_000)

    def offer(self, block: Block, since: float) -> None:
        """A block that storage had at `since`, in monotonic seconds: it is let in if it is worth it."""
        if not self.capacity:
            return
        with self._wake:
            has_room = self._queued_bytes + len(block) <= QUEUE_BYTES_MAX
            if not has_room or self._is_closing or self._clock.monotonic() < self._paused_until:
                self.refused += 1
                return
            self._queue.append(Offer(block, int(since * 1_000)))
            self._queued_bytes += len(block)
            self._wake.notify()

    async def confirm(self, block_id: BlockId, since: float) -> None:
        """Storage had the block at `since`."""
        await self._do(lambda shelf: shelf.confirm(block_id, int(since * 1_000)))

    async def drop(self, block_id: BlockId) -> None:
        """Forget a block, in all processes; what is on its way in, too."""
        if not await self._do(lambda shelf: shelf.drop(block_id)):
            self.capacity = 0  # it might still be served: so nothing is

    # --- on the event loop -------------------------------------------------------------------------------------------

    async def _find(self, shelf: Shelf, block_id: BlockId) -> Kept | None:
        try:
            return shelf.find(block_id, _read_now, _INLINE_BYTES_MAX)
        except BlockingIOError:
            return await asyncio.to_thread(shelf.find, block_id)

    async def _do(self, act: Callable[[Shelf], None]) -> bool:
        """Do something in a thread. False if the disk failed."""
        if self._shelf is None or not self.capacity:
            return True
        try:
            await asyncio.to_thread(act, self._shelf)
        except OSError as error:
            self._complain(error)
            return False
        return True

    def _now_ms(self) -> int:
        return int(self._clock.monotonic() * 1_000)

    def _complain(self, error: Exception) -> None:
        """Let nothing in for a while, and say so once."""
        self._paused_until = self._clock.monotonic() + _PAUSE_SECONDS
        if not self._has_complained:
            self._has_complained = True
            reason = "its disk is full" if is_full(error) else f"its disk failed: {error}"
            _log.warning("the disk cache takes nothing in for now: %s", reason)

    # --- the writing thread ------------------------------------------------------------------------------------------

    def _write_forever(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._queue or self._is_closing)
                offers = [self._queue.popleft() for _ in range(min(len(self._queue), _BATCH))]
            self._write(offers)
            if not offers:
                return
            with self._wake:
                self._queued_bytes -= sum(len(offer.block) for offer in offers)

    def _write(self, offers: list[Offer]) -> None:
        before = self.admissions
        try:
            if self._shelf is not None:
                self._shelf.offer(offers)
            if self.admissions > before:
                self._has_complained = False
        except BusyError:
            self.refused += len(offers)
        except (OSError, DiskFullError) as error:
            self.refused += len(offers) - (self.admissions - before)
            self._complain(error)
        except Exception:
            _log.exception("the disk cache failed in an unexpected way")


def is_full(error: Exception) -> bool:
    """Whether an error says that the disk is full."""
    return isinstance(error, DiskFullError) or (
        isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    )


def this_boot() -> int:
    """A number that is the same until the machine starts again; at random where that is not told."""
    try:
        boot_id = _BOOT_ID.read_bytes()
    except OSError:
        boot_id = os.urandom(16)
    return int.from_bytes(hashlib.sha256(boot_id).digest()[:4], "little")


def _read_now(descriptor: int, size: int, offset: int) -> bytes:
    """As `os.pread`, from the kernel's cache only.

    Raises:
        BlockingIOError: it is not all there, or this cannot be told.
    """
    buffer = bytearray(size)
    try:
        count = os.preadv(descriptor, (buffer,), offset, os.RWF_NOWAIT)
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:
            raise BlockingIOError from None
        raise
    if count < size:
        raise BlockingIOError
    return bytes(buffer)
