"""A node: its roles, opened in order and closed in the other.

Two events end it: `stop`, by which the caller asks for an end, and the store's `failed`, after which nothing may be
acknowledged any more.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from cairn.compose.changes import Changes
from cairn.compose.interface import serve_interface
from cairn.compose.link import open_listener, open_workers_listener
from cairn.compose.settings import INTERFACE, admission_of, check_supported, is_free
from cairn.compose.storage import Below, open_below
from cairn.compose.workers import supervised, worker_count
from cairn.config import Address, Config, parse_address
from cairn.core.clock import Clock, SystemClock
from cairn.core.errors import CairnError
from cairn.footprint import Footprint
from cairn.interface.numbers.siblings import Siblings


class StorageFailed(CairnError):
    """The disk did not make data durable: the process must end (docs/operations.md)."""

    code = "storage_failed"


@dataclass(frozen=True, slots=True)
class Ready:
    """What a started system tells of itself. `admission` is "link" where there is no interface."""

    url: str
    port: int
    admission: str
    is_free: bool
    data: str


async def run(
    config: Config,
    *,
    stop: asyncio.Event,
    on_ready: Callable[[Ready], None],
    changes: Changes | None = None,
    clock: Clock | None = None,
) -> None:
    """Run the configured system until `stop` is set, and end it in order. `changes` tells what changes meanwhile.

    Raises:
        ConfigError: this version cannot run it. OSError: the address is taken, or the folder not ours.
        StorageFailed: the disk failed; nothing was acknowledged since.
    """
    check_supported(config)
    clock = clock or SystemClock()
    async with AsyncExitStack() as opened:
        below = await opened.enter_async_context(open_below(config, clock))
        await opened.enter_async_context(_watching(below, stop))
        if config.storage.listen:
            answering = await opened.enter_async_context(open_listener(config, below))
        if INTERFACE in config.node.roles:
            await _serve(config, below, clock, stop, on_ready, opened, changes or Changes())
        else:
            on_ready(_ready_to_answer(config, answering.port))
            await stop.wait()
    if below.failed.is_set():
        raise StorageFailed("the disk did not make data durable: nothing was acknowledged since, and the node stops")


async def _serve(
    config: Config,
    below: Below,
    clock: Clock,
    stop: asyncio.Event,
    on_ready: Callable[[Ready], None],
    opened: AsyncExitStack,
    changes: Changes,
) -> None:
    """Serve, in this process and in as many others as are wanted."""
    if worker_count(config) == 1:
        await serve_interface(
            config, below, clock, stop=stop, on_ready=lambda port: on_ready(_ready(config, port)),
            changes=changes, tell=lambda _: None,
        )  # fmt: skip
        return
    siblings = Siblings()
    await opened.enter_async_context(open_workers_listener(config, below, siblings))
    workers = await opened.enter_async_context(supervised(config, stop, siblings.leave, changes))
    starting: set[asyncio.Task[None]] = set()

    async def start(port: int) -> None:
        await workers.start(port)
        on_ready(_ready(config, port))

    await serve_interface(
        config, below, clock, stop=stop, on_ready=lambda port: starting.add(asyncio.create_task(start(port))),
        beside=siblings, changes=changes, tell=changes.tell,
    )  # fmt: skip
    await asyncio.gather(*starting)


@contextlib.asynccontextmanager
async def _watching(below: Below, stop: asyncio.Event) -> AsyncIterator[None]:
    """Keep the process small, and stop it when the storage has failed."""
    tasks = [
        asyncio.create_task(_stop_on_failure(below, stop)),
        asyncio.create_task(Footprint(below.release).keep_small()),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()


async def _stop_on_failure(below: Below, stop: asyncio.Event) -> None:
    await below.failed.wait()
    stop.set()


def _ready(config: Config, port: int) -> Ready:
    scheme = "https" if config.interface.tls else "http"
    url = _url(scheme, parse_address(config.interface.listen), port)
    return Ready(url, port, admission_of(config), is_free(config), config.node.data)


def _ready_to_answer(config: Config, port: int) -> Ready:
    scheme = "https" if config.storage.link_tls else "http"
    url = _url(scheme, parse_address(config.storage.listen), port)
    return Ready(url, port, "link", is_free=False, data=config.node.data)


def _url(scheme: str, address: Address, port: int) -> str:
    reached = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(address.host, address.host)  # noqa: S104
    host = f"[{reached}]" if ":" in reached and not reached.startswith("[") else reached
    return f"{scheme}://{host}:{port}"
