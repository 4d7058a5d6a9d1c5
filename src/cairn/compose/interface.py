"""The interface role: what serves over HTTP, from whatever lies below."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

from cairn.cache import CachedBlocks
from cairn.compose.cache import control_of, following, open_cache
from cairn.compose.changes import Changes
from cairn.compose.measures import cache_measures
from cairn.compose.neighbours import answering_neighbours, open_neighbourhood
from cairn.compose.settings import admission_of, is_free
from cairn.compose.storage import Below
from cairn.compose.workers import worker_count
from cairn.config import Config, Limits, parse_address
from cairn.core.block import BlockId
from cairn.core.clock import Clock
from cairn.core.errors import Unavailable
from cairn.interface.admission.access import Access
from cairn.interface.app import App
from cairn.interface.carrier.server import Listener, serve
from cairn.interface.numbers.metrics import Metrics
from cairn.interface.numbers.siblings import Beside
from cairn.interface.sites.sites import Sites
from cairn.tracing import open_tracing
from cairn.wrap.observe import observed

_LISTEN_AGAIN_SECONDS: Final = 0.2


async def serve_interface(
    config: Config,
    below: Below,
    clock: Clock,
    *,
    stop: asyncio.Event,
    on_ready: Callable[[int], None],
    port: int = 0,
    beside: Beside | None = None,
    changes: Changes,
    tell: Callable[[Mapping[str, str]], None],
) -> None:
    """Take requests until `stop` is set. `on_ready` gets the port.

    `port`: where another process listens already. `beside`: those that serve with this one. The cache has the sizes
    that `changes` tells; those that a request asks for are passed on by `tell`.

    Raises:
        OSError: the address cannot be listened on.
    """  # fmt: skip
    async with _open_app(config, below, clock, changes, tell, beside) as app:
        if beside is not None:
            _join(app.metrics, beside)
        await serve(app, _listener(config, port), _limits(config), stop=stop, on_ready=on_ready)


@asynccontextmanager
async def _open_app(
    config: Config, below: Below, clock: Clock, changes: Changes, tell: Callable[[Mapping[str, str]], None],
    beside: Beside | None,
) -> AsyncIterator[App]:  # fmt: skip
    async with (
        open_tracing() as spans,
        open_neighbourhood(config, below, clock) as neighbourhood,
        open_cache(config, observed(neighbourhood.below.store, "storage", spans), clock) as (near, cache),
        answering_neighbours(config, neighbourhood, cache),
        Sites(config.site) as sites,
    ):
        below = neighbourhood.below
        limits = _limits(config)
        access = Access(
            below.secret, near.ledger, limits, clock,
            admission=admission_of(config), is_free=is_free(config), processes=worker_count(config),
        )  # fmt: skip
        app = App(
            observed(near, "cache", spans), access, limits, clock, near=cache.near, sites=sites.handle,
            receipt_keys=[bytes(key.verify_key) for key in below.secret.receipt_keys],
            readiness=lambda: _readiness(below), restored_ms=below.restored_ms,
            cache=control_of(cache, config, tell, lambda: beside.others if beside is not None else ()),
            sources=(*below.sources, lambda: cache_measures(cache)),
            spans=spans,
        )  # fmt: skip
        async with _forgetting(below, cache), following(cache, config, changes):
            yield app


def _join(metrics: Metrics, beside: Beside) -> None:
    beside.own = metrics.report
    metrics.others = lambda: beside.others
    metrics.refresh_others = beside.refresh


@asynccontextmanager
async def _forgetting(below: Below, cache: CachedBlocks) -> AsyncIterator[None]:
    """Drop from the cache what is removed through other processes, while this is open."""
    if below.removals is None:
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


def _readiness(below: Below) -> dict[str, str]:
    return {"interface": "ok", "cache": "ok", "storage": below.trouble() or "ok"}
