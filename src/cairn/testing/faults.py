"""A Store that fails as stores do: refuses, loses a call or its answer, is slow, breaks off. For tests of what stands
on a Store: retries, caches, clients.

    store = with_faults(memory_store(), Faults(seed=7, refuse=0.1, lose_answer=0.1, delay_seconds=0.01))

What happens to a call is drawn from the seed and the order of the calls, so one task that asks sees the same faults
every time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TypeVar

from cairn.core.block import Block, BlockId, GrantId, Pin, PinHash
from cairn.core.chain import ChainId, Entry, Head, Seq
from cairn.core.ephemeral import Ephemeral
from cairn.core.errors import Unavailable, Unknown
from cairn.core.store import BlockStore, ChainStore, Ledger, Relay, Store, Usage

T = TypeVar("T")


@dataclass
class Faults:
    """How often what goes wrong: each a probability per call, drawn in this order. Change them as a test goes on."""

    seed: int | str = 0
    refuse: float = 0.0  # Unavailable; nothing was done
    lose_call: float = 0.0  # Unknown; nothing was done
    lose_answer: float = 0.0  # Unknown; it was done
    break_off: float = 0.0  # per item of a stream: Unavailable
    delay_seconds: float = 0.0  # at most, before the call and after it
    injected: int = 0  # how many faults there were; delays are none
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = random.Random(f"faults {self.seed}")

    async def write(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call that changes something, or fail."""
        await self._delay()
        fate = self._random.random()
        if fate < self.refuse:
            raise self._fault(Unavailable("the test refused this"))
        if fate < self.refuse + self.lose_call:
            raise self._fault(Unknown("the test lost this call"))
        answer = await call()
        await self._delay()
        if fate < self.refuse + self.lose_call + self.lose_answer:
            raise self._fault(Unknown("the test lost this answer"))
        return answer

    async def read(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call that only asks, or fail: it cannot matter which way it got lost."""
        await self._delay()
        if self._random.random() < self.refuse + self.lose_call + self.lose_answer:
            raise self._fault(Unavailable("the test refused this"))
        answer = await call()
        await self._delay()
        return answer

    async def stream(self, items: AsyncIterator[T]) -> AsyncIterator[T]:
        """Pass a stream on, until it breaks off."""
        async with aclosing(items) as source:  # type: ignore[type-var]
            async for item in source:
                await self._delay()
                if self._random.random() < self.break_off:
                    raise self._fault(Unavailable("the test broke this off"))
                yield item

    def _fault(self, error: Unavailable | Unknown) -> Unavailable | Unknown:
        self.injected += 1
        return error

    async def _delay(self) -> None:
        if self.delay_seconds:
            await asyncio.sleep(self._random.random() * self.delay_seconds)


class FaultyBlocks:
    """A BlockStore with faults."""

    def __init__(self, below: BlockStore, faults: Faults) -> None:
        self._below = below
        self._faults = faults

    async def get(self, block_id: BlockId) -> Block:
        """See `BlockStore.get`."""
        return await self._faults.read(lambda: self._below.get(block_id))

    async def put(self, block: Block, pin: PinHash | None, grant: GrantId) -> bool:
        """See `BlockStore.put`."""
        return await self._faults.write(lambda: self._below.put(block, pin, grant))

    async def unpin(self, block_id: BlockId, pin: Pin) -> None:
        """See `BlockStore.unpin`."""
        await self._faults.write(lambda: self._below.unpin(block_id, pin))

    async def has(self, block_ids: Collection[BlockId]) -> set[BlockId]:
        """See `BlockStore.has`."""
        return await self._faults.read(lambda: self._below.has(block_ids))

    def scan(self, after: BlockId | None) -> AsyncIterator[BlockId]:
        """See `BlockStore.scan`."""
        return self._faults.stream(self._below.scan(after))


class FaultyChains:
    """A ChainStore with faults."""

    def __init__(self, below: ChainStore, faults: Faults) -> None:
        self._below = below
        self._faults = faults

    async def head(self, chain_id: ChainId) -> Head:
        """See `ChainStore.head`."""
        return await self._faults.read(lambda: self._below.head(chain_id))

    async def append(self, entries: Sequence[Entry], grant: GrantId) -> tuple[Head, int]:
        """See `ChainStore.append`."""
        return await self._faults.write(lambda: self._below.append(entries, grant))

    def read(self, chain_id: ChainId, start: Seq, stop: Seq) -> AsyncIterator[Entry]:
        """See `ChainStore.read`."""
        return self._faults.stream(self._below.read(chain_id, start, stop))

    def watch(self, chain_id: ChainId, start: Seq) -> AsyncIterator[Entry]:
        """See `ChainStore.watch`."""
        return self._faults.stream(self._below.watch(chain_id, start))

    def scan(self, after: ChainId | None) -> AsyncIterator[ChainId]:
        """See `ChainStore.scan`."""
        return self._faults.stream(self._below.scan(after))


class FaultyLedger:
    """A Ledger with faults."""

    def __init__(self, below: Ledger, faults: Faults) -> None:
        self._below = below
        self._faults = faults

    async def usage(self, grant: GrantId) -> Usage:
        """See `Ledger.usage`."""
        return await self._faults.read(lambda: self._below.usage(grant))

    async def keeps(self, block_id: BlockId, pin: PinHash | None) -> bool:
        """See `Ledger.keeps`."""
        return await self._faults.read(lambda: self._below.keeps(block_id, pin))


class FaultyRelay:
    """A Relay with faults."""

    def __init__(self, below: Relay, faults: Faults) -> None:
        self._below = below
        self._faults = faults

    async def send(self, message: Ephemeral) -> bool:
        """See `Relay.send`."""
        return await self._faults.read(lambda: self._below.send(message))

    def listen(self, chain_id: ChainId) -> AsyncIterator[Ephemeral]:
        """See `Relay.listen`."""
        return self._faults.stream(self._below.listen(chain_id))


def with_faults(store: Store, faults: Faults) -> Store:
    """The same Store, which fails as `faults` says."""
    return Store(
        FaultyBlocks(store.blocks, faults),
        FaultyChains(store.chains, faults),
        FaultyLedger(store.ledger, faults),
        FaultyRelay(store.relay, faults),
    )
