"""The disk's reserve: below it writes are refused before they begin, so that what is under way and deletions fit."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from cairn.core.clock import Clock
from cairn.core.errors import Full

_PROBE_SECONDS: Final = 0.5
_WRITTEN_BYTES_PROBE: Final = 16 * 1024 * 1024
_OVERHEAD: Final = 2  # pages copied on write, in the worst usual case
_JOB_BYTES: Final = 32 * 1024  # of pages that one write changes, besides its own bytes
_COMMIT_BYTES: Final = 256 * 1024  # of pages that any commit changes


class Files(Protocol):
    """What the store's own files have to do with space."""

    @property
    def pending_bytes(self) -> int:
        """How much was admitted and is not yet written."""

    def reusable_bytes(self, key: bytes) -> int:
        """How much is free within the file that a key's records go to, since deletions left it."""


class Space:
    """Knows how much of the disk is free: by asking now and then, and counting what was admitted since."""

    def __init__(self, folder: Path, reserve_bytes: int, clock: Clock) -> None:
        self._folder = folder
        self._reserve_bytes = reserve_bytes
        self._clock = clock
        self._probed_at = float("-inf")
        self._admitted_bytes = 0
        self._held_bytes = 0
        self._lock = threading.Lock()
        self.free_bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether the free disk has come down to the reserve."""
        self._probe_if_old()
        return self.free_bytes - self._admitted_bytes * _OVERHEAD < self._reserve_bytes

    def admit(self, key: bytes, size: int, files: Files) -> None:
        """Count on the free disk for `size` bytes under a key, or on what is free within the files.

        Raises:
            Full: they would eat into the reserve.
        """
        self._probe_if_old()
        if not self._has_room(key, size, files):
            self._probe()
            self._admitted_bytes = files.pending_bytes
            if not self._has_room(key, size, files):
                raise Full(
                    "the disk has reached its reserve: writes stop until there is space; reading and deleting go on"
                )
        self._admitted_bytes += size

    @contextmanager
    def committing(self, size: int, jobs: int, reusable_bytes: Callable[[], int]) -> Iterator[None]:
        """Hold what a commit of `size` bytes may need of the disk, so that none meets the end of it half-way: LMDB
        cannot tell a write that was cut short there from a broken disk.

        Raises:
            Full: it is not there. Not even the reserve is, then.
        """
        needed = size * _OVERHEAD + jobs * _JOB_BYTES + _COMMIT_BYTES
        with self._lock:
            is_there = self._disk_free_bytes() - self._held_bytes >= needed
            # Deletions need single pages only, and find them within the file.
            if not is_there and (size or reusable_bytes() < needed):
                raise Full("the disk is full: writes stop until there is space; reading goes on")
            self._held_bytes += needed
        try:
            yield
        finally:
            with self._lock:
                self._held_bytes -= needed

    def confirms_full(self, size: int) -> bool:
        """A commit of `size` bytes met a full disk: whether it is one, or the error has another cause."""
        return self._disk_free_bytes() < max(self._reserve_bytes, size * _OVERHEAD + _COMMIT_BYTES)

    def _has_room(self, key: bytes, size: int, files: Files) -> bool:
        wanted = (self._admitted_bytes + size) * _OVERHEAD
        if self.free_bytes - wanted >= self._reserve_bytes:
            return True
        # A file with room within may grow all the same, if that is in pieces: so half of the reserve is left out of it,
        # and all that was admitted since the disk was asked counts as if it had grown.
        is_clear_of_half = self.free_bytes - wanted >= self._reserve_bytes // 2
        return is_clear_of_half and files.reusable_bytes(key) >= wanted + _COMMIT_BYTES

    def _probe_if_old(self) -> None:
        is_old = self._clock.monotonic() - self._probed_at >= _PROBE_SECONDS
        if is_old or self._admitted_bytes >= _WRITTEN_BYTES_PROBE:
            self._probe()

    def _probe(self) -> None:
        self.free_bytes = self._disk_free_bytes()
        self._probed_at, self._admitted_bytes = self._clock.monotonic(), 0

    def _disk_free_bytes(self) -> int:
        disk = os.statvfs(self._folder)
        return disk.f_bavail * disk.f_frsize
