"""What all contracts share: the Store of a test, and short ways to ask it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Final, TypeVar

import pytest

from cairn.core.block import NO_GRANT, GrantId, Pin
from cairn.core.chain import SEQ_MAX, ChainId, Entry, Seq
from cairn.core.clock import SystemClock
from cairn.core.errors import CairnError
from cairn.core.store import Store
from cairn.testing.chains import Writer

T = TypeVar("T")

ALL: Final = Seq(SEQ_MAX)
ANN, BOB = GrantId(b"a" * 16), GrantId(b"b" * 16)
PIN, OTHER_PIN = Pin(b"p" * 32), Pin(b"q" * 32)
PATIENCE_SECONDS: Final = 30.0


class Contract:
    """Makes the Store of each test. What a backend's author overrides is here."""

    #: False for a store that is asked through an interface, which decides itself who pays, and which tells of the new
    #: entries of an append only whether there were any.
    names_payer = True

    def make(self) -> AbstractAsyncContextManager[Store]:
        """A fresh, empty Store."""
        raise NotImplementedError

    def now_ms(self) -> int:
        """The time by which the Store goes, in Unix milliseconds: for who gives it a clock."""
        return SystemClock().now_ms()

    @pytest.fixture
    async def store(self) -> AsyncIterator[Store]:
        """The Store of one test."""
        async with self.make() as store:
            yield store

    async def used(self, store: Store, *grants: GrantId) -> tuple[int, ...]:
        """What these grants pay for. Skips the test where the store is not told who pays."""
        if not self.names_payer:
            pytest.skip("this store is asked through an interface, which decides who pays")
        return tuple([(await store.ledger.usage(grant)).bytes for grant in grants])


async def take(entries: AsyncIterator[T], count: int) -> list[T]:
    """The next `count` items."""
    taken: list[T] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(taken) < count:
            taken.append(await anext(entries))
    return taken


async def collect(entries: AsyncIterator[T]) -> list[T]:
    """All items, to the end."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        return [entry async for entry in entries]


async def read_all(store: Store, chain_id: ChainId, start: int = 0, stop: int = ALL) -> list[Entry]:
    """What `read` gives."""
    return [entry async for entry in store.chains.read(chain_id, Seq(start), Seq(stop))]


async def appended(store: Store, count: int, seed: str) -> Writer:
    """The writer of a chain with a genesis and `count` entries, all of them appended."""
    writer = Writer(seed)
    writer.add_many(count)
    await store.chains.append(writer.entries, NO_GRANT)
    return writer


async def refuse(store: Store, entries: list[Entry], error: type[CairnError], writer: Writer) -> None:
    """An append that fails with `error` and changes nothing."""
    chain_id = writer.keys.chain_id
    before = await read_all(store, chain_id), await store.chains.head(chain_id)
    with pytest.raises(error) as caught:
        await store.chains.append(entries, NO_GRANT)
    assert type(caught.value) is error
    after = await read_all(store, chain_id), await store.chains.head(chain_id)
    assert after[0] == before[0]
    assert (after[1].seq, after[1].hash, after[1].bytes) == (before[1].seq, before[1].hash, before[1].bytes)
