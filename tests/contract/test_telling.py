"""The contract through a store that tells of removals, and what it tells."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

from cairn.core.block import NO_GRANT, Pin, pin_hash
from cairn.core.store import Store
from cairn.storage.memory import memory_store
from cairn.testing.chains import random_block
from cairn.testing.contract import StoreContract, take
from cairn.wrap.tell import Removals, TellingBlocks


class TestTelling(StoreContract):
    @asynccontextmanager
    async def make(self) -> AsyncIterator[Store]:
        store = memory_store()
        yield replace(store, blocks=TellingBlocks(store.blocks, Removals()))


async def test_all_listeners_hear_of_every_removal() -> None:
    removals = Removals()
    blocks = TellingBlocks(memory_store().blocks, removals)
    pin, some = Pin(b"p" * 32), [random_block(f"told {number}") for number in range(5)]
    async with aclosing(removals.listen()) as one, aclosing(removals.listen()) as other:  # type: ignore[type-var]
        hearing = [asyncio.create_task(take(each, 5)) for each in (one, other)]
        await asyncio.sleep(0)
        for block in some:
            await blocks.put(block, pin_hash(pin), NO_GRANT)
            await blocks.unpin(block.id, pin)
        for heard in await asyncio.gather(*hearing):
            assert heard == [block.id for block in some]
