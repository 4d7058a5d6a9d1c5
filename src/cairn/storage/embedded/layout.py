"""Keys and records of the embedded store as bytes; pure.

Every record but a block begins with a CRC-32 over its key and the rest, and is refused when that does not fit. A block
needs none: its key is its SHA-256. Integers are big-endian, so that keys sort by number.

    blocks   slot ‖ block id                     the bytes
    pins     slot ‖ block id ‖ pin hash          grant[16] ‖ u64 bytes ‖ u64 time (ms); hash zero: put without a pin
    heads    slot ‖ chain id                     the chain's state
    entries  slot ‖ chain id ‖ u64 seq           grant[16] ‖ entry
    usage    grant[16]                           u64 block bytes ‖ u64 entry bytes, of this shard
    due      u64 time (ms) ‖ u8 task ‖ slot ‖ id  u64 argument: what a sweep must do, and when
    meta     name                                the shard's digest
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from cairn.core.block import GrantId, PinHash
from cairn.core.chain import ChainId, ChainState, Entry, Seq
from cairn.core.crypto import sha256
from cairn.core.errors import Corrupt
from cairn.core.slot import SLOT_BYTES
from cairn.core.store import Usage

FORMAT_VERSION: Final = 1

BLOCKS, PINS, HEADS, ENTRIES, USAGE, DUE, META = "blocks", "pins", "heads", "entries", "usage", "due", "meta"
TABLES: Final = (BLOCKS, PINS, HEADS, ENTRIES, USAGE, DUE, META)

NO_PIN: Final = PinHash(bytes(32))
ID_KEY_BYTES: Final = SLOT_BYTES + 32
DIGEST_KEY: Final = b"digest"

_CRC: Final = struct.Struct(">I")
_U64: Final = struct.Struct(">Q")
_PIN: Final = struct.Struct(">16sQQ")
_HEAD: Final = struct.Struct(">32s32s32sBQ32sQI?QQQ")
_USAGE: Final = struct.Struct(">QQ")
_DUE: Final = struct.Struct(">QB34s")
_DIGEST: Final = struct.Struct(">Q32s")
ENTRY_HEAD_BYTES: Final = _CRC.size + 16

Buffer = bytes | memoryview


class Task(IntEnum):
    """What a sweep does when its time has come."""

    TRIM = 1  # drop a chain's entries below the argument
    EXPIRE = 2  # drop a block's unpinned mark


@dataclass(frozen=True, slots=True)
class PinRecord:
    """Who keeps a block, since when."""

    grant: GrantId
    bytes: int
    time_ms: int


@dataclass(frozen=True, slots=True)
class DueKey:
    """One thing to do at a time."""

    time_ms: int
    task: Task
    id_key: bytes  # slot ‖ id


def protect(key: bytes, body: bytes) -> bytes:
    """A record: the checksum over key and body, then the body."""
    return _CRC.pack(zlib.crc32(body, zlib.crc32(key))) + body


def body_of(key: Buffer, record: Buffer) -> memoryview:
    """The body of a record that `protect` made.

    Raises:
        Corrupt: its checksum does not fit.
    """
    body = memoryview(record)[_CRC.size :]
    if len(record) < _CRC.size or _CRC.unpack_from(record)[0] != zlib.crc32(body, zlib.crc32(key)):
        raise Corrupt("a record's checksum does not fit: run `cairn scrub`")
    return body


def record_digest(table: str, key: Buffer, record: Buffer) -> int:
    """What a record adds to its shard's digest: it covers key and content, through the checksum or the block's id."""
    check = b"" if table == BLOCKS else bytes(record[: _CRC.size])
    return int.from_bytes(sha256(table.encode() + bytes(key) + check), "big")


def pin_key(id_key: bytes, pin: PinHash) -> bytes:
    """The key of a pin's record."""
    return id_key + pin


def encode_pin(key: bytes, pin: PinRecord) -> bytes:
    """A pin's record."""
    return protect(key, _PIN.pack(pin.grant, pin.bytes, pin.time_ms))


def decode_pin(key: Buffer, record: Buffer) -> PinRecord:
    """The pin in a record. Raises Corrupt."""
    grant, size, time_ms = _PIN.unpack(_sized(body_of(key, record), _PIN.size))
    return PinRecord(GrantId(grant), size, time_ms)


