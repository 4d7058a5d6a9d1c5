"""Files in a chain: each entry names one file and refers to its object. The newest entry of a name counts.

An entry's data is JSON: `{"name": "photos/a.jpg", "bytes": 123, "type": "image/jpeg", "modified_ms": 1700000000000}`.
Names come from whoever writes the chain, so they are judged before they become paths.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final, Self

from cairn.client.chains.chain import Chain
from cairn.client.chains.opened import Opened
from cairn.client.format.capability import BlockCapability
from cairn.client.format.payload import ContentType
from cairn.core.chain import Kind
from cairn.core.errors import Invalid, NotFound

_NAME_BYTES_MAX: Final = 4_096
_PART_BYTES_MAX: Final = 255
_NUMBER_MAX: Final = 2**53 - 1


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What an entry says of a file. `modified_ms`: unix milliseconds."""

    name: str
    bytes: int
    type: str
    modified_ms: int

    @classmethod
    def of(cls, path: Path, name: str) -> Self:
        """The record of a file on this disk."""
        status = path.stat()
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return cls(name, status.st_size, kind, status.st_mtime_ns // 1_000_000)

    def to_json(self) -> dict[str, Any]:
        """As an entry's data."""
        return {"name": self.name, "bytes": self.bytes, "type": self.type, "modified_ms": self.modified_ms}

    def path_in(self, folder: Path) -> Path:
        """Where the file belongs in a folder, if `is_safe_in` says so."""
        return folder.joinpath(*PurePosixPath(self.name).parts)

    def is_safe_in(self, folder: Path) -> bool:
        """Whether the name stays in the folder, also through links that are there."""
        parts = PurePosixPath(self.name).parts
        if not parts or self.name.startswith("/") or ".." in parts or "\0" in self.name:
            return False
        if len(_encoded(self.name)) > _NAME_BYTES_MAX or any(len(_encoded(part)) > _PART_BYTES_MAX for part in parts):
            return False
        path = self.path_in(folder)
        return path.parent.resolve().is_relative_to(folder.resolve()) and not path.is_symlink()


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that a chain keeps."""

    record: FileRecord
    capability: BlockCapability


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a chain, and how many entries did not open: there may be files among them."""

    by_name: dict[str, StoredFile]
    unopened: int = 0


async def files_in(chain: Chain) -> Files:
    """The files of a chain; none if the chain is not there. Raises as `Chain.entries`."""
    found: dict[str, StoredFile] = {}
    unopened = 0
    try:
        async with aclosing(chain.entries()) as entries:
            async for entry in entries:
                unopened += entry.content is None
                file = file_of(entry)
                if file is not None:
                    found[file.record.name] = file
    except NotFound:
        return Files({})
    return Files(found, unopened)


def file_of(entry: Opened) -> StoredFile | None:
    """The file that an entry keeps; None if it is about something else."""
    if entry.kind != Kind.LINK or entry.content is None or entry.content.content_type != ContentType.JSON:
        return None
    if not entry.references:  # the first is the file's; a browser may have put a preview behind it
        return None
    try:
        data = entry.json()
        record = FileRecord(str(data["name"]), data["bytes"], str(data["type"]), data["modified_ms"])
    except (Invalid, KeyError, TypeError):
        return None
    if not (type(record.bytes) is type(record.modified_ms) is int):
        return None
    if not (0 <= record.bytes <= _NUMBER_MAX and abs(record.modified_ms) <= _NUMBER_MAX):
        return None
    return StoredFile(record, BlockCapability(entry.references[0]))


def files_under(path: Path) -> Iterator[tuple[Path, str]]:
    """A file, or all files of a folder, each with the name that it gets in a chain. Links are not followed."""
    if not path.is_dir():
        yield path, path.name
        return
    base = path.resolve().parent
    for found in sorted(path.rglob("*")):
        if found.is_file() and not found.is_symlink():
            yield found, (path.resolve() / found.relative_to(path)).relative_to(base).as_posix()


def _encoded(name: str) -> bytes:
    return name.encode(errors="surrogatepass")
