"""What one end of the link counts: plain numbers, which the composition turns into metrics."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

BUCKETS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Counts:
    """Since the start, but for the three that say how it is now.

    `seconds` and `by_time` are of answered requests: at the asking end the round trip, at the other the work itself.
    """

    def __init__(self) -> None:
        self.connections = 0
        self.in_flight = 0
        self.queued_bytes = 0
        self.reconnects = 0
        self.refused = 0
        self.seconds = 0.0
        self.by_time = [0] * (len(BUCKETS) + 1)

    def observe(self, seconds: float) -> None:
        """Count an answered request."""
        self.seconds += seconds
        self.by_time[bisect_left(BUCKETS, seconds)] += 1
