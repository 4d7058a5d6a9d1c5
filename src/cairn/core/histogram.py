"""Counts of observations by size, as plain numbers: what a layer counts, and `cairn.compose.measures` shows."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


class Histogram:
    """Counts observations by upper bound; the last count has what is beyond all bounds."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    @classmethod
    def merged(cls, several: Sequence[Histogram]) -> Histogram:
        """Those that several have counted, one at least, with the same bounds."""
        merged = cls(several[0].bounds)
        merged.counts = [sum(counts) for counts in zip(*(each.counts for each in several), strict=True)]
        merged.sum = sum(each.sum for each in several)
        return merged
