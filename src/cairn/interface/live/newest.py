"""What was made of the newest entries, once for all who send it: bytes by chain and seq, the oldest forgotten first."""

from __future__ import annotations

from collections import OrderedDict

from cairn.core.chain import ChainId, Seq


class Newest:
    """At most `bytes_max` of it."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes = 0
        self._bytes_max = bytes_max
        self._made: OrderedDict[tuple[ChainId, Seq], bytes] = OrderedDict()

    def find(self, chain_id: ChainId, seq: Seq) -> bytes | None:
        """What was made of an entry, if it is still here."""
        return self._made.get((chain_id, seq))

    def keep(self, chain_id: ChainId, seq: Seq, made: bytes) -> None:
        """Have it here for a while."""
        self.bytes += len(made) - len(self._made.pop((chain_id, seq), b""))
        self._made[chain_id, seq] = made
        while self.bytes > self._bytes_max:
            self.bytes -= len(self._made.popitem(last=False)[1])
