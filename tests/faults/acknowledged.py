"""What a server has acknowledged: kept by the writers of `workload.py`, and held against it by `verify.py`."""

from __future__ import annotations

from dataclasses import dataclass, field

from cairn.core.block import BlockId, Pin
from cairn.core.chain import ChainState, Entry
from cairn.testing.chains import Writer


@dataclass
class Chain:
    """A chain and how much of it was acknowledged. One append is under way at a time."""

    writer: Writer
    acknowledged: int = 0  # entries, so the head's seq is one less
    pending: list[Entry] = field(default_factory=list)  # sent once at least, outcome unknown
    verified: ChainState | None = None  # up to here by `accept`, from the genesis on

    @property
    def heads(self) -> set[int]:
        """The seqs that the head may have: an append is done whole or not at all. -1: no chain."""
        return {self.acknowledged - 1, self.acknowledged - 1 + len(self.pending)}

    def acknowledge(self) -> None:
        """The append under way was answered with success."""
        self.acknowledged += len(self.pending)
        self.pending = []


@dataclass
class Acknowledged:
    """All that must be there, all that must not, and what may be either."""

    blocks: list[BlockId] = field(default_factory=list)
    pins: dict[BlockId, Pin] = field(default_factory=dict)  # of those that may be deleted
    deleted: list[BlockId] = field(default_factory=list)
    unknown: list[BlockId] = field(default_factory=list)
    chains: list[Chain] = field(default_factory=list)
    writes: int = 0
    refused: dict[int, int] = field(default_factory=dict)  # answers that promised nothing, by status

    def add_block(self, block_id: BlockId, pin: Pin | None) -> None:
        """A put was answered with success. Blocks with a pin may be deleted, so `blocks` has only the others."""
        if pin is None:
            self.blocks.append(block_id)
        else:
            self.pins[block_id] = pin

    def refuse(self, status: int) -> None:
        """An answer that promised nothing."""
        self.refused[status] = self.refused.get(status, 0) + 1
