"""One LMDB environment, the file of a shard: how it is opened, and how much of it is mapped."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import lmdb

from cairn.core.errors import Corrupt, Full
from cairn.storage.embedded.folder import sync_folder
from cairn.storage.embedded.layout import TABLES

_READERS_MAX: Final = 512
MAP_GROWTH: Final = 2

_MAP_BYTES: Final = 1 << 30


def open_environment(folder: Path, *, readonly: bool = False, map_bytes: int = 0) -> lmdb.Environment:
    """The environment of one shard; made if it is not there and may be written. `map_bytes` 0: by the file's size.

    Raises:
        Corrupt: LMDB finds it damaged. Full: there is no space to make it.
    """
    with _opening():
        environment = lmdb.open(
            str(folder), map_size=max(map_bytes, _map_bytes(folder)), max_dbs=len(TABLES), max_readers=_READERS_MAX,
            mode=0o600, readonly=readonly, create=not readonly, writemap=False, sync=True, metasync=True,
            readahead=False, meminit=False,
        )  # fmt: skip
    if not readonly:
        sync_folder(folder)  # LMDB syncs its file, but not the name of it
    return environment


@contextlib.contextmanager
def _opening() -> Iterator[None]:
    try:
        yield
    except lmdb.DiskError as error:
        raise Full("the disk is full: a shard cannot be opened until there is space") from error
    except lmdb.Error as error:
        raise Corrupt(f"a shard cannot be opened ({error}): run `cairn scrub`, or restore from a backup") from error


def _map_bytes(folder: Path) -> int:
    """The size of the map for a file of this size: it doubles, so that it is rarely changed."""
    data = folder / "data.mdb"
    size = data.stat().st_size if data.exists() else 0
    mapped = _MAP_BYTES
    while mapped < size * 3 // 2:
        mapped *= MAP_GROWTH
    return mapped


def open_tables(environment: lmdb.Environment, *, create: bool = True) -> dict[str, Any]:
    """The tables of an environment, by name.

    Raises:
        Corrupt: LMDB finds it damaged. Full: there is no space to make them.
    """
    with _opening():
        return {name: environment.open_db(name.encode(), create=create) for name in TABLES}
