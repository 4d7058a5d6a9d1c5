"""What cache, storage and link count, as Prometheus families: between what only counts and what only shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from cairn.cache import CachedBlocks, DiskTier, MemoryCache
from cairn.cache.counts import SECONDS_BOUNDS
from cairn.core.histogram import Histogram
from cairn.interface.numbers.families import (
    Labelled,
    counters,
    histogram,
    labelled_counters,
    labelled_gauges,
    labelled_histogram,
)
from cairn.link import Counts
from cairn.storage.embedded import Embedded

_HOT_SHOWN: Final = 20
_SHOWN_ID_BYTES: Final = 4  # as in logs: enough to find a block again, too little to fetch it


def cache_measures(cache: CachedBlocks) -> Iterator[Any]:
    """All that docs/operations.md lists under `cairn_cache_`."""
    yield from labelled_counters(_counters(cache))
    yield from labelled_gauges({**_gauges(cache), **_estimates(cache)})
    yield from counters({
        "cairn_cache_coalesced_total": (cache.fetches.joined, "Requests that shared another one's fetch."),
        "cairn_cache_damaged_total": (cache.disk.damaged, "Blocks on disk that did not verify: dropped, and fetched."),
    })  # fmt: skip
    ages = {tier: counts.eviction_ages for tier, counts in _tiers(cache).items()}
    about = "How long what was evicted had been there."
    yield labelled_histogram("cairn_cache_eviction_age_seconds", about, "tier", ages)
    seconds = {"memory": _at_once(cache.memory.hits), **cache.seconds}
    yield labelled_histogram("cairn_cache_get_seconds", "Time to a block, by where it came from.", "tier", seconds)


def commit_measures(embedded: Embedded) -> Iterator[Any]:
    """How the storage's commits go."""
    seconds, jobs = embedded.commits()
    yield histogram("cairn_storage_commit_seconds", "Time to make a commit durable.", seconds)
    yield histogram("cairn_storage_commit_jobs", "Writes that one commit made durable.", jobs)


def _tiers(cache: CachedBlocks) -> dict[str, MemoryCache[Any, Any] | DiskTier]:
    return {"memory": cache.memory, "disk": cache.disk}


def link_measures(link: Counts, end: str) -> Iterator[Any]:
    """All that docs/operations.md lists under `cairn_link_`; `end` is "asks" or "answers"."""
    now = {
        "connections": (link.connections, "Connections between this process and its peers."),
        "requests_in_flight": (link.in_flight, "Requests that are not answered yet."),
        "queued_bytes": (link.queued_bytes, "Bytes that the other end has not taken yet."),
    }
    since = {
        "reconnects": (link.reconnects, "Tries to connect again."),
        "refused": (link.refused, "Requests and connections that were refused: a bound was reached, or no link."),
    }
    yield from labelled_gauges({
        f"cairn_link_{name}": Labelled(about, ("end",), {(end,): value}) for name, (value, about) in now.items()
    })  # fmt: skip
    yield from labelled_counters({
        f"cairn_link_{name}_total": Labelled(about, ("end",), {(end,): value}) for name, (value, about) in since.items()
    })  # fmt: skip
    about = "Time to the answer; of its work, where it is made."
    yield labelled_histogram("cairn_link_round_trip_seconds", about, "end", {end: link.round_trips})


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
            text, ("tier",), {(tier,): getattr(counts, name) for tier, counts in _tiers(cache).items()}
        )
        for name, text in about.items()
    }


def _gauges(cache: CachedBlocks) -> dict[str, Labelled]:
    tiers = _tiers(cache).items()
    return {
        "cairn_cache_blocks": Labelled("Blocks there.", ("tier",), {(tier,): len(each) for tier, each in tiers}),
        "cairn_cache_bytes": Labelled(
            "What they take, with what it costs to keep them.", ("tier",), {(tier,): each.bytes for tier, each in tiers}
        ),
        "cairn_cache_capacity_bytes": Labelled(
            "What they may take.", ("tier",), {(tier,): each.capacity for tier, each in tiers}
        ),
    }


def _estimates(cache: CachedBlocks) -> dict[str, Labelled]:
    ratios: dict[tuple[str, ...], float] = {
        (tier, f"{scale:g}"): ratio
        for tier, curve in cache.whatif.items()
        for scale, ratio in curve.ratios().items()
    }  # fmt: skip
    hot: dict[tuple[str, ...], float] = {}
    for block_id, requests in cache.hot.top(_HOT_SHOWN):
        shown = (block_id[:_SHOWN_ID_BYTES].hex(),)
        hot[shown] = hot.get(shown, 0.0) + requests
    return {
        "cairn_cache_whatif_hit_ratio": Labelled(
            "What the hit ratio would be with so many times the budget, by a sample.", ("tier", "scale"), ratios
        ),
        "cairn_cache_hot_requests": Labelled(
            "Requests for the blocks asked for most, by the start of their ids; half as many each ten minutes.",
            ("block",), hot,
        ),
    }  # fmt: skip


def _at_once(count: int) -> Histogram:
    """Answers that took less than the first bound, and too little for a sum."""
    answers = Histogram(SECONDS_BOUNDS)
    answers.counts[0] = count
    return answers
