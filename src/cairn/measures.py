"""What the cache counts, as Prometheus families: between a layer that only counts and one that only shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cairn.cache import CachedBlocks
from cairn.cache.counts import Histogram
from cairn.interface.metrics import Labelled, counters, histogram, labelled_counters, labelled_gauges


def cache_measures(cache: CachedBlocks) -> Iterator[Any]:
    """All that docs/operations.md lists under `cairn_cache_`."""
    yield from labelled_counters(_counters(cache))
    yield from labelled_gauges(_gauges(cache))
    yield from counters({
        "cairn_cache_coalesced_total": (cache.fetches.joined, "Requests that shared another one's fetch."),
    })  # fmt: skip
    ages = {tier: _buckets(counts.eviction_ages) for tier, counts in cache.tiers.items()}
    yield histogram("cairn_cache_eviction_age_seconds", "How long what was evicted had been there.", "tier", ages)
    seconds = {tier: _buckets(times) for tier, times in cache.get_seconds().items()}
    yield histogram("cairn_cache_get_seconds", "Time to a block, by where it came from.", "tier", seconds)


def _counters(cache: CachedBlocks) -> dict[str, Labelled]:
    about = {
        "hits": "Blocks answered from this tier.",
        "misses": "Blocks that were not there.",
        "hit_bytes": "Bytes of blocks answered from this tier.",
        "miss_bytes": "Bytes of blocks that were not there, and came from below.",
        "admissions": "Blocks that came in.",
        "refused": "Blocks that were not let in: too large, or the tier could not take them.",
        "evictions": "Blocks that made room for others.",
        "evicted_bytes": "Bytes of blocks that made room for others.",
    }
    return {
        f"cairn_cache_{name}_total": Labelled(
            text, ("tier",), {(tier,): getattr(counts, name) for tier, counts in cache.tiers.items()}
        )
        for name, text in about.items()
    }


def _gauges(cache: CachedBlocks) -> dict[str, Labelled]:
    tiers = cache.tiers.items()
    return {
        "cairn_cache_blocks": Labelled("Blocks there.", ("tier",), {(tier,): len(each) for tier, each in tiers}),
        "cairn_cache_bytes": Labelled(
            "What they take, with what it costs to keep them.", ("tier",), {(tier,): each.bytes for tier, each in tiers}
        ),
        "cairn_cache_capacity_bytes": Labelled(
            "What they may take.", ("tier",), {(tier,): each.capacity for tier, each in tiers}
        ),
    }


def _buckets(counted: Histogram) -> tuple[list[tuple[str, float]], float]:
    buckets, total = [], 0
    for bound, count in zip((*map(str, counted.bounds), "+Inf"), counted.counts, strict=True):
        total += count
        buckets.append((bound, float(total)))
    return buckets, counted.sum
