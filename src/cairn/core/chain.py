"""Entries and chains: the layout of an entry, and the rule by which a server or a reader accepts one.

An `Entry` is bytes that parsed: its sizes, magic, kind and, for a genesis, its own chain id are right. Whether it may
follow a given head is `accept`, which checks the signature last, that being dear. Both halves of the system run the
same rule: a server before it stores, a reader before it believes. See docs/format.md, 5 and 6.
"""

from __future__ import annotations

import itertools
import struct
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final, NewType, Self

from cairn.core.crypto import SIGNATURE_BYTES, domain, sha256, verify_signature
from cairn.core.errors import Closed, Conflict, Invalid, NotFound, TooLarge

ChainId = NewType("ChainId", bytes)
"""SHA-256(D("chain") ‖ genesis body): 32 bytes."""

Seq = NewType("Seq", int)
"""An entry's place in its chain, from 0 (genesis) to `SEQ_MAX`."""

MAGIC: Final = b"CRE1"
HEADER: Final = struct.Struct(">4sBBHIIQQ32s32s")
HEADER_BYTES: Final = HEADER.size  # 96
OVERHEAD_BYTES: Final = HEADER_BYTES + SIGNATURE_BYTES  # 160
BODY_BYTES_MAX: Final = 65_536
BODY_BYTES_MIN: Final = 208
ENTRY_BYTES_MAX: Final = OVERHEAD_BYTES + BODY_BYTES_MAX
GENESIS_BODY_BYTES: Final = 68
SEQ_MAX: Final = 2**53 - 1
SUITE: Final = 1
FLAG_DOOR: Final = 1
NO_PREV: Final = bytes(32)

_ENTRY_LABEL: Final = domain("entry")
_CHAIN_LABEL: Final = domain("chain")


class Kind(IntEnum):
    """What an entry does to its chain."""

    GENESIS = 0
    LINK = 1
    ROTATE = 2
    CHECKPOINT = 3
    CLOSE = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, parsed. Made only by `decode`, so its layout is right; its signature is not yet verified."""

    raw: bytes
    hash: bytes
    kind: Kind
    flags: int
    key_epoch: int
    seq: Seq
    floor: Seq
    chain_id: ChainId
    prev: bytes

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Parse an entry, and check all of it that needs no head.

        Raises:
            TooLarge: its body is over `BODY_BYTES_MAX`.
            Invalid: anything else is wrong.
        """
        if len(raw) > ENTRY_BYTES_MAX:
            raise TooLarge(f"an entry's body holds at most {BODY_BYTES_MAX} bytes")
        if len(raw) < OVERHEAD_BYTES + GENESIS_BODY_BYTES:
            raise Invalid("an entry has at least 228 bytes")
        magic, kind, flags, zero, key_epoch, body_bytes, seq, floor, chain_id, prev = HEADER.unpack_from(raw)
        if magic != MAGIC or kind > Kind.CLOSE or flags > FLAG_DOOR or zero:
            raise Invalid("the entry's magic, kind or flags are not of format 1")
        if body_bytes != len(raw) - OVERHEAD_BYTES:
            raise Invalid("the entry's body length is not that of its bytes")
        if seq > SEQ_MAX or floor > seq:
            raise Invalid("the entry's seq or floor is out of range")
        entry = cls(raw, sha256(raw), Kind(kind), flags, key_epoch, Seq(seq), Seq(floor), ChainId(chain_id), prev)
        if kind == Kind.GENESIS:
            _check_genesis(entry)
        elif body_bytes < BODY_BYTES_MIN or seq == 0:
            raise Invalid("only a genesis has seq 0 or a body under 208 bytes")
        return entry

    @property
    def body(self) -> bytes:
        """The genesis body in clear, else the sealed payload."""
        return self.raw[HEADER_BYTES:-SIGNATURE_BYTES]

    def verify_signature(self, public_key: bytes) -> None:
        """Check the writer's signature.

        Raises:
            Invalid: it is not by `public_key`.
        """
        signed = _ENTRY_LABEL + self.raw[:-SIGNATURE_BYTES]
        verify_signature(public_key, signed, self.raw[-SIGNATURE_BYTES:])

    def __repr__(self) -> str:
        return f"Entry({self.kind.name.lower()} {self.seq}, {len(self.raw)} bytes)"


def chain_id_of(genesis_body: bytes) -> ChainId:
    """The id of the chain that this genesis body begins."""
    return ChainId(sha256(_CHAIN_LABEL + genesis_body))


def _check_genesis(entry: Entry) -> None:
    body = entry.body
    if len(body) != GENESIS_BODY_BYTES:
        raise Invalid("a genesis body has 68 bytes")
    if entry.seq or entry.key_epoch or entry.floor or entry.prev != NO_PREV:
        raise Invalid("a genesis has seq, epoch, floor and prev zero")
    if body[64] != SUITE or body[65] != entry.flags or body[66:] != b"\0\0":
        raise Invalid("the genesis names a suite or flags that are refused")
    if chain_id_of(body) != entry.chain_id:
        raise Invalid("the chain id is not that of its genesis")


