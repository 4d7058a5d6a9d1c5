"""What lies below the cache: the embedded store of this process, or the one at the other end of a link."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cairn.compose.settings import storage_settings
from cairn.config import Config, parse_address
from cairn.core.clock import Clock
from cairn.core.store import Store
from cairn.interface.metrics import Source, gauges
from cairn.interface.secret import NodeSecret
from cairn.link import Place, open_link
from cairn.measures import commit_measures, link_measures
from cairn.storage.embedded import Embedded, open_embedded
from cairn.storage.remote import remote_store, told_about
from cairn.wrap.receipt import with_receipts


@dataclass(frozen=True, slots=True)
class Below:
    """A store whose heads carry receipts by the secret's key, and what is known of it.

    `trouble` says why requests to it fail now, and is empty while they do not. `failed` is set when nothing may be
    acknowledged any more and the process must end.
    """

    secret: NodeSecret
    store: Store
    trouble: Callable[[], str]
    restored_ms: Callable[[], int]
    sources: tuple[Source, ...]
    failed: asyncio.Event = field(default_factory=asyncio.Event)


def open_below(config: Config, clock: Clock) -> AbstractAsyncContextManager[Below]:
    """The configured storage. Whoever keeps the data makes the secret file at the first start; others must have it."""
    return _open_remote(config) if config.storage.engine == "remote" else _open_embedded(config, clock)


@asynccontextmanager
async def _open_embedded(config: Config, clock: Clock) -> AsyncIterator[Below]:
    async with open_embedded(Path(config.node.data), storage_settings(config), clock=clock) as embedded:
        secret = NodeSecret.load_or_create(config.node.secret_path)
        yield Below(
            secret,
            with_receipts(embedded.store, secret.receipt_keys[0], clock),
            trouble=lambda: "failed: see the log, and docs/operations.md" if embedded.failed.is_set() else "",
            restored_ms=lambda: embedded.restored_ms,
            sources=(lambda: gauges(_storage_values(embedded)), lambda: commit_measures(embedded)),
            failed=embedded.failed,
        )


@asynccontextmanager
async def _open_remote(config: Config) -> AsyncIterator[Below]:
    secret = NodeSecret.load(config.node.secret_path)
    address = parse_address(config.storage.servers[0])
    place = Place(address.host, address.port)
    async with (
        open_link(place, secret.keys("link"), tls=config.storage.link_tls) as link,
        told_about(link) as about,
    ):

        def measures() -> Iterator[Any]:
            return link_measures(link.counts, "asks")

        yield Below(secret, remote_store(link), lambda: about.trouble, lambda: about.restored_ms, (measures,))


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
