from __future__ import annotations

import random
from collections import Counter

import pytest

from cairn.cache.hot import HALF_LIFE_SECONDS, HotList


class Now:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_counts_exactly_while_there_is_room() -> None:
    hot: HotList[str] = HotList(Now(), keys=3)
    for key in "abacab":
        hot.add(key)
    assert hot.top(2) == [("a", 3.0), ("b", 2.0)]
    assert hot.top(9) == [("a", 3.0), ("b", 2.0), ("c", 1.0)]


def test_half_as_many_after_a_half_life() -> None:
    now = Now()
    hot: HotList[str] = HotList(now)
    hot.add("old", 8)
    now.seconds += HALF_LIFE_SECONDS
    hot.add("new", 5)
    assert hot.top(2) == [("new", 5.0), ("old", 4.0)]


def test_decays_for_ever_without_overflow() -> None:
    now = Now()
    hot: HotList[int] = HotList(now, keys=4)
    for key in range(3_000):
        hot.add(key, 1_000)
        now.seconds += HALF_LIFE_SECONDS
    (newest, requests), *_ = hot.top(4)
    assert newest == 2_999
    assert requests == pytest.approx(500, rel=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_finds_the_hottest_of_many_and_never_claims_too_much(seed: int) -> None:
    rng = random.Random(seed)
    keys = rng.choices(range(20_000), [1 / (rank + 1) for rank in range(20_000)], k=100_000)
    hot: HotList[int] = HotList(Now(), keys=256)
    for key in keys:
        hot.add(key)
    real = Counter(keys)
    found = dict(hot.top(256))
    assert set(range(15)) <= {key for key, _ in hot.top(20)}
    assert all(requests <= real[key] for key, requests in found.items())
    assert all(found[key] >= real[key] - len(keys) / 256 for key in range(15))
    assert len(hot._counts) == len(hot._least) == 256
