from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from cairn.cache.memory import GHOST_BYTES, ITEM_BYTES, MemoryCache
from tests.unit.cache.model import Model

KEYS = st.integers(0, 30)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), KEYS, st.integers(0, 3_000)),
        st.tuples(st.just("get"), KEYS, st.just(0)),
        st.tuples(st.just("drop"), KEYS, st.just(0)),
        st.tuples(st.just("resize"), st.just(0), st.integers(0, 40_000)),
    ),
    max_size=300,
)


@seed(20231023)
@settings(max_examples=300, deadline=None)
@given(STEPS, st.integers(0, 40_000))
def test_does_what_the_model_does(steps: list[tuple[str, int, int]], capacity: int) -> None:
    cache: MemoryCache[int, str] = MemoryCache(capacity)
    model = Model(capacity)
    for verb, key, size in steps:
        if verb in ("ask", "get"):
            assert (cache.get(key) is not None) == model.get(key)
        if verb == "ask":
            cache.put(key, f"value {key}", size)
            model.put(key, size)
        elif verb == "drop":
            cache.drop(key)
            model.drop(key)
        elif verb == "resize":
            cache.resize(size)
            model.capacity = size
            model.evict(0)
        assert cache.bytes == model.bytes
        assert cache.bytes <= cache.capacity
        assert len(cache) == len(model.small) + len(model.main)


def test_a_value_comes_back_until_it_is_dropped() -> None:
    cache: MemoryCache[bytes, bytes] = MemoryCache(10_000)
    cache.put(b"a", b"value", 5)
    assert cache.get(b"a") == b"value"
    cache.drop(b"a")
    assert cache.get(b"a") is None
    assert cache.bytes == 0


def test_counts_what_happens() -> None:
    cache: MemoryCache[int, int] = MemoryCache(4 * (1_000 + ITEM_BYTES))
    for key in range(6):
        assert cache.get(key) is None
        cache.put(key, key, 1_000)
    cache.get(5)
    cache.put(7, 7, 1_000_000)
    assert (cache.hits, cache.misses, cache.admissions, cache.refused) == (1, 6, 6, 1)
    assert cache.admissions - cache.evictions == len(cache)
    assert (cache.hit_bytes, cache.evicted_bytes) == (1_000, 1_000 * cache.evictions)


def test_tells_how_long_what_is_evicted_was_there() -> None:
    seconds = iter(range(0, 1_000, 30))
    cache: MemoryCache[int, int] = MemoryCache(2 * (1_000 + ITEM_BYTES) + GHOST_BYTES, lambda: next(seconds))
    for key in range(3):
        cache.put(key, key, 1_000)  # at 0 and 30; the third pushes the first out at 60
    assert (cache.evictions, cache.eviction_ages.sum) == (1, 60)
    assert cache.eviction_ages.counts[cache.eviction_ages.bounds.index(60.0)] == 1


def test_what_stands_stays() -> None:
    cache: MemoryCache[int, str] = MemoryCache(10_000)
    cache.put(1, "first", 10)
    cache.put(1, "second", 20)
    assert cache.get(1) == "first"
    assert cache.bytes == 10 + ITEM_BYTES


def test_a_scan_leaves_the_hot_ones() -> None:
    cache: MemoryCache[int, int] = MemoryCache(100 * (1_000 + ITEM_BYTES))
    hot = range(50)
    for _ in range(3):
        for key in hot:
            if cache.get(key) is None:
                cache.put(key, key, 1_000)
    for key in range(1_000, 6_000):
        cache.put(key, key, 1_000)
    assert all(cache.get(key) is not None for key in hot)


def test_a_ghost_that_comes_back_enters_the_main_queue() -> None:
    cache: MemoryCache[int, int] = MemoryCache(20 * (1_000 + ITEM_BYTES))
    for key in range(25):
        cache.put(key, key, 1_000)
    assert cache.get(5) is None
    cache.put(5, 5, 1_000)
    for key in range(100, 110):
        cache.put(key, key, 1_000)
    assert cache.get(5) == 5


