"""The other interface nodes: hot blocks are asked of them, and they ask here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    nullcontext,
)
from dataclasses import dataclass, replace
from typing import Any, Final

from cairn.cache import CachedBlocks
from cairn.cache.neighbours import LinkedNeighbour, NeighbourlyBlocks, Ring
from cairn.compose.storage import Below
from cairn.config import Config, parse_address
from cairn.core.block import Block, BlockId
from cairn.core.clock import Clock
from cairn.interface.numbers.families import counters
from cairn.interface.peers.neighbour import NeighbourResponder
from cairn.link import Link, Place, open_answering, open_link

_CONNECTIONS: Final = 2


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """What lies below the cache, neighbours included, and how to get a block of it for one of them: `answering` is
    held open meanwhile."""

    below: Below
    answering: Callable[[BlockId], AbstractContextManager[None]]


@asynccontextmanager
async def open_neighbourhood(config: Config, below: Below, clock: Clock) -> AsyncIterator[Neighbourhood]:
    """The storage, with its hot blocks by way of the configured neighbours; as it is where there are none."""
    if not config.cache.neighbours:
        yield Neighbourhood(below, lambda _: nullcontext())
        return
    async with AsyncExitStack() as opened:
        links = {name: await opened.enter_async_context(_link(config, below, name)) for name in config.cache.neighbours}
        neighbours = {name: LinkedNeighbour(link) for name, link in links.items()}
        ring = Ring([config.node.name, *neighbours], config.cache.pins)
        blocks = NeighbourlyBlocks(below.store.blocks, config.node.name, ring, neighbours, clock)
        store = replace(below.store, blocks=blocks)
        yield Neighbourhood(
            replace(below, store=store, sources=(*below.sources, lambda: _values(blocks))), blocks.answering
        )


@asynccontextmanager
async def answering_neighbours(
    config: Config, neighbourhood: Neighbourhood, cache: CachedBlocks
) -> AsyncIterator[None]:
    """Answer the neighbours at `cache.listen` while this is open, if there is such a setting."""
    if not config.cache.listen:
        yield
        return

    async def get(block_id: BlockId) -> Block:
        with neighbourhood.answering(block_id):
            return await cache.get(block_id)

    keys = neighbourhood.below.secret.keys("link")
    responder = NeighbourResponder(get, cache.forget)
    async with open_answering(_place(config.cache.listen), keys, responder, tls=config.storage.link_tls):
        yield


def _link(config: Config, below: Below, name: str) -> AbstractAsyncContextManager[Link]:
    place = _place(config.cache.neighbours[name])
    return open_link(place, below.secret.keys("link"), tls=config.storage.link_tls, connections=_CONNECTIONS)


def _place(text: str) -> Place:
    address = parse_address(text)
    return Place(address.host, address.port)


def _values(blocks: NeighbourlyBlocks) -> Iterable[Any]:
    return counters({
        "cairn_cache_neighbour_asked_total": (blocks.asked, "Hot blocks that a neighbour was asked for."),
        "cairn_cache_neighbour_given_total": (blocks.given, "Hot blocks that came from a neighbour."),
        "cairn_cache_neighbour_failed_total": (blocks.failed, "Times that a neighbour failed or was too slow."),
    })  # fmt: skip
