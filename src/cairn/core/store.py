"""The algebra: four protocols, which every cache, storage, router and remote client speaks.

A deployment is an expression made of these (`cairn.compose`). The docstrings here are the contract; the suite in
`cairn.testing.contract` runs it against every implementation.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from cairn.core.block import Block, BlockId, GrantId, Pin, PinHash
from cairn.core.chain import ChainId, Entry, Head, Seq
from cairn.core.ephemeral import Ephemeral


class BlockStore(Protocol):
    """Keeps immutable blocks under their ids. Any copy of a block is as good as another."""

    async def get(self, block_id: BlockId) -> Block:
        """The block with this id, its bytes checked since they left a disk or a network.

        Raises:
            NotFound: known absent.
            Unavailable: not known now.
            Corrupt: every copy at hand is damaged.
        """
        ...

    async def put(self, block: Block, pin: PinHash | None, grant: GrantId) -> bool:
        """Keep a block, durably before returning. True if its bytes were not there before.

        A pin keeps it until `unpin` shows the pin's secret; without one it goes 24 h after the last such put. `grant`
        pays for the pin's bytes until the pin goes. Setting a pin that stands changes nothing, not even who pays.

        Raises:
            Full: the disk's reserve is reached.
            Unavailable: not done. Unknown: may be done; put it again.
        """
        ...

    async def unpin(self, block_id: BlockId, pin: Pin) -> None:
        """Remove the pin with this secret; the block goes with its last. No error if there is no such pin."""
        ...

    async def has(self, block_ids: Collection[BlockId]) -> set[BlockId]:
        """Those of `block_ids` that are here now. Promises nothing about later: only an own pin keeps a block.

        Raises:
            Unavailable: not known of one of them.
        """
        ...

    def scan(self, after: BlockId | None) -> AsyncIterator[BlockId]:
        """All ids, each once, in the store's own stable order, beginning behind `after`. What is put or removed
        meanwhile may or may not be seen."""
        ...


class ChainStore(Protocol):
    """Keeps append-only chains and decides, by `cairn.core.chain.accept`, what may follow."""

    async def head(self, chain_id: ChainId) -> Head:
        """The newest acknowledged entry.

        Raises:
            NotFound: known absent. Unavailable: not known now.
        """
        ...

    async def append(self, entries: Sequence[Entry], grant: GrantId) -> tuple[Head, int]:
        """Append entries of one chain, in order, all or none, durably before returning.

        A prefix that already stands is skipped. Returns the head after it, and how many entries were new: 0 means
        that all of them stood already, which is a success.

        Raises:
            NotFound: the chain is unknown and the first entry is no genesis.
            Closed, Conflict, Invalid: see `accept`.
            Full, Unavailable: not done. Unknown: may be done; send the same bytes again.
        """
        ...

    def read(self, chain_id: ChainId, start: Seq, stop: Seq) -> AsyncIterator[Entry]:
        """The acknowledged entries with start <= seq < stop, in order; trimmed ones are skipped.

        Raises:
            NotFound: known absent. Unavailable: not known now.
        """
        ...

    def watch(self, chain_id: ChainId, start: Seq) -> AsyncIterator[Entry]:
        """Like `read` from `start`, without an end: later entries follow as they are acknowledged, without gap or
        repeat. Ends after a close. The caller closes the iterator (`aclose`) when it has enough.

        Raises:
            NotFound: known absent. Unavailable: the source is lost; watch again from the next seq.
        """
        ...

    def scan(self, after: ChainId | None) -> AsyncIterator[ChainId]:
        """All ids, doors included, each once, in the store's own stable order, beginning behind `after`."""
        ...


@dataclass(frozen=True, slots=True)
class Usage:
    """What a grant pays for now."""

    block_bytes: int = 0
    entry_bytes: int = 0

    @property
    def bytes(self) -> int:
        """Both together."""
        return self.block_bytes + self.entry_bytes

    def plus(self, block_bytes: int, entry_bytes: int) -> Usage:
        """This and so much more."""
        return Usage(self.block_bytes + block_bytes, self.entry_bytes + entry_bytes)


class Ledger(Protocol):
    """Counts what each grant pays for, together with the bytes themselves."""

    async def usage(self, grant: GrantId) -> Usage:
        """The bytes that this grant's pins and entries hold. Zero for a grant that is not known."""
        ...

    async def keeps(self, block_id: BlockId, pin: PinHash | None) -> bool:
        """Whether this pin (None: an earlier put without one) keeps the block now: such a put costs nobody anything.

        Raises:
            Unavailable: not known now. Forbidden: who asks may not know.
        """
        ...


class Relay(Protocol):
    """Passes ephemeral messages on to those who listen now. Keeps none, so nothing here is durable, and a message may
    be lost: to a listener that lags, or with a connection."""

    async def send(self, message: Ephemeral) -> bool:
        """Pass a message on to all who listen to its chain now; with nobody there it is gone.

        The same bytes are passed on once, however often and by whomever they are sent while their time is right, as
        far as memory reaches. False where it is known that they were before: that is a success, too.

        Raises:
            NotFound: there is no such chain.
            Invalid: its signature, key epoch or time is wrong; see `Ephemeral.verify`. Nobody hears it.
            Limited: more than this Store relays.
            Unavailable: not done, or not by all.
        """
        ...

    def listen(self, chain_id: ChainId) -> AsyncIterator[Ephemeral]:
        """The messages of a chain that are sent from the first step of the iteration on; those of one sender in the
        order sent. Never ends by itself: the caller closes the iterator (`aclose`) when it has enough.

        A listener that lags never holds a sender back. It loses the oldest; at least the newest `WAITING_MIN` wait.

        Raises:
            NotFound: there is no such chain. Unavailable: the source is lost; listen again.
        """
        ...


WAITING_MIN: Final = 64
"""How many messages wait, at least, for a listener of a `Relay`."""


@dataclass(frozen=True, slots=True)
class Store:
    """What a layer takes as an argument, and what it is."""

    blocks: BlockStore
    chains: ChainStore
    ledger: Ledger
    relay: Relay
