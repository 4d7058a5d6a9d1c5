"""Backup and restore: a store as one file, taken while it serves.

    magic[8] ‖ frames ‖ end
    frame = u8 table ‖ u16 key length ‖ u32 record length ‖ key ‖ record
    end   = u8 0 ‖ u16 0 ‖ u32 40 ‖ u64 frames ‖ SHA-256 of all before the end's frame

Chains come first, each as its entries and then a head that fits just those; then blocks, each with its pins; then
what is due. So whatever an entry refers to, if it was kept when the entry was, is in the file. Read transactions are
short, and the order makes up for the time between them. Neither the store id nor the secret is in it; usage is counted
anew.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Final

import lmdb

from cairn.core.block import Block, BlockId
from cairn.core.chain import ChainState, Entry, Seq
from cairn.core.clock import Clock, SystemClock
from cairn.core.errors import CairnError, Corrupt, Invalid
from cairn.core.slot import SLOT_BYTES, slot_key
from cairn.storage.embedded import folder as folders
from cairn.storage.embedded.engine import shard_number
from cairn.storage.embedded.environment import open_environment, open_tables
from cairn.storage.embedded.layout import (
    BLOCKS,
    DUE,
    ENTRIES,
    FORMAT_VERSION,
    HEADS,
    ID_KEY_BYTES,
    PINS,
    decode_argument,
    decode_due_key,
    decode_entry,
    decode_head,
    decode_pin,
    encode_head,
    entry_key,
    id_of,
)  # fmt: skip
from cairn.storage.embedded.transaction import Reading, Writing

Progress = Callable[[int, int], None]
"""Called with what is done and how much there is, in bytes or records."""

MAGIC: Final = b"CRNBAK1\n"

_FRAME: Final = struct.Struct(">BHI")
_END: Final = struct.Struct(">Q32s")
_TABLES: Final = {1: HEADS, 2: ENTRIES, 3: BLOCKS, 4: PINS, 5: DUE}
_CODES: Final = {name: code for code, name in _TABLES.items()}
_PAGE_RECORDS: Final = 512
_PAGE_BYTES: Final = 8 * 1024 * 1024
_RECORD_BYTES_MAX: Final = 2 * 1024 * 1024
_COMMIT_BYTES: Final = 32 * 1024 * 1024


def backup(folder: Path, dest: Path, progress: Progress = lambda done, total: None) -> None:
    """Copy the store in `folder`, open elsewhere or not, into the new file `dest`, durably.

    Raises:
        FolderError: there is no store. Invalid: `dest` exists. Corrupt: a record is damaged; nothing is left behind.
    """
    description = folders.describe(folder)
    if dest.exists():
        raise Invalid("the backup's file is there already: give another name")
    partial = dest.with_name(dest.name + ".partial")
    try:
        with partial.open("wb") as file:
            _copy(_Sink(file), folders.shard_folders(folder, description), progress)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    partial.rename(dest)
    folders.sync_folder(dest.absolute().parent)


def restore(
    src: Path, folder: Path, progress: Progress = lambda done, total: None, *,
    shards: int = 1, clock: Clock | None = None,
) -> None:  # fmt: skip
    """Bring the backup in the file `src` into an empty folder, as a store with an id of its own and so many shards.

    Raises:
        Invalid: the folder is not empty, or the file is no backup. Corrupt: the file is damaged or cut off.
    """
    clock = clock or SystemClock()
    with folders.locked(folder):
        folders.begin_restore(folder)
        description = folders.Description(FORMAT_VERSION, os.urandom(16).hex(), shards, restored_ms=clock.now_ms())
        with src.open("rb") as file, _targets(folder, description, src.stat().st_size) as targets:
            for table, key, record in _frames(_Source(file, src.stat().st_size, progress)):
                shard = shard_number(_slot_of(table, key), description.shards)
                targets[shard].restore(table, key, record)
        folders.write_description(folder, description)
        folders.finish_restore(folder)


# --- backup ----------------------------------------------------------------------------------------------------------


class _Sink:
    """The file being written, and its digest."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._frames = 0
        self._put(MAGIC)

    def frame(self, table: str, key: bytes, record: bytes) -> None:
        """Add a record."""
        self._put(_FRAME.pack(_CODES[table], len(key), len(record)) + key + record)
        self._frames += 1

    def end(self) -> None:
        """Say that this was all."""
        self._file.write(_FRAME.pack(0, 0, _END.size) + _END.pack(self._frames, self._hash.digest()))

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)


