"""Who pays for how much: totals per grant, kept in each shard by the commits that change them (`Writing.charge`)."""

from __future__ import annotations

from cairn.core.block import BlockId, GrantId, PinHash
from cairn.core.slot import slot_key
from cairn.core.store import Usage
from cairn.storage.embedded.layout import NO_PIN, PINS, USAGE, decode_pin, decode_usage, pin_key
from cairn.storage.embedded.shards import Shards


class EmbeddedLedger:
    """Ledger over the shards."""

    def __init__(self, shards: Shards) -> None:
        self._shards = shards

    async def usage(self, grant: GrantId) -> Usage:
        """See `Ledger.usage`."""
        block_bytes = entry_bytes = 0
        for shard in self._shards:
            with shard.reading() as reading:
                record = reading.get(USAGE, grant)
                if record is not None:
                    usage = decode_usage(grant, record)
                    block_bytes += usage.block_bytes
                    entry_bytes += usage.entry_bytes
        return Usage(block_bytes, entry_bytes)

    async def keeps(self, block_id: BlockId, pin: PinHash | None) -> bool:
        """See `Ledger.keeps`."""
        id_key = slot_key(block_id)
        key = pin_key(id_key, pin or NO_PIN)
        with self._shards.reading(id_key) as reading:
            record = reading.get(PINS, key)
            return record is not None and bool(decode_pin(key, record))
