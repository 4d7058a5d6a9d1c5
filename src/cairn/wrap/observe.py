"""A Store whose operations are spans: how long each took in this layer, and within what."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import replace

from cairn.core.block import Block, BlockId, GrantId, Pin, PinHash
from cairn.core.chain import ChainId, Entry, Head, Seq
from cairn.core.spans import Spans
from cairn.core.store import BlockStore, ChainStore, Store


class ObservedBlocks:
    """The blocks of the store below."""

    def __init__(self, below: BlockStore, layer: str, spans: Spans) -> None:
        self._below = below
        self._layer = layer
        self._spans = spans

    async def get(self, block_id: BlockId) -> Block:
        """See `BlockStore.get`."""
        with self._spans.within(f"{self._layer}.get") as span:
            block = await self._below.get(block_id)
            span.note("cairn.bytes", len(block))
        return block

    async def put(self, block: Block, pin: PinHash | None, grant: GrantId) -> bool:
        """See `BlockStore.put`."""
        with self._spans.within(f"{self._layer}.put") as span:
            span.note("cairn.bytes", len(block))
            return await self._below.put(block, pin, grant)

    async def unpin(self, block_id: BlockId, pin: Pin) -> None:
        """See `BlockStore.unpin`."""
        with self._spans.within(f"{self._layer}.unpin"):
            await self._below.unpin(block_id, pin)

    async def has(self, block_ids: Collection[BlockId]) -> set[BlockId]:
        """See `BlockStore.has`."""
        with self._spans.within(f"{self._layer}.has") as span:
            span.note("cairn.items", len(block_ids))
            return await self._below.has(block_ids)

    def scan(self, after: BlockId | None) -> AsyncIterator[BlockId]:
        """See `BlockStore.scan`; no span, for it takes as long as who asks."""
        return self._below.scan(after)


class ObservedChains:
    """The chains of the store below."""

    def __init__(self, below: ChainStore, layer: str, spans: Spans) -> None:
        self._below = below
        self._layer = layer
        self._spans = spans

    async def head(self, chain_id: ChainId) -> Head:
        """See `ChainStore.head`."""
        with self._spans.within(f"{self._layer}.head"):
            return await self._below.head(chain_id)

    async def append(self, entries: Sequence[Entry], grant: GrantId) -> tuple[Head, int]:
        """See `ChainStore.append`."""
        with self._spans.within(f"{self._layer}.append") as span:
            span.note("cairn.items", len(entries))
            return await self._below.append(entries, grant)

    async def read(self, chain_id: ChainId, start: Seq, stop: Seq) -> AsyncIterator[Entry]:
        """See `ChainStore.read`; the span ends with the reading."""
        with self._spans.beside(f"{self._layer}.read"):
            async for entry in self._below.read(chain_id, start, stop):
                yield entry

    def watch(self, chain_id: ChainId, start: Seq) -> AsyncIterator[Entry]:
        """See `ChainStore.watch`; no span, for it has no end."""
        return self._below.watch(chain_id, start)

    def scan(self, after: ChainId | None) -> AsyncIterator[ChainId]:
        """See `ChainStore.scan`; no span, as for blocks."""
        return self._below.scan(after)


def observed(store: Store, layer: str, spans: Spans | None) -> Store:
    """The store with its operations as spans of a layer; where nobody wants spans, the store itself."""
    if spans is None:
        return store
    blocks, chains = ObservedBlocks(store.blocks, layer, spans), ObservedChains(store.chains, layer, spans)
    return replace(store, blocks=blocks, chains=chains)
