"""A BlockStore that asks a neighbour for a hot block before it asks the storage.

It lies below the cache of an interface node, so it sees what is missing there. A block that was missing twice
lately is hot: other nodes will want it, too, and one of them is to have it for all. That is the block's preferred
node (`ring.py`), which fetches it from the storage once, however many ask. A very hot block has two of them, so that no
single one carries it alone.

A neighbour is a short cut and never more. It gets `_PATIENCE_SECONDS`; when it fails, lacks the block or takes longer,
the storage is asked, and after a failure it is left alone for a while. Nothing that it says makes a block absent.
Removals are told to all neighbours when they are done, as far as they can be reached; and of a block that was removed
here no neighbour is asked any more, since one may not have heard of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from typing import Final, Protocol

from cairn.cache.hot import HotList
from cairn.cache.neighbours.ring import Ring
from cairn.core.block import Block, BlockId, GrantId, Pin, PinHash
from cairn.core.clock import Clock
from cairn.core.errors import CairnError, NotFound
from cairn.core.store import BlockStore

_HOT_MISSES: Final = 1.5  # two, of which time may have taken a little
_COPIES_MAX: Final = 2  # the second may have it from the first: see `KEPT_SECONDS` of the cache
_HOTTER: Final = 8.0  # times as many misses are one more copy
_PATIENCE_SECONDS: Final = 0.25
_AVOIDED_SECONDS: Final = 2.0
_TELL_SECONDS: Final = 5.0
_TELLING_MAX: Final = 256
_COUNTED_BLOCKS: Final = 8_192
_REMOVED_BLOCKS: Final = 4_096


class Neighbour(Protocol):
    """Another interface node."""

    async def get(self, block_id: BlockId) -> Block:
        """The block, from its cache or through it, verified. Raises NotFound, Unavailable."""
        ...

    async def forget(self, block_id: BlockId) -> None:
        """Tell it that a pin of the block was removed. Raises Unavailable."""
        ...


class NeighbourlyBlocks:
    """Blocks of the store below, hot ones by way of neighbours. `asked`, `given` and `failed` count the latter."""

    def __init__(
        self, below: BlockStore, own_name: str, ring: Ring, neighbours: Mapping[str, Neighbour], clock: Clock
    ) -> None:
        self.asked = self.given = self.failed = 0
        self._below = below
        self._own_name = own_name
        self._ring = ring
        self._neighbours = neighbours
        self._clock = clock
        self._misses: HotList[BlockId] = HotList(clock.monotonic, _COUNTED_BLOCKS)
        self._removed: OrderedDict[BlockId, None] = OrderedDict()
        self._avoided_until: dict[str, float] = {}
        self._telling: set[asyncio.Task[None]] = set()
        self._answered: Counter[BlockId] = Counter()

    async def get(self, block_id: BlockId) -> Block:
        """See `BlockStore.get`."""
        self._misses.add(block_id)
        name = self._choose(block_id)
        found = await self._ask(name, block_id) if name is not None else None
        return found or await self._below.get(block_id)

    async def put(self, block: Block, pin: PinHash | None, grant: GrantId) -> bool:
        """See `BlockStore.put`."""
        return await self._below.put(block, pin, grant)

    async def unpin(self, block_id: BlockId, pin: Pin) -> None:
        """See `BlockStore.unpin`. The neighbours are told when it is done, or may be."""
        try:
            await self._below.unpin(block_id, pin)
        finally:
            self._remember_removed(block_id)
            self._tell_all(block_id)

    async def has(self, block_ids: Collection[BlockId]) -> set[BlockId]:
        """See `BlockStore.has`."""
        return await self._below.has(block_ids)

    def scan(self, after: BlockId | None) -> AsyncIterator[BlockId]:
        """See `BlockStore.scan`."""
        return self._below.scan(after)

    @contextlib.contextmanager
    def answering(self, block_id: BlockId) -> Iterator[None]:
        """While this is open a neighbour waits for the block: no other one is asked for it, whatever their names."""
        self._answered[block_id] += 1
        try:
            yield
        finally:
            self._answered[block_id] -= 1
            if not self._answered[block_id]:
                del self._answered[block_id]

    def _choose(self, block_id: BlockId) -> str | None:
        """The neighbour to ask; None where the block is not hot, or this node is to have it, or none answers."""
        misses = self._misses.estimate(block_id)
        if misses < _HOT_MISSES or block_id in self._removed or block_id in self._answered:
            return None
        copies = min(1 + int(math.log(misses / _HOT_MISSES, _HOTTER)), _COPIES_MAX)
        preferred = self._ring.preferred(block_id, copies)
        if self._own_name in preferred:
            return None
        now = self._clock.monotonic()
        able = [name for name in preferred if self._avoided_until.get(name, now) <= now]
        return random.choice(able) if able else None  # noqa: S311 - to spread the load, no secret

    async def _ask(self, name: str, block_id: BlockId) -> Block | None:
        self.asked += 1
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                block = await self._neighbours[name].get(block_id)
        except NotFound:
            return None  # by its own word, so not ours: the storage is asked
        except (CairnError, TimeoutError):
            self.failed += 1
            self._avoided_until[name] = self._clock.monotonic() + _AVOIDED_SECONDS
            return None
        self.given += 1
        return block

    def _remember_removed(self, block_id: BlockId) -> None:
        self._removed[block_id] = None
        if len(self._removed) > _REMOVED_BLOCKS:
            self._removed.popitem(last=False)

    def _tell_all(self, block_id: BlockId) -> None:
        for neighbour in self._neighbours.values():
            if len(self._telling) >= _TELLING_MAX:
                return
            telling = asyncio.create_task(_tell(neighbour, block_id))
            self._telling.add(telling)
            telling.add_done_callback(self._telling.discard)


async def _tell(neighbour: Neighbour, block_id: BlockId) -> None:
    try:
        async with asyncio.timeout(_TELL_SECONDS):
            await neighbour.forget(block_id)
    except (CairnError, TimeoutError):
        return  # it will find out by itself, within a day
