"""The memory tier: S3-FIFO, bounded in bytes (Yang et al., "FIFO queues are all you need for cache eviction", SOSP
2023).

Three queues, each first in, first out. What is new enters the *small* queue, a twentieth of the room, and most of it
leaves from there: most keys are asked for once. What was asked for again meanwhile moves on to the *main* queue, where
every further hit buys one more turn. Keys that left the small queue are remembered in the *ghost* queue, without their
values, as many as there are items: one that comes back soon enters the main queue at once. So a scan passes through
the small queue alone. While the main queue has not filled its room, what comes back displaces nothing there, and twice
as many keys are remembered.

The paper counts items; here they have sizes, and one large item takes the room of many small ones. So an item that is
larger than the average has to be asked for more often to get into the main queue, and each turn there costs it more
hits; a very large one that comes back from among the ghosts enters the small queue again. That is worth one to three
hits in a hundred, for one to three in a hundred of the bytes (docs/performance.md).

A hit moves nothing. It is one look-up and a count, which the queues read when the key's turn to leave comes. All of it
belongs to one thread.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Final, Generic, TypeVar

from cairn.cache.counts import Counts

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

ITEM_BYTES: Final = 825
"""What an item costs beside its size: key, value's frame, the item, its places in two tables."""

GHOST_BYTES: Final = 250
"""What a remembered key costs."""

_SMALL_SHARE: Final = 20  # one twentieth (paper, 4.1: a tenth)
_FILLING_SHARE: Final = 5  # a fifth: a small queue larger than that has what the main queue has not filled yet
_TURNS_MAX: Final = 3  # hits that count (paper, 4.1: two bits)
_LARGE: Final = 4  # times the average
_VERY_LARGE: Final = 16


class _Queue(OrderedDict[K, "_Item[K, V]"], Generic[K, V]):
    """Items in the order in which they came, and their bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def enter(self, key: K, item: _Item[K, V]) -> None:
        item.queue = self
        self[key] = item
        self.bytes += item.size + ITEM_BYTES

    def leave(self, key: K) -> None:
        self.bytes -= self.pop(key).size + ITEM_BYTES

    def leave_oldest(self) -> tuple[K, _Item[K, V]]:
        key, item = self.popitem(last=False)
        self.bytes -= item.size + ITEM_BYTES
        return key, item


class _Item(Generic[K, V]):
    __slots__ = ("entered", "hits", "queue", "size", "value")

    queue: _Queue[K, V]

    def __init__(self, value: V, size: int, entered: float) -> None:
        self.value = value
        self.size = size
        self.entered = entered
        self.hits = 0


class MemoryCache(Counts, Generic[K, V]):
    """Values by key, at most `capacity` bytes of them, what they cost besides included.

    `miss_bytes` is for who asks to count, who learns later how large it was. `now` tells seconds.
    """

    def __init__(self, capacity: int, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.capacity = capacity
        self._now = now
        self._items: dict[K, _Item[K, V]] = {}
        self._small: _Queue[K, V] = _Queue()
        self._main: _Queue[K, V] = _Queue()
        self._ghosts: OrderedDict[K, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[K]:
        return iter(self._items)

    @property
    def bytes(self) -> int:
        """What is used now; never more than `capacity`."""
        return self._small.bytes + self._main.bytes + GHOST_BYTES * len(self._ghosts)

    def get(self, key: K) -> V | None:
        """The value under a key, if it is here."""
        value = self.find(key)
        self.misses += value is None
        return value

    def find(self, key: K) -> V | None:
        """As `get`, for who asks again by `get` after a miss: only a hit counts."""
        item = self._items.get(key)
        if item is None:
            return None
        item.hits += 1
        self.hits += 1
        self.hit_bytes += item.size
        return item.value

    def put(self, key: K, value: V, size: int) -> None:
        """Keep a value of `size` bytes, if there is any room for one so large. What stands under a key stays."""
        if key in self._items:
            return
        if size + ITEM_BYTES > self.capacity:
            self.refused += 1
            return
        is_wanted = self._ghosts.pop(key, self) is None and size <= _VERY_LARGE * self._average()
        self._make_room(size + ITEM_BYTES)
        item = self._items[key] = _Item(value, size, self._now())
        (self._main if is_wanted else self._small).enter(key, item)
        self.admissions += 1

    def drop(self, key: K) -> None:
        """Forget a key."""
        self._ghosts.pop(key, None)
        item = self._items.pop(key, None)
        if item is not None:
            item.queue.leave(key)

    def resize(self, capacity: int) -> None:
        """Have another capacity from now on; a smaller one takes effect before this returns."""
        self.capacity = capacity
        self._make_room(0)

    def _make_room(self, size: int) -> None:
        while self.bytes + size > self.capacity:
            if len(self._ghosts) > self._ghosts_max():
                self._ghosts.popitem(last=False)
            elif self._small.bytes > self.capacity // _SMALL_SHARE or not self._main:
                self._relieve_small()
            else:
                self._relieve_main()

    def _ghosts_max(self) -> int:
        is_filling = self._small.bytes > self.capacity // _FILLING_SHARE
        return len(self._items) * (2 if is_filling else 1)

    def _relieve_small(self) -> None:
        key, item = self._small.leave_oldest()
        if item.hits >= self._price(item.size):  # paper, algorithm 1: freq > 1
            item.hits = 0
            self._main.enter(key, item)
        else:
            self._evict(key, item)
            self._ghosts[key] = None

    def _relieve_main(self) -> None:
        key, item = self._main.leave_oldest()
        price = self._price(item.size)
        if item.hits >= price:
            item.hits = min(item.hits, _TURNS_MAX) - price
            self._main.enter(key, item)
        else:
            self._evict(key, item)

    def _price(self, size: int) -> int:
        """How many hits an item of this size pays for its next turn."""
        average = self._average()
        return 1 + (size >= average) + (size >= _LARGE * average)

    def _average(self) -> int:
        return (self._small.bytes + self._main.bytes) // (len(self._items) or 1)

    def _evict(self, key: K, item: _Item[K, V]) -> None:
        del self._items[key]
        self.evictions += 1
        self.evicted_bytes += item.size
        self.eviction_ages.observe(self._now() - item.entered)
