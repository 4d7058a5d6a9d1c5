"""Hot blocks by way of a neighbour: when it is asked, and that it is a short cut and never more."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field

import pytest

from cairn.cache.neighbours import NeighbourlyBlocks, Ring
from cairn.core.block import NO_GRANT, Block, BlockId, Pin, pin_hash
from cairn.core.errors import Corrupt, NotFound, Unavailable
from cairn.core.store import BlockStore, Store
from cairn.storage.memory import memory_store
from cairn.testing.chains import random_block
from cairn.testing.clock import FakeClock

PIN = Pin(b"p" * 32)


@dataclass
class Other:
    """A neighbour that has what is put into it, and fails as it is told."""

    blocks: dict[BlockId, Block] = field(default_factory=dict)
    error: Exception | None = None
    is_silent: bool = False
    asked: Counter[BlockId] = field(default_factory=Counter)
    forgotten: list[BlockId] = field(default_factory=list)

    async def get(self, block_id: BlockId) -> Block:
        self.asked[block_id] += 1
        await self._behave()
        try:
            return self.blocks[block_id]
        except KeyError:
            raise NotFound("not near") from None

    async def forget(self, block_id: BlockId) -> None:
        await self._behave()
        self.forgotten.append(block_id)

    async def _behave(self) -> None:
        if self.is_silent:
            await asyncio.sleep(3_600)
        if self.error is not None:
            raise self.error


class Below:
    """Counts what is asked of the store below."""

    def __init__(self, below: BlockStore) -> None:
        self.gets = 0
        self._below = below

    async def get(self, block_id: BlockId) -> Block:
        self.gets += 1
        return await self._below.get(block_id)

    def __getattr__(self, name: str) -> object:
        return getattr(self._below, name)


@dataclass
class Case:
    store: Store
    below: Below
    other: Other
    clock: FakeClock
    blocks: NeighbourlyBlocks
    theirs: Block  # a block that prefers the neighbour
    ours: Block


@pytest.fixture
async def case() -> Case:
    store, other, clock = memory_store(), Other(), FakeClock()
    below, ring = Below(store.blocks), Ring(["a", "b"])
    blocks = NeighbourlyBlocks(below, "a", ring, {"b": other}, clock)  # type: ignore[arg-type]
    some = [random_block(f"block {number}") for number in range(50)]
    theirs, ours = (next(each for each in some if ring.preferred(each.id) == [name]) for name in "ba")
    for block in (theirs, ours):
        await store.blocks.put(block, pin_hash(PIN), NO_GRANT)
        other.blocks[block.id] = block
    return Case(store, below, other, clock, blocks, theirs, ours)


async def test_the_first_miss_goes_to_the_storage_and_the_next_to_the_neighbour(case: Case) -> None:
    for _ in range(3):
        assert (await case.blocks.get(case.theirs.id)).data == case.theirs.data
    assert (case.below.gets, case.other.asked[case.theirs.id]) == (1, 2)
    assert (case.blocks.asked, case.blocks.given, case.blocks.failed) == (2, 2, 0)


async def test_for_its_own_blocks_a_node_asks_the_storage(case: Case) -> None:
    for _ in range(4):
        await case.blocks.get(case.ours.id)
    assert (case.below.gets, case.other.asked[case.ours.id]) == (4, 0)


async def test_a_block_that_is_very_hot_belongs_to_more_nodes(case: Case) -> None:
    """To both of two: each has it from the storage, and neither carries it alone."""
    for _ in range(300):
        await case.blocks.get(case.theirs.id)
    assert 8 < case.other.asked[case.theirs.id] < 13


async def test_what_was_hot_once_is_not_so_for_ever(case: Case) -> None:
    await case.blocks.get(case.theirs.id)
    case.clock.advance(3_600)
    await case.blocks.get(case.theirs.id)
    assert case.other.asked[case.theirs.id] == 0


@pytest.mark.parametrize("error", [Unavailable("down"), Corrupt("damaged there")])
async def test_a_neighbour_that_fails_is_left_alone_for_a_while(case: Case, error: Exception) -> None:
    case.other.error = error
    for _ in range(3):
        assert (await case.blocks.get(case.theirs.id)).data == case.theirs.data
    assert (case.other.asked[case.theirs.id], case.blocks.failed) == (1, 1)
    case.other.error = None
    case.clock.advance(3)
    await case.blocks.get(case.theirs.id)
    assert case.other.asked[case.theirs.id] == 2


async def test_a_silent_neighbour_costs_a_moment(case: Case) -> None:
    case.other.is_silent = True
    async with asyncio.timeout(20):
        for _ in range(3):
            assert (await case.blocks.get(case.theirs.id)).data == case.theirs.data
    assert case.other.asked[case.theirs.id] == 1


async def test_what_a_neighbour_lacks_is_asked_of_the_storage(case: Case) -> None:
    del case.other.blocks[case.theirs.id]
    for _ in range(3):
        assert (await case.blocks.get(case.theirs.id)).data == case.theirs.data
    assert (case.other.asked[case.theirs.id], case.blocks.failed) == (2, 0)


async def test_a_removal_is_told_and_the_neighbour_not_asked_after_it(case: Case) -> None:
    """It may not have heard of it: what was removed here is not served here again."""
    case.other.error = Unavailable("cut off")
    for _ in range(3):
        await case.blocks.get(case.theirs.id)
    case.clock.advance(3)
    await case.blocks.unpin(case.theirs.id, PIN)
    await asyncio.gather(*case.blocks._telling)
    case.other.error = None
    for _ in range(3):
        with pytest.raises(NotFound):
            await case.blocks.get(case.theirs.id)
    await case.blocks.unpin(case.ours.id, PIN)
    await asyncio.gather(*case.blocks._telling)
    assert case.other.forgotten == [case.ours.id]
