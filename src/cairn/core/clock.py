"""Time as an argument, so that tests can hold it."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now_ms(self) -> int:
        """Wall clock: unix milliseconds. May jump."""
        ...

    def monotonic(self) -> float:
        """Seconds that only ever grow, also while the machine sleeps."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now_ms(self) -> int:
        """Unix milliseconds."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """CLOCK_BOOTTIME: counts suspended time too."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)
