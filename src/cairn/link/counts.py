"""What one end of the link counts: plain numbers, which `cairn.compose.measures` shows."""

from __future__ import annotations

from typing import Final

from cairn.core.histogram import Histogram

SECONDS_BOUNDS: Final = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0
)  # fmt: skip


class Counts:
    """Since the start, but for the first three, which say how it is now.

    `round_trips` are seconds of answered requests: at the asking end the round trip, at the other the work itself.
    """

    def __init__(self) -> None:
        self.connections = 0
        self.in_flight = 0
        self.queued_bytes = 0
        self.reconnects = 0
        self.refused = 0
        self.round_trips = Histogram(SECONDS_BOUNDS)
