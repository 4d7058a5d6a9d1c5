"""What travels on the WebSocket /v1/live, for both ends: JSON texts and binary frames to values, and back.

    client    text    {"subscribe": {"<chain>": seq, ...}}   {"unsubscribe": ["<chain>", ...]}   {"beat": n}
              binary  an ephemeral message, as it is
    server    binary  chain_id[32] ‖ u32 length ‖ an entry, or an ephemeral message: their magics tell them apart
              text    {"beat": unix ms, "echo": n}   {"ended": [...]}   {"lagged": [...]}   {"problem": {...}}

A problem that is about one chain has its id as "chain". See docs/protocol.md, "One socket, many chains".
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from cairn.core.chain import SEQ_MAX, ChainId, Entry, Seq
from cairn.core.crypto import SIGNATURE_BYTES
from cairn.core.ephemeral import BODY_BYTES_MAX, HEADER, MAGIC, Ephemeral
from cairn.core.errors import CairnError, Invalid
from cairn.wire.document import decode_document
from cairn.wire.messages import parse_id
from cairn.wire.status import error_of, problem

MESSAGE_BYTES_MAX: Final = HEADER.size + BODY_BYTES_MAX + SIGNATURE_BYTES
"""Of a binary frame from a client."""

COMMAND_BYTES_PER_CHAIN: Final = 96
"""Of a text from a client: an id, a seq, and what JSON puts around them."""

_FRAME: Final = struct.Struct(">32sI")

FRAME_HEAD_BYTES: Final = _FRAME.size
"""Of a binary frame from a server, before what it carries."""

_MISSHAPEN: Final = 'a text is JSON such as {"subscribe": {"<chain>": 0}} or {"unsubscribe": ["<chain>"]}'


class _CommandText(msgspec.Struct, forbid_unknown_fields=True):
    subscribe: dict[str, int] = {}
    unsubscribe: list[str] = []
    beat: int | None = None


class _NoticeText(msgspec.Struct):
    echo: int | None = None
    ended: list[str] = []
    lagged: list[str] = []
    problem: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """What a client asks for: chains from a seq on, chains no more, or a sign of life."""

    subscribe: Mapping[ChainId, Seq]
    unsubscribe: Collection[ChainId] = ()
    beat: int | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """What a server tells beside the frames."""

    ended: Collection[ChainId] = ()
    lagged: Collection[ChainId] = ()
    problem: CairnError | None = None
    chain_id: ChainId | None = None  # which the problem is about; None: the whole socket
    echo: int | None = None  # all that was sent before the beat with this number is settled


def decode_command(text: str) -> Command:
    """A client's text.

    Raises:
        Invalid: it is no such JSON, or empty, or an id or seq is malformed.
    """
    command = decode_document(text, _CommandText, _MISSHAPEN)
    if not command.subscribe and not command.unsubscribe and command.beat is None:
        raise Invalid(_MISSHAPEN)
    if any(not 0 <= seq <= SEQ_MAX for seq in command.subscribe.values()):
        raise Invalid("a seq is a number from 0 to 2^53 - 1")
    wanted = {ChainId(parse_id(chain_hex)): Seq(seq) for chain_hex, seq in command.subscribe.items()}
    return Command(wanted, _ids(command.unsubscribe), command.beat)


def encode_command(command: Command) -> str:
    """A client's text."""
    document: dict[str, Any] = {}
    if command.subscribe:
        document["subscribe"] = {chain_id.hex(): seq for chain_id, seq in command.subscribe.items()}
    if command.unsubscribe:
        document["unsubscribe"] = [chain_id.hex() for chain_id in command.unsubscribe]
    if command.beat is not None:
        document["beat"] = command.beat
    return msgspec.json.encode(document).decode()


def encode_frame(chain_id: ChainId, raw: bytes) -> bytes:
    """A server's binary frame with an entry or an ephemeral message."""
    return _FRAME.pack(chain_id, len(raw)) + raw


def decode_frame(frame: bytes) -> Entry | Ephemeral:
    """What a server's binary frame holds, parsed and not yet verified.

    Raises:
        Invalid, TooLarge: it is malformed, or says another chain than what it holds.
    """
    if len(frame) < _FRAME.size:
        raise Invalid("the server sent a frame that is cut short")
    chain_id, length = _FRAME.unpack_from(frame)
    raw = frame[_FRAME.size :]
    if length != len(raw):
        raise Invalid("the server sent a frame of another length than it says")
    held = Ephemeral.decode(raw) if raw.startswith(MAGIC) else Entry.decode(raw)
    if held.chain_id != chain_id:
        raise Invalid("the server sent an entry of another chain than it says")
    return held


def encode_beat(now_ms: int, echo: int | None = None) -> str:
    """The server's sign of life, or its answer to a client's."""
    return f'{{"beat":{now_ms}}}' if echo is None else f'{{"beat":{now_ms},"echo":{echo}}}'


def encode_ended(chain_ids: Collection[ChainId]) -> str:
    """These chains are closed, and all of their entries were sent."""
    return msgspec.json.encode({"ended": [chain_id.hex() for chain_id in chain_ids]}).decode()


def encode_lagged(chain_ids: Collection[ChainId]) -> str:
    """There was more of these chains than the client took."""
    return msgspec.json.encode({"lagged": [chain_id.hex() for chain_id in chain_ids]}).decode()


def encode_problem(error: CairnError, chain_id: ChainId | None = None) -> str:
    """Something was refused: of one chain, or else the socket closes."""
    document = problem(error)
    if chain_id is not None:
        document["chain"] = chain_id.hex()
    return msgspec.json.encode({"problem": document}).decode()


def decode_notice(text: str) -> Notice:
    """A server's text.

    Raises:
        Invalid: it is malformed.
    """
    notice = decode_document(text, _NoticeText, "the server sent a text that is malformed")
    if notice.problem is None:
        return Notice(_ids(notice.ended), _ids(notice.lagged), echo=notice.echo)
    status, chain_hex = notice.problem.get("status"), notice.problem.get("chain")
    error = error_of(status if isinstance(status, int) else 503, notice.problem)
    chain_id = ChainId(parse_id(chain_hex)) if isinstance(chain_hex, str) else None
    return Notice(_ids(notice.ended), _ids(notice.lagged), error, chain_id, notice.echo)


def _ids(texts: list[str]) -> tuple[ChainId, ...]:
    return tuple(ChainId(parse_id(text)) for text in texts)
