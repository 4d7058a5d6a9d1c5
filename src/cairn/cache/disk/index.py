"""Which block is where: a table of buckets in a file that all processes of the machine read and write.

    header[4096] ‖ marks: 16,384 × u64 ms ‖ buckets: n × 512 bytes, of 10 entries each
    entry: tag[16] ‖ u64 place ‖ u64 confirmed, ms ‖ u32 length ‖ u32 boot ‖ u8 kind ‖ u32 crc of these ‖ u8 hits ‖ 0[2]

An id's bucket and tag are bytes of itself, which is a hash already. An entry stands for a record in the ring (`place`
is where), or is a *ghost*, for a block that was seen and not kept (`place` is how much had been seen by then). Nothing
here is believed: what an entry leads to is hashed, so that a torn or damaged one costs a block and no more.

Entries are put by the holder of the folder's lock. Anyone clears one, at any time, without it, after leaving a *mark*:
the time of a deletion, under the id's hash. Who puts an entry looks at the mark after that: so one of the two sees
the other, and what was deleted does not come back.

All is done by `pread` and `pwrite`: what is read is in the kernel's cache and not in this process's memory, and a disk
that fails raises an error where a map would end the process.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from cairn.cache.disk.header import BUCKETS_AT, HEADER_BYTES, Header
from cairn.cache.disk.record import record_size
from cairn.core.block import BlockId

Read = Callable[[int, int, int], bytes]
"""How to read: descriptor, size, offset. `os.pread`, or what raises BlockingIOError rather than wait for a disk."""

ENTRY_BYTES: Final = 48
HITS_MAX: Final = 3

_MARKS: Final = 16_384
_MARK: Final = struct.Struct("<Q")
_BUCKETS_AT: Final = HEADER_BYTES + _MARKS * _MARK.size
_BUCKET_BYTES: Final = 512
_BUCKET_ENTRIES: Final = 10
_BLOCK_BYTES_PER_ENTRY: Final = 2_048  # of capacity: so the index takes 2.5 %, and smaller blocks do not fill the ring
_TAG_BYTES: Final = 16
_BODY: Final = struct.Struct("<16sQQIIB")
_ENTRY: Final = struct.Struct("<16sQQIIBIB2x")
_HITS_AT: Final = 45
_NOTHING: Final = bytes(ENTRY_BYTES)
_EMPTY_BUCKET: Final = bytes(_BUCKET_BYTES)
_COUNT: Final = struct.Struct("<I")
_SWEEP_BYTES: Final = 1024 * 1024

BLOCK, GHOST = 1, 2


class Entry(NamedTuple):
    """`confirmed_ms` is monotonic: when storage was last known to have the block, in the boot named."""

    tag: bytes
    place: int
    confirmed_ms: int
    length: int
    boot: int
    kind: int = BLOCK
    hits: int = 0

    def encode(self) -> bytes:
        """The bytes that `decode` reads."""
        body = _BODY.pack(*self[:6])
        return _ENTRY.pack(*self[:6], zlib.crc32(body), self.hits)


def decode_entry(data: bytes) -> Entry | None:
    """The entry in these bytes, if it is one and whole."""
    if len(data) != ENTRY_BYTES:
        return None
    tag, place, confirmed_ms, length, boot, kind, checksum, hits = _ENTRY.unpack(data)
    if kind not in (BLOCK, GHOST) or checksum != zlib.crc32(data[: _BODY.size]):
        return None
    return Entry(tag, place, confirmed_ms, length, boot, kind, min(hits, HITS_MAX))


class Found(NamedTuple):
    """An entry, and where in the file it is."""

    entry: Entry
    at: int


class StaleError(Exception):
    """The folder was laid out anew, or its header is damaged."""


def buckets_for(capacity: int) -> int:
    """How many buckets a folder of this capacity has."""
    return max(64, capacity // (_BLOCK_BYTES_PER_ENTRY * _BUCKET_ENTRIES))


def index_bytes(buckets: int) -> int:
    """What an index of so many buckets takes."""
    return _BUCKETS_AT + buckets * _BUCKET_BYTES


class Index:
    """The index in an open file, which has `buckets`."""

    def __init__(self, descriptor: int, buckets: int) -> None:
        self._file = descriptor
        self.buckets = buckets
        self._count = _COUNT.pack(buckets)

    def find(self, block_id: BlockId, read: Read = os.pread) -> Found | None:
        """The entry of a block.

        Raises:
            StaleError: another process laid the folder out anew. OSError: the disk failed.
        """
        if not self.buckets or read(self._file, _COUNT.size, BUCKETS_AT) != self._count:
            raise StaleError
        at = self._bucket_at(block_id)
        bucket = read(self._file, _BUCKET_BYTES, at)
        tag = block_id[:_TAG_BYTES]
        start = bucket.find(tag)
        while start >= 0:
            if start % ENTRY_BYTES == 0:
                entry = decode_entry(bucket[start : start + ENTRY_BYTES])
                return Found(entry, at + start) if entry is not None and entry.tag == tag else None
            start = bucket.find(tag, start + 1)
        return None

    def put(self, block_id: BlockId, entry: Entry) -> Entry | None:
        """Set a block's entry. Returns the entry of a kept block that had to give way, if one had to."""
        at = self._bucket_at(block_id)
        slots = [(start, decode_entry(bucket)) for start, bucket in _slots(os.pread(self._file, _BUCKET_BYTES, at))]
        start, old = min(slots, key=lambda slot: _worth(slot[1], entry.tag))
        os.pwrite(self._file, entry.encode(), at + start)
        return old if old is not None and old.kind == BLOCK and old.tag != entry.tag else None

    def replace(self, found: Found, entry: Entry) -> None:
        """Set an entry that stands where `found` does."""
        os.pwrite(self._file, entry.encode(), found.at)

    def clear(self, found: Found) -> None:
        """Remove an entry."""
        os.pwrite(self._file, _NOTHING, found.at)

    def count_hit(self, found: Found) -> None:
        """Count a hit, as far as hits count."""
        if found.entry.hits < HITS_MAX:
            os.pwrite(self._file, bytes((found.entry.hits + 1,)), found.at + _HITS_AT)

    def mark(self, block_id: BlockId, now_ms: int) -> None:
        """Leave the time of a deletion."""
        os.pwrite(self._file, _MARK.pack(now_ms), _mark_at(block_id))

    def is_marked(self, block_id: BlockId, since_ms: int, now_ms: int, read: Read = os.pread) -> bool:
        """Whether the block was deleted since. Rarely it was another one: then it is not kept this time.

        A time to come was left in another boot, and by now nothing from then is under way.
        """
        data = read(self._file, _MARK.size, _mark_at(block_id))
        return len(data) == _MARK.size and since_ms <= _MARK.unpack(data)[0] <= now_ms

    def sweep(self, ring: int) -> int:
        """Clear what leads beyond the ring. Returns how many entries of blocks are left."""
        left = 0
        for start, entry in self._entries():
            if entry.kind == BLOCK and entry.place + record_size(entry.length) > ring:
                os.pwrite(self._file, _NOTHING, start)
            elif entry.kind == BLOCK:
                left += 1
        return left

    def _entries(self) -> Iterator[tuple[int, Entry]]:
        stop = index_bytes(self.buckets)
        for chunk_at in range(_BUCKETS_AT, stop, _SWEEP_BYTES):
            chunk = os.pread(self._file, min(_SWEEP_BYTES, stop - chunk_at), chunk_at)
            for bucket_at in range(0, len(chunk), _BUCKET_BYTES):
                bucket = chunk[bucket_at : bucket_at + _BUCKET_BYTES]
                for start, data in _slots(bucket) if bucket != _EMPTY_BUCKET else ():
                    entry = decode_entry(data)
                    if entry is not None:
                        yield chunk_at + bucket_at + start, entry

    def _bucket_at(self, block_id: BlockId) -> int:
        number = int.from_bytes(block_id[_TAG_BYTES : _TAG_BYTES + 8], "little")
        return _BUCKETS_AT + number % self.buckets * _BUCKET_BYTES


