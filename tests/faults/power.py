"""A power cut: takes back what a process preloaded with `lost_writes.c` had written and not made durable."""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

SECTOR_BYTES = 512

_SOURCE = Path(__file__).with_name("lost_writes.c")
_RECORD = struct.Struct("<IIQQQQ")
_WRITE, _SYNC, _RANGE, _CREATE, _RENAME, _UNLINK = range(1, 7)


def compile_layer(folder: Path) -> Path:
    """The layer as a library to preload."""
    library = folder / "lost_writes.so"
    flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run(["cc", *flags, "-o", library, _SOURCE, "-ldl", "-lpthread"], check=True)
    return library


@dataclass(frozen=True)
class _Change:
    """One note of the layer. `place` is where in the log it stands."""

    kind: int
    place: int
    offset: int
    length: int
    old_size: int
    payload: bytes

    @property
    def sectors(self) -> range:
        return range(self.offset // SECTOR_BYTES, -(-(self.offset + self.length) // SECTOR_BYTES))


@dataclass
class _Unsynced:
    """What is not durable: of a file its bytes, of a folder its names; by inode, in order."""

    writes: dict[int, list[_Change]] = field(default_factory=lambda: defaultdict(list))
    names: dict[int, list[_Change]] = field(default_factory=lambda: defaultdict(list))


class PoweredDisk:
    """A folder whose unsynced writes are lost when the power goes."""

    def __init__(self, root: Path, side: Path, library: Path) -> None:
        self.root, self._side, self._library = root, side, library
        root.mkdir()
        side.mkdir()

    def environ(self, moments: int) -> dict[str, str]:
        """For a process whose power goes so many moments of work on the disk from its start on; 0: never."""
        return {
            "LD_PRELOAD": str(self._library), "LOST_WRITES_ROOT": str(self.root), "LOST_WRITES_SIDE": str(self._side),
            "LOST_WRITES_CUT": str(moments),
        }  # fmt: skip

    def cut(self, rand: random.Random | None) -> int:
        """Take back what was not durable: all of it, or what `rand` chooses, sector by sector. The process is dead.

        Returns how many writes and names were not durable.
        """
        unsynced = _read(self._side / "log")
        files = {path.stat().st_ino: path for path in [*self.root.rglob("*"), *self._side.iterdir()]}
        for inode, writes in unsynced.writes.items():
            if writes and inode in files:
                _take_back_writes(files[inode], writes, rand)
        lost = [
            change
            for names in unsynced.names.values()
            for change in names[rand.randint(0, len(names)) if rand else 0 :]
        ]
        for change in sorted(lost, key=lambda change: change.place, reverse=True):
            _take_back_name(change, self._side)
        for path in self._side.iterdir():
            path.unlink()
        return sum(map(len, [*unsynced.writes.values(), *unsynced.names.values()]))


def _read(log: Path) -> _Unsynced:
    unsynced = _Unsynced()
    raw = log.read_bytes() if log.exists() else b""
    at = 0
    while at < len(raw):
        kind, payload_bytes, inode, offset, length, old_size = _RECORD.unpack_from(raw, at)
        payload = raw[at + _RECORD.size : at + _RECORD.size + payload_bytes]
        change = _Change(kind, at, offset, length, old_size, payload)
        if kind == _SYNC:
            _forget(unsynced, inode, covered=offset)
        elif kind == _RANGE:
            # A write through O_DSYNC: its own bytes are durable, and it is the last that touched them.
            unsynced.writes[inode] = [part for old in unsynced.writes[inode] for part in _without(old, change)]
        else:
            (unsynced.writes if kind == _WRITE else unsynced.names)[inode].append(change)
        at += _RECORD.size + payload_bytes
    return unsynced


def _forget(unsynced: _Unsynced, inode: int, covered: int) -> None:
    for changes in (unsynced.writes, unsynced.names):
        changes[inode] = [change for change in changes[inode] if change.place >= covered]


def _without(change: _Change, durable: _Change) -> list[_Change]:
    """What of a write is outside of a durable range."""
    start, stop = change.offset, change.offset + change.length
    parts = [(start, min(stop, durable.offset)), (max(start, durable.offset + durable.length), stop)]
    return [
        _Change(_WRITE, change.place, a, b - a, change.old_size, change.payload[a - start : b - start])
        for a, b in parts
        if a < b
    ]


def _take_back_writes(path: Path, writes: list[_Change], rand: random.Random | None) -> None:
    """Undo the newest writes of each sector: all, or so many as `rand` says, which leaves a state it once had."""
    touching: dict[int, list[_Change]] = defaultdict(list)
    for change in writes:
        for sector in change.sectors:
            touching[sector].append(change)
    with path.open("r+b") as file:
        for sector, changes in touching.items():
            for change in reversed(changes[rand.randint(0, len(changes)) if rand else 0 :]):
                _restore(file.fileno(), change, sector)
        if rand is None or rand.random() < 0.5:
            file.truncate(writes[0].old_size)


def _restore(descriptor: int, change: _Change, sector: int) -> None:
    """Put back what a write replaced in one sector; zeros where the file ended."""
    start = max(change.offset, sector * SECTOR_BYTES)
    stop = min(change.offset + change.length, (sector + 1) * SECTOR_BYTES)
    old = change.payload[start - change.offset : stop - change.offset]
    os.pwrite(descriptor, old.ljust(stop - start, b"\0"), start)


def _take_back_name(change: _Change, side: Path) -> None:
    path, other = (Path(os.fsdecode(part)) for part in change.payload.split(b"\0"))
    if change.kind == _CREATE:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    elif change.kind == _RENAME:
        other.rename(path)
        if change.old_size:
            os.link(side / str(change.old_size), other)
    elif change.kind == _UNLINK:
        os.link(side / str(change.old_size), path)