def test_who_comes_back_before_the_main_queue_is_full_is_known_longer() -> None:
    cache: MemoryCache[int, int] = MemoryCache(20 * (1_000 + ITEM_BYTES))
    for key in range(50):
        cache.put(key, key, 1_000)
    gone = 50 - len(cache) - len(cache) * 3 // 2  # more left after it than there are items
    cache.put(gone, gone, 1_000)
    for key in range(100, 110 + len(cache)):
        cache.put(key, key, 1_000)
    assert cache.get(gone) == gone


def test_resize_takes_effect_at_once() -> None:
    cache: MemoryCache[int, int] = MemoryCache(100_000)
    for key in range(50):
        cache.put(key, key, 1_000)
    cache.resize(20_000)
    assert 0 < cache.bytes <= 20_000
    cache.resize(0)
    assert (cache.bytes, len(cache)) == (0, 0)
    cache.put(1, 1, 1)
    assert cache.get(1) is None


def test_ghosts_are_bounded() -> None:
    cache: MemoryCache[int, int] = MemoryCache(10 * (1_000 + ITEM_BYTES))
    for key in range(10_000):
        cache.put(key, key, 1_000)
    assert cache.bytes - len(cache) * (1_000 + ITEM_BYTES) <= (2 * len(cache) + 1) * GHOST_BYTES


# --- hit ratios ------------------------------------------------------------------------------------------------------

ITEM = 4_000
KEY_COUNT = 20_000
REQUESTS = 150_000


def zipf(rng: random.Random, alpha: float) -> Iterator[int]:
    keys = list(range(KEY_COUNT))
    rng.shuffle(keys)
    weights = [1 / (rank + 1) ** alpha for rank in range(KEY_COUNT)]
    yield from rng.choices(keys, weights, k=REQUESTS)


def with_scans(rng: random.Random, trace: Iterable[int]) -> Iterator[int]:
    """Every 20,000 requests, 4,000 keys that nobody asks for again."""
    fresh = KEY_COUNT
    for at, key in enumerate(trace):
        yield key
        if at % 20_000 == 19_999:
            yield from range(fresh, fresh + 4_000)
            fresh += 4_000


def hit_ratio(trace: list[int], capacity: int) -> float:
    cache: MemoryCache[int, int] = MemoryCache(capacity)
    for key in trace:
        if cache.get(key) is None:
            cache.put(key, key, ITEM)
    return cache.hits / len(trace)


def lru_ratio(trace: list[int], capacity: int) -> float:
    """LRU that pays for an item what `MemoryCache` does, and nothing for ghosts."""
    kept: OrderedDict[int, None] = OrderedDict()
    hits = 0
    for key in trace:
        if key in kept:
            hits += 1
            kept.move_to_end(key)
            continue
        kept[key] = None
        while len(kept) * (ITEM + ITEM_BYTES) > capacity:
            kept.popitem(last=False)
    return hits / len(trace)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.3])
@pytest.mark.parametrize(
    "make",
    [
        lambda rng: zipf(rng, 0.8),
        lambda rng: zipf(rng, 1.1),
        lambda rng: with_scans(rng, zipf(rng, 0.8)),
        lambda rng: with_scans(rng, zipf(rng, 1.1)),
    ],
    ids=["zipf 0.8", "zipf 1.1", "zipf 0.8 with scans", "zipf 1.1 with scans"],
)
def test_hits_as_often_as_lru(make: Callable[[random.Random], Iterator[int]], share: float) -> None:
    trace = list(make(random.Random(1)))
    capacity = int(KEY_COUNT * share * (ITEM + ITEM_BYTES))
    ours, lru = hit_ratio(trace, capacity), lru_ratio(trace, capacity)
    print(f"S3-FIFO {ours:.3f}, LRU {lru:.3f}")
    assert ours > lru - 0.01
