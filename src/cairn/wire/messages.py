"""Requests and answers as bytes: the payloads of the batch routes, and the JSON shapes. See docs/protocol.md.

Decoders take whole, bounded bodies and give values or raise `Invalid`; `FrameReader` cuts frames out of a stream as it
arrives. Integers are big-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cairn.core.block import BLOCK_BYTES_MAX, ID_BYTES, Block, BlockId, PinHash
from cairn.core.chain import ENTRY_BYTES_MAX, SEQ_MAX, ChainId, Entry, Head, Receipt, Seq
from cairn.core.errors import Invalid, TooLarge

BATCH_ITEMS_MAX: Final = 1_024
BATCH_BYTES_MAX: Final = 16 * 1024 * 1024
PAGE_ENTRIES: Final = 256

ABSENT: Final = 0xFFFFFFFF
UNAVAILABLE: Final = 0xFFFFFFFE

STORED, ALREADY, REFUSED, UNKNOWN = 0, 1, 2, 3
HAS_ABSENT, HAS_PRESENT, HAS_UNAVAILABLE = 0, 1, 2

_U32: Final = struct.Struct(">I")
_ID_U32: Final = struct.Struct(">32sI")
_READ: Final = struct.Struct(">32sQI")
_NO_PIN: Final = bytes(32)


# --- ids -------------------------------------------------------------------------------------------------------------


def encode_ids(ids: Iterable[bytes]) -> bytes:
    """N × id[32]: the body of `blocks/get` and `blocks/has`."""
    return b"".join(ids)


def decode_ids(body: bytes) -> list[BlockId]:
    """The ids of a `blocks/get` or `blocks/has`, in the order asked.

    Raises:
        Invalid: not whole ids. TooLarge: over `BATCH_ITEMS_MAX`.
    """
    if len(body) % ID_BYTES:
        raise Invalid("the body is not a row of 32-byte ids")
    if len(body) > ID_BYTES * BATCH_ITEMS_MAX:
        raise TooLarge(f"one request asks for at most {BATCH_ITEMS_MAX} ids")
    return [BlockId(body[at : at + ID_BYTES]) for at in range(0, len(body), ID_BYTES)]


# --- blocks ----------------------------------------------------------------------------------------------------------


def encode_got_block(block: Block) -> bytes:
    """`id[32] ‖ u32 length ‖ bytes`: one frame of the answer to `blocks/get`."""
    return _ID_U32.pack(block.id, len(block.data)) + block.data


def decode_wanted_block(body: bytes, block_id: BlockId) -> Block:
    """The block in one such frame, whole.

    Raises:
        Invalid: it is another, or none, or not whole, or more follows. TooLarge: over `BLOCK_BYTES_MAX`.
    """
    found_id, length = _unpack(_ID_U32, body, 0)
    if found_id != block_id or length in (ABSENT, UNAVAILABLE):
        raise Invalid("the answer is not the block that was asked for")
    data = _cut(body, _ID_U32.size, length, BLOCK_BYTES_MAX)
    if len(body) != _ID_U32.size + length:
        raise Invalid("more follows than one block")
    return Block.verified(block_id, data)


def encode_missing_block(block_id: BlockId, why: int) -> bytes:
    """A frame without bytes; `why` is `ABSENT` or `UNAVAILABLE`."""
    return _ID_U32.pack(block_id, why)


@dataclass(frozen=True, slots=True)
class PutItem:
    """One block to store, and the pin hash that keeps it."""

    pin: PinHash | None
    data: bytes


def encode_put(items: Iterable[PutItem]) -> bytes:
    """Frames `pin hash[32] or zeros ‖ u32 length ‖ bytes`: the body of `blocks/put`."""
    return b"".join(_ID_U32.pack(item.pin or _NO_PIN, len(item.data)) + item.data for item in items)


def decode_put(body: bytes) -> list[PutItem]:
    """The items of a `blocks/put`.

    Raises:
        Invalid: not whole frames. TooLarge: too many, or one over `BLOCK_BYTES_MAX`.
    """
    items = []
    at = 0
    while at < len(body):
        pin, length, at = *_unpack(_ID_U32, body, at), at + _ID_U32.size
        items.append(PutItem(None if pin == _NO_PIN else PinHash(pin), _cut(body, at, length, BLOCK_BYTES_MAX)))
        at += length
        _check_count(items)
    return items


def encode_put_answer(outcomes: Iterable[tuple[BlockId, int]]) -> bytes:
    """N × (`id[32] ‖ u8 status`), status `STORED`, `ALREADY`, `REFUSED` or `UNKNOWN`."""
    return b"".join(block_id + bytes((status,)) for block_id, status in outcomes)


def decode_put_answer(body: bytes) -> list[tuple[BlockId, int]]:
    """The outcomes of a `blocks/put`, in the order sent.

    Raises:
        Invalid: not whole outcomes, or a status that is not known.
    """
    if len(body) % 33 or any(status > UNKNOWN for status in body[32::33]):
        raise Invalid("the answer to a put is malformed")
    return [(BlockId(body[at : at + 32]), body[at + 32]) for at in range(0, len(body), 33)]


# --- entries ---------------------------------------------------------------------------------------------------------


def encode_entries(entries: Iterable[Entry]) -> bytes:
    """Frames `u32 length ‖ entry`: the body of an append and the answer of a read."""
    return b"".join(_U32.pack(len(entry.raw)) + entry.raw for entry in entries)


def decode_entries(body: bytes) -> list[bytes]:
    """The raw entries of an append or an answer; `Entry.decode` parses them.

    Raises:
        Invalid: not whole frames. TooLarge: too many, or one over `ENTRY_BYTES_MAX`.
    """
    raws = []
    at = 0
    while at < len(body):
        (length,) = _unpack(_U32, body, at)
        at += _U32.size
        raws.append(_cut(body, at, length, ENTRY_BYTES_MAX))
        at += length
        _check_count(raws)
    return raws


@dataclass(frozen=True, slots=True)
class ReadItem:
    """One chain to catch up: at most `limit` entries from seq `start`."""

    chain_id: ChainId
    start: Seq
    limit: int


def encode_read(items: Iterable[ReadItem]) -> bytes:
    """N × (`chain_id[32] ‖ u64 from ‖ u32 limit`): the body of `chains/read`."""
    return b"".join(_READ.pack(item.chain_id, item.start, item.limit) for item in items)


def decode_read(body: bytes) -> list[ReadItem]:
    """The chains that a `chains/read` asks for.

    Raises:
        Invalid: not whole items. TooLarge: over `BATCH_ITEMS_MAX`.
    """
    if len(body) % _READ.size:
        raise Invalid("the body is not a row of 44-byte items")
    if len(body) > _READ.size * BATCH_ITEMS_MAX:
        raise TooLarge(f"one request reads at most {BATCH_ITEMS_MAX} chains")
    return [ReadItem(ChainId(chain_id), Seq(start), limit) for chain_id, start, limit in _READ.iter_unpack(body)]


def encode_read_chain(chain_id: ChainId, entries: Sequence[Entry]) -> bytes:
    """`chain_id[32] ‖ u32 count ‖ count × (u32 length ‖ entry)`: one frame of the answer to `chains/read`."""
    return _ID_U32.pack(chain_id, len(entries)) + encode_entries(entries)


def encode_missing_chain(chain_id: ChainId, why: int) -> bytes:
    """A frame without entries; `why` is `ABSENT` or `UNAVAILABLE`."""
    return _ID_U32.pack(chain_id, why)


def decode_read_answer(body: bytes) -> Iterator[tuple[ChainId, list[bytes] | int]]:
    """Per chain its raw entries, or `ABSENT` or `UNAVAILABLE`.

    Raises:
        Invalid: not whole frames.
    """
    at = 0
    while at < len(body):
        chain_id, count = _unpack(_ID_U32, body, at)
        at += _ID_U32.size
        if count in (ABSENT, UNAVAILABLE):
            yield ChainId(chain_id), int(count)
            continue
        raws = []
        for _ in range(count):
            (length,) = _unpack(_U32, body, at)
            at += _U32.size
            raws.append(_cut(body, at, length, ENTRY_BYTES_MAX))
            at += length
        yield ChainId(chain_id), raws


# --- frames from a stream --------------------------------------------------------------------------------------------


class GotBlocksReader:
    """Cuts the answer to `blocks/get` into frames as its bytes arrive.

    Holds at most one frame and the bytes of one `feed`.
    """

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[BlockId, bytes | int]]:
        """Per frame that is now whole: the id, and its bytes or `ABSENT` or `UNAVAILABLE`.

        Raises:
            Invalid: a frame claims more than `BLOCK_BYTES_MAX` bytes.
        """
        self._rest += data
        at = 0
        while len(self._rest) - at >= _ID_U32.size:
            block_id, length = _ID_U32.unpack_from(self._rest, at)
            if length in (ABSENT, UNAVAILABLE):
                at += _ID_U32.size
                yield BlockId(block_id), int(length)
                continue
            if length > BLOCK_BYTES_MAX:
                raise Invalid("the answer holds a frame over the size of a block")
            end = at + _ID_U32.size + length
            if len(self._rest) < end:
                break
            found = bytes(memoryview(self._rest)[at + _ID_U32.size : end])
            at = end
            yield BlockId(block_id), found
        del self._rest[:at]

    def finish(self) -> None:
        """Say that no byte follows.

        Raises:
            Invalid: the last frame is cut off.
        """
        if self._rest:
            raise Invalid("the answer ends within a frame")


# --- JSON shapes -----------------------------------------------------------------------------------------------------


def head_to_json(head: Head) -> dict[str, Any]:
    """The JSON shape of a head."""
    document: dict[str, Any] = {
        "chain": head.chain_id.hex(),
        "seq": head.seq,
        "hash": head.hash.hex(),
        "floor": head.floor,
        "key_epoch": head.key_epoch,
        "closed": head.closed,
        "entries": head.entries,
        "bytes": head.bytes,
    }
    if head.receipt is not None:
        document["receipt"] = {"time_ms": head.receipt.time_ms, "signature": head.receipt.signature.hex()}
    return document


def head_from_json(document: Any) -> Head:
    """The head in an answer.

    Raises:
        Invalid: a field is missing, of another type, or out of range.
    """
    try:
        receipt = document.get("receipt")
        return Head(
            chain_id=ChainId(_hex32(document["chain"])),
            seq=_seq(document["seq"]),
            hash=_hex32(document["hash"]),
            floor=_seq(document["floor"]),
            key_epoch=_natural(document["key_epoch"]),
            closed=document["closed"] is True,
            entries=_natural(document["entries"]),
            bytes=_natural(document["bytes"]),
            receipt=Receipt(_natural(receipt["time_ms"]), bytes.fromhex(receipt["signature"])) if receipt else None,
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Invalid("the head in the answer is malformed") from None


def parse_id(text: str) -> bytes:
    """The id in a URL: 64 lower-case hex digits.

    Raises:
        Invalid: it is not.
    """
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if len(value) != ID_BYTES or value.hex() != text:  # `fromhex` takes upper case and spaces
        raise Invalid("an id is 64 lower-case hex digits")
    return value


def _hex32(text: str) -> bytes:
    value = bytes.fromhex(text)
    if len(value) != ID_BYTES:
        raise ValueError
    return value


def _seq(value: object) -> Seq:
    number = _natural(value)
    if number > SEQ_MAX:
        raise ValueError
    return Seq(number)


def _natural(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 64:
        raise ValueError
    return value


def _unpack(layout: struct.Struct, body: bytes, at: int) -> tuple[Any, ...]:
    if len(body) - at < layout.size:
        raise Invalid("the body ends within a frame")
    return layout.unpack_from(body, at)


def _cut(body: bytes, at: int, length: int, bytes_max: int) -> bytes:
    if length > bytes_max:
        raise TooLarge(f"a frame holds at most {bytes_max} bytes")
    if len(body) - at < length:
        raise Invalid("the body ends within a frame")
    return body[at : at + length]


def _check_count(items: Sequence[object]) -> None:
    if len(items) > BATCH_ITEMS_MAX:
        raise TooLarge(f"one request holds at most {BATCH_ITEMS_MAX} items")
