"""What several devices, or several tasks of one, do at the same time: accounts and keys."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest

from cairn.client import Chain, NoAccount, Withheld, WriteCapability
from cairn.client.account import Accounts
from cairn.client.state.pins import Pins
from cairn.core.chain import ChainId, Entry, Head, Kind, Seq
from cairn.core.errors import CairnError, Closed, Forbidden
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
