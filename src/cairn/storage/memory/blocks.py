"""BlockStore in a dictionary."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection

from cairn.core.block import Block, BlockId, GrantId, Pin, PinHash, pin_hash
from cairn.core.errors import NotFound
from cairn.storage.memory.ledger import NO_PIN, MemoryLedger


class MemoryBlocks:
    """Blocks by id. Their pins, each with the grant that pays, are in the ledger."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger = ledger
        self._blocks: dict[BlockId, Block] = {}

    async def get(self, block_id: BlockId) -> Block:
        """See `BlockStore.get`."""
        try:
            return self._blocks[block_id]
        except KeyError:
            raise NotFound("there is no such block") from None

    async def put(self, block: Block, pin: PinHash | None, grant: GrantId) -> bool:
        """See `BlockStore.put`."""
        is_new = block.id not in self._blocks
        self._blocks[block.id] = block
        pins = self._ledger.pins.setdefault(block.id, {})
        if (pin or NO_PIN) not in pins:
            pins[pin or NO_PIN] = grant
            self._ledger.block_bytes[grant] += len(block)
        return is_new

    async def unpin(self, block_id: BlockId, pin: Pin) -> None:
        """See `BlockStore.unpin`."""
        self._drop(block_id, pin_hash(pin))

    async def has(self, block_ids: Collection[BlockId]) -> set[BlockId]:
        """See `BlockStore.has`."""
        return {block_id for block_id in block_ids if block_id in self._blocks}

    async def scan(self, after: BlockId | None) -> AsyncIterator[BlockId]:
        """See `BlockStore.scan`; in the order of the ids."""
        for block_id in sorted(self._blocks):
            if after is None or block_id > after:
                yield block_id

    def collect_unpinned(self) -> None:
        """Drop the unpinned mark of every block, as a real store does 24 h after the put."""
        for block_id in list(self._blocks):
            self._drop(block_id, NO_PIN)

    def _drop(self, block_id: BlockId, pin: PinHash) -> None:
        pins = self._ledger.pins.get(block_id, {})
        grant = pins.pop(pin, None)
        if grant is None:
            return
        self._ledger.block_bytes[grant] -= len(self._blocks[block_id])
        if not pins:
            del self._blocks[block_id], self._ledger.pins[block_id]
