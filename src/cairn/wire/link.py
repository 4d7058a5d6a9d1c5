"""The link between layers as bytes: frames, and what they carry where no batch route has it. See docs/protocol.md.

A frame is `u32 request id ‖ u8 operation ‖ payload`, one to a WebSocket message. The payload of a request begins with
its times. One over `PIECE_BYTES_MAX` travels as `PART` frames with the same request id, and last a frame with the true
operation and the rest; so a large one never holds up the small ones for long. Small ones that leave at the same time
travel as one message, a `BUNDLE`, whose payload is `u32 length ‖ frame` for each.

Decoders take bounded bodies and give values or raise `Invalid` or `TooLarge`; what is in the payloads is that of the
HTTP batch routes (`messages.py`), so that there is one codec.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, Final, NamedTuple

import msgspec

from cairn.core.block import BlockId, GrantId, Pin, PinHash
from cairn.core.chain import ChainId, Entry, Head
from cairn.core.ephemeral import Ephemeral
from cairn.core.errors import CairnError, Conflict, Invalid, Limited, TooLarge
from cairn.core.store import Usage
from cairn.wire.document import decode_any, decode_document
from cairn.wire.messages import (
    BATCH_BYTES_MAX,
    PutItem,
    decode_entries,
    decode_put,
    decode_read_answer,
    encode_entries,
    encode_put,
    head_from_json,
    head_to_json,
)  # fmt: skip
from cairn.wire.status import error_of, problem

PIECE_BYTES_MAX: Final = 128 * 1024
PAYLOAD_BYTES_MAX: Final = BATCH_BYTES_MAX + 1024 * 1024
PARTS_AT_ONCE_MAX: Final = 2
PAGE_BYTES: Final = 1024 * 1024
PAGE_ENTRIES_MAX: Final = 256
SCAN_IDS: Final = 1_024

_FRAME: Final = struct.Struct(">IB")
_TIMES: Final = struct.Struct(">QI")
_APPENDED: Final = struct.Struct(">I")
_USAGE: Final = struct.Struct(">QQ")
_ERROR: Final = struct.Struct(">HIB")
_LENGTH: Final = struct.Struct(">I")
_CREDIT: Final = struct.Struct(">I")
_GRANT_BYTES: Final = 16
_NO_PIN: Final = bytes(32)

FRAME_BYTES_MAX: Final = _FRAME.size + PIECE_BYTES_MAX
BUNDLED_BYTES_MAX: Final = 8 * 1024
"""A message over this size travels alone: to copy it costs more than to send it."""


class Operation(IntEnum):
    """What a frame is."""

    GET_BLOCK = 1
    PUT_BLOCK = 2
    UNPIN_BLOCK = 3
    HAS_BLOCKS = 4
    SCAN_BLOCKS = 5
    FORGET_BLOCK = 6  # between interfaces: a pin of it was removed
    HEAD = 16
    APPEND = 17
    READ = 18
    WATCH = 19
    SCAN_CHAINS = 20
    USAGE = 32
    KEEPS = 33
    SEND = 40  # an ephemeral message
    LISTEN = 41  # to those of a chain
    ABOUT = 48  # the store itself
    REPORT = 49  # the numbers of a worker, for those of the others
    REMOVALS = 50  # of pins, and perhaps of blocks, through whomever
    CANCEL = 64  # the asker is gone, or has enough
    CREDIT = 65  # so many more bytes may be streamed
    PART = 96
    BUNDLE = 97
    ANSWER = 128
    ITEM = 129  # one piece of a stream
    END = 130  # of a stream
    ERROR = 131


STREAMS: Final = frozenset({Operation.WATCH, Operation.LISTEN, Operation.REMOVALS})
"""Requests whose answer is a stream: items within the credit given, then END or ERROR."""

REPEATABLE: Final = frozenset({
    Operation.GET_BLOCK, Operation.HAS_BLOCKS, Operation.SCAN_BLOCKS, Operation.HEAD, Operation.READ,
    Operation.FORGET_BLOCK, Operation.SCAN_CHAINS, Operation.USAGE, Operation.KEEPS, Operation.SEND, Operation.ABOUT,
    Operation.REPORT,
})  # fmt: skip
"""Requests of which nobody can tell whether they were done once, twice or not at all: nothing is kept of them."""

WRITES: Final = frozenset({Operation.PUT_BLOCK, Operation.UNPIN_BLOCK, Operation.APPEND})
"""Requests that change what is kept: without an answer, they may be done or not."""

REQUESTS: Final = REPEATABLE | WRITES | STREAMS

_BUNDLE: Final = int(Operation.BUNDLE)
_OPERATIONS: Final = {int(operation): operation for operation in Operation}


class Frame(NamedTuple):
    """One frame, its parts put together."""

    request_id: int
    operation: Operation
    payload: bytes


def encode_frame(request_id: int, operation: Operation, payload: bytes = b"") -> list[bytes]:
    """The messages that carry a frame: one, or the parts and then the last.

    Raises:
        TooLarge: the payload is over `PAYLOAD_BYTES_MAX`.
    """
    if len(payload) <= PIECE_BYTES_MAX:
        return [_FRAME.pack(request_id, operation) + payload]
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise TooLarge(f"one request or answer holds at most {PAYLOAD_BYTES_MAX} bytes")
    part = _FRAME.pack(request_id, Operation.PART)
    cuts = range(0, len(payload), PIECE_BYTES_MAX)
    pieces = [part + payload[at : at + PIECE_BYTES_MAX] for at in cuts[:-1]]
    return [*pieces, _FRAME.pack(request_id, operation) + payload[cuts[-1] :]]


def encode_bundle(messages: Sequence[bytes]) -> bytes:
    """Several frames as one message; together they hold at most `PIECE_BYTES_MAX` bytes with their lengths."""
    pieces = [_FRAME.pack(0, Operation.BUNDLE)]
    for message in messages:
        pieces.append(_LENGTH.pack(len(message)))
        pieces.append(message)
    return b"".join(pieces)


def bundled_bytes(message: bytes) -> int:
    """How many bytes a message takes in a bundle."""
    return _LENGTH.size + len(message)


class Assembler:
    """Puts frames together from the messages of one connection. Holds `PARTS_AT_ONCE_MAX` unfinished ones at most."""

    def __init__(self) -> None:
        self._parts: dict[int, list[bytes]] = {}

    def feed(self, message: bytes) -> list[Frame]:
        """The frames that are now whole.

        Raises:
            Invalid: the message is no frame. TooLarge: a frame, or how many are begun, is over its bound.
        """
        if len(message) > FRAME_BYTES_MAX:
            raise TooLarge("a message of the link is over its size")
        frames = [self._add_message(part) for part in _unbundled(message)]
        return [frame for frame in frames if frame is not None]

    def _add_message(self, message: bytes) -> Frame | None:
        if len(message) < _FRAME.size:
            raise Invalid("a frame of the link has at least 5 bytes")
        request_id, number = _FRAME.unpack_from(message)
        operation = _OPERATIONS.get(number)
        if operation is None or operation is Operation.BUNDLE:
            raise Invalid("the link carried an operation that is not known")
        payload = message[_FRAME.size :]
        if operation is Operation.PART:
            self._add(request_id, payload)
            return None
        if request_id in self._parts and operation is not Operation.CANCEL:
            payload = b"".join([*self._parts.pop(request_id), payload])
        return Frame(request_id, operation, payload)

    def drop(self, request_id: int) -> None:
        """Forget what was begun: its sender gave it up."""
        self._parts.pop(request_id, None)

    def _add(self, request_id: int, piece: bytes) -> None:
        parts = self._parts.setdefault(request_id, [])
        parts.append(piece)
        most = PAYLOAD_BYTES_MAX // PIECE_BYTES_MAX
        if len(piece) != PIECE_BYTES_MAX or len(parts) > most or len(self._parts) > PARTS_AT_ONCE_MAX:
            raise TooLarge("the parts of a frame are not of their size, or too many")


def _unbundled(message: bytes) -> list[bytes]:
    if len(message) < _FRAME.size or message[_FRAME.size - 1] != _BUNDLE:
        return [message]
    parts = []
    at, end = _FRAME.size, len(message)
    while at < end:
        if end - at < _LENGTH.size:
            raise Invalid("a bundle of the link is cut off")
        (length,) = _LENGTH.unpack_from(message, at)
        at += _LENGTH.size
        if end - at < length:
            raise Invalid("a bundle of the link is cut off")
        parts.append(message[at : at + length])
        at += length
    return parts


def encode_request(sent_ms: int, left_ms: int, body: bytes) -> bytes:
    """`u64 sent ‖ u32 left ‖ body`: when it is sent, and how long it is worth doing; ms, by a clock that only grows."""
    return _TIMES.pack(sent_ms, left_ms) + body


def decode_request(payload: bytes) -> tuple[int, int, bytes]:
    """When a request was sent, how long it is worth doing (both ms), and its body. Raises Invalid."""
    if len(payload) < _TIMES.size:
        raise Invalid("a request of the link begins with its times")
    sent_ms, left_ms = _TIMES.unpack_from(payload)
    return sent_ms, left_ms, payload[_TIMES.size :]


# --- blocks ----------------------------------------------------------------------------------------------------------


def encode_paid_put(item: PutItem, grant: GrantId) -> bytes:
    """`grant[16] ‖` one frame of `blocks/put`."""
    return grant + encode_put([item])


def decode_paid_put(body: bytes) -> tuple[PutItem, GrantId]:
    """The block to store, and who pays. Raises Invalid, TooLarge."""
    grant, rest = _cut_grant(body)
    items = decode_put(rest)
    if len(items) != 1:
        raise Invalid("one put of the link holds one block")
    return items[0], grant


def encode_unpin(block_id: BlockId, pin: Pin) -> bytes:
    """`id[32] ‖ pin[32]`."""
    return block_id + pin


def decode_unpin(body: bytes) -> tuple[BlockId, Pin]:
    """The block, and the pin to remove. Raises Invalid."""
    if len(body) != 64:
        raise Invalid("an unpin holds an id and a pin")
    return BlockId(body[:32]), Pin(body[32:])


def decode_id(body: bytes) -> bytes:
    """The one id of a request. Raises Invalid."""
    if len(body) != 32:
        raise Invalid("the body is not one 32-byte id")
    return body


# --- chains ----------------------------------------------------------------------------------------------------------


def encode_head(head: Head) -> bytes:
    """`u8 door ‖ JSON head`."""
    return bytes((head.door,)) + msgspec.json.encode(head_to_json(head))


def decode_head(body: bytes) -> Head:
    """The head in an answer. Raises Invalid."""
    return replace(head_from_json(_json(body[1:])), door=decode_truth(body[:1]))


def encode_append(entries: Sequence[Entry], grant: GrantId) -> bytes:
    """`grant[16] ‖` the body of an append."""
    return grant + encode_entries(entries)


def decode_append(body: bytes) -> tuple[list[bytes], GrantId]:
    """The raw entries, and who pays. Raises Invalid, TooLarge."""
    grant, rest = _cut_grant(body)
    return decode_entries(rest), grant


def encode_appended(head: Head, fresh: int) -> bytes:
    """`u32 new entries ‖ head`."""
    return _APPENDED.pack(fresh) + encode_head(head)


def decode_appended(body: bytes) -> tuple[Head, int]:
    """The head after an append, and how many entries were new. Raises Invalid."""
    if len(body) < _APPENDED.size:
        raise Invalid("the answer to an append is cut off")
    return decode_head(body[_APPENDED.size :]), int(_APPENDED.unpack_from(body)[0])


def decode_page(body: bytes, chain_id: ChainId) -> list[Entry]:
    """The entries of one chain, in order, in an answer of `chains/read`. Raises Invalid, TooLarge."""
    answers = list(decode_read_answer(body))
    if len(answers) != 1 or answers[0][0] != chain_id or isinstance(answers[0][1], int):
        raise Invalid("the answer is not of the chain that was asked for")
    return decode_run(answers[0][1], chain_id)


def decode_run(raws: Sequence[bytes], chain_id: ChainId) -> list[Entry]:
    """Entries of one chain, their seqs rising. Raises Invalid, TooLarge."""
    entries = [Entry.decode(raw) for raw in raws]
    seqs = [entry.seq for entry in entries]
    if any(entry.chain_id != chain_id for entry in entries) or seqs != sorted(set(seqs)):
        raise Invalid("the entries are of another chain, or out of order")
    return entries


def decode_message(body: bytes, chain_id: ChainId) -> Ephemeral:
    """An ephemeral message of a chain. Raises Invalid, TooLarge."""
    message = Ephemeral.decode(body)
    if message.chain_id != chain_id:
        raise Invalid("the ephemeral message is of another chain")
    return message


def encode_credit(size: int) -> bytes:
    """`u32 bytes`."""
    return _CREDIT.pack(size)


def decode_credit(body: bytes) -> int:
    """How many more bytes may be streamed. Raises Invalid."""
    if len(body) != _CREDIT.size:
        raise Invalid("a credit has 4 bytes")
    return int(_CREDIT.unpack(body)[0])


# --- the rest --------------------------------------------------------------------------------------------------------


def encode_usage(usage: Usage) -> bytes:
    """`u64 block bytes ‖ u64 entry bytes`."""
    return _USAGE.pack(usage.block_bytes, usage.entry_bytes)


def decode_usage(body: bytes) -> Usage:
    """What a grant pays for. Raises Invalid."""
    if len(body) != _USAGE.size:
        raise Invalid("a usage has 16 bytes")
    return Usage(*_USAGE.unpack(body))


def encode_keeps(block_id: BlockId, pin: PinHash | None) -> bytes:
    """`id[32] ‖ pin hash[32] or zeros`."""
    return block_id + (pin or _NO_PIN)


def decode_keeps(body: bytes) -> tuple[BlockId, PinHash | None]:
    """The block, and the pin that is asked for. Raises Invalid."""
    if len(body) != 64:
        raise Invalid("the question for a pin holds an id and a pin hash")
    return BlockId(body[:32]), None if body[32:] == _NO_PIN else PinHash(body[32:])


def decode_truth(body: bytes) -> bool:
    """`u8`, 0 or 1. Raises Invalid."""
    if body not in (b"\0", b"\1"):
        raise Invalid("the answer is neither yes nor no")
    return body == b"\1"


def decode_grant(body: bytes) -> GrantId:
    """The grant asked for. Raises Invalid."""
    if len(body) != _GRANT_BYTES:
        raise Invalid("a grant's id has 16 bytes")
    return GrantId(body)


@dataclass(frozen=True, slots=True)
class About:
    """What a storage process tells of itself. `trouble` is empty while it can serve."""

    restored_ms: int = 0
    trouble: str = ""


def encode_about(about: About) -> bytes:
    """JSON."""
    return msgspec.json.encode(about)


def decode_about(body: bytes) -> About:
    """What the storage tells of itself. Raises Invalid."""
    return decode_document(body, About, "the storage tells of itself in a form that is not known")


def encode_error(error: CairnError) -> bytes:
    """`u16 status ‖ u32 retry seconds (0: not said) ‖ u8 door ‖ problem document`."""
    document = problem(error)
    retry_seconds = error.retry_seconds if isinstance(error, Limited) else None
    is_door = isinstance(error, Conflict) and error.head.door
    return _ERROR.pack(document["status"], retry_seconds or 0, is_door) + msgspec.json.encode(document)


def decode_error(body: bytes) -> CairnError:
    """The error in an answer: what the local store would have raised. Raises Invalid if it is none."""
    if len(body) < _ERROR.size:
        raise Invalid("the error in the answer is cut off")
    status, retry_seconds, door = _ERROR.unpack_from(body)
    document = _json(body[_ERROR.size :])
    if not isinstance(document, dict):
        raise Invalid("the error in the answer is no document")
    error = error_of(status, document, retry_seconds or None)
    if isinstance(error, Conflict):
        error.head = replace(error.head, door=decode_truth(bytes((door,))))
    return error


def _cut_grant(body: bytes) -> tuple[GrantId, bytes]:
    if len(body) < _GRANT_BYTES:
        raise Invalid("a write of the link begins with the grant that pays")
    return GrantId(body[:_GRANT_BYTES]), body[_GRANT_BYTES:]


def _json(text: bytes) -> Any:
    return decode_any(text, "the link carried a document that is no JSON")


def pages(ids: Sequence[BlockId]) -> Iterator[Sequence[BlockId]]:
    """Ids in rows that one request may hold."""
    for at in range(0, len(ids), SCAN_IDS):
        yield ids[at : at + SCAN_IDS]
