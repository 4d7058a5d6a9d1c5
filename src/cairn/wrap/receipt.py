"""A Store whose heads carry receipts: the server's signed word that at a time this was the head."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from nacl.signing import SigningKey

from cairn.core.block import GrantId
from cairn.core.chain import ChainId, Entry, Head, Receipt, Seq
from cairn.core.clock import Clock
from cairn.core.receipt import receipt_message
from cairn.core.store import ChainStore, Store


class ReceiptedChains:
    """A ChainStore that signs the heads of the one below."""

    def __init__(self, below: ChainStore, key: SigningKey, clock: Clock) -> None:
        self._below = below
        self._key = key
        self._clock = clock

    async def head(self, chain_id: ChainId) -> Head:
        """See `ChainStore.head`; with a receipt."""
        return self._signed(await self._below.head(chain_id))

    async def append(self, entries: Sequence[Entry], grant: GrantId) -> tuple[Head, int]:
        """See `ChainStore.append`; with a receipt."""
        head, fresh = await self._below.append(entries, grant)
        return self._signed(head), fresh

    def read(self, chain_id: ChainId, start: Seq, stop: Seq) -> AsyncIterator[Entry]:
        """See `ChainStore.read`."""
        return self._below.read(chain_id, start, stop)

    def watch(self, chain_id: ChainId, start: Seq) -> AsyncIterator[Entry]:
        """See `ChainStore.watch`."""
        return self._below.watch(chain_id, start)

    def scan(self, after: ChainId | None) -> AsyncIterator[ChainId]:
        """See `ChainStore.scan`."""
        return self._below.scan(after)

    def _signed(self, head: Head) -> Head:
        time_ms = self._clock.now_ms()
        message = receipt_message(head.chain_id, head.seq, head.hash, time_ms)
        return replace(head, receipt=Receipt(time_ms, self._key.sign(message).signature))


def with_receipts(store: Store, key: SigningKey, clock: Clock) -> Store:
    """The same Store, whose heads carry receipts by this key."""
    return replace(store, chains=ReceiptedChains(store.chains, key, clock))
