"""The interface role: what serves over HTTP, from whatever lies below."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from cairn.cache import DiskTier, cache_of, cached, near_of
from cairn.compose.neighbours import Neighbourhood, answering_neighbours, open_neighbourhood
from cairn.compose.settings import admission_of, disk_cache_bytes, is_free
from cairn.compose.storage import Below
from cairn.config import Config, memory_bytes, parse_address, parse_size
from cairn.core.clock import Clock
from cairn.core.store import Store
from cairn.interface.access import Access
from cairn.interface.app import App
from cairn.interface.server import Listener, serve
from cairn.interface.sites import Sites
from cairn.measures import cache_measures

_log = logging.getLogger("cairn")


async def serve_interface(
    config: Config,
    below: Below,
    clock: Clock,
    *,
    stop: asyncio.Event,
    on_ready: Callable[[int], None],
) -> None:
    """Take requests until `stop` is set. `on_ready` gets the port.

    Raises:
        OSError: the address cannot be listened on.
    """  # fmt: skip
    async with _open_app(config, below, clock) as app:
        await serve(app, _listener(config), config.interface.limits, stop=stop, on_ready=on_ready)


@asynccontextmanager
async def _open_app(config: Config, below: Below, clock: Clock) -> AsyncIterator[App]:
    async with (
        open_neighbourhood(config, below, clock) as neighbourhood,
        _open_cache(config, neighbourhood, clock) as near,
        Sites(config.site) as sites,
    ):
        below = neighbourhood.below
        limits = config.interface.limits
        access = Access(
            below.secret, near.ledger, limits, clock, admission=admission_of(config), is_free=is_free(config)
        )  # fmt: skip
        yield App(
            near, access, limits, clock, near=near_of(near), sites=sites.handle,
            receipt_keys=[bytes(key.verify_key) for key in below.secret.receipt_keys],
            readiness=lambda: _readiness(below), restored_ms=below.restored_ms,
            sources=(*below.sources, lambda: _cache_values(near)),
        )  # fmt: skip


@asynccontextmanager
async def _open_cache(config: Config, neighbourhood: Neighbourhood, clock: Clock) -> AsyncIterator[Store]:
    async with _open_disk_cache(config, clock) as disk:
        memory = parse_size(config.cache.memory, memory_bytes())
        near = cached(neighbourhood.below.store, memory, disk=disk, clock=clock)
        cache = cache_of(near)
        assert cache is not None
        async with answering_neighbours(config, neighbourhood, cache):
            yield near


@asynccontextmanager
async def _open_disk_cache(config: Config, clock: Clock) -> AsyncIterator[DiskTier]:
    """The disk tier. A folder that cannot be had is no reason not to serve: it may be there at the next reload."""
    disk = DiskTier(Path(config.cache.path), clock)
    try:
        await asyncio.to_thread(disk.resize, disk_cache_bytes(config))
    except OSError as error:
        _log.warning("there is no disk cache: %s", error.strerror or error)
    try:
        yield disk
    finally:
        await asyncio.to_thread(disk.close)


def _listener(config: Config) -> Listener:
    address = parse_address(config.interface.listen)
    settings = config.interface
    per_address = 0 if is_free(config) else settings.limits.connections_per_address
    return Listener(address.host, address.port, settings.tls, settings.trusted_proxies, per_address)


def _cache_values(near: Store) -> Iterator[Any]:
    cache = cache_of(near)
    return cache_measures(cache) if cache else iter(())


def _readiness(below: Below) -> dict[str, str]:
    return {"interface": "ok", "cache": "ok", "storage": below.trouble() or "ok"}
