"""A BlockStore that keeps verified blocks near: in memory, else below.

Only presence is answered from here. Absence and `has` come from below each time, as a block may be put through another
interface at any moment.

A deletion is never hidden by what was under way while it happened. Every fetch and put carries a *ticket*, by which it
may keep its block here when it is done. An unpin that has come to its end drops the block and voids all tickets for it,
so that a fetch which read the block before it went cannot bring it back. A deletion that did not come this way (by
another interface, or by the clock) shows within `KEPT_SECONDS`, after which a block is fetched anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Collection, Iterator
from typing import Final, NamedTuple

from cairn.cache.coalesce import Coalescer
from cairn.cache.counts import SECONDS_BOUNDS
from cairn.cache.hot import HotList
from cairn.cache.memory import MemoryCache
from cairn.cache.whatif import WhatIf
from cairn.core.block import Block, BlockId, GrantId, Pin, PinHash
from cairn.core.clock import Clock
from cairn.core.histogram import Histogram
from cairn.core.store import BlockStore

KEPT_SECONDS: Final = 24 * 3_600.0


_HOT_GAP: Final = 32
"""One hit of so many is counted for the hot list, for all of them; misses are all counted."""


class _Kept(NamedTuple):
    block: Block
    until: float
    is_sampled: bool


class _Ticket:
    """The right of all that is under way for one block to keep it here."""

    __slots__ = ("holders", "is_void")

    def __init__(self) -> None:
        self.holders = 0
        self.is_void = False


class CachedBlocks:
    """Blocks near. `tiers` and `fetches` have the counters."""

    def __init__(self, below: BlockStore, memory_bytes: int, clock: Clock) -> None:
        self.memory: MemoryCache[BlockId, _Kept] = MemoryCache(memory_bytes, clock.monotonic)
        self.tiers = {"memory": self.memory}
        self.fetches: Coalescer[BlockId, Block] = Coalescer(self._fetch)
        self._missed_blocks = 0  # misses that ended with a block
        self.hot: HotList[BlockId] = HotList(clock.monotonic)
        self.whatif: dict[str, WhatIf[BlockId]] = {
            "memory": WhatIf(memory_bytes, lambda: self.memory.hits + self._missed_blocks)
        }
        self._next_hot_hit = _HOT_GAP
        self._storage_seconds = Histogram(SECONDS_BOUNDS)
        self._below = below
        self._clock = clock
        self._tickets: dict[BlockId, _Ticket] = {}
        self._unpinning: set[asyncio.Task[None]] = set()  # the event loop's own hold on a task is weak

    async def get(self, block_id: BlockId) -> Block:
        """See `BlockStore.get`."""
        near = self.near(block_id)
        if near is not None:
            return near
        self.memory.misses += 1
        block = await self.fetches.get(block_id)
        self._count_miss(block)
        return block

    def near(self, block_id: BlockId) -> Block | None:
        """The block if `get` would give it without waiting."""
        kept = self.memory.find(block_id)
        if kept is None:
            return None
        if self._clock.monotonic() >= kept.until:
            self.memory.drop(block_id)
            return None
        if kept.is_sampled:
            self.whatif["memory"].ask(block_id, len(kept.block))
        if self.memory.hits >= self._next_hot_hit:
            self._count_hot(block_id)
        return kept.block

    async def put(self, block: Block, pin: PinHash | None, grant: GrantId) -> bool:
        """See `BlockStore.put`."""
        with self._ticket(block.id) as ticket:
            until = self._clock.monotonic() + KEPT_SECONDS
            is_new = await self._below.put(block, pin, grant)
            self._keep(ticket, block, until)
        return is_new

    async def unpin(self, block_id: BlockId, pin: Pin) -> None:
        """See `BlockStore.unpin`. Once begun it goes on to its end, even when the asker is gone."""
        unpinning = asyncio.create_task(self._unpin(block_id, pin))
        self._unpinning.add(unpinning)
        unpinning.add_done_callback(self._unpinning.discard)
        await asyncio.shield(unpinning)

    async def has(self, block_ids: Collection[BlockId]) -> set[BlockId]:
        """See `BlockStore.has`."""
        return await self._below.has(block_ids)

    def scan(self, after: BlockId | None) -> AsyncIterator[BlockId]:
        """See `BlockStore.scan`."""
        return self._below.scan(after)

    def get_seconds(self) -> dict[str, Histogram]:
        """How long a block took, by where it came from. Memory takes less than is worth a clock: its sum stays 0."""
        memory = Histogram(SECONDS_BOUNDS)
        memory.counts[0] = self.memory.hits
        return {"memory": memory, "storage": self._storage_seconds}

    def _count_hot(self, block_id: BlockId) -> None:
        self.hot.add(block_id, _HOT_GAP)
        # Between one hit and twice the gap, so that no rhythm of requests is in step with it.
        self._next_hot_hit = self.memory.hits + random.randrange(1, 2 * _HOT_GAP)  # noqa: S311  # a sample, no secret

    def _count_miss(self, block: Block) -> None:
        self.memory.miss_bytes += len(block)
        self._missed_blocks += 1
        self.hot.add(block.id)
        if self.whatif["memory"].is_sampled(block.id):
            self.whatif["memory"].ask(block.id, len(block))

    async def _fetch(self, block_id: BlockId) -> Block:
        with self._ticket(block_id) as ticket:
            until = self._clock.monotonic() + KEPT_SECONDS
            began = time.perf_counter()
            block = await self._below.get(block_id)
            self._storage_seconds.observe(time.perf_counter() - began)
            self._keep(ticket, block, until)
        return block

    async def _unpin(self, block_id: BlockId, pin: Pin) -> None:
        try:
            await self._below.unpin(block_id, pin)
        finally:  # an error may mean that it was done
            self.memory.drop(block_id)
            self.fetches.forget(block_id)
            ticket = self._tickets.pop(block_id, None)
            if ticket is not None:
                ticket.is_void = True

    def _keep(self, ticket: _Ticket, block: Block, until: float) -> None:
        if not ticket.is_void:
            is_sampled = self.whatif["memory"].is_sampled(block.id)
            self.memory.put(block.id, _Kept(block, until, is_sampled), len(block))

    @contextlib.contextmanager
    def _ticket(self, block_id: BlockId) -> Iterator[_Ticket]:
        ticket = self._tickets.setdefault(block_id, _Ticket())
        ticket.holders += 1
        try:
            yield ticket
        finally:
            ticket.holders -= 1
            if ticket.holders == 0 and not ticket.is_void:
                del self._tickets[block_id]