class _Origin:
    """One shard, read in short transactions."""

    def __init__(self, folder: Path) -> None:
        self._environment = open_environment(folder, readonly=True)
        self._tables = open_tables(self._environment, create=False)

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """A snapshot. The writer may have enlarged the map meanwhile."""
        try:
            transaction = self._environment.begin(buffers=True)
        except lmdb.MapResizedError:
            self._environment.set_mapsize(0)
            transaction = self._environment.begin(buffers=True)
        with transaction:
            yield Reading(transaction, self._tables)

    def pages(self, table: str, start: bytes = b"", stop: bytes | None = None) -> Iterator[list[tuple[bytes, bytes]]]:
        """All records of a range, some at a time, each page of one snapshot."""
        while page := self._page(table, start, stop):
            yield page
            start = page[-1][0] + b"\0"

    def count(self) -> int:
        """How many chains and blocks there are."""
        with self._environment.begin() as transaction:
            return sum(int(transaction.stat(self._tables[table])["entries"]) for table in (HEADS, BLOCKS))

    def close(self) -> None:
        """Let go of the files."""
        self._environment.close()

    def _page(self, table: str, start: bytes, stop: bytes | None) -> list[tuple[bytes, bytes]]:
        page = []
        size = 0
        with self.reading() as reading:
            for key, record in reading.range(table, start, stop):
                page.append((bytes(key), bytes(record)))
                size += len(record)
                if len(page) == _PAGE_RECORDS or size > _PAGE_BYTES:
                    break
        return page


def _copy(sink: _Sink, shard_paths: list[Path], progress: Progress) -> None:
    origins = [_Origin(path) for path in shard_paths]
    try:
        total, done = sum(origin.count() for origin in origins), 0
        for copy in (_copy_chains, _copy_blocks, _copy_due):
            for origin in origins:
                for _ in copy(sink, origin):
                    done += 1
                    progress(done, max(done, total))
    finally:
        for origin in origins:
            origin.close()
    sink.end()


def _copy_chains(sink: _Sink, origin: _Origin) -> Iterator[None]:
    for page in origin.pages(HEADS):
        for key, record in page:
            _copy_chain(sink, origin, key, decode_head(key, record))
            yield


def _copy_chain(sink: _Sink, origin: _Origin, key: bytes, state: ChainState) -> None:
    """A chain's entries up to `state`, then a head that fits those, also if it is trimmed meanwhile."""
    sizes: dict[int, int] = {}
    for page in origin.pages(ENTRIES, entry_key(key, 0), entry_key(key, state.seq + 1)):
        for record_key, record in page:
            decode_entry(record_key, record)
            sizes[int.from_bytes(record_key[-8:], "big")] = len(record) - 20
            sink.frame(ENTRIES, record_key, record)
    first = _first_of_run(sizes, state)
    kept = [size for seq, size in sizes.items() if seq == 0 or seq >= first]
    fitting = replace(state, first=Seq(first), entries=len(kept), bytes=sum(kept))
    sink.frame(HEADS, key, encode_head(key, fitting))


def _first_of_run(sizes: dict[int, int], state: ChainState) -> int:
    """The first seq from which on every entry up to the head is there."""
    if 0 not in sizes or state.seq not in sizes:
        raise Corrupt("a chain lacks its genesis or its newest entry: run `cairn scrub`")
    first = int(state.seq)
    while first > 1 and first - 1 in sizes:
        first -= 1
    return max(first, 1) if state.seq else 1


