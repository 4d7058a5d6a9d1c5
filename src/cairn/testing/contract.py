"""The contract of a Store as tests. A backend's own test is three lines:

    class TestMine(StoreContract):
        def make(self) -> AbstractAsyncContextManager[Store]:
            return my_store()

pytest (with pytest-asyncio in auto mode) then runs every sentence of the protocols against it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing
from typing import TypeVar

import pytest

from cairn.core.block import BLOCK_BYTES_MAX, NO_GRANT, Block, BlockId, GrantId, Pin, pin_hash
from cairn.core.chain import ChainId, Entry, Kind, Seq, chain_id_of
from cairn.core.errors import CairnError, Closed, Conflict, Invalid, NotFound
from cairn.core.store import Store
from cairn.testing.chains import Writer, altered, random_block, resigned

T = TypeVar("T")

ALL = Seq(2**53 - 1)
_ANN, _BOB = GrantId(b"a" * 16), GrantId(b"b" * 16)
_PIN, _OTHER_PIN = Pin(b"p" * 32), Pin(b"q" * 32)
_PATIENCE_SECONDS = 30.0


async def take(entries: AsyncIterator[T], count: int) -> list[T]:
    """The next `count` items."""
    taken: list[T] = []
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while len(taken) < count:
            taken.append(await anext(entries))
    return taken


async def read_all(store: Store, chain_id: ChainId, start: int = 0, stop: int = ALL) -> list[Entry]:
    """What `read` gives."""
    return [entry async for entry in store.chains.read(chain_id, Seq(start), Seq(stop))]


class BlockContract:
    """What a BlockStore and its Ledger promise."""

    #: False for a store that is asked through an interface, which decides itself who pays.
    names_payer = True

    def make(self) -> AbstractAsyncContextManager[Store]:
        """A fresh, empty Store."""
        raise NotImplementedError

    @pytest.fixture
    async def store(self) -> AsyncIterator[Store]:
        """The Store of one test."""
        async with self.make() as store:
            yield store

    async def _used(self, store: Store, grant: GrantId) -> int:
        return (await store.ledger.usage(grant)).bytes

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
        assert await store.blocks.put(block, pin_hash(_PIN), NO_GRANT) is False

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
        await store.blocks.put(block, pin_hash(_PIN), NO_GRANT)
        await store.blocks.put(block, pin_hash(_OTHER_PIN), NO_GRANT)
        await store.blocks.unpin(block.id, _PIN)
        assert (await store.blocks.get(block.id)).data == block.data
        await store.blocks.unpin(block.id, _OTHER_PIN)
        with pytest.raises(NotFound):
            await store.blocks.get(block.id)
        assert await store.blocks.has([block.id]) == set()

    async def test_unpin_is_idempotent(self, store: Store) -> None:
        """A pin that is gone, or never was, is no error; nor is an unknown block."""
        block = random_block("kept")
        await store.blocks.put(block, pin_hash(_PIN), NO_GRANT)
        await store.blocks.unpin(block.id, _OTHER_PIN)
        await store.blocks.unpin(BlockId(bytes(32)), _PIN)
        assert (await store.blocks.get(block.id)).data == block.data
        await store.blocks.unpin(block.id, _PIN)
        await store.blocks.unpin(block.id, _PIN)

    async def test_a_removed_block_can_come_back(self, store: Store) -> None:
        """As if it had never been there."""
        block = random_block("back")
        await store.blocks.put(block, pin_hash(_PIN), NO_GRANT)
        await store.blocks.unpin(block.id, _PIN)
        assert await store.blocks.put(block, pin_hash(_PIN), NO_GRANT) is True
        assert (await store.blocks.get(block.id)).data == block.data

    async def test_a_pin_set_again_changes_nothing(self, store: Store) -> None:
        """A replayed pin pays once, and its first payer stays."""
        if not self.names_payer:
            return
        block = random_block("replayed")
        for grant in (_ANN, _ANN, _BOB):
            await store.blocks.put(block, pin_hash(_PIN), grant)
        assert (await self._used(store, _ANN), await self._used(store, _BOB)) == (len(block), 0)

    async def test_each_pin_is_paid_until_it_goes(self, store: Store) -> None:
        """By the grant that made it."""
        if not self.names_payer:
            return
        block = random_block("paid")
        await store.blocks.put(block, pin_hash(_PIN), _ANN)
        await store.blocks.put(block, pin_hash(_OTHER_PIN), _BOB)
        assert (await self._used(store, _ANN), await self._used(store, _BOB)) == (len(block), len(block))
        await store.blocks.unpin(block.id, _PIN)
        assert (await self._used(store, _ANN), await self._used(store, _BOB)) == (0, len(block))

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
        answers = await asyncio.gather(*(store.blocks.put(block, pin_hash(_PIN), _ANN) for _ in range(20)))
        assert sorted(answers) == [False] * 19 + [True]
        if self.names_payer:
            assert await self._used(store, _ANN) == len(block)

    async def test_many_blocks_at_once(self, store: Store) -> None:
        """All of them are kept."""
        blocks = [random_block(f"many {number}", 1 + number * 37) for number in range(100)]
        await asyncio.gather(*(store.blocks.put(block, None, NO_GRANT) for block in blocks))
        found = await asyncio.gather(*(store.blocks.get(block.id) for block in blocks))
        assert [block.data for block in found] == [block.data for block in blocks]


class ChainContract(BlockContract):
    """What a ChainStore promises."""

    async def _refused(self, store: Store, entries: list[Entry], error: type[CairnError], writer: Writer) -> None:
        """An append that fails with `error` and changes nothing."""
        before = await read_all(store, writer.keys.chain_id)
        with pytest.raises(error):
            await store.chains.append(entries, NO_GRANT)
        assert await read_all(store, writer.keys.chain_id) == before

    async def _appended(self, store: Store, count: int, seed: str) -> Writer:
        writer = Writer(seed)
        writer.add_many(count)
        await store.chains.append(writer.entries, NO_GRANT)
        return writer

    async def test_a_chain_comes_back(self, store: Store) -> None:
        """Entry by entry, or many at once."""
        writer = Writer("chain")
        head, fresh = await store.chains.append(writer.entries, NO_GRANT)
        assert (head.seq, fresh) == (0, 1)
        head, fresh = await store.chains.append(writer.add_many(5), NO_GRANT)
        assert (head.seq, head.hash, fresh) == (5, writer.state.hash, 5)
        assert await read_all(store, writer.keys.chain_id) == writer.entries

    async def test_the_head_tells_the_state(self, store: Store) -> None:
        """All of its fields."""
        writer = Writer("head")
        writer.add_many(2)
        writer.add(kind=Kind.ROTATE)
        writer.add(kind=Kind.CHECKPOINT, floor=2)
        await store.chains.append(writer.entries, NO_GRANT)
        head = await store.chains.head(writer.keys.chain_id)
        assert (head.seq, head.hash, head.floor, head.key_epoch) == (4, writer.state.hash, 2, 1)
        assert (head.closed, head.entries) == (False, 5)
        assert head.bytes == sum(len(entry.raw) for entry in writer.entries)

    async def test_an_unknown_chain_is_not_found(self, store: Store) -> None:
        """By any way of asking, and it cannot be extended."""
        writer = Writer("unknown")
        chain_id = writer.keys.chain_id
        with pytest.raises(NotFound):
            await store.chains.head(chain_id)
        with pytest.raises(NotFound):
            await read_all(store, chain_id)
        with pytest.raises(NotFound):
            await take(store.chains.watch(chain_id, Seq(0)), 1)
        with pytest.raises(NotFound):
            await store.chains.append([writer.add()], NO_GRANT)

    async def test_what_stands_is_appended_already(self, store: Store) -> None:
        """Whole, in part, and as a prefix of something new."""
        writer = await self._appended(store, 4, "already")
        for entries in (writer.entries, writer.entries[2:4], writer.entries[:1]):
            head, fresh = await store.chains.append(entries, NO_GRANT)
            assert (head.seq, fresh) == (4, 0)
        writer.add_many(2)
        head, fresh = await store.chains.append(writer.entries[3:], NO_GRANT)
        assert (head.seq, fresh) == (6, 2)

    async def test_what_stands_is_paid_once(self, store: Store) -> None:
        """By who appended it first."""
        if not self.names_payer:
            return
        writer = Writer("paid")
        await store.chains.append(writer.entries, _ANN)
        await store.chains.append(writer.entries, _BOB)
        assert await self._used(store, _ANN) == len(writer.entries[0].raw)
        assert await self._used(store, _BOB) == 0

    async def test_conflicts_carry_the_present_head(self, store: Store) -> None:
        """Other bytes at a seq, a gap, a wrong predecessor."""
        writer = await self._appended(store, 3, "conflict")
        fork = writer.next(b"fork", after=2)
        gap = Writer("conflict")
        gap.add_many(3)
        gap.add(b"skipped")
        wrong = resigned(writer.keys, altered(writer.next(), 64))
        for entry in (fork, gap.add(b"after the gap"), wrong):
            await self._refused(store, [entry], Conflict, writer)
        with pytest.raises(Conflict) as caught:
            await store.chains.append([fork], NO_GRANT)
        assert caught.value.head.hash == writer.state.hash

    async def test_a_second_genesis_is_a_conflict(self, store: Store) -> None:
        """The same chain id with another signature: another entry at seq 0."""
        writer = await self._appended(store, 1, "genesis")
        other = bytearray(writer.entries[0].raw)
        other[-64:] = b"\x11" * 32 + bytes(32)
        await self._refused(store, [Entry.decode(bytes(other))], Conflict, writer)

    async def test_an_entry_of_another_chain_is_invalid(self, store: Store) -> None:
        """Spliced into a batch, or with its chain id rewritten."""
        writer = await self._appended(store, 1, "here")
        stranger = Writer("there")
        stranger.add_many(2)
        good = writer.add()
        await self._refused(store, [good, stranger.entries[2]], Invalid, writer)
        raw = bytearray(stranger.next().raw)
        raw[32:64] = writer.keys.chain_id
        raw[64:96] = writer.states[1].hash
        raw[16:24] = (2).to_bytes(8, "big")
        await self._refused(store, [Entry.decode(bytes(raw))], Invalid, writer)

    async def test_a_bad_signature_is_invalid(self, store: Store) -> None:
        """Any bit of body or signature."""
        writer = await self._appended(store, 1, "signature")
        entry = writer.next()
        for offset in (96, 150, len(entry.raw) - 64, len(entry.raw) - 33, len(entry.raw) - 32, len(entry.raw) - 1):
            await self._refused(store, [Entry.decode(altered(entry, offset))], Invalid, writer)

    async def test_a_small_order_key_is_invalid(self, store: Store) -> None:
        """A signature that everybody can make begins no chain."""
        body = bytes([1]) + bytes(31) + bytes(32) + bytes((1, 0, 0, 0))
        head = b"CRE1" + bytes(4) + bytes(4) + (68).to_bytes(4, "big") + bytes(16) + chain_id_of(body) + bytes(32)
        forged = Entry.decode(head + body + bytes([1]) + bytes(63))
        with pytest.raises(Invalid):
            await store.chains.append([forged], NO_GRANT)
        with pytest.raises(NotFound):
            await store.chains.head(forged.chain_id)

    async def test_rules_of_floor_and_epoch(self, store: Store) -> None:
        """The floor never falls and rises in checkpoints only; the epoch rises in a rotate only."""
        writer = Writer("rules")
        writer.add_many(3)
        writer.add(kind=Kind.CHECKPOINT, floor=2)
        await store.chains.append(writer.entries, NO_GRANT)
        link = writer.next()
        wrong = [
            writer.next(floor=1),
            writer.next(floor=3),
            writer.next(kind=Kind.CHECKPOINT, floor=1),
            resigned(writer.keys, altered(link, 11)),  # an epoch of its own
            resigned(writer.keys, altered(link, 4, 3)),  # a rotate that stays in its epoch
            resigned(writer.keys, altered(link, 5)),  # other flags
        ]
        for entry in wrong:
            await self._refused(store, [entry], Invalid, writer)

    async def test_one_bad_entry_refuses_the_batch(self, store: Store) -> None:
        """Wherever it stands in it."""
        writer = await self._appended(store, 1, "batch")
        good = writer.add_many(4)
        for place in range(4):
            bad = list(good)
            bad[place] = Entry.decode(altered(good[place], 120))
            await self._refused(store, bad, Invalid, writer)
        assert (await store.chains.append(good, NO_GRANT))[1] == 4

    async def test_nothing_follows_a_close(self, store: Store) -> None:
        """What stands is still there already; all else is closed, before it is a conflict."""
        writer = await self._appended(store, 2, "closed")
        late = writer.next(b"late")
        writer.add(b"", kind=Kind.CLOSE)
        await store.chains.append(writer.entries[-1:], NO_GRANT)
        assert (await store.chains.head(writer.keys.chain_id)).closed is True
        after = resigned(writer.keys, writer.next(b"after").raw)
        for entry in (late, after, writer.next(b"fork", after=1)):
            await self._refused(store, [entry], Closed, writer)
        assert (await store.chains.append(writer.entries, NO_GRANT))[1] == 0

    @pytest.mark.parametrize(
        ("start", "stop"), [(0, 3), (2, 4), (4, 5), (5, 100), (3, 3), (4, 2), (100, 200), (0, ALL)]
    )
    async def test_read_gives_a_range(self, store: Store, start: int, stop: int) -> None:
        """From start, to before stop, whatever of it there is."""
        writer = await self._appended(store, 5, "range")
        assert await read_all(store, writer.keys.chain_id, start, stop) == writer.entries[start:stop]

    async def test_a_long_chain(self, store: Store) -> None:
        """Longer than any page, with entries of every size."""
        writer = Writer("long")
        for number in range(600):
            writer.add(bytes(number * 20))
        for start in range(0, 601, 100):
            await store.chains.append(writer.entries[start : start + 100], NO_GRANT)
        assert await read_all(store, writer.keys.chain_id) == writer.entries

    async def test_watch_goes_on(self, store: Store) -> None:
        """From what is there to what comes, without gap or repeat, for several watchers."""
        writer = await self._appended(store, 3, "watch")
        chain_id = writer.keys.chain_id
        async with (
            aclosing(store.chains.watch(chain_id, Seq(0))) as first,  # type: ignore[type-var]
            aclosing(store.chains.watch(chain_id, Seq(2))) as second,  # type: ignore[type-var]
            aclosing(store.chains.watch(chain_id, Seq(6))) as third,  # type: ignore[type-var]
        ):
            assert await take(first, 4) == writer.entries
            waiting = asyncio.create_task(take(third, 2))
            for _ in range(5):
                await store.chains.append([writer.add()], NO_GRANT)
            assert await take(first, 5) == writer.entries[4:]
            assert await take(second, 7) == writer.entries[2:]
            assert await waiting == writer.entries[6:8]

    async def test_watch_ends_with_a_close(self, store: Store) -> None:
        """For who waits, and for who comes later."""
        writer = await self._appended(store, 1, "end")
        waiting = asyncio.create_task(_collect(store, writer.keys.chain_id))
        await asyncio.sleep(0)
        writer.add(b"", kind=Kind.CLOSE)
        await store.chains.append(writer.entries[-1:], NO_GRANT)
        async with asyncio.timeout(_PATIENCE_SECONDS):
            assert await waiting == writer.entries
            assert await _collect(store, writer.keys.chain_id) == writer.entries

    async def test_one_of_many_racers_wins(self, store: Store) -> None:
        """At each seq; the others get a conflict, or learn that theirs stands."""
        writer = await self._appended(store, 0, "race")
        racers = [writer.next(b"racer %d" % number) for number in range(12)]
        outcomes = await asyncio.gather(
            *(store.chains.append([racer], NO_GRANT) for racer in racers), return_exceptions=True
        )
        assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 1
        assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 11
        assert len(await read_all(store, writer.keys.chain_id)) == 2

    async def test_the_same_entry_many_times_at_once(self, store: Store) -> None:
        """Is appended once, and everybody succeeds."""
        writer = await self._appended(store, 0, "same")
        entry = writer.add()
        outcomes = await asyncio.gather(*(store.chains.append([entry], NO_GRANT) for _ in range(12)))
        assert sorted(fresh for _, fresh in outcomes) == [0] * 11 + [1]

    async def test_scan_gives_every_chain_once(self, store: Store) -> None:
        """Doors as well, in a stable order, from any of them on."""
        writers = [Writer(f"scan {number}", flags=number % 2) for number in range(20)]
        for writer in writers:
            await store.chains.append(writer.entries, NO_GRANT)
        scanned = [chain_id async for chain_id in store.chains.scan(None)]
        assert len(scanned) == 20
        assert set(scanned) == {writer.keys.chain_id for writer in writers}
        assert [chain_id async for chain_id in store.chains.scan(scanned[4])] == scanned[5:]

    async def test_blocks_and_chains_share_no_ids(self, store: Store) -> None:
        """A block may have the id of a chain: a genesis body, with its label, is a block like any other."""
        writer = await self._appended(store, 0, "shared")
        block = Block.of(b"cairn/v1/chain\0" + writer.keys.genesis_body)
        assert bytes(block.id) == bytes(writer.keys.chain_id)
        with pytest.raises(NotFound):
            await store.blocks.get(block.id)
        await store.blocks.put(block, None, NO_GRANT)
        assert (await store.chains.head(writer.keys.chain_id)).seq == 0


class StoreContract(ChainContract):
    """All of it."""


async def _collect(store: Store, chain_id: ChainId) -> list[Entry]:
    return [entry async for entry in store.chains.watch(chain_id, Seq(0))]
