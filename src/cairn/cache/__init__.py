"""Layer 2: keeps near. Blocks in memory, between the interface and the storage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from cairn.cache.blocks import CachedBlocks
from cairn.cache.memory import MemoryCache
from cairn.core.block import Block, BlockId
from cairn.core.clock import Clock, SystemClock
from cairn.core.store import Store

__all__ = ["CachedBlocks", "MemoryCache", "cache_of", "cached", "near_of"]


def cached(store: Store, memory_bytes: int, *, clock: Clock | None = None) -> Store:
    """The store with its hot blocks in at most `memory_bytes` of memory; with 0, the store itself."""
    if memory_bytes == 0:
        return store
    return replace(store, blocks=CachedBlocks(store.blocks, memory_bytes, clock or SystemClock()))


def cache_of(store: Store) -> CachedBlocks | None:
    """The cache that `cached` put around a store, if there is one."""
    return store.blocks if isinstance(store.blocks, CachedBlocks) else None


def near_of(store: Store) -> Callable[[BlockId], Block | None]:
    """How to get a block without waiting, where the store has it in memory."""
    return store.blocks.near if isinstance(store.blocks, CachedBlocks) else lambda _: None
