"""What every tier counts, as plain numbers. `cairn.compose.measures` shows them."""

from __future__ import annotations

from typing import Final

from cairn.core.histogram import Histogram

AGE_BOUNDS: Final = (1.0, 10.0, 60.0, 600.0, 3_600.0, 21_600.0, 86_400.0, 604_800.0)
"""Seconds, for how long what is evicted had been there."""

SECONDS_BOUNDS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
"""Seconds, for how long an answer took."""


class Counts:
    """The counters of one tier; they only ever grow.

    `evictions` made room, a `drop` is none. `refused` did not enter: too large, or the tier could not take it.
    """

    def __init__(self) -> None:
        self.hits = self.misses = self.hit_bytes = self.miss_bytes = 0
        self.admissions = self.refused = 0
        self.evictions = self.evicted_bytes = 0
        self.eviction_ages = Histogram(AGE_BOUNDS)
