from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace

import pytest

from cairn.cache import CachedBlocks, DiskTier, cached
from cairn.cache.blocks import KEPT_SECONDS
from cairn.core.block import NO_GRANT, Block, BlockId, GrantId, Pin, PinHash, pin_hash
from cairn.core.errors import Corrupt, NotFound, Unavailable
from cairn.core.store import Store
from cairn.storage.memory import memory_store

BLOCK = Block.of(b"a block of bytes")
OTHER = Block.of(b"another block")
PIN = Pin(b"p" * 32)


class SetClock:
    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now_ms(self) -> int:
        return int(self.seconds * 1_000)

    def monotonic(self) -> float:
        return self.seconds


class Gate:
    """Holds who comes, when shut. Twice for each call: before the store below is asked, and before it answers."""

    def __init__(self) -> None:
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.waiting = 0

    async def passed(self) -> None:
        self.waiting += 1
        await self.is_open.wait()
        self.waiting -= 1

    def shut(self) -> None:
        self.is_open.clear()

    def open(self) -> None:
        self.is_open.set()


class GatedBlocks:
    """The reference store behind gates, counting what is asked of it."""

    def __init__(self) -> None:
        self.store = memory_store()
        self.entry, self.exit = Gate(), Gate()
        self.gets = 0
        self.unpins = 0
        self.error: Exception | None = None

    async def get(self, block_id: BlockId) -> Block:
        self.gets += 1
        await self.entry.passed()
        outcome: Block | Exception
        try:
            outcome = await self.store.blocks.get(block_id)
        except NotFound as error:
            outcome = error
        await self.exit.passed()
        if self.error is not None:
            raise self.error
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def put(self, block: Block, pin: PinHash | None, grant: GrantId) -> bool:
        await self.entry.passed()
        is_new = await self.store.blocks.put(block, pin, grant)
        await self.exit.passed()
        return is_new

    async def unpin(self, block_id: BlockId, pin: Pin) -> None:
        self.unpins += 1
        await self.store.blocks.unpin(block_id, pin)
        if self.error is not None:
            raise self.error

    async def has(self, block_ids: Collection[BlockId]) -> set[BlockId]:
        return await self.store.blocks.has(block_ids)

    def scan(self, after: BlockId | None):
        return self.store.blocks.scan(after)

    async def keep(self, block: Block) -> None:
        """Put without passing the cache or a gate."""
        await self.store.blocks.put(block, pin_hash(PIN), NO_GRANT)


@pytest.fixture
def below() -> GatedBlocks:
    return GatedBlocks()


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def blocks(below: GatedBlocks, clock: SetClock) -> CachedBlocks:
    return CachedBlocks(below, 100_000, clock, DiskTier(None, clock))


