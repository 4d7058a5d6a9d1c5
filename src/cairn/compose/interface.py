"""The interface role: what serves over HTTP, from whatever lies below."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from cairn.cache import CachedBlocks, DiskTier, cache_of, cached, near_of
from cairn.compose.neighbours import Neighbourhood, answering_neighbours, open_neighbourhood
from cairn.compose.settings import admission_of, disk_cache_bytes, is_free
from cairn.compose.storage import Below
from cairn.compose.workers import worker_count
from cairn.config import Config, Limits, memory_bytes, parse_address, parse_size
from cairn.core.block import BlockId
from cairn.core.clock import Clock
from cairn.core.errors import Unavailable
from cairn.core.spans import Spans
from cairn.core.store import Store
from cairn.interface.access import Access
from cairn.interface.app import App
from cairn.interface.metrics import Metrics
from cairn.interface.server import Listener, serve
from cairn.interface.siblings import Beside
from cairn.interface.sites import Sites
from cairn.measures import cache_measures
from cairn.tracing import open_tracing
from cairn.wrap.observe import observed

_LISTEN_AGAIN_SECONDS: Final = 0.2

_log = logging.getLogger("cairn")


async def serve_interface(
    config: Config,
    below: Below,
    clock: Clock,
    *,
    stop: asyncio.Event,
    on_ready: Callable[[int], None],
    port: int = 0,
    beside: Beside | None = None,
) -> None:
    """Take requests until `stop` is set. `on_ready` gets the port.

    `port`: where another process listens already. `beside`: those that serve with this one.

    Raises:
        OSError: the address cannot be listened on.
    """  # fmt: skip
    async with _open_app(config, below, clock) as app:
        if beside is not None:
            _join(app.metrics, beside)
        await serve(app, _listener(config, port), _limits(config), stop=stop, on_ready=on_ready)


@asynccontextmanager
async def _open_app(config: Config, below: Below, clock: Clock) -> AsyncIterator[App]:
    async with (
        open_tracing() as spans,
        open_neighbourhood(config, below, clock) as neighbourhood,
        _open_cache(config, neighbourhood, clock, spans) as near,
        Sites(config.site) as sites,
    ):
        below = neighbourhood.below
        limits = _limits(config)
        access = Access(
            below.secret, near.ledger, limits, clock,
            admission=admission_of(config), is_free=is_free(config), processes=worker_count(config),
        )  # fmt: skip
        app = App(
            observed(near, "cache", spans), access, limits, clock, near=near_of(near), sites=sites.handle,
            receipt_keys=[bytes(key.verify_key) for key in below.secret.receipt_keys],
            readiness=lambda: _readiness(below), restored_ms=below.restored_ms,
            sources=(*below.sources, lambda: _cache_values(near)), spans=spans,
        )  # fmt: skip
        async with _forgetting(below, near):
            yield app


def _join(metrics: Metrics, beside: Beside) -> None:
    beside.own = metrics.report
    metrics.others = lambda: beside.others


@asynccontextmanager
async def _forgetting(below: Below, near: Store) -> AsyncIterator[None]:
    """Drop from the cache what is removed through other processes, while this is open."""
    cache = cache_of(near)
    if below.removals is None or cache is None:
        yield
        return
    task = asyncio.create_task(_forget(below.removals, cache))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _forget(removals: Callable[[], AsyncIterator[BlockId]], cache: CachedBlocks) -> None:
    while True:
        with contextlib.suppress(Unavailable):
            async for block_id in removals():
                await cache.forget(block_id)
        await asyncio.sleep(_LISTEN_AGAIN_SECONDS)


@asynccontextmanager
async def _open_cache(
    config: Config, neighbourhood: Neighbourhood, clock: Clock, spans: Spans | None
) -> AsyncIterator[Store]:
    async with _open_disk_cache(config, clock) as disk:
        memory = parse_size(config.cache.memory, memory_bytes()) // worker_count(config)
        near = cached(observed(neighbourhood.below.store, "storage", spans), memory, disk=disk, clock=clock)
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


def _limits(config: Config) -> Limits:
    """What this process may let through: its share."""
    return config.interface.limits.shared_by(worker_count(config))


def _listener(config: Config, port: int) -> Listener:
    address = parse_address(config.interface.listen)
    settings = config.interface
    per_address = 0 if is_free(config) else _limits(config).connections_per_address
    return Listener(
        address.host, port or address.port, settings.tls, settings.trusted_proxies, per_address, is_shared=bool(port)
    )


def _cache_values(near: Store) -> Iterator[Any]:
    cache = cache_of(near)
    return cache_measures(cache) if cache else iter(())


def _readiness(below: Below) -> dict[str, str]:
    return {"interface": "ok", "cache": "ok", "storage": below.trouble() or "ok"}
