"""What a ChainStore promises of appends: the rule of `cairn.core.chain.accept`, all or none."""

from __future__ import annotations

import pytest

from cairn.core.block import NO_GRANT
from cairn.core.chain import Entry, Kind, Seq, chain_id_of
from cairn.core.errors import Closed, Conflict, Invalid, NotFound
from cairn.core.store import Store, Usage
from cairn.testing.chains import Writer, altered, resigned
from cairn.testing.contract.base import ANN, BOB, Contract, appended, read_all, refuse, take


class AppendContract(Contract):
    """What a ChainStore promises of appends."""

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
        writer = await appended(store, 4, "already")
        for entries in (writer.entries, writer.entries[2:4], writer.entries[:1]):
            head, fresh = await store.chains.append(entries, NO_GRANT)
            assert (head.seq, fresh) == (4, 0)
        writer.add_many(2)
        head, fresh = await store.chains.append(writer.entries[3:], NO_GRANT)
        assert head.seq == 6
        assert fresh == 2 or (fresh and not self.names_payer)

    async def test_what_stands_is_paid_once(self, store: Store) -> None:
        """By who appended it first."""
        writer = Writer("paid")
        await store.chains.append(writer.entries, ANN)
        await store.chains.append(writer.entries, BOB)
        assert await self.used(store, ANN, BOB) == (len(writer.entries[0].raw), 0)
        writer.add_many(2)
        await store.chains.append(writer.entries, BOB)
        assert await self.used(store, BOB) == (sum(len(entry.raw) for entry in writer.entries[1:]),)
        assert await store.ledger.usage(ANN) == Usage(entry_bytes=len(writer.entries[0].raw))

    async def test_what_is_refused_is_not_paid(self, store: Store) -> None:
        """Nor a part of it."""
        writer = await appended(store, 1, "unpaid")
        good = writer.add()
        bad = Entry.decode(altered(writer.next(), 120))
        with pytest.raises(Invalid):
            await store.chains.append([good, bad], ANN)
        with pytest.raises(Conflict):
            await store.chains.append([writer.next()], ANN)
        assert await self.used(store, ANN) == (0,)

    async def test_conflicts_carry_the_present_head(self, store: Store) -> None:
        """Other bytes at a seq, a gap, a wrong predecessor."""
        writer = await appended(store, 3, "conflict")
        fork = writer.next(b"fork", after=2)
        gap = Writer("conflict")
        gap.add_many(3)
        gap.add(b"skipped")
        wrong = resigned(writer.keys, altered(writer.next(), 64))
        for entry in (fork, gap.add(b"after the gap"), wrong):
            await refuse(store, [entry], Conflict, writer)
        with pytest.raises(Conflict) as caught:
            await store.chains.append([fork], NO_GRANT)
        assert caught.value.head.hash == writer.state.hash

    async def test_a_second_genesis_is_a_conflict(self, store: Store) -> None:
        """The same chain id with another signature: another entry at seq 0."""
        writer = await appended(store, 1, "genesis")
        other = bytearray(writer.entries[0].raw)
        other[-64:] = b"\x11" * 32 + bytes(32)
        await refuse(store, [Entry.decode(bytes(other))], Conflict, writer)

    async def test_an_entry_of_another_chain_is_invalid(self, store: Store) -> None:
        """Spliced into a batch, or with its chain id rewritten."""
        writer = await appended(store, 1, "here")
        stranger = Writer("there")
        stranger.add_many(2)
        good = writer.add()
        await refuse(store, [good, stranger.entries[2]], Invalid, writer)
        raw = bytearray(stranger.next().raw)
        raw[32:64] = writer.keys.chain_id
        raw[64:96] = writer.states[1].hash
        raw[16:24] = (2).to_bytes(8, "big")
        await refuse(store, [Entry.decode(bytes(raw))], Invalid, writer)

    async def test_a_bad_signature_is_invalid(self, store: Store) -> None:
        """Any bit of body or signature."""
        writer = await appended(store, 1, "signature")
        entry = writer.next()
        for offset in (96, 150, len(entry.raw) - 64, len(entry.raw) - 33, len(entry.raw) - 32, len(entry.raw) - 1):
            await refuse(store, [Entry.decode(altered(entry, offset))], Invalid, writer)

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
            await refuse(store, [entry], Invalid, writer)

    async def test_one_bad_entry_refuses_the_batch(self, store: Store) -> None:
        """Wherever it stands in it."""
        writer = await appended(store, 1, "batch")
        good = writer.add_many(4)
        for place in range(4):
            bad = list(good)
            bad[place] = Entry.decode(altered(good[place], 120))
            await refuse(store, bad, Invalid, writer)
        assert (await store.chains.append(good, NO_GRANT))[1] == 4

    async def test_nothing_follows_a_close(self, store: Store) -> None:
        """What stands is still there already; all else is closed, before it is a conflict."""
        writer = await appended(store, 2, "closed")
        late = writer.next(b"late")
        writer.add(b"", kind=Kind.CLOSE)
        await store.chains.append(writer.entries[-1:], NO_GRANT)
        assert (await store.chains.head(writer.keys.chain_id)).closed is True
        after = resigned(writer.keys, writer.next(b"after").raw)
        for entry in (late, after, writer.next(b"fork", after=1)):
            await refuse(store, [entry], Closed, writer)
        assert (await store.chains.append(writer.entries, NO_GRANT))[1] == 0
