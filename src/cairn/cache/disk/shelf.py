"""One folder of blocks that all processes of a machine share: what is looked up, what comes in, what goes.

Two files. `cache.index` (index.py) says which block is where; `cache.blocks` is a ring of records (record.py), written
at its head. What stands where the head comes to is the oldest: it goes, but for what was asked for since, which is
written again at the head, one hit less. So a disk never seeks for a write, and nothing has to be compacted.

A block that was never seen before is only remembered, as a *ghost*; it comes in when it is seen again before as many
bytes went by as the ring holds. As long as the ring was never full, everything comes in. That costs a third of the
writes and gives the hit ratio of S3-FIFO (docs/decisions/0012).

Looking up takes no lock: an entry may be old by the time it is followed, but what it leads to is hashed. What comes in
takes the lock of `cache.lock` (flock), which the kernel lifts when its holder dies. The order of writes (record, then
header, then entry; an entry is cleared before its record is overwritten) makes every point a good one to die at.
Nothing is synced: after a power cut entries and records may be of different times; what does not match is dropped.

Nothing here is async, and all of it may wait for the disk.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from cairn.cache.counts import Counts
from cairn.cache.disk.header import Header
from cairn.cache.disk.index import (
    BLOCK,
    GHOST,
    Entry,
    Found,
    Index,
    Read,
    StaleError,
    buckets_for,
    index_bytes,
    lay_out,
    read_header,
    write_header,
)  # fmt: skip
from cairn.cache.disk.record import ALIGN, MAGIC, RECORD_HEADER_BYTES, Record, record_size
from cairn.core.block import Block, BlockId
from cairn.core.errors import Invalid

_LOCK_SECONDS: Final = 0.1
_LOCK_STEP_SECONDS: Final = 0.002
_FOLDER_BYTES: Final = 16 * 1024  # the folder itself, the lock file, the last page of each file
_KEPT_AGAIN: Final = 4  # bytes written again for each byte that comes in, on average at most,
_SPARE_BYTES_MAX: Final = 8 * 1024 * 1024  # and this many at once
_GROWTH: Final = 4  # an index serves capacities from a quarter of what it was made for
_SCAN_BYTES: Final = 1024 * 1024
_DROP_MS: Final = 10_000  # longer than anyone takes from leaving a mark to clearing an entry
_FREE_SHARE: Final = 20  # a growing ring leaves a twentieth of the disk free,
_FREE_BYTES_MAX: Final = 1024**3  # or this much


class Kept(NamedTuple):
    """A block from the disk, verified. `since_ms` is None where nothing is known of when storage had it last."""

    block: Block
    since_ms: int | None


class Offer(NamedTuple):
    """A block that storage had at `since_ms`."""

    block: Block
    since_ms: int


class BusyError(Exception):
    """Another process holds the lock, and goes on holding it."""


class DiskFullError(Exception):
    """The ring would take the last of the disk."""


class Shelf:
    """The folder, open in this process. `now_ms` is monotonic and counts on through one boot, named by `boot`."""

    def __init__(self, folder: Path, counts: Counts, now_ms: Callable[[], int], boot: int) -> None:
        self.damaged = 0
        self._counts = counts
        self._now_ms = now_ms
        self._boot = boot
        self._capacity = 0
        self._spare = 0  # bytes that may be written again
        self._gone = 0  # entries that were cleared without the lock
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            self._lock = _open(stack, folder / "cache.lock")
            self._index_file = _open(stack, folder / "cache.index")
            self._blocks_file = _open(stack, folder / "cache.blocks")
            weakref.finalize(self, stack.pop_all().close)  # not before the last thread that reads has done so
        self._mutex = threading.Lock()
        self._index = Index(self._index_file, 0)

    @property
    def header(self) -> Header:
        """What the folder says of itself; all zero if it is not laid out."""
        return read_header(self._index_file) or Header(buckets=0)

    @property
    def disk_bytes(self) -> int:
        """What the files take on the disk, as `du` counts."""
        return sum(os.fstat(each).st_blocks for each in (self._index_file, self._blocks_file)) * 512

    def resize(self, capacity: int) -> None:
        """Have another capacity; smaller files before this returns. What is kept stays, as far as there is room.

        Raises:
            BusyError: the lock could not be had.
        """
        with self._locked(patience_seconds=10.0):
            header = read_header(self._index_file)
            wanted = buckets_for(capacity)
            if header is None or not wanted // (2 * _GROWTH) <= header.buckets <= wanted * _GROWTH or not capacity:
                header = self._lay_out(wanted if capacity else 0)
            self._index = Index(self._index_file, header.buckets)
            self._fit(header, capacity)

    def find(self, block_id: BlockId, read: Read = os.pread, bytes_max: int | None = None) -> Kept | None:
        """A block, if it is here and whole.

        Raises:
            BlockingIOError: `read` will not wait, or the block has more than `bytes_max` bytes.
            OSError: the disk failed.
        """
        found = self._find(block_id, read)
        if found is None or found.entry.kind != BLOCK:
            return None
        if bytes_max is not None and found.entry.length > bytes_max:
            raise BlockingIOError
        data = read(self._blocks_file, found.entry.length, found.entry.place + RECORD_HEADER_BYTES)
        try:
            block = Block.verified(block_id, data)
        except Invalid:
            self._drop_damaged(block_id, found)
            return None
        since_ms = found.entry.confirmed_ms if found.entry.boot == self._boot else None
        if since_ms is not None and self._index.is_marked(block_id, since_ms, self._now_ms(), read):
            since_ms = None  # it may have been deleted while it came in: who asks has to ask storage
        self._index.count_hit(found)
        return Kept(block, since_ms)

    def offer(self, offers: Sequence[Offer]) -> None:
        """Let blocks in, as far as they are worth it. Those that are not are counted as refused only when they are too
        large or were deleted meanwhile.

        Raises:
            BusyError: the lock could not be had. DiskFullError: there is no room on the disk. OSError: it failed.
        """
        with self._locked():
            header = self._index_header()
            header.blocks -= self._gone
            self._gone = 0
            try:
                for offer in offers if header.ring else ():
                    self._offer(header, offer)
            finally:
                write_header(self._index_file, header)

    def confirm(self, block_id: BlockId, since_ms: int) -> None:
        """Storage had the block at `since_ms`."""
        found = self._find(block_id)
        if found is not None and found.entry.kind == BLOCK:
            entry = found.entry._replace(confirmed_ms=since_ms, boot=self._boot)
            self._index.replace(found, entry)
            self._clear_if_marked(block_id, since_ms, found)

    def drop(self, block_id: BlockId) -> None:
        """Forget a block, in all processes; what is on its way in elsewhere, too. Raises OSError."""
        self._index.mark(block_id, self._now_ms())
        found = self._find(block_id)
        if found is not None:
            self._clear(found)

    # --- what comes in -----------------------------------------------------------------------------------------------

    def _offer(self, header: Header, offer: Offer) -> None:
        block, since_ms = offer
        size = record_size(len(block))
        if size > header.ring or self._index.is_marked(block.id, since_ms, self._now_ms()):
            self._counts.refused += 1
            return
        header.seen += size
        found = self._index.find(block.id)
        if found is not None and found.entry.kind == BLOCK:
            return  # another process was faster
        is_ghost = found is not None and header.seen - found.entry.place <= header.ring
        entry = Entry(block.id[:16], header.seen, since_ms, len(block), self._boot, GHOST)
        if header.is_filled and not is_ghost:
            self._put(header, block.id, entry)
            return
        record = Record(block.id, len(block), self._now_ms(), self._boot)
        self._make_room(header, size)
        place = self._append(header, record, block.data)
        self._put(header, block.id, entry._replace(kind=BLOCK, place=place))
        header.blocks += 1
        self._counts.admissions += 1
        self._clear_if_marked(block.id, since_ms)

    def _put(self, header: Header, block_id: BlockId, entry: Entry) -> None:
        displaced = self._index.put(block_id, entry)
        if displaced is not None:
            header.blocks -= 1
            self._count_evicted(displaced.length)

    def _append(self, header: Header, record: Record, data: bytes | memoryview) -> int:
        """Write a record at the head, where there is room for it. Returns its place."""
        place = header.head
        padding = record.size - RECORD_HEADER_BYTES - len(data)
        self._check_disk(place + record.size)
        written = os.pwritev(self._blocks_file, (record.encode(), data, bytes(padding)), place)
        if written != record.size:
            raise DiskFullError
        header.head += record.size
        write_header(self._index_file, header)
        return place

    def _check_disk(self, stop: int) -> None:
        """Raises DiskFullError if the file would have to grow, and the disk is nearly full."""
        if stop > os.fstat(self._blocks_file).st_size:
            disk = os.fstatvfs(self._blocks_file)
            if disk.f_bavail * disk.f_frsize < min(disk.f_blocks * disk.f_frsize // _FREE_SHARE, _FREE_BYTES_MAX):
                raise DiskFullError

    # --- what goes ---------------------------------------------------------------------------------------------------

    def _make_room(self, header: Header, size: int) -> None:
        """Have `size` bytes at the head."""
        self._spare = min(self._spare + size * _KEPT_AGAIN, _SPARE_BYTES_MAX)
        while True:
            if not header.wrap:
                if header.head + size <= header.ring:
                    return
                header.wrap, header.head, header.is_filled = header.head, 0, True
            elif header.head + size <= header.tail:
                return
            elif header.tail >= header.wrap:
                header.is_filled = header.wrap >= header.ring - header.ring // 8  # else it grew meanwhile
                header.tail = header.wrap = 0
            else:
                self._let_go(header)

    def _let_go(self, header: Header) -> None:
        """Move the tail over its record, which is written again if it is worth it."""
        place = header.tail
        record = self._record_at(place, header.wrap)
        if record is None:
            header.tail = self._next_record(place + ALIGN, header.wrap)
            return
        found = self._index.find(record.block_id)
        if found is not None and found.entry.kind == BLOCK and found.entry.place == place:
            if found.entry.hits and record.size <= self._spare:
                self._spare -= record.size
                self._keep_again(header, record, found)
            else:
                self._evict(header, record, found)
        header.tail = place + record.size  # not before: what lies behind it may be written over

    def _evict(self, header: Header, record: Record, found: Found) -> None:
        self._index.clear(found)
        header.blocks -= 1
        self._count_evicted(record.length)
        if record.boot == self._boot:
            self._counts.eviction_ages.observe((self._now_ms() - record.admitted_ms) / 1_000)

    def _keep_again(self, header: Header, record: Record, found: Found) -> None:
        since_ms = self._now_ms() - _DROP_MS
        data = os.pread(self._blocks_file, record.length, found.entry.place + RECORD_HEADER_BYTES)
        if header.head <= found.entry.place < header.head + record.size:
            self._index.clear(found)  # it is written over itself: who dies half-way leaves no entry to that
            header.tail = found.entry.place + record.size
        place = self._append(header, record, data)
        self._index.replace(found, found.entry._replace(place=place, hits=found.entry.hits - 1))
        self._clear_if_marked(record.block_id, since_ms, found)

    def _record_at(self, place: int, stop: int) -> Record | None:
        record = Record.decode(os.pread(self._blocks_file, RECORD_HEADER_BYTES, place))
        return record if record is not None and place + record.size <= stop else None

    def _next_record(self, place: int, stop: int) -> int:
        """Where the next record begins, after one that is damaged or was torn; `stop` if there is none."""
        while place < stop:
            chunk = os.pread(self._blocks_file, _SCAN_BYTES + RECORD_HEADER_BYTES, place)
            start = chunk.find(MAGIC)
            while 0 <= start < _SCAN_BYTES:
                if start % ALIGN == 0 and self._record_at(place + start, stop) is not None:
                    return place + start
                start = chunk.find(MAGIC, start + 1)
            place += _SCAN_BYTES
        return stop

    def _count_evicted(self, length: int) -> None:
        self._counts.evictions += 1
        self._counts.evicted_bytes += length

    # --- what is gone ------------------------------------------------------------------------------------------------

    def _find(self, block_id: BlockId, read: Read = os.pread) -> Found | None:
        with contextlib.suppress(StaleError):
            return self._index.find(block_id, read)
        self._index = Index(self._index_file, self.header.buckets)
        with contextlib.suppress(StaleError):
            return self._index.find(block_id, read)
        return None

    def _clear(self, found: Found) -> None:
        self._index.clear(found)
        self._gone += found.entry.kind == BLOCK

    def _clear_if_marked(self, block_id: BlockId, since_ms: int, replaced: Found | None = None) -> None:
        """Take back what was put while its block was deleted by another process."""
        if self._index.is_marked(block_id, since_ms, self._now_ms()):
            found = replaced or self._index.find(block_id)
            if found is not None:
                self._clear(found)

    def _drop_damaged(self, block_id: BlockId, found: Found) -> None:
        """Drop what did not verify, unless it was moved or replaced while it was read."""
        again = self._find(block_id)
        if again is not None and again.entry.place == found.entry.place and again.entry.kind == BLOCK:
            self.damaged += 1
            self._clear(again)

    # --- the folder --------------------------------------------------------------------------------------------------

    def _index_header(self) -> Header:
        """The header, under the lock; a folder whose header is damaged is laid out anew."""
        header = read_header(self._index_file)
        if header is None:
            capacity = self._capacity
            header = self._lay_out(buckets_for(capacity) if capacity else 0)
            self._fit(header, capacity)
        if header.buckets != self._index.buckets:
            self._index = Index(self._index_file, header.buckets)
        return header

    def _lay_out(self, buckets: int) -> Header:
        os.ftruncate(self._blocks_file, 0)
        lay_out(self._index_file, buckets)
        return Header(buckets)

    def _fit(self, header: Header, capacity: int) -> None:
        self._capacity = header.capacity = capacity
        ring = max(0, capacity - index_bytes(header.buckets) - _FOLDER_BYTES) // ALIGN * ALIGN
        is_less = ring < header.ring
        header.set_ring(ring)
        if is_less:
            header.blocks = Index(self._index_file, header.buckets).sweep(ring)
            os.ftruncate(self._blocks_file, min(ring, os.fstat(self._blocks_file).st_size))
        write_header(self._index_file, header)

    @contextlib.contextmanager
    def _locked(self, patience_seconds: float = _LOCK_SECONDS) -> Iterator[None]:
        """Alone among the machine's processes, and their threads. Raises BusyError, as a holder may be stopped."""
        with self._mutex:
            give_up = time.monotonic() + patience_seconds
            while not self._try_lock():
                if time.monotonic() > give_up:
                    raise BusyError
                time.sleep(_LOCK_STEP_SECONDS)
            try:
                yield
            finally:
                fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _try_lock(self) -> bool:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _open(stack: contextlib.ExitStack, path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    stack.callback(os.close, descriptor)
    return descriptor