def encode_head(key: bytes, state: ChainState) -> bytes:
    """A chain's record."""
    return protect(
        key,
        _HEAD.pack(
            state.public_key, state.read_commit, state.genesis_hash, state.flags, state.seq, state.hash,
            state.floor, state.key_epoch, state.closed, state.first, state.entries, state.bytes,
        ),
    )  # fmt: skip


def decode_head(key: Buffer, record: Buffer) -> ChainState:
    """The chain's state in a record. Raises Corrupt."""
    fields = _HEAD.unpack(_sized(body_of(key, record), _HEAD.size))
    public_key, read_commit, genesis_hash, flags, seq, newest, floor, key_epoch, closed, first, entries, size = fields
    chain_id = ChainId(bytes(key[SLOT_BYTES:ID_KEY_BYTES]))
    return ChainState(
        chain_id, public_key, read_commit, genesis_hash, flags, Seq(seq), newest,
        Seq(floor), key_epoch, closed, Seq(first), entries, size,
    )  # fmt: skip


def entry_key(id_key: bytes, seq: int) -> bytes:
    """The key of an entry's record."""
    return id_key + _U64.pack(seq)


def encode_entry(key: bytes, grant: GrantId, raw: bytes) -> bytes:
    """An entry's record."""
    return protect(key, grant + raw)


def decode_entry(key: Buffer, record: Buffer) -> tuple[GrantId, bytes]:
    """Who pays for an entry, and its bytes. Raises Corrupt."""
    body = body_of(key, record)
    return GrantId(bytes(body[:16])), bytes(body[16:])


def parse_entry(key: Buffer, record: Buffer) -> Entry:
    """The entry in a record. Raises Corrupt."""
    return Entry.decode(decode_entry(key, record)[1])


def encode_usage(key: bytes, usage: Usage) -> bytes:
    """A grant's totals in one shard."""
    return protect(key, _USAGE.pack(usage.block_bytes, usage.entry_bytes))


def decode_usage(key: Buffer, record: Buffer) -> Usage:
    """The totals in a record. Raises Corrupt."""
    return Usage(*_USAGE.unpack(_sized(body_of(key, record), _USAGE.size)))


def due_key(due: DueKey) -> bytes:
    """The key of a thing to do: the earliest sorts first."""
    return _DUE.pack(due.time_ms, due.task, due.id_key)


def decode_due_key(key: Buffer) -> DueKey:
    """What a key of the due table says. Raises Corrupt."""
    time_ms, task, id_key = _DUE.unpack(_sized(memoryview(key), _DUE.size))
    return DueKey(time_ms, Task(task), id_key)


def encode_argument(key: bytes, argument: int) -> bytes:
    """The record of a thing to do."""
    return protect(key, _U64.pack(argument))


def decode_argument(key: Buffer, record: Buffer) -> int:
    """The argument of a thing to do. Raises Corrupt."""
    return int(_U64.unpack(_sized(body_of(key, record), _U64.size))[0])


def encode_digest(count: int, digest: int) -> bytes:
    """The shard's own record: how many records it has, and the sum of their digests mod 2^256."""
    return protect(DIGEST_KEY, _DIGEST.pack(count, digest.to_bytes(32, "big")))


def decode_digest(record: Buffer | None) -> tuple[int, int]:
    """Count and digest; zeros for a new shard. Raises Corrupt."""
    if record is None:
        return 0, 0
    count, digest = _DIGEST.unpack(_sized(body_of(DIGEST_KEY, record), _DIGEST.size))
    return count, int.from_bytes(digest, "big")


def id_of(key: Buffer) -> bytes:
    """The id in a key that begins with `slot ‖ id`."""
    return bytes(key[SLOT_BYTES:ID_KEY_BYTES])


def seq_of(key: Buffer) -> int:
    """The seq at the end of an entry's key."""
    return int(_U64.unpack(key[ID_KEY_BYTES:])[0])


def _sized(body: memoryview, size: int) -> memoryview:
    if len(body) != size:
        raise Corrupt("a record has another length than its kind: run `cairn scrub`")
    return body
