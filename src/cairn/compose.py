"""Configuration to running system: the only module that knows every layer.

    serve(with_receipts(cached(embedded(folder))))

is the whole of it. The rest opens these in order and closes them in the other, and watches over two events: `stop`, by
which the caller asks for an end, and the store's `failed`, after which nothing may be acknowledged any more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from cairn.cache import DiskTier, cache_of, cached, near_of
from cairn.config import Config, ConfigError, Limits, Storage, disk_bytes, memory_bytes, parse_address, parse_size
from cairn.core.clock import Clock, SystemClock
from cairn.core.errors import CairnError
from cairn.core.store import Store
from cairn.footprint import Footprint
from cairn.interface.access import Access
from cairn.interface.app import App
from cairn.interface.metrics import gauges
from cairn.interface.secret import NodeSecret
from cairn.interface.server import Listener, serve
from cairn.interface.sites import Sites
from cairn.measures import cache_measures, commit_measures
from cairn.storage.embedded import Embedded, open_embedded
from cairn.wrap.receipt import with_receipts

_NOT_YET: Final = "is for a later version of Cairn; this one runs"


_log = logging.getLogger("cairn")


class StorageFailed(CairnError):
    """The disk did not make data durable: the process must end (docs/operations.md)."""

    code = "storage_failed"


@dataclass(frozen=True, slots=True)
class Ready:
    """What a started system tells of itself."""

    url: str
    port: int
    admission: str
    is_free: bool
    data: str


async def run(
    config: Config, *, stop: asyncio.Event, on_ready: Callable[[Ready], None], clock: Clock | None = None
) -> None:
    """Run the configured system until `stop` is set, and end it in order.

    Raises:
        ConfigError: this version cannot run it. OSError: the address is taken, or the folder not ours.
        StorageFailed: the disk failed; nothing was acknowledged since.
    """
    check_supported(config)
    clock = clock or SystemClock()
    async with _open_app(config, clock) as (app, embedded):
        failed = asyncio.create_task(_stop_on_failure(embedded, stop))
        small = asyncio.create_task(Footprint(Path(config.node.data)).keep_small())
        try:
            await serve(
                app, _listener(config), config.interface.limits,
                stop=stop, on_ready=lambda port: on_ready(_ready(config, port)),
            )  # fmt: skip
        finally:
            failed.cancel()
            small.cancel()
    if embedded.failed.is_set():
        raise StorageFailed("the disk did not make data durable: nothing was acknowledged since, and the node stops")


@asynccontextmanager
async def _open_app(config: Config, clock: Clock) -> AsyncIterator[tuple[App, Embedded]]:
    folder = Path(config.node.data)
    async with (
        _open_disk_cache(config, clock) as disk,
        open_embedded(folder, storage_settings(config), clock=clock) as embedded,
        Sites(config.site) as sites,
    ):
        secret = NodeSecret.load_or_create(config.node.secret_path)
        keys = secret.receipt_keys
        near = cached(embedded.store, parse_size(config.cache.memory, memory_bytes()), disk=disk, clock=clock)
        store = with_receipts(near, keys[0], clock)
        limits = config.interface.limits
        access = Access(
            secret, store.ledger, limits, clock, admission=admission_of(config), is_free=is_free(config)
        )  # fmt: skip
        app = App(
            store, access, limits, clock, near=near_of(near), sites=sites.handle,
            receipt_keys=[bytes(key.verify_key) for key in keys], readiness=lambda: _readiness(embedded),
            restored_ms=embedded.restored_ms,
            sources=(
                lambda: gauges(_storage_values(embedded)), lambda: commit_measures(embedded),
                lambda: _cache_values(near),
            ),
        )  # fmt: skip
        yield app, embedded


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


async def _stop_on_failure(embedded: Embedded, stop: asyncio.Event) -> None:
    await embedded.failed.wait()
    stop.set()


def _ready(config: Config, port: int) -> Ready:
    address = parse_address(config.interface.listen)
    reached = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(address.host, address.host)  # noqa: S104
    host = f"[{reached}]" if ":" in reached and not reached.startswith("[") else reached
    scheme = "https" if config.interface.tls else "http"
    return Ready(f"{scheme}://{host}:{port}", port, admission_of(config), is_free(config), config.node.data)


def _listener(config: Config) -> Listener:
    address = parse_address(config.interface.listen)
    settings = config.interface
    per_address = 0 if is_free(config) else settings.limits.connections_per_address
    return Listener(address.host, address.port, settings.tls, settings.trusted_proxies, per_address)


def _storage_values(embedded: Embedded) -> dict[str, tuple[float, str]]:
    stats = embedded.stats()
    return {
        "cairn_storage_blocks": (stats.blocks, "Blocks kept."),
        "cairn_storage_pins": (stats.pins, "Pins that keep them."),
        "cairn_storage_chains": (stats.chains, "Chains, doors included."),
        "cairn_storage_entries": (stats.entries, "Entries kept."),
        "cairn_storage_file_bytes": (stats.file_bytes, "Size of the store's files."),
        "cairn_storage_used_bytes": (stats.used_bytes, "What of them is in use."),
        "cairn_storage_free_disk_bytes": (stats.free_disk_bytes, "Free space on the disk."),
        "cairn_storage_full": (stats.is_full, "1 while the reserve is reached and writes are refused."),
        "cairn_storage_damaged": (stats.damaged, "Reads since the start that met a damaged block."),
    }


def _cache_values(near: Store) -> Iterator[Any]:
    cache = cache_of(near)
    return cache_measures(cache) if cache else iter(())


def _readiness(embedded: Embedded) -> dict[str, str]:
    storage = "failed: see the log, and docs/operations.md" if embedded.failed.is_set() else "ok"
    return {"interface": "ok", "cache": "ok", "storage": storage}


# --- what the settings mean ------------------------------------------------------------------------------------------


def storage_settings(config: Config) -> Storage:
    """The storage's settings with the reserve in bytes, also where it is a share of the disk."""
    reserve = parse_size(config.storage.reserve, disk_bytes(Path(config.node.data)))
    return msgspec.structs.replace(config.storage, reserve=str(reserve))


