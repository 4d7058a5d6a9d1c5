"""A BlockStore that tells of removals, so that whoever keeps copies elsewhere can drop them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from typing import Final

from cairn.core.block import Block, BlockId, GrantId, Pin, PinHash
from cairn.core.mailbox import Mailbox
from cairn.core.store import BlockStore

_WAITING_MAX: Final = 65_536


class Removals:
    """Who wants to hear of removals, and what each has not heard yet: the newest `_WAITING_MAX`."""

    def __init__(self) -> None:
        self._listeners: set[Mailbox[BlockId]] = set()

    def tell(self, block_id: BlockId) -> None:
        """A pin of this block went, and perhaps the block."""
        for listener in self._listeners:
            listener.put(block_id)

    async def listen(self) -> AsyncIterator[BlockId]:
        """The blocks of which a pin goes from now on. Never ends by itself."""
        listener: Mailbox[BlockId] = Mailbox(_WAITING_MAX)
        self._listeners.add(listener)
        try:
            while True:
                yield await listener.take()
        finally:
            self._listeners.discard(listener)


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
