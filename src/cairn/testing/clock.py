"""A clock that a test holds."""

from __future__ import annotations


class FakeClock:
    """Stands still until told. `advance` moves both clocks, as time does; `jump` the wall clock alone."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._now_ms = now_ms
        self._monotonic = 1_000.0

    def now_ms(self) -> int:
        """Unix milliseconds."""
        return self._now_ms

    def monotonic(self) -> float:
        """Seconds."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._monotonic += seconds
        self._now_ms += round(seconds * 1000)

    def jump(self, seconds: float) -> None:
        """Set the wall clock, as an operator or a bad time server does."""
        self._now_ms += round(seconds * 1000)
