"""Journals of half-done work, so that a broken-off upload or download goes on where it was.

Both survive the process, and both are checked before they are trusted: a record that a crash tore is none. Both are
locked while they are in use: two that wrote one file at once would mix their pieces, or share a pin.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from cairn.client.format.reference import REFERENCE_BYTES, Reference
from cairn.core.block import Pin
from cairn.core.crypto import sha256
from cairn.core.errors import Invalid

_CHECK_BYTES: Final = 4
_RECORD_BYTES: Final = REFERENCE_BYTES + _CHECK_BYTES
_KEPT_SECONDS: Final = 30 * 86_400
_OPEN_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
_NAME_BYTES_MAX: Final = 255 - len("..cairn-part")


class UploadJournal:
    """Which chunks of an upload are on the server. It holds keys: mode 0600, and removed at the end.

    The first record is the upload's pin; then chunk n has its record at (n + 1) x 72 bytes: its reference, and the
    first bytes of that reference's SHA-256.
    """

    def __init__(self, path: Path) -> None:
        """Go on with what an earlier run left.

        Raises:
            BlockingIOError: another upload uses it now.
        """
        self._path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _forget_old(path.parent)
        self._file = _open_alone(path)
        self.pin = Pin(self._first_record()[:32])
        """Keeps an upload that belongs to no chain: the same one after every break."""

    @classmethod
    def of_file(cls, folder: Path, file: Path, status: os.stat_result, chunk_bytes: int, target: str) -> Self | None:
        """The journal for a file as it is now, going to `target` (whatever tells one destination from another).

        None if the same upload is under way elsewhere: objects that shared a pin would go together.
        """
        identity = "\0".join(
            (str(file.resolve()), str(status.st_size), str(status.st_mtime_ns), str(chunk_bytes), target)
        )
        try:
            return cls(folder / sha256(identity.encode(errors="surrogateescape")).hex())
        except BlockingIOError:
            return None

    def known(self, start: int, count: int) -> list[Reference | None]:
        """What is recorded of `count` chunks from `start` on."""
        raw = os.pread(self._file, count * _RECORD_BYTES, (start + 1) * _RECORD_BYTES)
        raw = raw.ljust(count * _RECORD_BYTES, b"\0")
        return [_read_reference(raw[at : at + _RECORD_BYTES]) for at in range(0, len(raw), _RECORD_BYTES)]

    def record(self, index: int, reference: Reference) -> None:
        """Remember that chunk `index` stands on the server. It is with the system, and so survives this process."""
        os.pwrite(self._file, _checked(reference.encode()), (index + 1) * _RECORD_BYTES)

    def remove(self) -> None:
        """Forget the upload: it is complete."""
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file; what is recorded stays."""
        os.close(self._file)

    def _first_record(self) -> bytes:
        found = _content(os.pread(self._file, _RECORD_BYTES, 0))
        if found is None:
            found = os.urandom(REFERENCE_BYTES)
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, _checked(found), 0)
        return found


class PartialFile:
    """A file that is being written from its beginning, under another name until it is whole.

    Beside it stands the digest of each piece, so that what a crash left is believed only as far as it is right.
    """

    def __init__(self, dest: Path, identity: bytes) -> None:
        """Go on with what an earlier run left for the same `dest` and `identity` (32 bytes: what is being written).

        Raises:
            OSError: it cannot be written. BlockingIOError: another is writing it now.
        """
        if dest.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(dest))
        self._dest = dest
        name = _short_name(dest.name)
        self._path = dest.with_name(f".{name}.cairn-part")
        self._sums_path = dest.with_name(f".{name}.cairn-sums")
        self._lock = threading.Lock()
        self._is_open = True
        self._file = _open_alone(self._path)
        try:
            self._sums = os.open(self._sums_path, _OPEN_FLAGS, 0o600)
        except OSError:
            os.close(self._file)
            raise
        self._pieces = 0
        self.done_bytes = self._find_done(identity)
        os.ftruncate(self._file, self.done_bytes)
        os.ftruncate(self._sums, 32 + self._pieces * 40)

    def write(self, data: bytes) -> None:
        """Add a piece at the end. After `close` nothing is written, also not by a thread that is still at it."""
        with self._lock:
            if self._is_open:
                self._write(data)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.pwrite(self._file, view, self.done_bytes + len(data) - len(view)) :]
        os.pwrite(self._sums, sha256(data) + len(data).to_bytes(8, "big"), 32 + self._pieces * 40)
        self._pieces += 1
        self.done_bytes += len(data)

    def finish(self) -> None:
        """Give the whole file its name, its bytes synced before."""
        with self._lock:
            if not self._is_open:
                return
            os.fchmod(self._file, 0o666 & ~_umask())
            os.fsync(self._file)
            self._path.replace(self._dest)
            self._sums_path.unlink(missing_ok=True)

    def discard(self) -> None:
        """Drop what was written."""
        self._path.unlink(missing_ok=True)
        self._sums_path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the files; what was written stays for another run."""
        with self._lock:  # their numbers may soon be another file's
            self._is_open = False
            os.close(self._file)
            os.close(self._sums)

    def _find_done(self, identity: bytes) -> int:
        if os.pread(self._sums, 32, 0) != identity:
            os.ftruncate(self._sums, 0)
            os.pwrite(self._sums, identity, 0)
            return 0
        done = 0
        for digest, size in self._recorded():
            if sha256(os.pread(self._file, size, done)) != digest:
                break
            done += size
            self._pieces += 1
        return done

    def _recorded(self) -> Iterator[tuple[bytes, int]]:
        at = 32
        while len(record := os.pread(self._sums, 40, at)) == 40:
            yield record[:32], min(int.from_bytes(record[32:], "big"), 1 << 24)
            at += 40


def _open_alone(path: Path) -> int:
    """Open a file that nobody else has open this way.

    Raises:
        BlockingIOError: somebody has.
    """
    while True:
        file = os.open(path, _OPEN_FLAGS, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(path, file):
                return file
        except BlockingIOError:
            os.close(file)
            raise BlockingIOError(errno.EAGAIN, "another run is at work on this file", str(path)) from None
        os.close(file)  # whoever had it has finished with it, and given it another name, or none


def _is_at(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(file))
    except FileNotFoundError:
        return False


def _short_name(name: str) -> str:
    """The name itself, or what stands for one that leaves no room for an ending."""
    raw = os.fsencode(name)
    return name if len(raw) <= _NAME_BYTES_MAX else sha256(raw).hex()


def _checked(content: bytes) -> bytes:
    return content + sha256(content)[:_CHECK_BYTES]


def _content(record: bytes) -> bytes | None:
    """What is in a record; None for a hole or a torn one."""
    content = record[:REFERENCE_BYTES]
    return content if len(record) == _RECORD_BYTES and _checked(content) == record else None


def _read_reference(record: bytes) -> Reference | None:
    content = _content(record)
    if content is None:
        return None
    try:
        return Reference.decode(content)
    except Invalid:
        return None


def _forget_old(folder: Path) -> None:
    """Remove journals that nobody has gone on with for a month: they hold keys."""
    for path in folder.iterdir():
        with suppress(OSError):
            if path.stat().st_mtime < time.time() - _KEPT_SECONDS:
                path.unlink()


def _umask() -> int:
    umask = os.umask(0o077)  # the only way to ask is to set it
    os.umask(umask)
    return umask
