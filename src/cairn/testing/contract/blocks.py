"""What a BlockStore and its Ledger promise."""

from __future__ import annotations

import asyncio

import pytest

from cairn.core.block import BLOCK_BYTES_MAX, NO_GRANT, BlockId, GrantId, pin_hash
from cairn.core.errors import NotFound
from cairn.core.store import Store, Usage
from cairn.testing.chains import random_block
from cairn.testing.contract.base import ANN, BOB, OTHER_PIN, PIN, Contract


class BlockContract(Contract):
    """What a BlockStore and its Ledger promise."""

    async def test_a_block_comes_back(self, store: Store) -> None:
        """Put, then get: the same bytes."""
        block = random_block("one")
        assert await store.blocks.put(block, None, NO_GRANT) is True
        assert (await store.blocks.get(block.id)).data == block.data

    async def test_put_says_whether_the_bytes_are_new(self, store: Store) -> None:
        """Also with another pin."""
        block = random_block("again")
        assert await store.blocks.put(block, None, NO_GRANT) is True
        assert await store.blocks.put(block, None, NO_GRANT) is False
        assert await store.blocks.put(block, pin_hash(PIN), NO_GRANT) is False

    @pytest.mark.parametrize("size", [0, 1, 4_096, 65_536, BLOCK_BYTES_MAX])
    async def test_every_size(self, store: Store, size: int) -> None:
        """From nothing to the largest."""
        block = random_block(size, size)
        await store.blocks.put(block, None, NO_GRANT)
        assert (await store.blocks.get(block.id)).data == block.data

    async def test_an_unknown_block_is_not_found(self, store: Store) -> None:
        """Known absent."""
        with pytest.raises(NotFound):
            await store.blocks.get(BlockId(bytes(32)))

    async def test_has_tells_those_that_are_here(self, store: Store) -> None:
        """And only those."""
        blocks = [random_block(number) for number in range(5)]
        for block in blocks[:3]:
            await store.blocks.put(block, None, NO_GRANT)
        assert await store.blocks.has([block.id for block in blocks]) == {block.id for block in blocks[:3]}
        assert await store.blocks.has([]) == set()

    async def test_a_block_goes_with_its_last_pin(self, store: Store) -> None:
        """One uploader cannot remove another's copy."""
        block = random_block("pinned")
        await store.blocks.put(block, pin_hash(PIN), NO_GRANT)
        await store.blocks.put(block, pin_hash(OTHER_PIN), NO_GRANT)
        await store.blocks.unpin(block.id, PIN)
        assert (await store.blocks.get(block.id)).data == block.data
        await store.blocks.unpin(block.id, OTHER_PIN)
        with pytest.raises(NotFound):
            await store.blocks.get(block.id)
        assert await store.blocks.has([block.id]) == set()

    async def test_unpin_is_idempotent(self, store: Store) -> None:
        """A pin that is gone, or never was, is no error; nor is an unknown block."""
        block = random_block("kept")
        await store.blocks.put(block, pin_hash(PIN), NO_GRANT)
        await store.blocks.unpin(block.id, OTHER_PIN)
        await store.blocks.unpin(BlockId(bytes(32)), PIN)
        assert (await store.blocks.get(block.id)).data == block.data
        await store.blocks.unpin(block.id, PIN)
        await store.blocks.unpin(block.id, PIN)

    async def test_a_removed_block_can_come_back(self, store: Store) -> None:
        """As if it had never been there."""
        block = random_block("back")
        await store.blocks.put(block, pin_hash(PIN), NO_GRANT)
        await store.blocks.unpin(block.id, PIN)
        assert await store.blocks.put(block, pin_hash(PIN), NO_GRANT) is True
        assert (await store.blocks.get(block.id)).data == block.data

    async def test_a_pin_set_again_changes_nothing(self, store: Store) -> None:
        """A replayed pin pays once, and its first payer stays."""
        block = random_block("replayed")
        for grant in (ANN, ANN, BOB):
            await store.blocks.put(block, pin_hash(PIN), grant)
        assert await self.used(store, ANN, BOB) == (len(block), 0)

    async def test_each_pin_is_paid_until_it_goes(self, store: Store) -> None:
        """By the grant that made it."""
        block = random_block("paid")
        await store.blocks.put(block, pin_hash(PIN), ANN)
        await store.blocks.put(block, pin_hash(OTHER_PIN), BOB)
        assert await self.used(store, ANN, BOB) == (len(block), len(block))
        await store.blocks.unpin(block.id, PIN)
        assert await self.used(store, ANN, BOB) == (0, len(block))
        await store.blocks.unpin(block.id, PIN)
        await store.blocks.unpin(block.id, OTHER_PIN)
        assert await self.used(store, ANN, BOB) == (0, 0)

    async def test_a_put_without_a_pin_is_paid_once(self, store: Store) -> None:
        """By the grant of the first, however often it is repeated."""
        block = random_block("unpinned")
        for grant in (BOB, BOB, ANN):
            await store.blocks.put(block, None, grant)
        assert await self.used(store, ANN, BOB) == (0, len(block))

    async def test_a_block_without_a_pin_is_not_removed_by_any(self, store: Store) -> None:
        """Nobody's pin is what keeps it: it goes by its age alone."""
        block = random_block("nobody's")
        await store.blocks.put(block, None, NO_GRANT)
        await store.blocks.put(block, pin_hash(PIN), NO_GRANT)
        await store.blocks.unpin(block.id, PIN)
        assert (await store.blocks.get(block.id)).data == block.data

    async def test_an_unknown_grant_pays_nothing(self, store: Store) -> None:
        """Zero, not an error."""
        await self.used(store, ANN)
        assert await store.ledger.usage(GrantId(b"z" * 16)) == Usage(0, 0)

    async def test_the_ledger_tells_blocks_from_entries(self, store: Store) -> None:
        """What a block costs is counted as that of a block."""
        block = random_block("counted", 1_000)
        await store.blocks.put(block, pin_hash(PIN), ANN)
        await self.used(store, ANN)
        assert await store.ledger.usage(ANN) == Usage(block_bytes=1_000, entry_bytes=0)

    async def test_the_ledger_knows_which_pins_keep_a_block(self, store: Store) -> None:
        """So that what costs nothing is not refused to who has no bytes left. One pin says nothing of another."""
        block, pins = random_block("kept"), (None, pin_hash(PIN), pin_hash(OTHER_PIN))

        async def keeping() -> list[bool]:
            return [await store.ledger.keeps(block.id, pin) for pin in pins]

        await self.used(store, ANN)
        assert await keeping() == [False, False, False]
        await store.blocks.put(block, pin_hash(PIN), ANN)
        assert await keeping() == [False, True, False]
        await store.blocks.put(block, None, ANN)
        assert await keeping() == [True, True, False]
        await store.blocks.unpin(block.id, PIN)
        assert await keeping() == [True, False, False]

    async def test_scan_gives_every_id_once(self, store: Store) -> None:
        """In a stable order, from any of them on."""
        ids = set()
        for number in range(40):
            block = random_block(f"scan {number}")
            await store.blocks.put(block, None, NO_GRANT)
            ids.add(block.id)
        scanned = [block_id async for block_id in store.blocks.scan(None)]
        assert len(scanned) == 40
        assert set(scanned) == ids
        assert [block_id async for block_id in store.blocks.scan(scanned[9])] == scanned[10:]

    async def test_many_puts_at_once_of_one_block(self, store: Store) -> None:
        """It is new to one of them, and paid once per pin."""
        block = random_block("crowd")
        answers = await asyncio.gather(*(store.blocks.put(block, pin_hash(PIN), ANN) for _ in range(20)))
        assert sorted(answers) == [False] * 19 + [True]

    async def test_many_blocks_at_once(self, store: Store) -> None:
        """All of them are kept."""
        blocks = [random_block(f"many {number}", 1 + number * 37) for number in range(100)]
        await asyncio.gather(*(store.blocks.put(block, None, NO_GRANT) for block in blocks))
        found = await asyncio.gather(*(store.blocks.get(block.id) for block in blocks))
        assert [block.data for block in found] == [block.data for block in blocks]

    async def test_many_puts_at_once_are_paid_once_a_pin(self, store: Store) -> None:
        """However many race to set it, under one grant or two."""
        block = random_block("paid crowd")
        pins = [pin_hash(PIN), pin_hash(OTHER_PIN)]
        await asyncio.gather(*(store.blocks.put(block, pin, ANN) for pin in pins * 10))
        assert await self.used(store, ANN) == (2 * len(block),)

    async def test_puts_and_removals_at_once(self, store: Store) -> None:
        """In whatever order they came: a block whose own pin stands is there, and is paid for what stands."""
        block = random_block("contended")
        await store.blocks.put(block, pin_hash(OTHER_PIN), BOB)
        for _ in range(5):
            await asyncio.gather(
                *(store.blocks.put(block, pin_hash(PIN), ANN) for _ in range(4)),
                *(store.blocks.unpin(block.id, PIN) for _ in range(4)),
            )
            assert (await store.blocks.get(block.id)).data == block.data
            assert await store.blocks.has([block.id]) == {block.id}
        await store.blocks.unpin(block.id, PIN)
        assert await self.used(store, ANN, BOB) == (0, len(block))

    async def test_a_removal_is_seen_at_once(self, store: Store) -> None:
        """Also by who read the block a moment before."""
        block = random_block("gone")
        for _ in range(5):
            await store.blocks.put(block, pin_hash(PIN), NO_GRANT)
            await asyncio.gather(*(store.blocks.get(block.id) for _ in range(4)))
            await store.blocks.unpin(block.id, PIN)
            with pytest.raises(NotFound):
                await store.blocks.get(block.id)

    async def test_has_asks_of_many_at_once(self, store: Store) -> None:
        """More than any page, some of them here."""
        blocks = [random_block(f"asked {number}", 40) for number in range(30)]
        for block in blocks:
            await store.blocks.put(block, None, NO_GRANT)
        strangers = [random_block(f"stranger {number}").id for number in range(900)]
        found = await store.blocks.has([*strangers[:500], *(block.id for block in blocks), *strangers[500:]])
        assert found == {block.id for block in blocks}
