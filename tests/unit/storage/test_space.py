"""How often the disk is asked for what is free, and that no write is let in on what a commit has taken since."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from cairn.core.errors import Full
from cairn.storage.embedded import space as module
from cairn.storage.embedded.space import Space

MIB = 1 << 20


class Files:
    """Files in which nothing waits, and nothing is free."""

    pending_bytes = 0

    def reusable_bytes(self, key: bytes) -> int:
        return 0


class Disk:
    """A disk that has so much free, and counts how often it is asked. `time` is what the clock says."""

    def __init__(self, free_bytes: int) -> None:
        self.free_bytes = free_bytes
        self.asked = 0
        self.time = 100.0
        self.meanwhile: Callable[[], None] = lambda: None

    def statvfs(self, _: Path) -> SimpleNamespace:
        self.asked += 1
        free_bytes = self.free_bytes
        self.meanwhile()
        return SimpleNamespace(f_bavail=free_bytes, f_frsize=1)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk(100 * MIB)
    monkeypatch.setattr(module, "os", SimpleNamespace(statvfs=disk.statvfs))
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: disk.time))
    return disk


@pytest.fixture
def space(disk: Disk, tmp_path: Path) -> Space:
    assert disk.free_bytes
    return Space(tmp_path, 10 * MIB, Files())


def test_the_disk_is_asked_once_in_a_moment(disk: Disk, space: Space) -> None:
    for _ in range(100):
        space.admit(b"key", MIB)
    assert disk.asked == 1
    disk.time += 0.006
    disk.free_bytes = 10 * MIB  # others have filled it
    with pytest.raises(Full):
        space.admit(b"key", MIB)


def test_what_a_commit_took_is_seen_at_once(disk: Disk, space: Space) -> None:
    space.admit(b"key", MIB)
    with space.committing(MIB, 1, lambda: 0):
        disk.free_bytes = 10 * MIB
    with pytest.raises(Full):
        space.admit(b"key", MIB)


def test_a_commit_that_ends_while_the_disk_is_asked(disk: Disk, space: Space) -> None:
    """The answer is from before it, so it is not remembered."""

    def commit() -> None:
        disk.meanwhile = lambda: None
        with space.committing(MIB, 1, lambda: 0):
            disk.free_bytes = 10 * MIB

    disk.meanwhile = commit
    space.admit(b"key", MIB)
    with pytest.raises(Full):
        space.admit(b"key", MIB)


def test_what_is_pending_counts_beside_what_is_remembered(disk: Disk, tmp_path: Path) -> None:
    files = Files()
    space = Space(tmp_path, 10 * MIB, files)
    space.admit(b"key", MIB)
    files.pending_bytes = 45 * MIB  # each counts twice: pages are copied on write
    with pytest.raises(Full):
        space.admit(b"key", MIB)
    assert disk.asked == 1