async def settled() -> None:
    """Until every task waits for a gate."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_block_is_fetched_once(blocks: CachedBlocks, below: GatedBlocks) -> None:
    await below.keep(BLOCK)
    for _ in range(3):
        assert (await blocks.get(BLOCK.id)).data == BLOCK.data
    assert below.gets == 1
    assert (blocks.memory.hits, blocks.memory.misses) == (2, 1)


async def test_a_put_block_is_near(blocks: CachedBlocks, below: GatedBlocks) -> None:
    assert await blocks.put(BLOCK, pin_hash(PIN), NO_GRANT)
    assert not await blocks.put(BLOCK, pin_hash(PIN), NO_GRANT)
    assert await blocks.get(BLOCK.id) == BLOCK
    assert below.gets == 0


async def test_near_is_what_needs_no_waiting(blocks: CachedBlocks, below: GatedBlocks, clock: SetClock) -> None:
    await below.keep(BLOCK)
    assert blocks.near(BLOCK.id) is None
    assert (blocks.memory.hits, blocks.memory.misses) == (0, 0), "who asks again by get is counted there"
    await blocks.get(BLOCK.id)
    assert blocks.near(BLOCK.id) == BLOCK
    assert blocks.memory.hits == 1
    clock.seconds += KEPT_SECONDS
    assert blocks.near(BLOCK.id) is None
    assert below.gets == 1


async def test_absence_and_has_come_from_below(blocks: CachedBlocks, below: GatedBlocks) -> None:
    for _ in range(2):
        with pytest.raises(NotFound):
            await blocks.get(BLOCK.id)
    await below.keep(BLOCK)
    assert await blocks.get(BLOCK.id) == BLOCK
    await below.store.blocks.unpin(BLOCK.id, PIN)
    assert await blocks.has([BLOCK.id]) == set()
    assert [found async for found in blocks.scan(None)] == []


async def test_a_block_goes_with_its_pin(blocks: CachedBlocks) -> None:
    await blocks.put(BLOCK, pin_hash(PIN), NO_GRANT)
    await blocks.unpin(BLOCK.id, PIN)
    with pytest.raises(NotFound):
        await blocks.get(BLOCK.id)
    assert blocks.memory.bytes == 0


async def test_a_deletion_elsewhere_shows_within_a_day(
    blocks: CachedBlocks, below: GatedBlocks, clock: SetClock
) -> None:
    await below.keep(BLOCK)
    await blocks.put(OTHER, pin_hash(PIN), NO_GRANT)
    await blocks.get(BLOCK.id)
    await below.store.blocks.unpin(BLOCK.id, PIN)
    clock.seconds += KEPT_SECONDS - 1
    assert await blocks.get(BLOCK.id) == BLOCK
    clock.seconds += 1
    with pytest.raises(NotFound):
        await blocks.get(BLOCK.id)
    assert await blocks.get(OTHER.id) == OTHER
    assert below.gets == 3


async def test_the_day_begins_when_the_block_was_asked_for(
    blocks: CachedBlocks, below: GatedBlocks, clock: SetClock
) -> None:
    await below.keep(BLOCK)
    below.exit.shut()
    asking = asyncio.create_task(blocks.get(BLOCK.id))
    await settled()
    clock.seconds += KEPT_SECONDS
    below.exit.open()
    await asking
    await blocks.get(BLOCK.id)
    assert below.gets == 2


# --- many ask at once ------------------------------------------------------------------------------------------------


async def test_one_fetch_serves_all_who_ask(blocks: CachedBlocks, below: GatedBlocks) -> None:
    await below.keep(BLOCK)
    below.exit.shut()
    asking = [asyncio.create_task(blocks.get(BLOCK.id)) for _ in range(20)]
    await settled()
    below.exit.open()
    assert await asyncio.gather(*asking) == [BLOCK] * 20
    assert below.gets == 1
    assert blocks.fetches.joined == 19


async def test_an_asker_that_is_gone_leaves_the_others(blocks: CachedBlocks, below: GatedBlocks) -> None:
    await below.keep(BLOCK)
    below.exit.shut()
    asking = [asyncio.create_task(blocks.get(BLOCK.id)) for _ in range(3)]
    await settled()
    asking[0].cancel()
    asking[2].cancel()
    await settled()
    below.exit.open()
    assert await asking[1] == BLOCK
    assert asking[0].cancelled()
    assert asking[2].cancelled()
    assert below.gets == 1


async def test_a_fetch_ends_with_its_last_asker(blocks: CachedBlocks, below: GatedBlocks) -> None:
    await below.keep(BLOCK)
    below.exit.shut()
    asking = [asyncio.create_task(blocks.get(BLOCK.id)) for _ in range(2)]
    await settled()
    for task in asking:
        task.cancel()
    late = asyncio.create_task(blocks.get(BLOCK.id))  # asks while the fetch is being cancelled
    await settled()
    below.exit.open()
    assert await late == BLOCK
    assert below.gets == 2


@pytest.mark.parametrize("error", [Unavailable("no node answers"), Corrupt("damaged")])
async def test_errors_are_shared_and_not_kept(blocks: CachedBlocks, below: GatedBlocks, error: Exception) -> None:
    await below.keep(BLOCK)
    below.error = error
    below.exit.shut()
    asking = [asyncio.create_task(blocks.get(BLOCK.id)) for _ in range(3)]
    await settled()
    below.exit.open()
    assert await asyncio.gather(*asking, return_exceptions=True) == [error] * 3
    assert below.gets == 1
    below.error = None
    assert await blocks.get(BLOCK.id) == BLOCK


async def test_absence_is_not_told_to_who_asked_later(blocks: CachedBlocks, below: GatedBlocks) -> None:
    below.exit.shut()
    early = asyncio.create_task(blocks.get(BLOCK.id))
    await settled()
    await below.keep(BLOCK)  # through another interface, acknowledged
    late = [asyncio.create_task(blocks.get(BLOCK.id)) for _ in range(3)]
    await settled()
    below.exit.open()
    with pytest.raises(NotFound):
        await early
    assert await asyncio.gather(*late) == [BLOCK] * 3
    assert below.gets == 2


async def test_what_is_absent_stays_absent_for_all(blocks: CachedBlocks, below: GatedBlocks) -> None:
    below.exit.shut()
    asking = [asyncio.create_task(blocks.get(BLOCK.id)) for _ in range(4)]
    await settled()
    below.exit.open()
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert all(isinstance(outcome, NotFound) for outcome in outcomes)
    assert below.gets == 2


# --- deletions and what is under way ---------------------------------------------------------------------------------


async def test_a_fetch_under_way_does_not_bring_back_what_was_deleted(blocks: CachedBlocks, below: GatedBlocks) -> None:
    await below.keep(BLOCK)
    below.exit.shut()
    early = asyncio.create_task(blocks.get(BLOCK.id))  # has read the block, and not yet answered
    await settled()
    await blocks.unpin(BLOCK.id, PIN)
    late = asyncio.create_task(blocks.get(BLOCK.id))
    await settled()
    below.exit.open()
    assert await early == BLOCK
    with pytest.raises(NotFound):
        await late
    with pytest.raises(NotFound):
        await blocks.get(BLOCK.id)


async def test_a_put_under_way_does_not_bring_back_what_was_deleted(blocks: CachedBlocks, below: GatedBlocks) -> None:
    below.exit.shut()
    putting = asyncio.create_task(blocks.put(BLOCK, pin_hash(PIN), NO_GRANT))
    await settled()
    await blocks.unpin(BLOCK.id, PIN)
    below.exit.open()
    assert await putting
    with pytest.raises(NotFound):
        await blocks.get(BLOCK.id)


async def test_who_comes_after_a_deletion_may_keep_again(blocks: CachedBlocks, below: GatedBlocks) -> None:
    below.exit.shut()
    before = asyncio.create_task(blocks.put(BLOCK, pin_hash(PIN), NO_GRANT))
    await settled()
    await blocks.unpin(BLOCK.id, PIN)
    after = asyncio.create_task(blocks.put(BLOCK, pin_hash(PIN), NO_GRANT))
    await settled()
    below.exit.open()
    await asyncio.gather(before, after)
    assert await blocks.get(BLOCK.id) == BLOCK
    assert below.gets == 0


async def test_a_deletion_of_unknown_outcome_drops_the_block(blocks: CachedBlocks, below: GatedBlocks) -> None:
    await blocks.put(BLOCK, pin_hash(PIN), NO_GRANT)
    below.error = Unavailable("the connection broke")
    with pytest.raises(Unavailable):
        await blocks.unpin(BLOCK.id, PIN)
    below.error = None
    with pytest.raises(NotFound):
        await blocks.get(BLOCK.id)


async def test_a_deletion_goes_on_without_its_asker(blocks: CachedBlocks, below: GatedBlocks) -> None:
    await blocks.put(BLOCK, pin_hash(PIN), NO_GRANT)
    unpinning = asyncio.create_task(blocks.unpin(BLOCK.id, PIN))
    await asyncio.sleep(0)
    unpinning.cancel()
    await settled()
    assert unpinning.cancelled()
    assert below.unpins == 1
    with pytest.raises(NotFound):
        await blocks.get(BLOCK.id)


async def test_nothing_is_remembered_of_what_is_over(blocks: CachedBlocks, below: GatedBlocks) -> None:
    for number in range(50):
        block = Block.of(b"%d" % number)
        await blocks.put(block, pin_hash(PIN), NO_GRANT)
        await blocks.get(block.id)
        await blocks.unpin(block.id, PIN)
        with pytest.raises(NotFound):
            await blocks.get(block.id)
    await settled()
    assert not blocks._tickets
    assert not blocks._unpinning
    assert not blocks.fetches._under_way


# --- composition -----------------------------------------------------------------------------------------------------


async def test_cached_keeps_chains_and_ledger_as_they_are(below: GatedBlocks) -> None:
    store: Store = replace(below.store, blocks=below)
    near = cached(store, 100_000)
    assert near.chains is store.chains
    assert near.ledger is store.ledger
    await near.blocks.put(BLOCK, None, NO_GRANT)
    await near.blocks.get(BLOCK.id)
    assert below.gets == 0


async def test_without_memory_all_comes_from_below(below: GatedBlocks) -> None:
    near = cached(replace(below.store, blocks=below), 0)
    await near.blocks.put(BLOCK, None, NO_GRANT)
    for _ in range(2):
        assert await near.blocks.get(BLOCK.id) == BLOCK
    assert below.gets == 2
