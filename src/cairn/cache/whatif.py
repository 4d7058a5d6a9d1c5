"""What the hit ratio would be with another budget, without having it: small caches without values, of the real policy,
fed with a sample of the keys (Waldspurger et al., "Cache modeling and optimization using miniature simulations",
USENIX ATC 2017).

A key is in the sample or not, by its hash, which Python salts anew in each process; all of its requests are, then. A
sample of one in eight is simulated in an eighth of the budget. When the largest simulation holds more keys than its
bound, the sample is halved. A few hot keys inside or outside of a small sample would make it say too much or too
little; so requests that the sample lacks, or has too many of, count as hits (SHARDS-adj: Waldspurger et al.,
"Efficient MRC construction with SHARDS", USENIX FAST 2015).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

from cairn.cache.memory import MemoryCache

K = TypeVar("K", bound=Hashable)

SCALES: Final = (0.5, 1.0, 2.0, 4.0)

_KEYS_MAX: Final = 2_048
_HASHES: Final = 1 << 16
_FIRST_SHARE: Final = 4  # one in four at most: a key in the sample costs a microsecond for each request
_LOOK_EVERYWHERE: Final = 4  # what the smallest cache has, the larger ones have: one hit in so many is told to them
_WINDOW: Final = 65_536  # sampled requests, after which those before count half


class WhatIf(Generic[K]):
    """The curve of one tier. `requests` tells how many requests the tier had that ended with a value."""

    def __init__(self, capacity: int, requests: Callable[[], int], *, keys_max: int = _KEYS_MAX) -> None:
        self._capacity = capacity
        self._requests = requests
        self._keys_max = keys_max
        self._below = _HASHES // _FIRST_SHARE
        self._caches: tuple[MemoryCache[K, bool], ...] = tuple(MemoryCache(0) for _ in SCALES)
        self._hits = [0.0] * len(SCALES)
        self._hits_in_all = self._sampled = self._expected = 0.0
        self._requests_before = requests()
        self._fit()

    def is_sampled(self, key: K) -> bool:
        """Whether this key's requests are to be told."""
        return hash(key) % _HASHES < self._below

    def ask(self, key: K, size: int) -> None:
        """Tell of a request for a key of the sample, whose value has `size` bytes."""
        if not self.is_sampled(key):
            return  # it was, before the sample was halved
        self._sampled += 1
        if self._caches[0].find(key) and self._sampled % _LOOK_EVERYWHERE:
            self._hits_in_all += 1
            return
        for place, cache in enumerate(self._caches):
            if cache.find(key):
                self._hits[place] += 1
            else:
                cache.put(key, True, size)
        if self._sampled >= _WINDOW:
            self._fade()
        if len(self._caches[-1]) > self._keys_max:
            self._halve_sample()

    def resize(self, capacity: int) -> None:
        """The tier has another budget now."""
        self._capacity = capacity
        self._fit()

    def ratios(self) -> dict[float, float]:
        """The hit ratio by the budget's scale; nothing without a budget, or before there were requests."""
        self._expect()
        if not self._capacity or not self._expected:
            return {}
        lacking = self._expected - self._sampled
        shares = ((hits + self._hits_in_all + lacking) / self._expected for hits in self._hits)
        return {scale: min(max(share, 0.0), 1.0) for scale, share in zip(SCALES, shares, strict=True)}

    def _expect(self) -> None:
        requests = self._requests()
        self._expected += (requests - self._requests_before) * self._below / _HASHES
        self._requests_before = requests

    def _fade(self) -> None:
        self._expect()
        self._expected /= 2
        self._sampled /= 2
        self._hits_in_all /= 2
        self._hits = [hits / 2 for hits in self._hits]

    def _halve_sample(self) -> None:
        self._expect()
        self._below //= 2
        for cache in self._caches:
            for key in [key for key in cache if not self.is_sampled(key)]:
                cache.drop(key)
        self._fit()

    def _fit(self) -> None:
        for scale, cache in zip(SCALES, self._caches, strict=True):
            cache.resize(int(self._capacity * scale * self._below / _HASHES))
