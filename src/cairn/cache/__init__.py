"""Layer 2: keeps near. Blocks in memory and on disk, between the interface and the storage."""

from __future__ import annotations

from dataclasses import replace

from cairn.cache.blocks import CachedBlocks
from cairn.cache.disk import DiskTier
from cairn.cache.memory import MemoryCache
from cairn.core.clock import Clock, SystemClock
from cairn.core.store import Store

__all__ = ["CachedBlocks", "DiskTier", "MemoryCache", "cached"]


def cached(store: Store, memory_bytes: int, *, disk: DiskTier | None = None, clock: Clock | None = None) -> Store:
    """The store with its hot blocks in at most `memory_bytes` of memory, and behind that on disk; either may be off,
    and have another size later (`CachedBlocks.resize`)."""
    clock = clock or SystemClock()
    disk = DiskTier(None, clock) if disk is None else disk
    return replace(store, blocks=CachedBlocks(store.blocks, memory_bytes, clock, disk))