@dataclass(frozen=True, slots=True)
class Receipt:
    """A server's signed word that at `time_ms` (unix milliseconds) a head was the head."""

    time_ms: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry of a chain, as a Store reports it."""

    chain_id: ChainId
    seq: Seq
    hash: bytes
    floor: Seq
    key_epoch: int
    closed: bool
    entries: int  # kept now; trimmed ones are not counted
    bytes: int  # of the entries kept
    door: bool = False
    receipt: Receipt | None = None


@dataclass(frozen=True, slots=True)
class ChainState:
    """All that must be known of a chain to judge its next entry, and to answer for its head."""

    chain_id: ChainId
    public_key: bytes
    read_commit: bytes
    genesis_hash: bytes
    flags: int
    seq: Seq
    hash: bytes
    floor: Seq
    key_epoch: int
    closed: bool
    first: Seq  # the first entry kept after the genesis (seq + 1 if none)
    entries: int
    bytes: int

    @property
    def head(self) -> Head:
        """What a Store shows of this."""
        return Head(
            self.chain_id, self.seq, self.hash, self.floor, self.key_epoch, self.closed,
            self.entries, self.bytes, door=bool(self.flags & FLAG_DOOR),
        )  # fmt: skip


def accept(state: ChainState | None, entry: Entry) -> ChainState:
    """The state after `entry`, if it may follow `state` (None: the chain is unknown).

    Whether the entry already stands is the caller's to ask first: it has the older entries.

    Raises:
        NotFound: the chain is unknown and the entry is no genesis.
        Closed: the chain has ended.
        Conflict: it does not follow this head.
        Invalid: it follows, but breaks a rule or is not the writer's.
    """
    if state is None:
        return begin(entry)
    if entry.chain_id != state.chain_id:
        raise Invalid("the entry belongs to another chain")
    if state.closed:
        raise Closed("the chain is closed: no entry can follow")
    if entry.seq != state.seq + 1 or entry.prev != state.hash:
        raise Conflict("the entry does not follow the present head: read on, and build on that", state.head)
    _check_follows(state, entry)
    entry.verify_signature(state.public_key)
    return replace(
        state,
        seq=entry.seq,
        hash=entry.hash,
        floor=entry.floor,
        key_epoch=entry.key_epoch,
        closed=entry.kind == Kind.CLOSE,
        entries=state.entries + 1,
        bytes=state.bytes + len(entry.raw),
    )


def begin(entry: Entry) -> ChainState:
    """The state of a chain that has only this genesis.

    Raises:
        NotFound: the entry is no genesis.
        Invalid: its signature is not by the key in it.
    """
    if entry.kind != Kind.GENESIS:
        raise NotFound("there is no such chain: send its genesis first")
    public_key, read_commit = entry.body[:32], entry.body[32:64]
    entry.verify_signature(public_key)
    return ChainState(
        entry.chain_id, public_key, read_commit, entry.hash, entry.flags,
        seq=Seq(0), hash=entry.hash, floor=Seq(0), key_epoch=0, closed=False,
        first=Seq(1), entries=1, bytes=len(entry.raw),
    )  # fmt: skip


def start_at(genesis: ChainState, entry: Entry) -> ChainState:
    """The state at a checkpoint or close from which a reader begins, without what lies before it.

    Raises:
        Invalid: it is neither, or not of this chain, or not signed by its key.
    """
    if entry.kind not in (Kind.CHECKPOINT, Kind.CLOSE):
        raise Invalid("a reader starts only at a checkpoint or a close")
    if entry.chain_id != genesis.chain_id or entry.flags != genesis.flags:
        raise Invalid("the entry belongs to another chain")
    entry.verify_signature(genesis.public_key)
    return replace(
        genesis,
        seq=entry.seq,
        hash=entry.hash,
        floor=entry.floor,
        key_epoch=entry.key_epoch,
        closed=entry.kind == Kind.CLOSE,
        first=entry.seq,
        entries=genesis.entries + 1,
        bytes=genesis.bytes + len(entry.raw),
    )


def _check_follows(state: ChainState, entry: Entry) -> None:
    if entry.kind == Kind.GENESIS or entry.flags != state.flags:
        raise Invalid("the entry's kind or flags do not fit this chain")
    floor_may_rise = entry.kind in (Kind.CHECKPOINT, Kind.CLOSE)
    if entry.floor < state.floor or (entry.floor > state.floor and not floor_may_rise):
        raise Invalid("the floor never falls, and rises only in a checkpoint or a close")
    if entry.key_epoch != state.key_epoch + (entry.kind == Kind.ROTATE):
        raise Invalid("the key epoch rises by one in a rotate, and only there")


def decode_batch(raws: list[bytes]) -> list[Entry]:
    """Parse the entries of one append, which must be of one chain and in order.

    Raises:
        TooLarge, Invalid: an entry is wrong by itself, or they do not belong together.
    """
    entries = [Entry.decode(raw) for raw in raws]
    if not entries:
        raise Invalid("an append holds at least one entry")
    for before, after in itertools.pairwise(entries):
        if after.chain_id != before.chain_id:
            raise Invalid("the entries of one append belong to one chain")
        if after.seq != before.seq + 1 or after.prev != before.hash:
            raise Invalid("the entries of one append follow each other")
    return entries
