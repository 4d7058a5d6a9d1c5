"""Pinned heads: the newest head that was accepted of each chain, kept in a folder so that later runs refuse less.

One file a chain, written to a temporary name, synced and renamed. A file holds what verifies a chain and nothing that
reads it. Doors are remembered in memory only: their ids let passwords be tried.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from cairn.client.format.reader import Seen
from cairn.core.chain import FLAG_DOOR, SUITE, ChainId, ChainState, Receipt, Seq, chain_id_of
from cairn.core.errors import CairnError, Invalid

_SAVE_SECONDS: Final = 1.0
_BYTES_FIELDS = ("public_key", "read_commit", "genesis_hash", "hash")
_NUMBER_FIELDS = ("flags", "seq", "floor", "key_epoch")


class DamagedPin(CairnError):
    """A pin's file does not hold a pin."""

    code = "damaged_pin"


class Pins:
    """What was seen of each chain. Without a folder it lasts as long as this object."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._seen: dict[ChainId, Seen] = {}
        self._unsaved: set[ChainId] = set()
        self._saver: asyncio.Task[None] | None = None
        self._saving = asyncio.Lock()
        if folder is not None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def seen(self, chain_id: ChainId) -> Seen | None:
        """The newest head seen of a chain; None for a new one.

        Raises:
            DamagedPin: its file cannot be read.
        """
        if chain_id not in self._seen and self._folder is not None:
            found = await asyncio.to_thread(_load, self._path(chain_id), chain_id)
            if found is not None:
                self._seen.setdefault(chain_id, found)
        return self._seen.get(chain_id)

    def keep(self, seen: Seen) -> None:
        """Remember a head that was accepted, unless a newer one is known. It is saved a second later."""
        chain_id = seen.state.chain_id
        known = self._seen.get(chain_id)
        if known is not None and known.state.seq > seen.state.seq:
            return
        is_other = known is not None and known.state.hash != seen.state.hash  # at one seq: a fork, and the first stays
        if known is not None and known.state.seq == seen.state.seq and (seen.receipt is None or is_other):
            return
        self._seen[chain_id] = seen
        if not seen.state.flags & FLAG_DOOR:
            self._unsaved.add(chain_id)
            if self._saver is None and self._folder is not None:
                self._saver = asyncio.get_running_loop().create_task(self._save_soon())

    async def _save_soon(self) -> None:
        """Save what came within a while in one go: a sync for each entry would cost more than the entry."""
        await asyncio.sleep(_SAVE_SECONDS)
        self._saver = None
        with suppress(OSError, DamagedPin):  # it stays unsaved, and `close` tells
            await self.flush()

    async def close(self) -> None:
        """Save what is not saved yet, and end."""
        if self._saver is not None:
            self._saver.cancel()
            self._saver = None
        await self.flush()

    async def flush(self) -> None:
        """Save what is not saved yet, durably.

        Raises:
            OSError: it cannot be written. DamagedPin.
        """
        async with self._saving:
            unsaved, self._unsaved = self._unsaved, set()
            if self._folder is None or not unsaved:
                return
            try:
                await asyncio.to_thread(self._save, [self._seen[chain_id] for chain_id in unsaved])
            except BaseException:
                self._unsaved |= unsaved
                raise

    def _save(self, unsaved: list[Seen]) -> None:
        assert self._folder is not None
        with locked(self._folder):
            for seen in unsaved:
                self._save_one(seen)
            _sync(self._folder)

    def _save_one(self, seen: Seen) -> None:
        """Write a pin, unless another process has saved a newer one."""
        path = self._path(seen.state.chain_id)
        saved = _load(path, seen.state.chain_id)
        is_newer = saved is None or saved.state.seq < seen.state.seq
        if is_newer or (saved is not None and saved.state.hash == seen.state.hash):
            replace_file(path, json.dumps(_to_json(seen)).encode())

    def _path(self, chain_id: ChainId) -> Path:
        assert self._folder is not None
        return self._folder / f"{chain_id.hex()}.json"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes out while pins are compared and written."""
    with (folder / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def replace_file(path: Path, content: bytes) -> None:
    """Put a whole file in place, mode 0600, its bytes synced before its name."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".pin-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _load(path: Path, chain_id: ChainId) -> Seen | None:
    try:
        return _from_json(json.loads(path.read_bytes()), chain_id)
    except FileNotFoundError:
        return None
    except (AttributeError, KeyError, TypeError, ValueError, struct.error, Invalid):
        raise DamagedPin(
            "a file under pins/ in the state folder is damaged: remove it to go on, if you trust the server this once"
        ) from None


def _to_json(seen: Seen) -> dict[str, Any]:
    state = seen.state
    document: dict[str, Any] = {name: getattr(state, name).hex() for name in _BYTES_FIELDS}
    document |= {name: getattr(state, name) for name in _NUMBER_FIELDS}
    document["closed"] = state.closed
    if seen.receipt is not None and seen.receipt_key is not None:
        document["receipt"] = [seen.receipt.time_ms, seen.receipt.signature.hex(), seen.receipt_key.hex()]
    return document


def _from_json(document: dict[str, Any], chain_id: ChainId) -> Seen:
    """The pin in a file. That it is of this chain is proven by the chain id, as for a genesis."""
    named = {name: bytes.fromhex(document[name]) for name in _BYTES_FIELDS}
    numbers = {name: int(document[name]) for name in _NUMBER_FIELDS}
    body = named["public_key"] + named["read_commit"] + bytes((SUITE, numbers["flags"], 0, 0))
    if chain_id_of(body) != chain_id or len(named["hash"]) != 32 or min(numbers.values()) < 0:
        raise Invalid("the pin is of another chain")
    seq = Seq(numbers["seq"])
    state = ChainState(
        chain_id, named["public_key"], named["read_commit"], named["genesis_hash"], numbers["flags"], seq,
        named["hash"], Seq(numbers["floor"]), numbers["key_epoch"], document["closed"] is True,
        first=Seq(seq + 1), entries=0, bytes=0,
    )  # fmt: skip
    receipt = document.get("receipt")
    if receipt is None:
        return Seen(state)
    time_ms, signature, receipt_key = receipt
    return Seen(state, Receipt(int(time_ms), bytes.fromhex(signature)), bytes.fromhex(receipt_key))
