"""A chain above a Store: what is written is read back, by whoever may, and nothing else is believed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from cairn.client import (
    CannotOpen,
    Chain,
    ChainCapability,
    Fork,
    KeyMissing,
    Payload,
    ReadCapability,
    Rollback,
    Withheld,
    WriteCapability,
)
from cairn.client.format.secret import ChainKeys
from cairn.client.state.pins import Pins
from cairn.core.block import NO_GRANT
from cairn.core.chain import ChainId, Entry, Head, Kind, Seq
from cairn.core.errors import Closed, Conflict, Forbidden, Invalid, NotFound, TooLarge, Unknown
from cairn.core.store import ChainStore, Store
from cairn.storage.memory import memory_store


@pytest.fixture
def store() -> Store:
    return memory_store()


@pytest.fixture
def writer() -> WriteCapability:
    return WriteCapability.new()


def chain(capability: ChainCapability, store: Store, pins: Pins | None = None) -> Chain:
    return Chain(capability, store.chains, pins or Pins())


async def texts(reader: Chain, start: int = 1) -> list[str]:
    return [entry.text() async for entry in reader.entries(start)]


async def test_what_is_written_is_read(store: Store, writer: WriteCapability) -> None:
    log = chain(writer, store)
    await log.append("hello")
    await log.append_json({"a": [1, None]})
    await log.append(b"\0\xff")
    await log.append(Payload(b"x", 200))
    found = [entry async for entry in chain(writer.to_read(), store).entries()]
    assert [entry.kind for entry in found] == [Kind.GENESIS, Kind.LINK, Kind.LINK, Kind.LINK, Kind.LINK]
    assert (found[1].text(), found[2].json(), found[3].data) == ("hello", {"a": [1, None]}, b"\0\xff")
    assert found[4].payload.content_type == 200


async def test_appends_at_the_same_time_all_stand_in_order(store: Store, writer: WriteCapability) -> None:
    log = chain(writer, store)
    await log.create()
    await asyncio.gather(*(log.append(str(number)) for number in range(600)))
    assert await texts(chain(writer.to_read(), store)) == [str(number) for number in range(600)]


async def test_two_devices_append_without_losing_an_entry(store: Store, writer: WriteCapability) -> None:
    devices = [chain(writer, store) for _ in range(4)]

    async def write(number: int) -> None:
        for turn in range(20):
            await devices[number].append(f"{number}.{turn}")

    await asyncio.gather(*(write(number) for number in range(4)))
    found = await texts(chain(writer.to_read(), store))
    assert sorted(found) == sorted(f"{number}.{turn}" for number in range(4) for turn in range(20))
    for number in range(4):
        own = [text for text in found if text.startswith(f"{number}.")]
        assert own == [f"{number}.{turn}" for turn in range(20)]


async def test_at_a_place_or_not_at_all(store: Store, writer: WriteCapability) -> None:
    first, second = chain(writer, store), chain(writer, store)
    await first.append("one", at=1)
    await second.create()
    await first.append("two", at=2)
    with pytest.raises(Conflict):
        await second.append("other two", at=2)
    with pytest.raises(Conflict):
        await second.append("far", at=9)
    await second.append("three", at=3)
    assert await texts(chain(writer.to_read(), store)) == ["one", "two", "three"]


async def test_a_refused_entry_does_not_take_others_with_it(store: Store, writer: WriteCapability) -> None:
    log = chain(writer, store)
    await log.create()
    outcomes = await asyncio.gather(
        log.append("a"), log.append(bytes(63_485)), log.append("b", at=77), log.append("c"), log.close(b"end"),
        log.append("late"), return_exceptions=True,
    )  # fmt: skip
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [Entry, TooLarge, Conflict, Entry, Entry, Closed]


async def test_several_at_once_all_or_none(store: Store, writer: WriteCapability) -> None:
    log, other = chain(writer, store), chain(writer, store)
    entries = await log.append_all(["one", b"two", Payload.of_json(3)])
    assert [entry.seq for entry in entries] == [1, 2, 3]
    assert [entry.seq for entry in await log.append_all(["four", "five"], at=4)] == [4, 5]
    with pytest.raises(Conflict):
        await other.append_all(["late", "later"], at=4)
    with pytest.raises(TooLarge):
        await log.append_all(["six", bytes(63_485)])
    with pytest.raises(TooLarge):
        await log.append_all(["x"] * 257)
    with pytest.raises(Forbidden):
        await chain(writer.to_read(), store).append_all(["x"])
    assert await log.append_all([]) == []
    assert await texts(chain(writer.to_read(), store)) == ["one", "two", "3", "four", "five"]


async def test_several_at_once_beside_others(store: Store, writer: WriteCapability) -> None:
    log = chain(writer, store)
    await log.create()
    wanted = [[f"{number}.{part}" for part in range(number)] for number in range(1, 60)]
    await asyncio.gather(*(log.append_all(words) for words in wanted), log.close())
    found = await texts(chain(writer.to_read(), store))
    assert found == [*(word for words in wanted for word in words), ""]


async def test_what_is_kept_begins_at_the_newest_floor(store: Store, writer: WriteCapability) -> None:
    log = chain(writer, store)
    await log.append_all([str(number) for number in range(1, 200)])
    await log.checkpoint("the first 199", trims=True)
    await log.rotate()
    await log.append("after")
    asked = Asked(store.chains)
    reader = Chain(await log.share(), asked, Pins())  # type: ignore[arg-type]
    found = [entry async for entry in reader.kept()]
    assert [(entry.seq, entry.kind, entry.skipped) for entry in found] == [
        (200, Kind.CHECKPOINT, 199), (201, Kind.ROTATE, 0), (202, Kind.LINK, 0),
    ]  # fmt: skip
    assert (found[0].text(), found[2].text()) == ("the first 199", "after")
    assert asked.ranges == [(0, 1), (200, 203), (201, 203)]  # the genesis, what is kept, and its rotates for older keys
    assert [entry.seq async for entry in reader.kept()] == [200, 201, 202]
    await log.append("more")
    await log.checkpoint("all", trims=True)
    assert [entry.seq async for entry in reader.kept()] == [204]
    assert len(await texts(reader, 0)) == 205


async def test_without_a_floor_all_is_kept(store: Store, writer: WriteCapability) -> None:
    await chain(writer, store).append_all(["one", "two"])
    await chain(writer, store).checkpoint("for readers, and gives up nothing")
    assert [entry.seq async for entry in chain(writer.to_read(), store).kept()] == [0, 1, 2, 3]


@pytest.mark.parametrize("size", [0, 1, 124, 125, 63_480])
async def test_payloads_of_all_sizes(store: Store, writer: WriteCapability, size: int) -> None:
    await chain(writer, store).append(bytes(size))
    (entry,) = await chain(writer.to_read(), store).newest(1)
    assert entry.data == bytes(size)


async def test_who_may_what(store: Store, writer: WriteCapability) -> None:
    log = chain(writer, store)
    await log.append("secret")
    with pytest.raises(Forbidden):
        await chain(writer.to_read(), store).append("x")
    with pytest.raises(Forbidden):
        await chain(writer.to_verify(), store).rotate()
    (entry,) = await chain(writer.to_verify(), store).newest(1)
    with pytest.raises(KeyMissing):
        entry.text()
    assert (await chain(writer.to_verify(), store).verify()).unreadable == 1


async def test_a_capability_of_another_chain_is_refused(store: Store, writer: WriteCapability) -> None:
    await chain(writer, store).append("x")
    other = ReadCapability(writer.chain_id, 0, bytes(32))
    with pytest.raises(Invalid):
        await texts(chain(other, store))


async def test_rotation_shuts_out_old_readers_and_new_ones_walk_back(store: Store, writer: WriteCapability) -> None:
    log = chain(writer, store)
    await log.append("zero")
    old = await log.share()
    await log.append("zero again")
    middle = await log.rotate("note")
    await log.append("one")
    newest = await log.rotate()
    await log.append("two")
    assert (old.key_epoch, middle.key_epoch, newest.key_epoch) == (0, 1, 2)
    assert await texts(chain(newest, store)) == ["zero", "zero again", "note", "one", "", "two"]
    assert newest == await log.share()

    opened = [entry async for entry in chain(old, store).entries(1)]
    assert [entry.content is not None for entry in opened] == [True, True, False, False, False, False]
    assert isinstance(opened[-1].problem, KeyMissing)
    assert [entry.content is not None async for entry in chain(middle, store).entries(1)] == [True] * 4 + [False] * 2


async def test_a_late_start_of_an_older_epoch_is_opened(store: Store, writer: WriteCapability) -> None:
    log = chain(writer, store)
    await log.append("zero")
    for epoch in range(1, 5):
        await log.rotate()
        await log.append(f"epoch {epoch}")
    reader = chain(await log.share(), store)
    (entry,) = [entry async for entry in reader.entries(3, 4)]
    assert entry.text() == "epoch 1"


async def test_follow_gives_what_is_there_and_what_comes(store: Store, writer: WriteCapability) -> None:
    log = chain(writer, store)
    await log.append("before")
    seen: list[str] = []

    async def follow() -> None:
        async with aclosing(chain(writer.to_read(), store).follow(1)) as entries:
            async for entry in entries:
                seen.append(entry.text())

    task = asyncio.create_task(follow())
    for number in range(50):
        await log.append(str(number))
        await asyncio.sleep(0)
    await log.close()
    await asyncio.wait_for(task, 10)
    assert seen == ["before", *(str(number) for number in range(50)), ""]


async def test_a_closed_chain_takes_nothing_more(store: Store, writer: WriteCapability) -> None:
    log = chain(writer, store)
    await log.append("x")
    await log.close("bye")
    for device in (log, chain(writer, store)):
        with pytest.raises(Closed):
            await device.append("y")


async def test_an_unknown_chain(store: Store, writer: WriteCapability) -> None:
    with pytest.raises(NotFound):
        await texts(chain(writer.to_read(), store))


# --- servers that lie


class Lying:
    """A ChainStore whose answers are altered on the way."""

    def __init__(self, true: ChainStore) -> None:
        self.true = true
        self.shown: list[Entry] | None = None

    async def head(self, chain_id: ChainId) -> Head:
        head = await self.true.head(chain_id)
        if not self.shown:
            return head
        last = self.shown[-1]
        return Head(chain_id, last.seq, last.hash, last.floor, last.key_epoch, False, len(self.shown), 0)

    async def append(self, entries: list[Entry], grant: bytes) -> tuple[Head, int]:
        return await self.true.append(entries, grant)  # type: ignore[arg-type]

    async def read(self, chain_id: ChainId, start: Seq, stop: Seq) -> AsyncIterator[Entry]:
        if self.shown is None:
            async for entry in self.true.read(chain_id, start, stop):
                yield entry
        else:
            for entry in self.shown:
                if start <= entry.seq < stop:
                    yield entry


class Asked(Lying):
    """A true one, that remembers what was read."""

    def __init__(self, true: ChainStore) -> None:
        super().__init__(true)
        self.ranges: list[tuple[int, int]] = []

    async def read(self, chain_id: ChainId, start: Seq, stop: Seq) -> AsyncIterator[Entry]:
        self.ranges.append((start, stop))
        async for entry in super().read(chain_id, start, stop):
            yield entry


async def test_what_was_seen_is_not_passed_over(store: Store, writer: WriteCapability) -> None:
    pins = Pins()
    log = chain(writer, store, pins)
    await log.append_all(["one", "two", "three"])
    await log.checkpoint("up to two", trims=False)
    entries = await all_of(store, writer)
    server = Lying(store.chains)
    server.shown = [*entries[:1], entries[4]]
    with pytest.raises(Withheld):
        [entry async for entry in Chain(writer.to_read(), server, pins).kept()]  # type: ignore[arg-type]


async def all_of(store: Store, capability: WriteCapability) -> list[Entry]:
    return [entry async for entry in store.chains.read(capability.chain_id, Seq(0), Seq(1 << 40))]


async def lying(store: Store, writer: WriteCapability) -> tuple[Lying, list[Entry]]:
    for number in range(6):
        await chain(writer, store).append(str(number))
    return Lying(store.chains), await all_of(store, writer)


async def test_a_rollback_is_refused_also_by_a_later_run(store: Store, writer: WriteCapability, tmp_path: Path) -> None:
    server, entries = await lying(store, writer)
    pins = Pins(tmp_path)
    assert len([1 async for _ in Chain(writer.to_read(), server, pins).entries()]) == 7  # type: ignore[arg-type]
    await pins.close()
    server.shown = entries[:4]
    with pytest.raises(Rollback) as caught:
        await Chain(writer.to_read(), server, Pins(tmp_path)).newest(1)  # type: ignore[arg-type]
    assert (caught.value.before.seq, caught.value.now.seq) == (6, 3)
    assert len([1 async for _ in Chain(writer.to_read(), server, Pins()).entries()]) == 4  # type: ignore[arg-type]


async def test_a_chain_that_is_gone_is_a_rollback(store: Store, writer: WriteCapability, tmp_path: Path) -> None:
    pins = Pins(tmp_path)
    await chain(writer, store, pins).append("x")
    await pins.close()
    with pytest.raises(Rollback):
        await texts(chain(writer.to_read(), memory_store(), Pins(tmp_path)))


async def test_a_fork_is_refused(store: Store, writer: WriteCapability) -> None:
    pins = Pins()
    await chain(writer, store, pins).append("one")
    await chain(writer, store, pins).append("two")
    elsewhere = memory_store()
    for text in ("one", "other two", "three"):
        await chain(writer, elsewhere).append(text)
    with pytest.raises((Fork, Invalid)):
        await texts(chain(writer.to_read(), elsewhere, pins))


@pytest.mark.parametrize("gone", [1, 3, 5])
async def test_left_out_entries_are_noticed(store: Store, writer: WriteCapability, gone: int) -> None:
    server, entries = await lying(store, writer)
    server.shown = entries[:gone] + entries[gone + 1 :]
    with pytest.raises((Withheld, Invalid)):
        await texts(Chain(writer.to_read(), server, Pins()))  # type: ignore[arg-type]


@pytest.mark.parametrize("at", [0, 5, 40, 100, -1, -70])
async def test_an_altered_entry_is_never_given(store: Store, writer: WriteCapability, at: int) -> None:
    server, entries = await lying(store, writer)
    raw = bytearray(entries[3].raw)
    raw[at] ^= 1
    try:
        changed = Entry.decode(bytes(raw))
    except Invalid:
        return
    server.shown = [*entries[:3], changed, *entries[4:]]
    given = []
    with pytest.raises((Invalid, Withheld, Fork)):
        async for entry in Chain(writer.to_read(), server, Pins()).entries(1):  # type: ignore[arg-type]
            given.append(entry.text())
    assert given == ["0", "1"]


async def test_an_entry_sealed_under_another_key_is_told_and_passed(store: Store, writer: WriteCapability) -> None:
    log = chain(writer, store)
    await log.append("good")
    (last,) = await log.newest(1)
    verified = await log.verify()
    bad = _signed_nonsense(writer.keys, verified.state)
    await store.chains.append([bad], NO_GRANT)
    await log.append("good again")
    found = [entry async for entry in chain(writer.to_read(), store).entries(1)]
    assert [entry.content is not None for entry in found] == [True, False, True]
    assert isinstance(found[1].problem, CannotOpen)
    assert last.text() == "good"


def _signed_nonsense(keys: ChainKeys, state: object) -> Entry:
    good = keys.follow(state, Kind.LINK, b"x")  # type: ignore[arg-type]
    raw = bytearray(good.raw[:-64])
    raw[-1] ^= 1
    return Entry.decode(bytes(raw) + keys.sign("entry", bytes(raw)))


class Forgetful(Lying):
    """Stores an append, and breaks the connection before the answer."""

    broken = 0

    async def append(self, entries: list[Entry], grant: bytes) -> tuple[Head, int]:
        await self.true.append(entries, grant)  # type: ignore[arg-type]
        self.broken += 1
        if self.broken % 2:
            raise Unknown("the connection broke")
        return await self.true.append(entries, grant)  # type: ignore[arg-type]


async def test_a_lost_answer_appends_nothing_twice(store: Store, writer: WriteCapability) -> None:
    log = Chain(writer, Forgetful(store.chains), Pins())  # type: ignore[arg-type]
    for number in range(10):
        try:
            await log.append(str(number))
        except Unknown:
            pytest.fail("the entry was there to be found")
    assert await texts(chain(writer.to_read(), store)) == [str(number) for number in range(10)]
