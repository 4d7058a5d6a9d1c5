"""The index of a folder of static files: which names exist, and what exactly is behind each.

Theory of operation. `scan` walks the folder and gives a frozen `Index`, built upon the one before: a file whose mark
(device, inode, size, times) is unchanged keeps its record and is not read again. Else it is read whole and hashed. Its
mark is taken from the open file before and after; both must be equal, and at first older than `SETTLE_SECONDS`, because
two writes within one tick of the clock leave the same times. A file that is being written keeps its former record
until it rests. So a record always describes bytes that once stood in the file together.

Small files are kept in memory. Of larger ones only the record is kept; `is_current` tells, just before they are sent,
whether the file on disk is still the one that was hashed. (A large file that is overwritten in place while it is
being sent can't be told; put a new one in its place by rename, as every deploy tool does.)

Not indexed, hence not served: names that begin with a dot, but for `.well-known`; names that are not UTF-8; what is no
regular file; links that lead out of the folder, and links that lead back into a folder on the way.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from io import RawIOBase
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

SETTLE_SECONDS: Final = 0.1
FILES_MAX: Final = 100_000
DEPTH_MAX: Final = 64
SMALL_BYTES_MAX: Final = 64 * 1024
MEMORY_BYTES_MAX: Final = 64 * 1024 * 1024
GZIP_SUFFIX: Final = ".gz"
_TEXT_SUFFIXES: Final = frozenset((".html", ".css", ".js", ".svg", ".json"))
_PIECE_BYTES: Final = 1024 * 1024

Mark = tuple[int, int, int, int, int]
"""Device, inode, size, mtime and ctime (ns): what changes when a file does."""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One version of one file."""

    path: Path  # resolved: no link on the way
    mark: Mark
    digest: str  # SHA-256, hex
    content: bytes | None  # None: too large to keep

    @property
    def size(self) -> int:
        """Bytes."""
        return self.mark[2]

    @property
    def changed_ns(self) -> int:
        """When its content was last written (unix nanoseconds)."""
        return self.mark[3]

    def is_current(self) -> bool:
        """The file on disk is still the one that was read."""
        try:
            return _mark_of(os.lstat(self.path)) == self.mark
        except OSError:
            return False


@dataclass(frozen=True, slots=True)
class Index:
    """What a folder holds, by the path under which it is served ("/" and names, as decoded text)."""

    files: dict[str, FileRecord] = field(default_factory=dict)
    folders: frozenset[str] = frozenset()  # "/docs", without a slash at the end; the folder itself is ""
    is_settled: bool = True  # no file was being written


def scan(folder: Path, before: Index | None = None) -> Index:
    """Index a folder. Blocks: for a thread. A folder that cannot be read is an empty one.

    At most `FILES_MAX` files are taken, in order of their names; more is logged once per scan.
    """
    return _Scan(before or Index()).run(folder)


def compressed(index: Index, before: Index) -> Index:
    """The same with a sibling in gzip for each file of text that is kept in memory and has none.

    `before` is what this gave the last time: an unchanged file is not compressed again.
    """
    made = {
        served + GZIP_SUFFIX: _gzipped_before(served, record, before) or _gzipped(record)
        for served, record in index.files.items()
        if record.content and served + GZIP_SUFFIX not in index.files and Path(served).suffix in _TEXT_SUFFIXES
    }
    return replace(index, files={**index.files, **made})


def _gzipped_before(served: str, record: FileRecord, before: Index) -> FileRecord | None:
    """What was made of this very record, and is no file of its own."""
    made = before.files.get(served + GZIP_SUFFIX)
    return made if made and before.files.get(served) is record and made.path == record.path else None


def _gzipped(record: FileRecord) -> FileRecord:
    content = gzip.compress(record.content or b"", mtime=0)
    device, inode, _, changed_ns, status_ns = record.mark
    mark = (device, inode, len(content), changed_ns, status_ns)
    return FileRecord(record.path, mark, hashlib.sha256(content).hexdigest(), content)


class _Scan:
    def __init__(self, before: Index) -> None:
        self._before = before.files
        self._files: dict[str, FileRecord] = {}
        self._folders: set[str] = set()
        self._memory_bytes = 0
        self._is_settled = True

    def run(self, folder: Path) -> Index:
        root = Path(os.path.realpath(folder))
        for served, path in self._walk(root, root, "", ()):
            if len(self._files) >= FILES_MAX:
                log.warning("a site has more files than can be served", extra={"files_max": FILES_MAX})
                break
            self._take(served, path)
        return Index(self._files, frozenset(self._folders), self._is_settled)

    def _walk(self, root: Path, folder: Path, served: str, above: tuple[Path, ...]) -> Iterator[tuple[str, Path]]:
        if len(above) >= DEPTH_MAX:
            return
        self._folders.add(served)
        for entry in _listing(folder):
            name = f"{served}/{entry.name}"
            path = _resolve(entry, root)
            if path is None:
                continue
            if not path.is_dir():
                yield name, path
            elif path not in (*above, folder):
                yield from self._walk(root, path, name, (*above, folder))

    def _take(self, served: str, path: Path) -> None:
        known = self._before.get(served)
        try:
            record = known if known and known.path == path and known.is_current() else self._read(path)
        except OSError:
            return
        if record is None:  # it is being written: what it was stays
            self._is_settled = False
            record = known
        if record is not None:
            self._files[served] = record
            self._memory_bytes += len(record.content or b"")

    def _read(self, path: Path) -> FileRecord | None:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            mark = _mark_of(_regular(os.fstat(descriptor)))
            if not _is_settled(mark):
                return None
            keep = mark[2] <= SMALL_BYTES_MAX and self._memory_bytes + mark[2] <= MEMORY_BYTES_MAX
            digest, content = _consume(file, keep)
            is_whole = _mark_of(os.fstat(descriptor)) == mark
        return FileRecord(path, mark, digest, content) if is_whole else None


def _consume(file: RawIOBase, keep: bool) -> tuple[str, bytes | None]:
    """The hash of a file's bytes, and these, if they are to be kept."""
    digest, kept = hashlib.sha256(), bytearray()
    while piece := file.read(_PIECE_BYTES):
        digest.update(piece)
        if keep:
            kept += piece
    return digest.hexdigest(), bytes(kept) if keep else None


def _regular(status: os.stat_result) -> os.stat_result:
    if not stat.S_ISREG(status.st_mode):
        raise FileNotFoundError
    return status


def _listing(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted((entry for entry in entries if _is_public(entry.name)), key=lambda entry: entry.name)
    except OSError:
        return []


def _is_public(name: str) -> bool:
    is_utf8 = not any("\ud800" <= letter <= "\udfff" for letter in name)
    return is_utf8 and (not name.startswith(".") or name == ".well-known")


def _resolve(entry: os.DirEntry[str], root: Path) -> Path | None:
    """Where an entry really is; None if that is outside of the root, or has a name that is not served."""
    if not entry.is_symlink():
        return Path(entry.path)
    path = Path(os.path.realpath(entry.path))
    if not path.is_relative_to(root):
        return None
    return path if all(_is_public(part) for part in path.relative_to(root).parts) else None


def _mark_of(status: os.stat_result) -> Mark:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _is_settled(mark: Mark) -> bool:
    age_seconds = (time.time_ns() - mark[4]) / 1e9
    return not -SETTLE_SECONDS < age_seconds < SETTLE_SECONDS