def disk_cache_bytes(config: Config) -> int:
    """The disk cache's size in bytes, also where it is a share of the disk."""
    return parse_size(config.cache.disk, disk_bytes(Path(config.cache.path)))


def is_loopback(config: Config) -> bool:
    """Only this machine reaches the listener, and no proxy stands in front of it."""
    return parse_address(config.interface.listen).is_loopback and not config.interface.trusted_proxies


def admission_of(config: Config) -> str:
    """Who may write: "open" on loopback, else "grant", unless it is configured."""
    return config.interface.admission or ("open" if is_loopback(config) else "grant")


def is_free(config: Config) -> bool:
    """A developer's own machine, with nothing configured: no quota and no rate."""
    settings = config.interface
    return is_loopback(config) and not settings.admission and settings.limits == Limits()


def check_supported(config: Config) -> None:
    """Refuse settings that are right, but which this version cannot run.

    Raises:
        ConfigError: with the setting's name, and what to set.
    """
    if config.storage.engine != "embedded":
        raise ConfigError(f'storage.engine: this engine {_NOT_YET} "embedded"')
    if set(config.node.roles) != {"interface", "storage"}:
        raise ConfigError(f'node.roles: one role alone {_NOT_YET} ["interface", "storage"]')
    if config.storage.listen or config.storage.servers:
        raise ConfigError(f"storage.listen, storage.servers: storage apart {_NOT_YET} one process; leave them empty")
    if config.interface.workers != 1:
        raise ConfigError(f"interface.workers: several processes {_NOT_YET} workers = 1")
    if any(site.proxy for site in config.site):
        raise ConfigError(f"site.proxy: proxy routes {_NOT_YET} sites of static files")
    for site in config.site:
        if not Path(site.static).is_dir():
            raise ConfigError(f'site.static: there is no folder "{site.static}"')
