"""The cache of an interface: opened with the sizes of the configuration, handled by an operator, sized anew."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from cairn.cache import CachedBlocks, DiskTier, MemoryCache
from cairn.compose.changes import Changes
from cairn.compose.workers import worker_count
from cairn.config import Config, ConfigError, disk_bytes, format_size, memory_bytes, parse_size
from cairn.core.clock import Clock
from cairn.core.errors import Invalid
from cairn.core.store import Store
from cairn.interface.routes.cache import CacheControl, TierShown

_log = logging.getLogger("cairn")


@asynccontextmanager
async def open_cache(config: Config, below: Store, clock: Clock) -> AsyncIterator[tuple[Store, CachedBlocks]]:
    """The store with its cache around it, and that cache. A disk tier that cannot be had is no reason not to serve."""
    disk = DiskTier(Path(config.cache.path), clock)
    cache = CachedBlocks(below.blocks, 0, clock, disk)
    try:
        await _resize(cache, config, {"memory": config.cache.memory, "disk": config.cache.disk})
    except OSError as error:
        _log.warning("there is no disk cache: %s", error.strerror or error)
    try:
        yield replace(below, blocks=cache), cache
    finally:
        await asyncio.to_thread(disk.close)


def control_of(cache: CachedBlocks, config: Config, tell: Callable[[Mapping[str, str]], None]) -> CacheControl:
    """The cache in an operator's hands. `tell` gets the sizes, for the other processes that serve."""

    async def resize(sizes: Mapping[str, str]) -> None:
        try:
            _check_sizes(config, sizes)
            await _resize(cache, config, sizes)
        except ConfigError as error:
            raise Invalid(str(error)) from None
        tell(sizes)

    def show() -> dict[str, TierShown]:
        tiers: dict[str, MemoryCache[Any, Any] | DiskTier] = {"memory": cache.memory, "disk": cache.disk}
        return {tier: TierShown(each.capacity, each.bytes, len(each)) for tier, each in tiers.items()}

    return CacheControl(show, resize)


@asynccontextmanager
async def following(cache: CachedBlocks, config: Config, changes: Changes) -> AsyncIterator[None]:
    """Have the cache take the sizes that are told, while this is open."""
    with changes.following() as told:
        task = asyncio.create_task(_follow(cache, config, told))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _follow(cache: CachedBlocks, config: Config, told: asyncio.Queue[dict[str, str]]) -> None:
    while True:
        sizes = await told.get()
        try:
            await _resize(cache, config, sizes)
        except (ConfigError, OSError) as error:
            _log.warning("the cache keeps its sizes: %s", error)


def _check_sizes(config: Config, sizes: Mapping[str, str]) -> None:
    """Refuse what is more than the machine has. Raises ConfigError."""
    wholes = {"memory": memory_bytes(), "disk": disk_bytes(Path(config.cache.path))}
    for tier, size in sizes.items():
        if parse_size(size, wholes[tier]) > wholes[tier]:
            raise ConfigError(f"cache.{tier}: more than the {format_size(wholes[tier])} that this machine has")


async def _resize(cache: CachedBlocks, config: Config, sizes: Mapping[str, str]) -> None:
    """The memory is shared among the processes that serve; the disk is one for all.

    Raises:
        ConfigError: a size is none. OSError: the disk's folder cannot be had.
    """
    memory, disk = sizes.get("memory"), sizes.get("disk")
    await cache.resize(
        memory=None if memory is None else parse_size(memory, memory_bytes()) // worker_count(config),
        disk=None if disk is None else parse_size(disk, disk_bytes(Path(config.cache.path))),
    )
