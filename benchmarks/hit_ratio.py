"""Hit ratios of the memory tier beside other policies: `python -m benchmarks.hit_ratio`.

The others, and the optimum, which knows the future, are simulated by libcachesim (`libcachesim` on PyPI); ours is the
class that serves. All get the same requests and sizes, and each item costs all of them what it costs ours
(`ITEM_BYTES`). What ours alone pays is the memory of its ghosts.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import libcachesim as lcs
import numpy as np

from cairn.cache.memory import ITEM_BYTES, MemoryCache
from cairn.core.block import BLOCK_BYTES_MAX

OURS: Final = "Cairn"
OPTIMUM: Final = "optimum"
_OTHERS: Final[dict[str, Any]] = {
    "LRU": lcs.LRU, "S3-FIFO": lcs.S3FIFO, "SIEVE": lcs.Sieve, "W-TinyLFU": lcs.WTinyLFU, "ARC": lcs.ARC,
    "LIRS": lcs.LIRS, OPTIMUM: lcs.BeladySize,
}  # fmt: skip
_SHARES: Final = (0.01, 0.1, 0.3)
_KEYS: Final = 50_000
_REQUESTS: Final = 500_000
_MEDIAN_BYTES: Final = 16_384
_SIGMA: Final = 1.5
_RECORD: Final = np.dtype([("time", "<u4"), ("key", "<u8"), ("size", "<u4"), ("next", "<i8")])

Keys = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Trace:
    """Requests in order: keys, and the sizes of the keys' values."""

    name: str
    keys: Keys
    sizes: Keys

    @property
    def footprint(self) -> int:
        """Bytes of all values that are asked for often enough to matter, which is those of the first keys."""
        return int((self.sizes[:_KEYS] + ITEM_BYTES).sum())


@dataclass(frozen=True)
class Ratio:
    """Hits as a share of requests, and of their bytes."""

    objects: float
    bytes: float


def traces(rng: np.random.Generator) -> Iterator[Trace]:
    """All loads. Sizes are lognormal and have nothing to do with popularity."""
    for alpha in (0.9, 1.0, 1.1):
        yield _sized(f"Zipf {alpha}", _zipf(rng, alpha, _REQUESTS), rng)
    for alpha in (0.9, 1.1):
        yield _sized(f"Zipf {alpha} with scans", _with_scans(_zipf(rng, alpha, _REQUESTS)), rng)
    for alpha in (0.9, 1.1):
        yield _sized(f"Zipf {alpha}, a tenth new at a time", _replaced(rng, alpha), rng)
    yield _sized("Zipf 0.9, ranks drift", _drifting(rng, 0.9), rng)


def _zipf(rng: np.random.Generator, alpha: float, requests: int) -> Keys:
    weights = 1 / np.arange(1, _KEYS + 1) ** alpha
    return rng.choice(_KEYS, requests, p=weights / weights.sum())