def _copy_blocks(sink: _Sink, origin: _Origin) -> Iterator[None]:
    """Each block with its pins as they are in the same snapshot."""
    start = b""
    while page := _blocks_page(origin, start):
        for key, data, pins in page:
            _verified(key, data)
            sink.frame(BLOCKS, key, data)
            for pin, record in pins:
                decode_pin(pin, record)
                sink.frame(PINS, pin, record)
            yield
        start = page[-1][0] + b"\0"


def _blocks_page(origin: _Origin, start: bytes) -> list[tuple[bytes, bytes, list[tuple[bytes, bytes]]]]:
    page = []
    size = 0
    with origin.reading() as reading:
        for key_view, data in reading.range(BLOCKS, start):
            key = bytes(key_view)
            pins = [(bytes(pin), bytes(record)) for pin, record in reading.range(PINS, key, key + b"\xff" * 33)]
            page.append((key, bytes(data), pins))
            size += len(data)
            if len(page) == _PAGE_RECORDS or size > _PAGE_BYTES:
                break
    return page


def _copy_due(sink: _Sink, origin: _Origin) -> Iterator[None]:
    for page in origin.pages(DUE):
        for key, record in page:
            decode_argument(key, record)
            sink.frame(DUE, key, record)
    return
    yield


# --- restore ---------------------------------------------------------------------------------------------------------


class _Source:
    """The file being read, and its digest."""

    def __init__(self, file: IO[bytes], size: int, progress: Progress) -> None:
        self._file = file
        self._size = size
        self._progress = progress
        self._done = 0
        self._hash = hashlib.sha256()

    def take(self, count: int) -> bytes:
        """The next bytes. Raises Corrupt when there are fewer."""
        data = self._file.read(count)
        if len(data) != count:
            raise Corrupt("the backup is cut off: use another")
        self._hash.update(data)
        self._done += count
        self._progress(self._done, self._size)
        return data

    def digest(self) -> bytes:
        """SHA-256 of what was taken so far."""
        return self._hash.digest()


def _frames(source: _Source) -> Iterator[tuple[str, bytes, bytes]]:
    """The records of a backup, the end checked before the last is believed to be the last."""
    if source.take(len(MAGIC)) != MAGIC:
        raise Invalid("the file is not a backup that this version of Cairn can read")
    count = 0
    while True:
        before = source.digest()
        code, key_bytes, record_bytes = _FRAME.unpack(source.take(_FRAME.size))
        if code == 0 and record_bytes == _END.size and not key_bytes:
            if _END.unpack(source.take(_END.size)) != (count, before):
                raise Corrupt("the backup is damaged: its digest does not fit; use another")
            return
        if code not in _TABLES or record_bytes > _RECORD_BYTES_MAX:
            raise Corrupt("the backup is damaged: use another")
        yield _TABLES[code], source.take(key_bytes), source.take(record_bytes)
        count += 1


class _Target:
    """One shard that is being filled, in large commits."""

    def __init__(self, folder: Path, map_bytes: int) -> None:
        folder.mkdir(mode=0o700)
        self._environment = open_environment(folder, map_bytes=map_bytes)
        self._tables = open_tables(self._environment)
        self._begin()

    def restore(self, table: str, key: bytes, record: bytes) -> None:
        """Check a record and keep it. Raises Corrupt."""
        try:
            _RESTORERS[table](self._writing, key, record)
        except (CairnError, struct.error):
            raise Corrupt(f"the backup is damaged: a record of its {table} does not verify; use another") from None
        self._size += len(record)
        if self._size > _COMMIT_BYTES:
            self.commit()
            self._begin()

    def commit(self) -> None:
        """Make durable what was kept."""
        if self._writing.changes:
            self._writing.seal()
        self._transaction.commit()

    def close(self) -> None:
        """Let go of the files; what is not committed is dropped."""
        self._transaction.abort()
        self._environment.close()

    def _begin(self) -> None:
        self._transaction = self._environment.begin(write=True, buffers=True)
        self._writing = Writing(self._transaction, self._tables)
        self._size = 0


