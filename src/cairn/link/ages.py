"""How long a request was under way, seen from the answering end; pure.

The two ends have clocks of their own, so only differences can be told: a request that took longer than the fastest of
late was held up by so much, in a queue, a network or a process that stood still. Both clocks begin with the connection,
so the first request is held against `FIRST_MS`. After that the fastest is looked for in the last one to two minutes, so
that clocks which drift apart are followed.
"""

from __future__ import annotations

from typing import Final

FIRST_MS: Final = 1_000
WINDOW_MS: Final = 60_000


class Ages:
    """The delays of one connection's requests. Both clocks tell the ms since the connection began."""

    def __init__(self) -> None:
        self._fastest = self._fastest_before = FIRST_MS
        self._since_ms = 0

    def of(self, sent_ms: int, now_ms: int) -> int:
        """By how many ms a request that was sent at `sent_ms`, by its asker's clock, came late."""
        passed = now_ms - sent_ms
        if now_ms - self._since_ms > WINDOW_MS:
            self._fastest_before, self._fastest, self._since_ms = self._fastest, passed, now_ms
        self._fastest = min(self._fastest, passed)
        return passed - min(self._fastest, self._fastest_before)
