"""Who pays for how much, in a dictionary."""

from __future__ import annotations

from collections import Counter

from cairn.core.block import GrantId
from cairn.core.store import Usage


class MemoryLedger:
    """Counts bytes per grant; the two stores beside it add and subtract."""

    def __init__(self) -> None:
        self.block_bytes: Counter[GrantId] = Counter()
        self.entry_bytes: Counter[GrantId] = Counter()

    async def usage(self, grant: GrantId) -> Usage:
        """The bytes that this grant's pins and entries hold."""
        return Usage(self.block_bytes[grant], self.entry_bytes[grant])