@contextmanager
def _targets(folder: Path, description: folders.Description, size: int) -> Iterator[list[_Target]]:
    targets = [_Target(path, 2 * size + (1 << 30)) for path in folders.shard_folders(folder, description)]
    try:
        yield targets
        for target in targets:
            target.commit()
    finally:
        for target in targets:
            target.close()


def _restore_entry(writing: Writing, key: bytes, record: bytes) -> None:
    grant, raw = decode_entry(key, record)
    entry = Entry.decode(raw)
    if key != entry_key(slot_key(entry.chain_id), entry.seq):
        raise Corrupt("an entry stands under another's key")
    writing.put(ENTRIES, key, record)
    writing.charge(grant, entry_bytes=len(raw))


def _restore_head(writing: Writing, key: bytes, record: bytes) -> None:
    """Keep a head, once the entries that came before it are found to lead up to it."""
    state = decode_head(key, record)
    for record_key in list(writing.keys(ENTRIES, entry_key(key, 1), entry_key(key, state.first))):
        _drop_entry(writing, record_key)
    previous = _entry_at(writing, key, 0)
    if previous.hash != state.genesis_hash:
        raise Corrupt("a chain has another genesis than its head says")
    for seq in range(state.first, state.seq + 1):
        entry = _entry_at(writing, key, seq)
        if entry.prev != previous.hash and not (seq == state.first and seq > 1):
            raise Corrupt("a chain is not linked")
        previous = entry
    if previous.hash != state.hash:
        raise Corrupt("a chain does not lead to its head")
    writing.put(HEADS, key, record)


def _entry_at(writing: Writing, key: bytes, seq: int) -> Entry:
    record_key = entry_key(key, seq)
    record = writing.get(ENTRIES, record_key)
    if record is None:
        raise Corrupt("a chain lacks an entry")
    return Entry.decode(decode_entry(record_key, record)[1])


def _drop_entry(writing: Writing, record_key: bytes) -> None:
    record = writing.get(ENTRIES, record_key)
    assert record is not None
    grant, raw = decode_entry(record_key, record)
    writing.delete(ENTRIES, record_key)
    writing.charge(grant, entry_bytes=-len(raw))


def _restore_block(writing: Writing, key: bytes, record: bytes) -> None:
    _verified(key, record)
    writing.put(BLOCKS, key, record)


def _restore_pin(writing: Writing, key: bytes, record: bytes) -> None:
    pin = decode_pin(key, record)
    if writing.get(BLOCKS, key[:ID_KEY_BYTES]) is None:
        raise Corrupt("a pin keeps no block")
    writing.put(PINS, key, record)
    writing.charge(pin.grant, block_bytes=pin.bytes)


def _restore_due(writing: Writing, key: bytes, record: bytes) -> None:
    decode_due_key(key)
    decode_argument(key, record)
    writing.put(DUE, key, record)


_RESTORERS: Final[dict[str, Callable[[Writing, bytes, bytes], None]]] = {
    ENTRIES: _restore_entry,
    HEADS: _restore_head,
    BLOCKS: _restore_block,
    PINS: _restore_pin,
    DUE: _restore_due,
}


def _slot_of(table: str, key: bytes) -> int:
    start = 9 if table == DUE else 0
    if len(key) < start + SLOT_BYTES:
        raise Corrupt("the backup is damaged: use another")
    return int.from_bytes(key[start : start + SLOT_BYTES], "big")


def _verified(key: bytes, data: bytes) -> None:
    block_id = BlockId(id_of(key))
    try:
        Block.verified(block_id, data)
    except Invalid:
        raise Corrupt("a block is damaged: run `cairn scrub`") from None
    if key != slot_key(block_id):
        raise Corrupt("a block stands in another's slot: run `cairn scrub`")
