"""A BlockStore that tells of removals, so that whoever keeps copies elsewhere can drop them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Collection
from typing import Final

from cairn.core.block import Block, BlockId, GrantId, Pin, PinHash
from cairn.core.store import BlockStore

_WAITING_MAX: Final = 65_536


class Removals:
    """Who wants to hear of removals, and what each has not heard yet: the newest `_WAITING_MAX`."""

    def __init__(self) -> None:
        self._listeners: set[_Listener] = set()

    def tell(self, block_id: BlockId) -> None:
        """A pin of this block went, and perhaps the block."""
        for listener in self._listeners:
            listener.hear(block_id)

    async def listen(self) -> AsyncIterator[BlockId]:
        """The blocks of which a pin goes from now on. Never ends by itself."""
        listener = _Listener()
        self._listeners.add(listener)
        try:
            while True:
                yield await listener.next()
        finally:
            self._listeners.discard(listener)


class _Listener:
    __slots__ = ("_heard", "_waiting")

    def __init__(self) -> None:
        self._waiting: deque[BlockId] = deque(maxlen=_WAITING_MAX)
        self._heard = asyncio.Event()

    def hear(self, block_id: BlockId) -> None:
        self._waiting.append(block_id)
        self._heard.set()

    async def next(self) -> BlockId:
        while not self._waiting:
            self._heard.clear()
            await self._heard.wait()
        return self._waiting.popleft()


class TellingBlocks:
    """The blocks of the store below."""

    def __init__(self, below: BlockStore, removals: Removals) -> None:
        self._below = below
        self._removals = removals

    async def get(self, block_id: BlockId) -> Block:
        """See `BlockStore.get`."""
        return await self._below.get(block_id)

    async def put(self, block: Block, pin: PinHash | None, grant: GrantId) -> bool:
        """See `BlockStore.put`."""
        return await self._below.put(block, pin, grant)

    async def has(self, block_ids: Collection[BlockId]) -> set[BlockId]:
        """See `BlockStore.has`."""
        return await self._below.has(block_ids)

    def scan(self, after: BlockId | None) -> AsyncIterator[BlockId]:
        """See `BlockStore.scan`."""
        return self._below.scan(after)

    async def unpin(self, block_id: BlockId, pin: Pin) -> None:
        """See `BlockStore.unpin`."""
        try:
            await self._below.unpin(block_id, pin)
        finally:  # an error may mean that it was done
            self._removals.tell(block_id)