def read_header(descriptor: int) -> Header | None:
    """The header of an index file; None if there is none, or it or the file is damaged."""
    header = Header.decode(os.pread(descriptor, 128, 0))
    if header is None or not header.buckets or os.fstat(descriptor).st_size < index_bytes(header.buckets):
        return None
    return header


def write_header(descriptor: int, header: Header) -> None:
    """Set the header of an index file."""
    os.pwrite(descriptor, header.encode(), 0)


def lay_out(descriptor: int, buckets: int) -> None:
    """Make an index of so many empty buckets, with the room on the disk that it will ever need. Marks stay."""
    os.pwrite(descriptor, bytes(HEADER_BYTES), 0)
    os.ftruncate(descriptor, _BUCKETS_AT)
    os.posix_fallocate(descriptor, 0, index_bytes(buckets))


def _slots(bucket: bytes) -> Iterator[tuple[int, bytes]]:
    for start in range(0, len(bucket) - ENTRY_BYTES + 1, ENTRY_BYTES):
        yield start, bucket[start : start + ENTRY_BYTES]


def _worth(entry: Entry | None, tag: bytes) -> tuple[int, int, int]:
    """What has to give way first: the block's own entry, an empty place, the oldest ghost, what was asked for least."""
    if entry is None:
        return (1, 0, 0)
    if entry.tag == tag:
        return (0, 0, 0)
    return (2, 0, entry.place) if entry.kind == GHOST else (3, entry.hits, entry.confirmed_ms)


def _mark_at(block_id: BlockId) -> int:
    number = int.from_bytes(block_id[24:32], "little")
    return HEADER_BYTES + number % _MARKS * _MARK.size
