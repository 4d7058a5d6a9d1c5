"""What a Store that trims and collects by itself does when its time has come."""

from __future__ import annotations

import pytest

from cairn.core.block import NO_GRANT, pin_hash
from cairn.core.chain import Kind, Seq
from cairn.core.errors import Closed, Conflict, NotFound
from cairn.core.store import Store
from cairn.testing.chains import Writer, random_block
from cairn.testing.contract.base import ANN, BOB, PIN, Contract, appended, collect, read_all, refuse


class TimedContract(Contract):
    """What lies below a floor goes, a closed chain keeps its two ends, and what nobody pinned goes."""

    async def pass_a_day(self) -> None:
        """Let 24 h and a little pass for the store that `make` made last, and let it do what is then due."""
        raise NotImplementedError

    async def _with_floor(self, store: Store, seed: str) -> Writer:
        """A chain of seqs 0 to 8 whose checkpoint at 7 has floor 5."""
        writer = Writer(seed)
        writer.add_many(6)
        writer.add(b"state", kind=Kind.CHECKPOINT, floor=5)
        writer.add(b"after")
        await store.chains.append(writer.entries, ANN)
        return writer

    async def test_what_lies_below_the_floor_goes(self, store: Store) -> None:
        """Never the genesis; reads and watches skip it."""
        writer = await self._with_floor(store, "floor")
        kept = [writer.entries[0], *writer.entries[5:]]
        await self.pass_a_day()
        chain_id = writer.keys.chain_id
        assert await read_all(store, chain_id) == kept
        assert await read_all(store, chain_id, 2) == kept[1:]
        assert await read_all(store, chain_id, 1, 5) == []
        head = await store.chains.head(chain_id)
        assert (head.seq, head.floor, head.entries) == (8, 5, 5)
        assert head.bytes == sum(len(entry.raw) for entry in kept)

    async def test_what_is_trimmed_is_not_paid(self, store: Store) -> None:
        """From the trim on."""
        writer = await self._with_floor(store, "paid")
        await self.pass_a_day()
        kept = [writer.entries[0], *writer.entries[5:]]
        assert await self.used(store, ANN) == (sum(len(entry.raw) for entry in kept),)

    async def test_what_is_trimmed_is_a_conflict(self, store: Store) -> None:
        """Whether it stood there can no longer be told. What is kept still stands."""
        writer = await self._with_floor(store, "conflict")
        await self.pass_a_day()
        await refuse(store, writer.entries[2:3], Conflict, writer)
        await refuse(store, writer.entries, Conflict, writer)
        assert (await store.chains.append(writer.entries[:1], NO_GRANT))[1] == 0
        assert (await store.chains.append(writer.entries[5:], NO_GRANT))[1] == 0

    async def test_a_trimmed_chain_goes_on(self, store: Store) -> None:
        """Also to the next floor."""
        writer = await self._with_floor(store, "on")
        await self.pass_a_day()
        writer.add_many(3)
        writer.add(kind=Kind.CHECKPOINT, floor=12)
        await store.chains.append(writer.entries[9:], ANN)
        await self.pass_a_day()
        assert await read_all(store, writer.keys.chain_id) == [writer.entries[0], writer.entries[12]]

    async def test_a_watch_skips_what_is_trimmed(self, store: Store) -> None:
        """And does not wait for it."""
        writer = await self._with_floor(store, "watch")
        await self.pass_a_day()
        writer.add(b"", kind=Kind.CLOSE)
        await store.chains.append(writer.entries[-1:], ANN)
        kept = [writer.entries[0], *writer.entries[5:]]
        assert await collect(store.chains.watch(writer.keys.chain_id, Seq(0))) == kept
        assert await collect(store.chains.watch(writer.keys.chain_id, Seq(3))) == kept[1:]

    async def test_a_closed_chain_keeps_its_two_ends(self, store: Store) -> None:
        """For ever, so that its id does not come back with old content."""
        writer = await appended(store, 6, "closed")
        writer.add(b"", kind=Kind.CLOSE)
        await store.chains.append(writer.entries[-1:], NO_GRANT)
        await self.pass_a_day()
        ends = [writer.entries[0], writer.entries[-1]]
        assert await read_all(store, writer.keys.chain_id) == ends
        head = await store.chains.head(writer.keys.chain_id)
        assert (head.seq, head.closed, head.entries) == (7, True, 2)
        await refuse(store, writer.entries[3:4], Closed, writer)
        for end in ends:
            assert (await store.chains.append([end], NO_GRANT))[1] == 0
        await self.pass_a_day()
        assert await read_all(store, writer.keys.chain_id) == ends

    async def test_what_nobody_pinned_goes(self, store: Store) -> None:
        """And is no longer paid; a pinned block stays, for as long as one likes."""
        pinned, unpinned = random_block("pinned"), random_block("unpinned")
        await store.blocks.put(pinned, pin_hash(PIN), ANN)
        await store.blocks.put(unpinned, None, ANN)
        await self.pass_a_day()
        await self.pass_a_day()
        assert await store.blocks.has([pinned.id, unpinned.id]) == {pinned.id}
        with pytest.raises(NotFound):
            await store.blocks.get(unpinned.id)
        assert (await store.blocks.get(pinned.id)).data == pinned.data
        assert await store.blocks.put(unpinned, None, NO_GRANT) is True
        assert await self.used(store, ANN) == (len(pinned),)

    async def test_a_pin_outlives_the_put_without_one(self, store: Store) -> None:
        """Each is paid for itself, and goes for itself."""
        block = random_block("both")
        await store.blocks.put(block, None, ANN)
        await store.blocks.put(block, pin_hash(PIN), BOB)
        await self.pass_a_day()
        assert (await store.blocks.get(block.id)).data == block.data
        await store.blocks.unpin(block.id, PIN)
        assert await store.blocks.has([block.id]) == set()
        assert await self.used(store, ANN, BOB) == (0, 0)
