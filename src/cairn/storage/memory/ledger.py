"""Who pays for how much, in a dictionary."""

from __future__ import annotations

from collections import Counter
from typing import Final

from cairn.core.block import BlockId, GrantId, PinHash
from cairn.core.store import Usage

NO_PIN: Final = PinHash(bytes(32))
"""The mark of a put without a pin."""


class MemoryLedger:
    """Counts bytes per grant, and knows each block's pins; the two stores beside it keep both in step."""

    def __init__(self) -> None:
        self.block_bytes: Counter[GrantId] = Counter()
        self.entry_bytes: Counter[GrantId] = Counter()
        self.pins: dict[BlockId, dict[PinHash, GrantId]] = {}

    async def usage(self, grant: GrantId) -> Usage:
        """The bytes that this grant's pins and entries hold."""
        return Usage(self.block_bytes[grant], self.entry_bytes[grant])

    async def keeps(self, block_id: BlockId, pin: PinHash | None) -> bool:
        """See `Ledger.keeps`."""
        return (pin or NO_PIN) in self.pins.get(block_id, {})