def _with_scans(keys: Keys) -> Keys:
    """Every 25,000 requests, 5,000 keys that nobody asks for again."""
    parts, fresh = [], _KEYS
    for part in np.split(keys, len(keys) // 25_000):
        parts += [part, np.arange(fresh, fresh + 5_000)]
        fresh += 5_000
    return np.concatenate(parts)


def _replaced(rng: np.random.Generator, alpha: float) -> Keys:
    """Every 25,000 requests a tenth of all ranks, hot ones among them, belongs to new keys."""
    names, parts, fresh = np.arange(_KEYS), [], _KEYS
    for _ in range(_REQUESTS // 25_000):
        parts.append(names[_zipf(rng, alpha, 25_000)])
        names[rng.choice(_KEYS, _KEYS // 10, replace=False)] = np.arange(fresh, fresh + _KEYS // 10)
        fresh += _KEYS // 10
    return np.concatenate(parts)


def _drifting(rng: np.random.Generator, alpha: float) -> Keys:
    """Every 50,000 requests all ranks move on by a twentieth: what was hot cools at once, and comes back much later."""
    names = rng.permutation(_KEYS)
    return np.concatenate([
        np.roll(names, phase * _KEYS // 20)[_zipf(rng, alpha, 50_000)] for phase in range(_REQUESTS // 50_000)
    ])  # fmt: skip


def _sized(name: str, keys: Keys, rng: np.random.Generator) -> Trace:
    sizes = rng.lognormal(np.log(_MEDIAN_BYTES), _SIGMA, int(keys.max()) + 1)
    return Trace(name, keys, np.clip(sizes, 64, BLOCK_BYTES_MAX).astype(np.int64))


# --- the contenders --------------------------------------------------------------------------------------------------


def ours(trace: Trace, capacity: int) -> Ratio:
    """What the memory tier does."""
    cache: MemoryCache[int, bool] = MemoryCache(capacity)
    sizes = trace.sizes.tolist()
    keys = trace.keys.tolist()
    asked_bytes = 0
    for key in keys:
        asked_bytes += sizes[key]
        if cache.get(key) is None:
            cache.put(key, True, sizes[key])
    return Ratio(cache.hits / len(keys), cache.hit_bytes / asked_bytes)


def simulated(make: Callable[..., Any], trace: Path, capacity: int) -> Ratio:
    """What another policy does."""
    reader = lcs.TraceReader(str(trace), lcs.TraceType.ORACLE_GENERAL_TRACE)
    object_misses, byte_misses = make(capacity, reader=reader).process_trace(reader)
    return Ratio(1 - object_misses, 1 - byte_misses)


def write_oracle(trace: Trace, path: Path) -> None:
    """The trace as libcachesim reads it, with the time at which each key is asked for next."""
    records = np.zeros(len(trace.keys), _RECORD)
    records["time"], records["key"] = np.arange(len(trace.keys)), trace.keys
    records["size"] = trace.sizes[trace.keys] + ITEM_BYTES
    order = np.argsort(trace.keys, kind="stable")
    is_same = trace.keys[order][1:] == trace.keys[order][:-1]
    records["next"] = np.iinfo(np.int64).max
    records["next"][order[:-1][is_same]] = order[1:][is_same]
    path.write_bytes(records.tobytes())


def main() -> None:
    """Print a table for each measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hit_ratio", description=__doc__)
    parser.add_argument("--only", default="", help="loads with this in their name")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    worst = 0.0
    print("hits of 100 requests, and of 100 bytes\n")
    print("| load | cache |", " | ".join((OURS, *_OTHERS)), "| to the best |")
    print("|---" * (len(_OTHERS) + 4) + "|")
    with tempfile.TemporaryDirectory(prefix="cairn-ratio-") as folder:
        path = Path(folder) / "trace"
        for trace in traces(np.random.default_rng(arguments.seed)):
            if arguments.only not in trace.name:
                continue
            write_oracle(trace, path)
            for share in _SHARES:
                worst = min(worst, _compare(trace, path, share))
    print(f"\nbehind the best of the others, at worst: {-worst:.1f} points of hits (goal: 1)")


def _compare(trace: Trace, path: Path, share: float) -> float:
    """Print a row. Returns our distance from the best of the others, in points."""
    capacity = int(trace.footprint * share)
    found = {OURS: ours(trace, capacity)}
    found |= {name: simulated(make, path, capacity) for name, make in _OTHERS.items()}
    best = max(ratio.objects for name, ratio in found.items() if name not in (OURS, OPTIMUM))
    distance = 100 * (found[OURS].objects - best)
    cells = (f"{100 * ratio.objects:.1f}, {100 * ratio.bytes:.1f}" for ratio in found.values())
    print(f"| {trace.name} | {share:.0%} |", " | ".join(cells), f"| {distance:+.1f} |", flush=True)
    return distance


if __name__ == "__main__":
    main()
