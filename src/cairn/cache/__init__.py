"""Layer 2: keeps near. Blocks in memory, between the interface and the storage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from cairn.cache.blocks import CachedBlocks
from cairn.cache.memory import MemoryCache
from cairn.core.block import Block, BlockId
from cairn.core.clock import Clock, SystemClock
from cairn.core.store import Store

__all__ = ["CachedBlocks", "MemoryCache", "cached", "counts_of", "near_of"]


def cached(store: Store, memory_bytes: int, *, clock: Clock | None = None) -> Store:
    """The store with its hot blocks in at most `memory_bytes` of memory; with 0, the store itself."""
    if memory_bytes == 0:
        return store
    return replace(store, blocks=CachedBlocks(store.blocks, memory_bytes, clock or SystemClock()))


def near_of(store: Store) -> Callable[[BlockId], Block | None]:
    """How to get a block without waiting, where the store has it in memory."""
    return store.blocks.near if isinstance(store.blocks, CachedBlocks) else lambda _: None


def counts_of(store: Store) -> dict[str, int]:
    """What the cache of a store has counted, and what it holds now; nothing where there is none."""
    if not isinstance(store.blocks, CachedBlocks):
        return {}
    memory = store.blocks.memory
    return {
        "hits": memory.hits,
        "misses": memory.misses,
        "evictions": memory.evictions,
        "refused": memory.refused,
        "blocks": len(memory),
        "bytes": memory.bytes,
        "capacity_bytes": memory.capacity,
    }
