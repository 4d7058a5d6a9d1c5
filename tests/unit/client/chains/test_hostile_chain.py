"""Chains on servers that lie, and calls that cross each other: nothing is lost, written twice or believed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest

from cairn.client import Chain, Rollback, Withheld, WriteCapability
from cairn.client.state.pins import Pins
from cairn.core.chain import SEQ_MAX, ChainId, Entry, Head, Kind, Seq
from cairn.core.errors import CairnError, Closed, Conflict, Invalid, Unknown
from cairn.core.store import ChainStore, Store
from cairn.storage.memory import memory_store


@pytest.fixture
def store() -> Store:
    return memory_store()


@pytest.fixture
def writer() -> WriteCapability:
    return WriteCapability.new()


class Server:
    """A ChainStore that is honest, but for what a test overrides."""

    def __init__(self, true: ChainStore) -> None:
        self.true = true

    async def head(self, chain_id: ChainId) -> Head:
        return await self.true.head(chain_id)

    async def append(self, entries: list[Entry], grant: bytes) -> tuple[Head, int]:
        return await self.true.append(entries, grant)  # type: ignore[arg-type]

    async def read(self, chain_id: ChainId, start: Seq, stop: Seq) -> AsyncIterator[Entry]:
        async for entry in self.true.read(chain_id, start, stop):
            yield entry

    async def watch(self, chain_id: ChainId, start: Seq) -> AsyncIterator[Entry]:
        async for entry in self.true.watch(chain_id, start):
            yield entry


def chain(capability: object, server: object, pins: Pins | None = None) -> Chain:
    return Chain(capability, server, pins or Pins())  # type: ignore[arg-type]


async def some(log: Chain, count: int) -> None:
    for number in range(count):
        await log.append(str(number))


async def test_a_follower_misses_nothing_that_is_written_beside_it(store: Store, writer: WriteCapability) -> None:
    """The same session writes while a slow follower still reads what was there."""
    pins, given = Pins(), []
    log = chain(writer, store.chains, pins)
    await some(log, 3)
    async with aclosing(chain(writer.to_read(), store.chains, pins).follow(1)) as entries:
        async for entry in entries:
            given.append(entry.text())
            if entry.seq == 3:
                await log.append("beside")
                await log.close("end")
    assert given == ["0", "1", "2", "beside", "end"]


@pytest.mark.parametrize("gone", [4, 5])
async def test_a_live_server_that_leaves_out_an_entry_is_noticed(
    store: Store, writer: WriteCapability, gone: int
) -> None:
    log = chain(writer, store.chains)

    class Hiding(Server):
        async def read(self, chain_id: ChainId, start: Seq, stop: Seq) -> AsyncIterator[Entry]:
            async for entry in self.true.read(chain_id, start, stop):
                if entry.seq != gone:
                    yield entry

        async def watch(self, chain_id: ChainId, start: Seq) -> AsyncIterator[Entry]:
            await some(log, 5)
            async for entry in self.read(chain_id, start, Seq(100)):
                yield entry

    given = []
    await some(log, 3)
    with pytest.raises(Withheld):
        async with asyncio.timeout(30), aclosing(chain(writer.to_read(), Hiding(store.chains)).follow()) as entries:
            async for entry in entries:
                given.append(entry.seq)
    assert given == list(range(gone))


async def test_what_was_trimmed_while_a_follower_was_away_is_jumped_over(store: Store, writer: WriteCapability) -> None:
    """The live stream goes on behind what was dropped: the follower starts again at the checkpoint."""
    log = chain(writer, store.chains)
    await some(log, 3)

    class Trimmed(Server):
        async def watch(self, chain_id: ChainId, start: Seq) -> AsyncIterator[Entry]:
            if start == 4:
                await some(log, 2)
                await log.checkpoint("state", trims=True)
                await log.close("end")
            async for entry in self.true.read(chain_id, max(start, Seq(6)), Seq(100)):
                yield entry

        async def read(self, chain_id: ChainId, start: Seq, stop: Seq) -> AsyncIterator[Entry]:
            async for entry in self.true.read(chain_id, start, stop):
                if entry.seq not in (4, 5):
                    yield entry

    async with aclosing(chain(writer.to_read(), Trimmed(store.chains)).follow()) as entries:
        found = [(entry.seq, entry.kind, entry.skipped) async for entry in entries]
    assert found[4:] == [(6, Kind.CHECKPOINT, 2), (7, Kind.CLOSE, 0)]


async def test_a_chain_that_is_said_to_be_over_must_show_its_close(store: Store, writer: WriteCapability) -> None:
    class Over(Server):
        async def head(self, chain_id: ChainId) -> Head:
            return replace(await self.true.head(chain_id), closed=True)

        async def watch(self, chain_id: ChainId, start: Seq) -> AsyncIterator[Entry]:
            return
            yield  # a generator, though it gives nothing

    await some(chain(writer, store.chains), 2)
    with pytest.raises(Invalid):
        async with asyncio.timeout(30), aclosing(chain(writer.to_read(), Over(store.chains)).follow()) as entries:
            assert [entry.seq async for entry in entries] == []


@pytest.mark.parametrize("start", [0, 3, 4, 50])
async def test_an_older_head_that_is_called_closed_is_a_rollback(
    store: Store, writer: WriteCapability, start: int
) -> None:
    class Older(Server):
        async def head(self, chain_id: ChainId) -> Head:
            (entry,) = [entry async for entry in self.true.read(chain_id, Seq(1), Seq(2))]
            return replace(await self.true.head(chain_id), seq=entry.seq, hash=entry.hash, closed=True)

        async def read(self, chain_id: ChainId, start: Seq, stop: Seq) -> AsyncIterator[Entry]:
            async for entry in self.true.read(chain_id, start, Seq(min(stop, 2))):
                yield entry

    pins = Pins()
    await some(chain(writer, store.chains, pins), 3)
    with pytest.raises(Rollback):
        _ = [entry async for entry in chain(writer.to_read(), Older(store.chains), pins).entries(start)]
    with pytest.raises(Rollback):
        await chain(writer, Older(store.chains), pins).share()


async def test_an_append_is_not_ended_by_a_lie(store: Store, writer: WriteCapability) -> None:
    class Ending(Server):
        async def append(self, entries: list[Entry], grant: bytes) -> tuple[Head, int]:
            raise Closed("it is over")

    await some(chain(writer, store.chains), 1)
    with pytest.raises(CairnError) as caught:
        await chain(writer, Ending(store.chains)).append("x")
    assert not isinstance(caught.value, Closed)


@pytest.mark.parametrize("count", [1, 3])
async def test_what_a_follower_saw_before_its_writer_is_not_written_twice(
    store: Store, writer: WriteCapability, count: int
) -> None:
    """The answer to an append is lost; before the writer looks again, the same session has read what follows it."""
    pins = Pins()

    class Losing(Server):
        broken = False

        async def append(self, entries: list[Entry], grant: bytes) -> tuple[Head, int]:
            answer = await self.true.append(entries, grant)  # type: ignore[arg-type]
            if entries[0].kind == Kind.GENESIS or self.broken:
                return answer
            self.broken = True
            await chain(writer, self.true).append("another device")
            await chain(writer.to_read(), self.true, pins).newest(1)
            raise Unknown("the connection broke")

    log = chain(writer, Losing(store.chains), pins)
    await log.create()
    await asyncio.gather(*(log.append(str(number)) for number in range(count)))
    found = [entry.text() async for entry in chain(writer.to_read(), store.chains).entries(1)]
    assert found == [*(str(number) for number in range(count)), "another device"]


async def test_nothing_asked_for_is_no_accusation(store: Store, writer: WriteCapability) -> None:
    await some(chain(writer, store.chains), 2)
    reader = chain(writer.to_read(), store.chains)
    assert [entry async for entry in reader.entries(0, 0)] == []
    assert [entry async for entry in reader.entries(2, 1)] == []


async def test_a_head_above_all_others_must_be_shown(store: Store, writer: WriteCapability) -> None:
    class Boasting(Server):
        async def head(self, chain_id: ChainId) -> Head:
            return replace(await self.true.head(chain_id), seq=Seq(SEQ_MAX))

    await some(chain(writer, store.chains), 2)
    with pytest.raises(Withheld):
        _ = [entry async for entry in chain(writer.to_read(), Boasting(store.chains)).entries()]


async def test_a_state_before_the_keys_of_the_capability_is_refused(store: Store, writer: WriteCapability) -> None:
    """Whoever holds the keys of an epoch knows that the chain has reached it, also at the first visit."""
    log = chain(writer, store.chains)
    await some(log, 2)
    before = await log.head()

    class Older(Server):
        async def head(self, chain_id: ChainId) -> Head:
            return before

    reader = await log.rotate()
    with pytest.raises(Withheld):
        _ = [entry async for entry in chain(reader, Older(store.chains)).entries()]
    assert len([entry async for entry in chain(reader, store.chains).entries()]) == 4


async def test_a_feigned_conflict_gets_no_second_signature(store: Store, writer: WriteCapability) -> None:
    """Two signatures for one place would be proof against the writer."""
    sent: list[bytes] = []

    class Feigning(Server):
        async def append(self, entries: list[Entry], grant: bytes) -> tuple[Head, int]:
            sent.append(entries[0].hash)
            raise Conflict("another was faster", await self.true.head(entries[0].chain_id))

    await some(chain(writer, store.chains), 1)
    with pytest.raises(Invalid, match="shows none"):
        await chain(writer, Feigning(store.chains)).append("x")
    assert len(sent) > 1
    assert len(set(sent)) == 1
