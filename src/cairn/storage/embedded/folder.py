"""The data folder: who may open it, and what it says of itself.

format.json    format version, store id, shards, number of starts
lock           held (flock) by the one process that writes
shard-00 ..    one LMDB environment each
restoring      there while a restore is not complete
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from cairn.core.errors import CairnError, Invalid
from cairn.storage.embedded.layout import FORMAT_VERSION

_DESCRIPTION: Final = "format.json"
_LOCK: Final = "lock"
_RESTORING: Final = "restoring"
_FOREIGN_IS_FINE: Final = {_LOCK, "secret", "lost+found", ".DS_Store"}


class FolderError(CairnError):
    """The data folder cannot be used as it is."""

    code = "folder"


class InUse(FolderError):
    """Another process writes to this folder."""


@dataclass(frozen=True, slots=True)
class Description:
    """What a folder says of itself."""

    format: int
    store_id: str  # 16 random bytes, hex
    shards: int
    starts: int = 0
    restored_ms: int = 0


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for writing.

    Raises:
        InUse: another process holds it.
    """
    _make(folder, 0o700)
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(f"the data folder is in use by process {_holder(descriptor)}: stop that first") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def prepare(folder: Path, shards: int) -> Description:
    """Describe a folder that is ours, or make it so, with so many shards, if it is empty; count this start.

    Raises:
        FolderError: it holds something else, another format version, or half a restore.
    """
    if (folder / _DESCRIPTION).exists():
        description = describe(folder)
    else:
        _refuse_foreign(folder)
        description = Description(FORMAT_VERSION, os.urandom(16).hex(), shards)
    description = replace(description, starts=description.starts + 1)
    write_description(folder, description)
    return description


def describe(folder: Path) -> Description:
    """What the folder says of itself.

    Raises:
        FolderError: nothing, or nothing that this version can use.
    """
    try:
        fields = json.loads((folder / _DESCRIPTION).read_text())
        version = int(fields["format"])
    except FileNotFoundError:
        raise FolderError("there is no Cairn store in this folder: check the path given with --data") from None
    except (ValueError, KeyError, TypeError):
        raise FolderError(f"{_DESCRIPTION} in the data folder is damaged: restore from a backup") from None
    if version != FORMAT_VERSION:
        raise FolderError(
            f"the data folder has format {version}, and this version of Cairn reads format {FORMAT_VERSION}: "
            "use the version that wrote it"
        )
    if (folder / _RESTORING).exists():
        raise FolderError("a restore into this folder did not finish: delete the folder and restore again")
    return Description(**fields)


def write_description(folder: Path, description: Description) -> None:
    """Replace format.json, durably."""
    draft = folder / (_DESCRIPTION + ".new")
    with draft.open("w") as file:
        json.dump(asdict(description), file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / _DESCRIPTION)
    sync_folder(folder)


def begin_restore(folder: Path) -> None:
    """Mark the folder as unusable until `finish_restore`.

    Raises:
        Invalid: it is not empty.
    """
    if any(path.name != _LOCK for path in folder.iterdir()):
        raise Invalid("restore needs an empty folder: give another, or empty this one")
    (folder / _RESTORING).touch()
    sync_folder(folder)


def finish_restore(folder: Path) -> None:
    """Say that the restore is complete."""
    (folder / _RESTORING).unlink()
    sync_folder(folder)


def shard_folders(folder: Path, description: Description) -> list[Path]:
    """Where the shards' environments lie, in the order of their slots."""
    return [folder / f"shard-{number:02}" for number in range(description.shards)]


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make(folder: Path, mode: int = 0o777) -> None:
    """Make a folder, and those above it that are missing, durably."""
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(mode=mode, exist_ok=True)
        sync_folder(folder.parent)


def _holder(descriptor: int) -> str:
    return os.pread(descriptor, 20, 0).decode("ascii", "replace") or "unknown"


def _refuse_foreign(folder: Path) -> None:
    foreign = [path.name for path in folder.iterdir() if path.name not in _FOREIGN_IS_FINE]
    if foreign and not all(name == _DESCRIPTION + ".new" for name in foreign):
        raise FolderError("the data folder holds files that are not Cairn's: give an empty or a new folder")
