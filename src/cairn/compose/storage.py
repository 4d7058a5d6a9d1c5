"""What lies below the cache: the embedded store of this process, or the one at the other end of a link."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cairn.compose.measures import commit_measures, link_measures
from cairn.compose.settings import storage_settings
from cairn.compose.workers import worker_count, workers_place
from cairn.config import Config, LinkTls, parse_address
from cairn.core.block import BlockId
from cairn.core.clock import Clock
from cairn.core.store import Store
from cairn.interface.admission.secret import NodeSecret
from cairn.interface.numbers.families import Source, gauges
from cairn.interface.numbers.siblings import Ask
from cairn.link import Place, open_link
from cairn.storage.embedded import Embedded, open_embedded
from cairn.storage.remote import remote_store, removals, told_about
from cairn.wire.link import Operation
from cairn.wrap.receipt import with_receipts
from cairn.wrap.tell import Removals, TellingBlocks


def _nothing() -> None:
    """Nothing is mapped here."""


@dataclass(frozen=True, slots=True)
class Below:
    """A store whose heads carry receipts by the secret's key, and what is known of it.

    `trouble` says why requests to it fail now, and is empty while they do not. `failed` is set when nothing may be
    acknowledged any more and the process must end. `removals` tells of pins that go, where they may go through another
    process, too. `report` is how a worker tells its numbers, and hears those of the others. `release` gives back memory
    that only looks used.
    """

    secret: NodeSecret
    store: Store
    trouble: Callable[[], str]
    restored_ms: Callable[[], int]
    sources: tuple[Source, ...]
    failed: asyncio.Event = field(default_factory=asyncio.Event)
    removals: Callable[[], AsyncIterator[BlockId]] | None = None
    report: Ask | None = None
    release: Callable[[], None] = _nothing


def open_below(config: Config, clock: Clock) -> AbstractAsyncContextManager[Below]:
    """The configured storage. Whoever keeps the data makes the secret file at the first start; others must have it."""
    return _open_remote(config) if config.storage.engine == "remote" else _open_embedded(config, clock)


@asynccontextmanager
async def _open_embedded(config: Config, clock: Clock) -> AsyncIterator[Below]:
    async with open_embedded(Path(config.node.data), storage_settings(config), clock=clock) as embedded:
        secret = NodeSecret.load_or_create(config.node.secret_path)
        removals = Removals() if config.storage.listen or worker_count(config) > 1 else None
        store = with_receipts(embedded.store, secret.receipt_keys[0], clock)
        yield Below(
            secret,
            replace(store, blocks=TellingBlocks(store.blocks, removals)) if removals is not None else store,
            trouble=lambda: "failed: see the log, and docs/operations.md" if embedded.failed.is_set() else "",
            restored_ms=lambda: embedded.restored_ms,
            sources=(lambda: gauges(_storage_values(embedded)), lambda: commit_measures(embedded)),
            failed=embedded.failed,
            removals=None if removals is None else removals.listen,
            release=embedded.release,
        )


def _open_remote(config: Config) -> AbstractAsyncContextManager[Below]:
    address = parse_address(config.storage.servers[0])
    return _open_linked(config, Place(address.host, address.port), config.storage.link_tls)


def open_below_worker(config: Config) -> AbstractAsyncContextManager[Below]:
    """What a further worker has below it: the store process, asked over a Unix socket."""
    return _open_linked(config, workers_place(config), None)


@asynccontextmanager
async def _open_linked(config: Config, place: Place, tls: LinkTls | None) -> AsyncIterator[Below]:
    secret = NodeSecret.load(config.node.secret_path)
    async with open_link(place, secret.keys("link"), tls=tls) as link, told_about(link) as about:

        def measures() -> Iterator[Any]:
            return link_measures(link.counts, "asks")

        async def report(body: bytes) -> bytes:
            return await link.ask(Operation.REPORT, body, bytes)

        yield Below(
            secret, remote_store(link), lambda: about.trouble, lambda: about.restored_ms, (measures,),
            removals=lambda: removals(link), report=report,
        )  # fmt: skip


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
