"""What an interface node answers to its neighbours: its hot blocks, and nothing else.

It trusts who asks as far as a front end: an id is the permission to read a block, and who tells of a removal makes it
fetch that block anew. The link's handshake keeps strangers out all the same (`cairn.link`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from cairn.core.block import BLOCK_BYTES_MAX, Block, BlockId
from cairn.core.errors import Invalid
from cairn.link import Answer
from cairn.wire.link import Operation, decode_id
from cairn.wire.messages import encode_got_block


class NeighbourResponder:
    """Answers from a cache: `get` gives a block, from storage if need be, `forget` drops one."""

    def __init__(
        self, get: Callable[[BlockId], Awaitable[Block]], forget: Callable[[BlockId], Awaitable[None]]
    ) -> None:
        self._get = get
        self._forget = forget

    def cost(self, operation: Operation, size: int) -> int:
        """See `Responder.cost`."""
        return BLOCK_BYTES_MAX if operation is Operation.GET_BLOCK else size

    async def answer(self, operation: Operation, body: bytes) -> bytes:
        """See `Responder.answer`."""
        if operation is Operation.GET_BLOCK:
            return encode_got_block(await self._get(BlockId(decode_id(body))))
        if operation is Operation.FORGET_BLOCK:
            await self._forget(BlockId(decode_id(body)))
            return b""
        raise Invalid("this is not asked of a neighbour")

    def stream(self, operation: Operation, body: bytes) -> Answer:
        """See `Responder.stream`."""
        raise Invalid("this is not asked of a neighbour")
