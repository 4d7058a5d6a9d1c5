"""Lies in an event stream, beside those in the entries that it carries."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cairn.wire.live import FRAME_HEAD_BYTES
from tests.evil.lies.catalogue import About, lie
from tests.evil.lies.damage import damaged, flipped

_LONGER_THAN_ANY = 300_000


@dataclass(frozen=True)
class Stream:
    """An answer to who asks for events: blocks of lines, with what ends them. `is_cut`: it ends behind them."""

    blocks: tuple[bytes, ...]
    is_cut: bool = False
    status: int = 200
    type: str = "text/event-stream"


def event_of(frame: bytes | str) -> bytes:
    """What a socket carries, as an event: a frame with an entry; or a text, as a problem."""
    if isinstance(frame, str):
        return b"event: error\ndata: %b\n\n" % frame.encode()
    raw = frame[FRAME_HEAD_BYTES:]
    seq = int.from_bytes(raw[16:24], "big")
    document = {"chain": frame[:32].hex(), "seq": seq, "entry": base64.b64encode(raw).decode()}
    return b"event: entry\nid: %d\ndata: %b\n\n" % (seq + 1, json.dumps(document, separators=(",", ":")).encode())


def _with(told: Stream, at: int, *blocks: bytes) -> Stream:
    return replace(told, blocks=(*told.blocks[:at], *blocks, *told.blocks[at + 1 :]))


def _at(draw: random.Random, told: Stream) -> int:
    return draw.randrange(len(told.blocks))


def _ended(block: bytes) -> bytes:
    return block + b"\n\n"


@lie("event", "altered", "fork", "absent", "away")
def _flip_an_event(draw: random.Random, told: Stream, about: About) -> Stream:
    at = _at(draw, told)
    return _with(told, at, _ended(flipped(draw, told.blocks[at])))


@lie("event", "altered", "fork", "away")
def _damage_an_event(draw: random.Random, told: Stream, about: About) -> Stream:
    at = _at(draw, told)
    return _with(told, at, _ended(damaged(draw, told.blocks[at])))


@lie("event", "altered")
def _change_the_data(draw: random.Random, told: Stream, about: About) -> Stream:
    entry = base64.b64encode(draw.choice(about.story.main.entries).raw).decode()
    texts = (
        "", "{", "null", "[]", "7", "{}", '{"entry": 7}', '{"entry": "!"}', '{"entry": ""}', '{"entry": null}',
        f'["{entry}"]', f'{{"entry": "{entry[:-4]}"}}', f'{{"entry": "{entry}AAAA"}}', "\ufeff", "é\u2028",
    )  # fmt: skip
    return _with(told, _at(draw, told), b"event: entry\nid: 1\ndata: %b\n\n" % draw.choice(texts).encode())


@lie("event", "altered")
def _swap_ids(draw: random.Random, told: Stream, about: About) -> Stream:
    """Each event with the place of another, and the stream ends: whoever resumes by it asks for the wrong entries."""
    places = ("0", "-1", "x", "9" * 30, "1,2", str(2**53), "2")
    blocks = tuple(_with_id(block, draw.choice(places)) for block in told.blocks)
    return replace(told, blocks=blocks, is_cut=True)


def _with_id(block: bytes, place: str) -> bytes:
    lines = block.split(b"\n")
    return b"\n".join(b"id: " + place.encode() if line.startswith(b"id:") else line for line in lines)


@lie("event", "altered")
def _name_an_event_otherwise(draw: random.Random, told: Stream, about: About) -> Stream:
    at = _at(draw, told)
    name = draw.choice((b"message", b"entries", b"open", b"ENTRY", b""))
    return _with(told, at, told.blocks[at].replace(b"event: entry", b"event: " + name))


@lie("event", "altered")
def _take_an_event_apart(draw: random.Random, told: Stream, about: About) -> Stream:
    """Its data on two lines, which are one text with a line break in it; or with no end, so that the next joins it."""
    at = _at(draw, told)
    block = told.blocks[at]
    middle = draw.randrange(block.index(b"data: ") + 6, len(block)) if b"data: " in block else 0
    return _with(told, at, draw.choice((block[:middle] + b"\ndata: " + block[middle:], block[:-1])))


@lie("event", "altered")
def _put_an_endless_event_in(draw: random.Random, told: Stream, about: About) -> Stream:
    at = _at(draw, told)
    filling = draw.choice((b": ", b"data: ", b"event: ")) + b"x" * _LONGER_THAN_ANY
    return _with(told, at, _ended(filling), told.blocks[at])


@lie("event", "away", "absent", "refused", "closed", "altered")
def _end_by_a_problem(draw: random.Random, told: Stream, about: About) -> Stream:
    status, code = draw.choice(((404, "not_found"), (503, "unavailable"), (429, "limited"), (410, "closed"), (9, "x")))
    words = json.dumps({"type": "about:blank", "title": "no", "status": status, "code": code, "detail": "no"})
    data = draw.choice((words, "null", "[]", "{", '{"code": 7}'))
    at = _at(draw, told)
    return replace(told, blocks=(*told.blocks[:at], b"event: error\ndata: %b\n\n" % data.encode()), is_cut=True)


@lie("event", "away")
def _break_the_stream(draw: random.Random, told: Stream, about: About) -> Stream:
    at = _at(draw, told)
    block = told.blocks[at]
    return replace(told, blocks=(*told.blocks[:at], block[: draw.randrange(len(block))]), is_cut=True)


@lie("event", "away", "absent", "refused", "altered")
def _answer_with_no_stream(draw: random.Random, told: Stream, about: About) -> Stream:
    status: int = draw.choice((200, 204, 404, 403, 500, 503))
    return replace(told, blocks=(b"<!doctype html>\n\n",), is_cut=True, status=status, type="text/html")


def body_of(blocks: Sequence[bytes]) -> bytes:
    """A stream's body, with how soon to ask again."""
    return b": welcome\n\nretry: 20\n\n" + b"".join(blocks)
