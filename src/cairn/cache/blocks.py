"""A BlockStore that keeps verified blocks near: in memory, else on disk, else below.

Only presence is answered from here. Absence and `has` come from below each time, as a block may be put through another
interface at any moment. What came from below or from the disk goes into memory; what came from below is offered to the
disk, too, which takes what it finds worth it. What is put goes into memory alone: most of it is not read from here.

A deletion is never hidden by what was under way while it happened. Every fetch and put carries a *ticket*, by which it
may keep its block here when it is done. An unpin that has come to its end drops the block and voids all tickets for it,
so that a fetch which read the block before it went cannot bring it back. A deletion that did not come this way (by
another interface, or by the clock) shows within `KEPT_SECONDS`, after which a block in memory is fetched anew, and one
on disk is served again only when storage says that it still has it; so is one from before the machine last started.
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
from cairn.cache.disk import DiskTier
from cairn.cache.hot import HotList
from cairn.cache.memory import MemoryCache
from cairn.cache.whatif import WhatIf
from cairn.core.block import Block, BlockId, GrantId, Pin, PinHash
from cairn.core.clock import Clock
from cairn.core.histogram import Histogram
from cairn.core.store import BlockStore

KEPT_SECONDS: Final = 8 * 3_600.0
"""A third of a day: a block may come by way of two neighbours (`neighbours`), each of which had it for so long."""


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
    """Blocks near. `memory`, `disk`, `fetches` and `seconds` have the counters; `seconds` of memory would not be worth
    a clock."""

    def __init__(self, below: BlockStore, memory_bytes: int, clock: Clock, disk: DiskTier) -> None:
        self.memory: MemoryCache[BlockId, _Kept] = MemoryCache(memory_bytes, clock.monotonic)
        self.disk = disk
        self.fetches: Coalescer[BlockId, Block] = Coalescer(self._fetch)
        self.hot: HotList[BlockId] = HotList(clock.monotonic)
        self.seconds = {tier: Histogram(SECONDS_BOUNDS) for tier in ("disk", "storage")}
        self._below = below
        self._now = clock.monotonic
        self._tickets: dict[BlockId, _Ticket] = {}
        self._unpinning: set[asyncio.Task[None]] = set()  # the event loop's own hold on a task is weak
        self._missed_blocks = self._fetched_blocks = 0  # misses of memory, and of the disk, that ended with a block
        self._next_hot_hit = _HOT_GAP
        self.whatif: dict[str, WhatIf[BlockId]] = {
            "memory": WhatIf(memory_bytes, lambda: self.memory.hits + self._missed_blocks),
            "disk": WhatIf(disk.capacity, lambda: disk.hits + self._fetched_blocks),
        }

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
        memory = self.memory
        kept = memory.find(block_id)
        if kept is None:
            return None
        block, until, is_sampled = kept
        if self._now() >= until:
            memory.drop(block_id)
            return None
        if is_sampled:
            self.whatif["memory"].ask(block_id, len(block))
        if memory.hits >= self._next_hot_hit:
            self._count_hot(block_id)
        return block

    async def put(self, block: Block, pin: PinHash | None, grant: GrantId) -> bool:
        """See `BlockStore.put`."""
        with self._ticket(block.id) as ticket:
            until = self._now() + KEPT_SECONDS
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

    async def resize(self, *, memory: int | None = None, disk: int | None = None) -> None:
        """Have other budgets from now on, in bytes. Smaller ones take effect before this returns.

        Raises:
            OSError: the folder of the disk tier cannot be had.
        """
        if memory is not None:
            self.memory.resize(memory)
            self.whatif["memory"].resize(memory)
        if disk is not None:
            await asyncio.to_thread(self.disk.resize, disk)
            self.whatif["disk"].resize(self.disk.capacity)

    async def forget(self, block_id: BlockId) -> None:
        """Drop a block from both tiers, as it was deleted through another interface; what is under way does not keep
        it. Best effort: it shows within `KEPT_SECONDS` without this, too."""
        await self.disk.drop(block_id)
        self.memory.drop(block_id)
        self.fetches.forget(block_id)
        ticket = self._tickets.pop(block_id, None)
        if ticket is not None:
            ticket.is_void = True

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
            found = await self._from_disk(block_id) if self.disk.capacity else None
            block, since = found or await self._from_below(block_id)
            self._keep(ticket, block, since + KEPT_SECONDS)
        if self.disk.capacity:
            self._count_fetch(block, is_from_below=found is None)
            if found is None and not ticket.is_void:
                self.disk.offer(block, since)
        return block

    async def _from_disk(self, block_id: BlockId) -> tuple[Block, float] | None:
        """A block from the disk, and when storage was last known to have it: less than `KEPT_SECONDS` ago."""
        began, now = time.perf_counter(), self._now()
        found = await self.disk.get(block_id)
        if found is None:
            return None
        self.seconds["disk"].observe(time.perf_counter() - began)
        if found.since is not None and now < found.since + KEPT_SECONDS:
            return found.block, found.since
        if block_id not in await self._below.has((block_id,)):
            await self.disk.drop(block_id)
            return None
        await self.disk.confirm(block_id, now)
        return found.block, now

    async def _from_below(self, block_id: BlockId) -> tuple[Block, float]:
        """A block from storage, and when it was asked for."""
        began, now = time.perf_counter(), self._now()
        block = await self._below.get(block_id)
        self.seconds["storage"].observe(time.perf_counter() - began)
        return block, now

    def _count_fetch(self, block: Block, *, is_from_below: bool) -> None:
        if is_from_below:
            self.disk.miss_bytes += len(block)
            self._fetched_blocks += 1
        if self.whatif["disk"].is_sampled(block.id):
            self.whatif["disk"].ask(block.id, len(block))

    async def _unpin(self, block_id: BlockId, pin: Pin) -> None:
        try:
            await self._below.unpin(block_id, pin)
        finally:  # an error may mean that it was done
            await self.forget(block_id)

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
