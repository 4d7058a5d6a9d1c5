"""Which keys are asked for most: Space-Saving (Metwally, Agrawal, El Abbadi, "Efficient computation of frequent and
top-k elements in data streams", ICDT 2005), with requests that count for less the older they are.

A fixed number of keys is counted. A new one takes the place of the least counted, and its count with it, as an upper
bound; what it took over is its `error`, so `estimate - error` were surely its own. Instead of all counts shrinking with
time, new requests weigh more, by 2 each half-life; now and then everything is brought back to scale.

The least counted is the top of a heap whose counts may lag behind, since a count only grows: what has grown is put
back where it belongs when it comes up.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable
from typing import Any, Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)

HALF_LIFE_SECONDS: Final = 600.0

_KEYS: Final = 512
_RESCALE: Final = 2.0**64


class _Count:
    __slots__ = ("error", "estimate")

    def __init__(self, estimate: float, error: float) -> None:
        self.estimate = estimate
        self.error = error


class HotList(Generic[K]):
    """Counts requests by key, in bounded memory. `now` tells seconds."""

    def __init__(self, now: Callable[[], float], keys: int = _KEYS) -> None:
        self._now = now
        self._since = now()
        self._keys_max = keys
        self._counts: dict[K, _Count] = {}
        self._least: list[tuple[float, Any]] = []  # a heap of (an estimate that was, key)

    def add(self, key: K, requests: float = 1.0) -> None:
        """Count requests for a key."""
        weight = requests * self._weight()
        count = self._counts.get(key)
        if count is not None:
            count.estimate += weight
        elif len(self._counts) < self._keys_max:
            self._counts[key] = _Count(weight, 0.0)
            heapq.heappush(self._least, (weight, key))
        else:
            self._replace_least(key, weight)

    def top(self, size: int) -> list[tuple[K, float]]:
        """The keys with most requests, most first, and how many surely were theirs, decayed."""
        scale = self._weight()
        sure = ((key, (count.estimate - count.error) / scale) for key, count in self._counts.items())
        return heapq.nlargest(size, sure, key=lambda each: each[1])

    def estimate(self, key: K) -> float:
        """How many requests surely were for a key, decayed; 0 for one that is not among the counted."""
        count = self._counts.get(key)
        return (count.estimate - count.error) / self._weight() if count is not None else 0.0

    def _replace_least(self, key: K, weight: float) -> None:
        while True:
            lagging, least = self._least[0]
            floor = self._counts[least].estimate
            if lagging == floor:
                break
            heapq.heapreplace(self._least, (floor, least))
        del self._counts[least]
        self._counts[key] = _Count(floor + weight, floor)
        heapq.heapreplace(self._least, (floor + weight, key))

    def _weight(self) -> float:
        weight = float(2.0 ** ((self._now() - self._since) / HALF_LIFE_SECONDS))
        if weight < _RESCALE:
            return weight
        self._since = self._now()
        for count in self._counts.values():
            count.estimate /= weight
            count.error /= weight
        self._least = [(count.estimate, key) for key, count in self._counts.items()]
        heapq.heapify(self._least)
        return 1.0
