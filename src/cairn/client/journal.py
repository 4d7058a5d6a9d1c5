"""The journal of an upload: which chunks are on the server, so that a broken-off upload goes on where it was.

A file in `uploads/`, named by what is uploaded where. Chunk n has its record at n × 72 bytes: reference, and the first
bytes of its SHA-256, so that a hole or a torn record is none. It holds keys: mode 0600, and removed at the end.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, Self

from cairn.client.reference import REFERENCE_BYTES, Reference
from cairn.core.crypto import sha256
from cairn.core.errors import Invalid

_CHECK_BYTES: Final = 4
_RECORD_BYTES: Final = REFERENCE_BYTES + _CHECK_BYTES


class Journal:
    """The chunks of one upload that were acknowledged."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @classmethod
    def of_file(cls, folder: Path, file: Path, status: os.stat_result, chunk_bytes: int, target: str) -> Self:
        """The journal for a file as it is now, going to `target` (whatever tells one destination from another)."""
        identity = "\0".join(
            (str(file.resolve()), str(status.st_size), str(status.st_mtime_ns), str(chunk_bytes), target)
        )
        return cls(folder / sha256(identity.encode(errors="surrogateescape")).hex())

    def known(self, start: int, count: int) -> list[Reference | None]:
        """What is recorded of `count` chunks from `start` on."""
        raw = os.pread(self._file, count * _RECORD_BYTES, start * _RECORD_BYTES)
        raw = raw.ljust(count * _RECORD_BYTES, b"\0")
        return [_read_record(raw[at : at + _RECORD_BYTES]) for at in range(0, len(raw), _RECORD_BYTES)]

    def record(self, index: int, reference: Reference) -> None:
        """Remember that chunk `index` stands on the server. It is with the system, and so survives this process."""
        raw = reference.encode()
        os.pwrite(self._file, raw + sha256(raw)[:_CHECK_BYTES], index * _RECORD_BYTES)

    def remove(self) -> None:
        """Forget the upload: it is complete, or its file has changed."""
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file; what is recorded stays."""
        os.close(self._file)


def _read_record(raw: bytes) -> Reference | None:
    body, check = raw[:REFERENCE_BYTES], raw[REFERENCE_BYTES:]
    if sha256(body)[:_CHECK_BYTES] != check:
        return None
    try:
        return Reference.decode(body)
    except Invalid:
        return None
