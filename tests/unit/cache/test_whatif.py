from __future__ import annotations

import random

import pytest

from cairn.cache.memory import ITEM_BYTES, MemoryCache
from cairn.cache.whatif import SCALES, WhatIf

SIZE = 4_000


class Tier:
    """A real cache, and the curve that is told of its sampled requests."""

    def __init__(self, capacity: int, keys_max: int) -> None:
        self.cache: MemoryCache[bytes, bool] = MemoryCache(capacity)
        self.curve: WhatIf[bytes] = WhatIf(capacity, lambda: self.cache.hits + self.cache.misses, keys_max=keys_max)

    def ask(self, key: bytes, size: int = SIZE) -> None:
        if self.cache.get(key) is None:
            self.cache.put(key, True, size)
        if self.curve.is_sampled(key):
            self.curve.ask(key, size)


def zipf(rng: random.Random, alpha: float, keys: int, requests: int) -> list[bytes]:
    names = [rng.randbytes(32) for _ in range(keys)]
    return rng.choices(names, [1 / (rank + 1) ** alpha for rank in range(keys)], k=requests)


@pytest.mark.parametrize("alpha", [0.8, 1.0])
@pytest.mark.parametrize("keys_max", [1_000, 4_096])
def test_the_curve_is_near_what_real_caches_do(alpha: float, keys_max: int) -> None:
    trace = zipf(random.Random(7), alpha, 30_000, 200_000)
    capacity = 2_000 * (SIZE + ITEM_BYTES)
    tier = Tier(capacity, keys_max)
    others = {scale: Tier(int(capacity * scale), 1) for scale in SCALES}
    for key in trace:
        tier.ask(key)
        for other in others.values():
            other.ask(key)
    real = {scale: other.cache.hits / len(trace) for scale, other in others.items()}
    found = tier.curve.ratios()
    print({scale: (round(real[scale], 3), round(found[scale], 3)) for scale in SCALES})
    assert all(abs(found[scale] - real[scale]) < 0.1 for scale in SCALES)


def test_stays_within_its_bound() -> None:
    tier = Tier(1 << 40, keys_max=100)
    rng = random.Random(1)
    for _ in range(50_000):
        tier.ask(rng.randbytes(32), 100)
    assert all(len(cache) <= 101 for cache in tier.curve._caches)
    assert set(tier.curve.ratios()) == set(SCALES)
    assert max(tier.curve.ratios().values()) < 0.3, "nothing was asked for twice, but for the noise of 100 keys"


def test_a_single_hot_key_counts_as_hits_sampled_or_not() -> None:
    tier = Tier(1_000_000, keys_max=100)
    for key in (bytes([number]) * 32 for number in range(32)):
        for _ in range(1_000):
            tier.ask(key, 1_000)
        assert tier.curve.ratios()[1.0] > 0.98


def test_what_is_new_counts_for_more() -> None:
    tier = Tier(1_000_000, keys_max=4_096)
    rng = random.Random(2)
    keys = [key for key in (rng.randbytes(32) for _ in range(200)) if tier.curve.is_sampled(key)][:20]
    for _ in range(150_000):
        tier.ask(rng.randbytes(32), 100_000)
    before = tier.curve.ratios()[1.0]
    for _ in range(15_000):
        for key in keys:
            tier.ask(key, 1_000)
    assert before < 0.05
    assert tier.curve.ratios()[1.0] > 0.9


def test_a_budget_that_changes_changes_the_curve() -> None:
    tier = Tier(0, keys_max=4_096)
    tier.ask(b"x" * 32)
    assert tier.curve.ratios() == {}, "off"
    tier.curve.resize(1_000_000)
    for _ in range(100):
        tier.ask(b"x" * 32)
    assert tier.curve.ratios()[1.0] > 0.9
