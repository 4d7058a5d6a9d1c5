"""BlockStore on the shards."""

from __future__ import annotations

import itertools
import logging
from collections.abc import AsyncIterator, Collection
from typing import Final

from cairn.core.block import Block, BlockId, GrantId, Pin, PinHash, pin_hash, short
from cairn.core.clock import Clock
from cairn.core.errors import Corrupt, Invalid, NotFound
from cairn.core.slot import slot_key
from cairn.storage.embedded.layout import (
    BLOCKS,
    DUE,
    ID_KEY_BYTES,
    NO_PIN,
    PINS,
    DueKey,
    PinRecord,
    Task,
    decode_pin,
    due_key,
    encode_argument,
    encode_pin,
    id_of,
    pin_key,
)  # fmt: skip
from cairn.storage.embedded.shards import Shards
from cairn.storage.embedded.transaction import Reading, Writing

HOUR_MS: Final = 3_600_000

_INLINE_BYTES_MAX: Final = 16 * 1024  # above, it is worth the way to another thread: to hash, and to wait for a disk
_SCAN_IDS: Final = 1_024
_REFRESH_MS: Final = HOUR_MS
_BEHIND_PINS: Final = b"\xff" * 33  # sorts behind every pin hash
_PIN_RECORD_BYTES: Final = 512  # with its share of pages and of the usage record

_log = logging.getLogger("cairn.storage")


class EmbeddedBlocks:
    """Blocks with their pins. A put without a pin is a pin record with hash zero, which expires."""

    def __init__(self, shards: Shards, clock: Clock, unpinned_ms: int) -> None:
        self._shards = shards
        self._clock = clock
        self._unpinned_ms = unpinned_ms
        self.damaged = 0

    async def get(self, block_id: BlockId) -> Block:
        """See `BlockStore.get`."""
        key = slot_key(block_id)
        with self._shards.reading(key) as reading:
            if _is_small(reading, key):
                return self._read(reading, block_id, key)
        return await self._shards.in_thread(lambda: self._read_apart(block_id, key))

    async def put(self, block: Block, pin: PinHash | None, grant: GrantId) -> bool:
        """See `BlockStore.put`."""
        key = slot_key(block.id)
        self._shards.admit(key, len(block) + _PIN_RECORD_BYTES)
        now = self._clock.now_ms()
        return await self._shards.write(
            key, lambda writing: self._put(writing, key, block, pin or NO_PIN, grant, now), len(block)
        )

    async def unpin(self, block_id: BlockId, pin: Pin) -> None:
        """See `BlockStore.unpin`."""
        key = slot_key(block_id)
        await self._shards.write(key, lambda writing: drop_pin(writing, key, pin_hash(pin)), 0)

    async def has(self, block_ids: Collection[BlockId]) -> set[BlockId]:
        """See `BlockStore.has`."""
        return {block_id for block_id in block_ids if self._has(slot_key(block_id))}

    async def scan(self, after: BlockId | None) -> AsyncIterator[BlockId]:
        """See `BlockStore.scan`; in the order of the slots."""
        start = slot_key(after) + _BEHIND_PINS if after is not None else b""
        for shard in self._shards:
            while True:
                ids: list[BlockId] = []
                with shard.reading() as reading:
                    while len(ids) < _SCAN_IDS and (key := _first_kept(reading, start)) is not None:
                        ids.append(BlockId(id_of(key)))
                        start = key + _BEHIND_PINS
                for block_id in ids:
                    yield block_id
                if len(ids) < _SCAN_IDS:
                    break

    def _read_apart(self, block_id: BlockId, key: bytes) -> Block:
        with self._shards.reading(key) as reading:
            return self._read(reading, block_id, key)

    def _read(self, reading: Reading, block_id: BlockId, key: bytes) -> Block:
        data = reading.get(BLOCKS, key)
        if data is None:
            raise NotFound("there is no such block")
        try:
            return Block.verified(block_id, bytes(data))
        except Invalid:
            self.damaged += 1
            _log.error("block %s is damaged on disk", short(block_id))
            raise Corrupt("our copy of this block is damaged: run `cairn scrub`") from None

    def _has(self, key: bytes) -> bool:
        with self._shards.reading(key) as reading:
            return _first_kept(reading, key) == key

    def _put(self, writing: Writing, key: bytes, block: Block, pin: PinHash, grant: GrantId, now: int) -> bool:
        record_key = pin_key(key, pin)
        if writing.add(PINS, record_key, encode_pin(record_key, PinRecord(grant, len(block), now))):
            writing.charge(grant, block_bytes=len(block))
            if pin == NO_PIN:
                self._schedule_expiry(writing, key, now)
        else:
            self._stand_on(writing, record_key, now if pin == NO_PIN else 0)
        if writing.add(BLOCKS, key, block.data):
            return True
        standing = writing.get(BLOCKS, key)
        if standing is None or bytes(standing) != block.data:
            _log.warning("block %s was damaged on disk, and is repaired by who put it again", short(block.id))
            writing.put(BLOCKS, key, block.data)
        return False

    def _stand_on(self, writing: Writing, record_key: bytes, now: int) -> None:
        """Let a pin that stands do so from `now` on, unless that is about as long. Raises Corrupt."""
        record = writing.get(PINS, record_key)
        assert record is not None
        standing = decode_pin(record_key, record)
        if now - standing.time_ms > _REFRESH_MS:
            writing.put(PINS, record_key, encode_pin(record_key, PinRecord(standing.grant, standing.bytes, now)))

    def _schedule_expiry(self, writing: Writing, key: bytes, now: int) -> None:
        due = due_key(DueKey(now + self._unpinned_ms, Task.EXPIRE, key))
        writing.add(DUE, due, encode_argument(due, 0))


