"""Which interface node keeps which hot block: rendezvous hashing (Thaler, Ravishankar, "Using name-based mappings to
increase hit rates", IEEE/ACM Transactions on Networking 6(1), 1998); pure.

Every node scores every block, and the nodes with the highest scores are the block's own. All who know the same names
agree, without a word, and when a node comes or goes only its blocks move. Pins come before scores: by them an operator
gives the blocks whose ids begin with some hex digits to one node.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from cairn.core.block import BlockId
from cairn.core.crypto import sha256


class Ring:
    """The names of all nodes, and which of them a block prefers."""

    def __init__(self, names: Collection[str], pins: Mapping[str, str] | None = None) -> None:
        self._labels = {name: name.encode() + b"\0" for name in names}
        self._pins = sorted((pins or {}).items(), key=lambda pin: -len(pin[0]))

    def preferred(self, block_id: BlockId, count: int = 1) -> list[str]:
        """The `count` nodes that a block prefers, the first most; all of them if there are fewer."""
        ranked = sorted(self._labels, key=lambda name: sha256(self._labels[name] + block_id), reverse=True)
        pinned = self._pinned(block_id)
        if pinned is not None:
            ranked.remove(pinned)
            ranked.insert(0, pinned)
        return ranked[:count]

    def _pinned(self, block_id: BlockId) -> str | None:
        if not self._pins:
            return None
        block_hex = block_id.hex()
        return next(
            (name for prefix, name in self._pins if block_hex.startswith(prefix) and name in self._labels), None
        )
