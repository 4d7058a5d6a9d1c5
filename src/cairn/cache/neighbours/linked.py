"""A neighbour at the other end of a link. What it says is not believed: blocks are hashed again."""

from __future__ import annotations

from cairn.core.block import Block, BlockId
from cairn.link import Link
from cairn.wire.link import Operation
from cairn.wire.messages import decode_wanted_block


class LinkedNeighbour:
    """See `Neighbour`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def get(self, block_id: BlockId) -> Block:
        """See `Neighbour.get`."""
        return await self._link.ask(Operation.GET_BLOCK, block_id, lambda body: decode_wanted_block(body, block_id))

    async def forget(self, block_id: BlockId) -> None:
        """See `Neighbour.forget`."""
        await self._link.ask(Operation.FORGET_BLOCK, block_id, bytes)
