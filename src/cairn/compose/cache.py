"""The cache of an interface: opened with the sizes of the configuration, handled by an operator, sized anew."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from cairn.cache import CachedBlocks, DiskTier
from cairn.compose.changes import Changes
from cairn.compose.workers import worker_count
from cairn.config import Config, ConfigError, disk_bytes, format_size, memory_bytes, parse_size
from cairn.core.clock import Clock
from cairn.core.errors import Invalid
from cairn.core.store import Store
from cairn.interface.numbers.siblings import Report
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


def control_of(
    cache: CachedBlocks,
    config: Config,
    tell: Callable[[Mapping[str, str]], None],
    others: Callable[[], Sequence[Report]],
) -> CacheControl:
    """The cache in an operator's hands, that of all processes which serve together. `tell` gets the sizes, for the
    others; `others` gives their numbers, of which the memory is shown with this one's. The disk is one for all."""
    processes = worker_count(config)

    async def resize(sizes: Mapping[str, str]) -> None:
        try:
            _check_sizes(config, sizes)
            await _resize(cache, config, sizes)
        except ConfigError as error:
            raise Invalid(str(error)) from None
        tell(sizes)

    def show() -> dict[str, TierShown]:
        memory, disk, beside = cache.memory, cache.disk, others()
        used = memory.bytes + _in_memory(beside, "cairn_cache_bytes")
        blocks = len(memory) + _in_memory(beside, "cairn_cache_blocks")
        return {
            "memory": TierShown(memory.capacity * processes, used, blocks),
            "disk": TierShown(disk.capacity, disk.bytes, len(disk)),
        }

    return CacheControl(show, resize)


def _in_memory(reports: Sequence[Report], name: str) -> int:
    """The sum of a number of the memory tier."""
    found = (sample for report in reports for family in report if family.name == name for sample in family.samples)
    return int(sum(value or 0 for _, labels, value in found if ("tier", "memory") in labels))


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
