"""The disk's reserve: below it writes are refused before they begin, so that what is under way and deletions fit.

The disk is asked once for the writes between two commits, if that is no longer than a moment: others fill it, too. What
was admitted and is not yet written counts as if it were.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from cairn.core.errors import Full

_OVERHEAD: Final = 2  # pages copied on write, in the worst usual case
_JOB_BYTES: Final = 32 * 1024  # of pages that one write changes, besides its own bytes
_COMMIT_BYTES: Final = 256 * 1024  # of pages that any commit changes
_MOMENT_SECONDS: Final = 0.005


class Files(Protocol):
    """What the store's own files have to do with space."""

    @property
    def pending_bytes(self) -> int:
        """How much was admitted and is not yet written."""

    def reusable_bytes(self, key: bytes) -> int:
        """How much is free within the file that a key's records go to, since deletions left it."""


class _Seen(NamedTuple):
    """What was free on the disk at a time, by `time.monotonic`, after so many commits."""

    free_bytes: int
    time: float
    commits: int


class Space:
    """Knows how much of the disk is free for whom."""

    def __init__(self, folder: Path, reserve_bytes: int, files: Files) -> None:
        self._folder = folder
        self._reserve_bytes = reserve_bytes
        self._files = files
        self._held_bytes = 0
        self._commits = 0
        self._seen = _Seen(0, 0.0, -1)
        self._lock = threading.Lock()

    @property
    def free_bytes(self) -> int:
        """What is free on the disk now."""
        disk = os.statvfs(self._folder)
        return disk.f_bavail * disk.f_frsize

    @property
    def is_full(self) -> bool:
        """Whether the free disk has come down to the reserve."""
        return not self._is_free(0, self._reserve_bytes)

    def admit(self, key: bytes, size: int) -> None:
        """Count on the free disk for `size` bytes under a key, or on what is free within the files.

        Raises:
            Full: they would eat into the reserve.
        """
        if self._is_free(size, self._reserve_bytes):
            return
        # A file with room within may grow all the same, if that is in pieces: so half of the reserve is left out of it,
        # as if all that is under way made the file grow.
        if self._is_free(size, self._reserve_bytes // 2) and self._has_reusable(key, size):
            return
        raise Full("the disk has reached its reserve: writes stop until there is space; reading and deleting go on")

    @contextmanager
    def committing(self, size: int, jobs: int, reusable_bytes: Callable[[], int]) -> Iterator[None]:
        """Hold what a commit of `size` bytes may need of the disk, so that none meets the end of it half-way: LMDB
        cannot tell a write that was cut short there from a broken disk.

        Raises:
            Full: it is not there. Not even the reserve is, then.
        """
        needed = size * _OVERHEAD + jobs * _JOB_BYTES + _COMMIT_BYTES
        with self._lock:
            is_there = self.free_bytes - self._held_bytes >= needed
            # Deletions need single pages only, and find them within the file.
            if not is_there and (size or reusable_bytes() < needed):
                raise Full("the disk is full: writes stop until there is space; reading goes on")
            self._held_bytes += needed
        try:
            yield
        finally:
            with self._lock:
                self._held_bytes -= needed
                self._commits += 1  # before what it wrote is pending no more

    def confirms_full(self, size: int) -> bool:
        """A commit of `size` bytes met a full disk: whether it is one, or the error has another cause."""
        return self.free_bytes < max(self._reserve_bytes, size * _OVERHEAD + _COMMIT_BYTES)

    def _is_free(self, size: int, reserve_bytes: int) -> bool:
        pending_bytes = self._files.pending_bytes  # before the disk is asked: what is written meanwhile counts twice
        return self._free_bytes_now() - (pending_bytes + size) * _OVERHEAD >= reserve_bytes

    def _free_bytes_now(self) -> int:
        """What is free, or was a moment ago, with no commit since."""
        now, seen = time.monotonic(), self._seen
        if seen.commits != self._commits or now - seen.time > _MOMENT_SECONDS:
            commits = self._commits  # before the disk is asked: one that ends meanwhile makes it out of date
            seen = self._seen = _Seen(self.free_bytes, now, commits)
        return seen.free_bytes

    def _has_reusable(self, key: bytes, size: int) -> bool:
        wanted = (self._files.pending_bytes + size) * _OVERHEAD + _COMMIT_BYTES
        return self._files.reusable_bytes(key) >= wanted
