"""A Ledger that asks."""

from __future__ import annotations

from cairn.core.block import BlockId, GrantId, PinHash
from cairn.core.store import Usage
from cairn.link import Link
from cairn.wire.link import Operation, decode_truth, decode_usage, encode_keeps


class RemoteLedger:
    """Who pays for how much, at the other end of a link."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def usage(self, grant: GrantId) -> Usage:
        """See `Ledger.usage`."""
        return await self._link.ask(Operation.USAGE, grant, decode_usage)

    async def keeps(self, block_id: BlockId, pin: PinHash | None) -> bool:
        """See `Ledger.keeps`."""
        return await self._link.ask(Operation.KEEPS, encode_keeps(block_id, pin), decode_truth)
