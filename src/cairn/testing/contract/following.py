"""What a ChainStore promises of reading, watching and racing."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from cairn.core.block import NO_GRANT, Block
from cairn.core.chain import Entry, Kind, Seq
from cairn.core.errors import Conflict, NotFound
from cairn.core.store import Store
from cairn.testing.chains import Writer
from cairn.testing.contract.base import ALL, Contract, appended, collect, read_all, take


class FollowContract(Contract):
    """What a ChainStore promises of reading, watching and racing."""

    @pytest.mark.parametrize(
        ("start", "stop"), [(0, 3), (2, 4), (4, 5), (5, 100), (3, 3), (4, 2), (100, 200), (0, ALL)]
    )
    async def test_read_gives_a_range(self, store: Store, start: int, stop: int) -> None:
        """From start, to before stop, whatever of it there is."""
        writer = await appended(store, 5, "range")
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
        writer = await appended(store, 3, "watch")
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
        writer = await appended(store, 1, "end")
        waiting = asyncio.create_task(collect(store.chains.watch(writer.keys.chain_id, Seq(0))))
        await asyncio.sleep(0)
        writer.add(b"", kind=Kind.CLOSE)
        await store.chains.append(writer.entries[-1:], NO_GRANT)
        assert await waiting == writer.entries
        assert await collect(store.chains.watch(writer.keys.chain_id, Seq(0))) == writer.entries

    async def test_watch_from_a_close_or_behind_it(self, store: Store) -> None:
        """The end has come already, wherever one starts."""
        writer = await appended(store, 2, "ended")
        writer.add(b"", kind=Kind.CLOSE)
        await store.chains.append(writer.entries[-1:], NO_GRANT)
        for start, expected in ((3, writer.entries[3:]), (4, []), (1_000, [])):
            assert await collect(store.chains.watch(writer.keys.chain_id, Seq(start))) == expected

    async def test_watchers_under_load_miss_nothing(self, store: Store) -> None:
        """Fast or slow, early or late, while entries come one by one and many at once."""
        writer = await appended(store, 0, "load")
        chain_id = writer.keys.chain_id
        writer.add_many(300)
        writer.add(b"", kind=Kind.CLOSE)
        watchers = [asyncio.create_task(collect(store.chains.watch(chain_id, Seq(start)))) for start in (0, 1, 7, 250)]
        dawdler = asyncio.create_task(_dawdle(store, writer))
        at = 1
        while at < len(writer.entries):
            count = 1 + at % 17
            await store.chains.append(writer.entries[at : at + count], NO_GRANT)
            at += count
            if at % 5 == 0:
                watchers.append(asyncio.create_task(collect(store.chains.watch(chain_id, Seq(at)))))
        for watched in await asyncio.gather(*watchers, dawdler):
            assert watched == writer.entries[len(writer.entries) - len(watched) :]
        assert [len(await watcher) for watcher in watchers[:4]] == [302, 301, 295, 52]

    async def test_a_watcher_that_leaves_disturbs_nobody(self, store: Store) -> None:
        """Nor one that is cancelled while it waits."""
        writer = await appended(store, 1, "leaving")
        chain_id = writer.keys.chain_id
        leaver = store.chains.watch(chain_id, Seq(0))
        assert await take(leaver, 2) == writer.entries
        cancelled = asyncio.create_task(take(store.chains.watch(chain_id, Seq(0)), 3))
        staying = asyncio.create_task(take(store.chains.watch(chain_id, Seq(0)), 4))
        await asyncio.sleep(0.01)
        await leaver.aclose()  # type: ignore[attr-defined]
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        await store.chains.append(writer.add_many(2), NO_GRANT)
        assert await staying == writer.entries

    async def test_watch_shows_only_what_is_acknowledged(self, store: Store) -> None:
        """What a watcher has seen is read by everybody from then on."""
        writer = await appended(store, 0, "seen")
        chain_id = writer.keys.chain_id
        async with aclosing(store.chains.watch(chain_id, Seq(1))) as watch:  # type: ignore[type-var]
            for number in range(20):
                appending = asyncio.create_task(store.chains.append([writer.add(b"%d" % number)], NO_GRANT))
                (seen,) = await take(watch, 1)
                assert (await store.chains.head(chain_id)).seq >= seen.seq
                assert (await read_all(store, chain_id, seen.seq))[0] == seen
                await appending

    async def test_one_of_many_racers_wins(self, store: Store) -> None:
        """At each seq; the others get a conflict, or learn that theirs stands."""
        writer = await appended(store, 0, "race")
        racers = [writer.next(b"racer %d" % number) for number in range(12)]
        outcomes = await asyncio.gather(
            *(store.chains.append([racer], NO_GRANT) for racer in racers), return_exceptions=True
        )
        assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 1
        assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 11
        assert len(await read_all(store, writer.keys.chain_id)) == 2

    async def test_the_same_entry_many_times_at_once(self, store: Store) -> None:
        """Is appended once, and everybody succeeds."""
        writer = await appended(store, 0, "same")
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
        writer = await appended(store, 0, "shared")
        block = Block.of(b"cairn/v1/chain\0" + writer.keys.genesis_body)
        assert bytes(block.id) == bytes(writer.keys.chain_id)
        with pytest.raises(NotFound):
            await store.blocks.get(block.id)
        await store.blocks.put(block, None, NO_GRANT)
        assert (await store.chains.head(writer.keys.chain_id)).seq == 0

    async def test_racing_batches_are_all_or_none(self, store: Store) -> None:
        """One of them wins whole; of the others nothing stands."""
        writer = await appended(store, 0, "batches")
        batches = []
        for number in range(8):
            rival = Writer("batches")
            batches.append([rival.add(b"%d of %d" % (part, number)) for part in range(5)])
        outcomes = await asyncio.gather(
            *(store.chains.append(batch, NO_GRANT) for batch in batches), return_exceptions=True
        )
        won = [batch for batch, outcome in zip(batches, outcomes, strict=True) if not isinstance(outcome, Exception)]
        assert len(won) == 1
        assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 7
        assert (await read_all(store, writer.keys.chain_id))[1:] == won[0]

    async def test_many_chains_at_once(self, store: Store) -> None:
        """Each grows by itself."""
        writers = [Writer(f"crowd {number}") for number in range(30)]

        async def write(writer: Writer) -> None:
            await store.chains.append(writer.entries, NO_GRANT)
            for number in range(5):
                await store.chains.append([writer.add(b"%d" % number)], NO_GRANT)

        await asyncio.gather(*map(write, writers))
        for writer in writers:
            assert await read_all(store, writer.keys.chain_id) == writer.entries


async def _dawdle(store: Store, writer: Writer) -> list[Entry]:
    """Watch a chain, slower than it grows."""
    seen = []
    async with aclosing(store.chains.watch(writer.keys.chain_id, Seq(0))) as watch:  # type: ignore[type-var]
        async for entry in watch:
            seen.append(entry)
            await asyncio.sleep(0.001 if entry.seq % 3 else 0)
    return seen