def drop_pin(writing: Writing, key: bytes, pin: PinHash) -> bool:
    """Remove one pin of the block under `slot ‖ id`, and with the last one the block: True if that went."""
    record_key = pin_key(key, pin)
    record = writing.get(PINS, record_key)
    if record is None:
        return False
    standing = decode_pin(record_key, record)
    writing.delete(PINS, record_key)
    writing.charge(standing.grant, block_bytes=-standing.bytes)
    if count_pins(writing, key):
        return False
    writing.delete(BLOCKS, key)
    return True


def _is_small(reading: Reading, key: bytes) -> bool:
    """Whether the block under `slot ‖ id` is small, or not there, without a look at it: its first pin has the size."""
    for pin, record in reading.range(PINS, key, key + _BEHIND_PINS):
        try:
            return decode_pin(pin, record).bytes <= _INLINE_BYTES_MAX
        except Corrupt:
            return False
    return True


def _first_kept(reading: Reading, start: bytes) -> bytes | None:
    """`slot ‖ id` of the first block at or behind `start`, by its pins, since it is kept as long as it has one: where
    LMDB finds a large record itself, it reads the beginning of it from the disk."""
    pin = next(reading.keys(PINS, start), None)
    return pin[:ID_KEY_BYTES] if pin is not None else None


def count_pins(reading: Reading, key: bytes) -> int:
    """How many pins, the mark of a put without one among them, keep the block: 0, 1, or 2 for more."""
    pins = itertools.islice(reading.keys(PINS, key), 2)
    return sum(pin[:ID_KEY_BYTES] == key for pin in pins)


def expire(writing: Writing, due: DueKey, now: int, unpinned_ms: int) -> int:
    """Drop a block's unpinned mark if it was not refreshed since, else look again when it is due.

    Returns 1 if the block went, else 0.
    """
    record_key = pin_key(due.id_key, NO_PIN)
    record = writing.get(PINS, record_key)
    writing.delete(DUE, due_key(due))
    if record is None:
        return 0
    expires = decode_pin(record_key, record).time_ms + unpinned_ms
    if expires <= now:
        return int(drop_pin(writing, due.id_key, NO_PIN))
    later = due_key(DueKey(expires, Task.EXPIRE, due.id_key))
    writing.put(DUE, later, encode_argument(later, 0))
    return 0


def count_expire(reading: Reading, due: DueKey, now: int, unpinned_ms: int) -> int:
    """What `expire` would return."""
    record_key = pin_key(due.id_key, NO_PIN)
    record = reading.get(PINS, record_key)
    is_old = record is not None and decode_pin(record_key, record).time_ms + unpinned_ms <= now
    return int(is_old and count_pins(reading, due.id_key) == 1)
