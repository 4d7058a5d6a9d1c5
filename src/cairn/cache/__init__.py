"""Layer 2: keeps near. Blocks in memory, between the interface and the storage."""

from __future__ import annotations

from dataclasses import replace

from cairn.cache.blocks import CachedBlocks
from cairn.cache.memory import MemoryCache
from cairn.core.clock import Clock, SystemClock
from cairn.core.store import Store

__all__ = ["CachedBlocks", "MemoryCache", "cached"]


def cached(store: Store, memory_bytes: int, *, clock: Clock | None = None) -> Store:
    """The store with its hot blocks in at most `memory_bytes` of memory; with 0, the store itself."""
    if memory_bytes == 0:
        return store
    return replace(store, blocks=CachedBlocks(store.blocks, memory_bytes, clock or SystemClock()))
