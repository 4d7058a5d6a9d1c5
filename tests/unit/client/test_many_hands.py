"""What several devices, or several tasks of one, do at the same time: accounts, keys and pins."""

import asyncio
import errno
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from cairn.client import Chain, NoAccount, Withheld, WriteCapability, pins
from cairn.client.account import Accounts
from cairn.client.known_servers import KnownServers, ServerChanged
from cairn.client.pins import DamagedPin, Pins
from cairn.client.reader import Seen
from cairn.core.chain import ChainId, ChainState, Entry, Head, Kind, Receipt, Seq, begin
from cairn.core.errors import CairnError, Closed, Forbidden, Invalid
from cairn.core.store import Store
from cairn.storage.memory import memory_store


@pytest.fixture
def store() -> Store:
    return memory_store()


def accounts(store: Store) -> Accounts:
    return Accounts(store.chains, store.chains, Pins(), ())


async def test_a_keyring_that_is_compacted_keeps_what_another_device_adds(store: Store) -> None:
    here = await accounts(store).sign_up("example.org", "ann", "a password")
    there = await accounts(store).sign_in("example.org", "ann", "a password")
    first, second = WriteCapability.new(), WriteCapability.new()
    await here.keep("first", first)
    records = here._records
    calls = 0

    async def crossed() -> tuple[dict[str, str], int]:
        nonlocal calls
        found, calls = await records(), calls + 1
        if calls == 1:
            await there.keep("second", second)
        return found

    here._records = crossed  # type: ignore[method-assign]
    await here.compact()
    assert await there.keyring() == {"first": first, "second": second}
    assert (await there.chain.newest(1))[0].kind == Kind.CHECKPOINT


async def test_a_password_that_opens_another_account_is_not_taken_from_it(store: Store) -> None:
    mine = await accounts(store).sign_up("example.org", "ann", "mine")
    other = await accounts(store).sign_up("example.org", "ann", "another's")
    with pytest.raises(Forbidden) as caught:
        await mine.change_password("example.org", "ann", "another's")
    assert not isinstance(caught.value, NoAccount)
    assert (await accounts(store).sign_in("example.org", "ann", "another's")).capability == other.capability
    assert (await accounts(store).sign_in("example.org", "ann", "mine")).capability == mine.capability


async def test_a_password_that_was_given_up_is_not_taken_again(store: Store) -> None:
    account = await accounts(store).sign_up("example.org", "ann", "one")
    changed = await account.change_password("example.org", "ann", "two")
    with pytest.raises(Closed, match="before"):
        await changed.change_password("example.org", "ann", "one")
    again = await changed.change_password("example.org", "ann", "two")
    assert again.capability == account.capability
    assert (await accounts(store).sign_in("example.org", "ann", "two")).capability == account.capability


async def test_a_head_that_is_taken_back_leaves_no_empty_door(store: Store) -> None:
    class Retreating:
        asked = 0

        async def head(self, chain_id: ChainId) -> Head:
            self.asked += 1
            head = await store.chains.head(chain_id)
            return replace(head, seq=Seq(9)) if self.asked == 1 else head

        def read(self, chain_id: ChainId, start: Seq, stop: Seq) -> AsyncIterator[Entry]:
            return store.chains.read(chain_id, start, stop)

    account = await accounts(store).sign_up("example.org", "ann", "a password")
    assert account.home == ""
    with pytest.raises(Withheld):
        await Accounts(store.chains, Retreating(), Pins(), ()).sign_in("example.org", "ann", "a password")  # type: ignore[arg-type]


async def test_two_tasks_that_read_one_chain_both_get_its_older_keys(store: Store) -> None:
    class Yielding:
        async def head(self, chain_id: ChainId) -> Head:
            return await store.chains.head(chain_id)

        async def read(self, chain_id: ChainId, start: Seq, stop: Seq) -> AsyncIterator[Entry]:
            async for entry in store.chains.read(chain_id, start, stop):
                await asyncio.sleep(0)
                yield entry

    log = Chain(WriteCapability.new(), store.chains, Pins())
    for epoch in range(4):
        await log.append(str(epoch))
        newest = await log.rotate()
    reader = Chain(newest, Yielding(), Pins())  # type: ignore[arg-type]

    async def read() -> list[CairnError | None]:
        async with aclosing(reader.entries()) as entries:
            return [entry.problem async for entry in entries]

    for problems in await asyncio.gather(*(read() for _ in range(5))):
        assert problems == [None] * 9


