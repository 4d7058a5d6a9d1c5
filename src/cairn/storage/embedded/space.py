"""The disk's reserve: below it writes are refused before they begin, so that what is under way and deletions fit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cairn.core.clock import Clock
from cairn.core.errors import Full

_PROBE_SECONDS: Final = 0.5
_WRITTEN_BYTES_PROBE: Final = 16 * 1024 * 1024
_OVERHEAD: Final = 2  # pages copied on write, in the worst usual case
_COMMIT_BYTES: Final = 1024 * 1024  # what the smallest commit may need


class Space:
    """Knows how much of the disk is free: by asking now and then, and counting what was admitted since."""

    def __init__(self, folder: Path, reserve_bytes: int, clock: Clock) -> None:
        self._folder = folder
        self._reserve_bytes = reserve_bytes
        self._clock = clock
        self._probed_at = float("-inf")
        self._admitted_bytes = 0
        self.free_bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether new bytes are refused now."""
        self._probe_if_old()
        return self.free_bytes - self._admitted_bytes * _OVERHEAD < self._reserve_bytes

    def admit(self, size: int) -> None:
        """Count on `size` bytes of the free disk.

        Raises:
            Full: they would eat into the reserve.
        """
        self._probe_if_old()
        if self.free_bytes - (self._admitted_bytes + size) * _OVERHEAD < self._reserve_bytes:
            raise Full("the disk has reached its reserve: writes stop until there is space; reading and deleting go on")
        self._admitted_bytes += size

    def confirms_full(self, size: int) -> bool:
        """A write of `size` bytes met a full disk: whether it is one, or the error has another cause."""
        self._probed_at = float("-inf")
        self._probe_if_old()
        return self.free_bytes < max(self._reserve_bytes, size * _OVERHEAD + _COMMIT_BYTES)

    def _probe_if_old(self) -> None:
        now = self._clock.monotonic()
        if now - self._probed_at < _PROBE_SECONDS and self._admitted_bytes < _WRITTEN_BYTES_PROBE:
            return
        disk = os.statvfs(self._folder)
        self.free_bytes = disk.f_bavail * disk.f_frsize
        self._probed_at, self._admitted_bytes = now, 0
