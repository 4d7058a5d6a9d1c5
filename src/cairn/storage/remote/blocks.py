"""A BlockStore that asks. What comes back is not believed: blocks are hashed again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence

from cairn.core.block import Block, BlockId, GrantId, Pin, PinHash
from cairn.core.errors import Invalid
from cairn.link import Link
from cairn.wire.link import SCAN_IDS, Operation, encode_paid_put, encode_unpin, pages
from cairn.wire.messages import (
    ALREADY,
    HAS_ABSENT,
    HAS_PRESENT,
    STORED,
    PutItem,
    decode_ids,
    decode_put_answer,
    decode_wanted_block,
    encode_ids,
)  # fmt: skip


class RemoteBlocks:
    """Blocks at the other end of a link."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def get(self, block_id: BlockId) -> Block:
        """See `BlockStore.get`."""
        return await self._link.ask(Operation.GET_BLOCK, block_id, lambda body: decode_wanted_block(body, block_id))

    async def put(self, block: Block, pin: PinHash | None, grant: GrantId) -> bool:
        """See `BlockStore.put`."""
        body = encode_paid_put(PutItem(pin, block.data), grant)
        return await self._link.ask(Operation.PUT_BLOCK, body, lambda answer: _decode_put(answer, block.id))

    async def unpin(self, block_id: BlockId, pin: Pin) -> None:
        """See `BlockStore.unpin`."""
        await self._link.ask(Operation.UNPIN_BLOCK, encode_unpin(block_id, pin), bytes)

    async def has(self, block_ids: Collection[BlockId]) -> set[BlockId]:
        """See `BlockStore.has`."""
        present: set[BlockId] = set()
        for page in pages(list(block_ids)):
            present |= await self._present(page)
        return present

    async def _present(self, page: Sequence[BlockId]) -> set[BlockId]:
        states = await self._link.ask(Operation.HAS_BLOCKS, encode_ids(page), lambda body: _decode_has(body, len(page)))
        return {one for one, state in zip(page, states, strict=True) if state == HAS_PRESENT}

    async def scan(self, after: BlockId | None) -> AsyncIterator[BlockId]:
        """See `BlockStore.scan`."""
        while True:
            page = await self._link.ask(Operation.SCAN_BLOCKS, after or b"", decode_ids)
            for after in page:
                yield after
            if len(page) < SCAN_IDS:
                return


def _decode_put(body: bytes, block_id: BlockId) -> bool:
    outcomes = decode_put_answer(body)
    if outcomes not in ([(block_id, STORED)], [(block_id, ALREADY)]):
        raise Invalid("the answer is not of the block that was put")
    return outcomes[0][1] == STORED


def _decode_has(body: bytes, count: int) -> bytes:
    if len(body) != count or not set(body) <= {HAS_ABSENT, HAS_PRESENT}:
        raise Invalid("the answer is not of the blocks that were asked for")
    return body