async def test_servers_that_are_met_at_once_are_all_remembered(tmp_path: Path) -> None:
    urls = {f"http://server{number}.example": frozenset([bytes([number]) * 32]) for number in range(40)}
    await asyncio.gather(*(asyncio.to_thread(KnownServers(tmp_path).check, url, urls[url]) for url in urls))
    for url in urls:
        with pytest.raises(ServerChanged):
            KnownServers(tmp_path).check(url, frozenset([bytes(32)[:31] + b"x"]))
    (tmp_path / "servers.json").write_text('{"http://server1.example": [5]}')
    with pytest.raises(Invalid):
        KnownServers(tmp_path).check("http://server1.example", frozenset([bytes(32)]))


def state() -> ChainState:
    return begin(WriteCapability.new().keys.genesis())


async def test_pins_that_could_not_be_saved_are_saved_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins, "_SAVE_SECONDS", 0.0)
    replace_file, tries = pins.replace_file, 0
    failed = asyncio.Event()
    loop = asyncio.get_running_loop()
    lost: list[object] = []
    loop.set_exception_handler(lambda _, context: lost.append(context))

    def full(path: Path, content: bytes) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            loop.call_soon_threadsafe(failed.set)
            raise OSError(errno.ENOSPC, "no space left")
        replace_file(path, content)

    monkeypatch.setattr(pins, "replace_file", full)
    kept, seen = Pins(tmp_path), Seen(state())
    kept.keep(seen)
    saver = kept._saver
    await failed.wait()
    assert saver is not None
    await asyncio.wait([saver])
    assert saver.exception() is None
    await kept.close()
    assert lost == []
    assert (await Pins(tmp_path).seen(seen.state.chain_id)).state.hash == seen.state.hash  # type: ignore[union-attr]


async def test_what_cannot_be_saved_is_told_at_the_end(tmp_path: Path) -> None:
    kept, seen = Pins(tmp_path), Seen(state())
    kept.keep(seen)
    (tmp_path / f"{seen.state.chain_id.hex()}.json").write_text("{}")
    with pytest.raises(DamagedPin):
        await kept.close()


async def test_closing_waits_for_a_save_that_is_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins, "_SAVE_SECONDS", 0.0)
    begun, go_on, replace_file = asyncio.Event(), threading.Event(), pins.replace_file
    loop = asyncio.get_running_loop()

    def slow(path: Path, content: bytes) -> None:
        loop.call_soon_threadsafe(begun.set)
        assert go_on.wait(30)
        replace_file(path, content)

    monkeypatch.setattr(pins, "replace_file", slow)
    kept, seen = Pins(tmp_path), Seen(state())
    kept.keep(seen)
    await begun.wait()
    closing = asyncio.create_task(kept.close())
    for _ in range(5):
        await asyncio.sleep(0)
    go_on.set()
    await closing
    assert (tmp_path / f"{seen.state.chain_id.hex()}.json").exists()


async def test_of_two_entries_at_one_seq_the_first_stays_pinned(tmp_path: Path) -> None:
    first = state()
    other = replace(first, hash=bytes(32))
    one, two = Pins(tmp_path), Pins(tmp_path)
    one.keep(Seen(first))
    one.keep(Seen(other, Receipt(1, bytes(64)), bytes(32)))
    assert (await one.seen(first.chain_id)).state.hash == first.hash  # type: ignore[union-attr]
    await one.close()
    two.keep(Seen(other))
    await two.close()
    assert (await Pins(tmp_path).seen(first.chain_id)).state.hash == first.hash  # type: ignore[union-attr]
