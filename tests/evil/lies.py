"""The catalogue: all that a server may do to what it is asked for. Each lie is drawn by a seed, to be told again.

A lie has an *aim*: the history that it makes up and then keeps to, one answer, a head, an acknowledgement, a block, or
what comes live. `codes` is what a user may be told of it, in the words of `NAMES`; that nothing is told is right where
nothing false was shown, which the oracle judges, not the lie.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from cairn.client.format.payload import Payload
from cairn.core.chain import HEADER, Entry
from cairn.core.chain import Kind as EntryKind
from cairn.core.crypto import sha256
from cairn.testing.chains import Writer
from cairn.wire.live import encode_beat, encode_ended, encode_frame, encode_lagged
from tests.evil.world import Story, story

Aim = Literal["history", "page", "head", "ack", "block", "frames", "live", "info"]

NAMES: Final[Mapping[str, Mapping[str, frozenset[str]]]] = {
    "browser": {
        "altered": frozenset({"tampered"}),
        "rollback": frozenset({"rollback"}),
        "fork": frozenset({"fork"}),
        "absent": frozenset({"not_found", "no_account"}),
        "large": frozenset({"too_large"}),
        "away": frozenset({"unavailable", "unknown"}),
        "closed": frozenset({"closed", "tampered"}),
        "refused": frozenset({"forbidden", "limited", "full", "too_large", "invalid", "conflict"}),
    },
    "python": {
        "altered": frozenset({"invalid", "withheld"}),
        "rollback": frozenset({"rollback"}),
        "fork": frozenset({"fork"}),
        "absent": frozenset({"not_found", "no_account"}),
        "large": frozenset({"too_large"}),
        "away": frozenset({"unavailable", "unknown", "corrupt"}),
        "closed": frozenset({"closed", "invalid"}),
        "refused": frozenset({"forbidden", "limited", "full", "too_large", "invalid", "conflict"}),
    },
}


@dataclass(frozen=True)
class History:
    """A chain as a server shows it: entries, each with the seq at which it is kept, and the head that fits them."""

    rows: tuple[tuple[int, bytes], ...]
    seq: int
    hash: str
    closed: bool = False
    is_gone: bool = False
    floor: int | None = None
    """Another one than that of the last entry."""

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> History:
        last = entries[-1]
        rows = tuple((int(entry.seq), entry.raw) for entry in entries)
        return cls(rows, last.seq, last.hash.hex(), last.kind == EntryKind.CLOSE)


@dataclass(frozen=True)
class Answer:
    """One HTTP answer. `is_broken`: the connection ends before the body does."""

    status: int
    headers: dict[str, str]
    body: bytes
    is_broken: bool = False


@dataclass(frozen=True)
class Live:
    """What comes on a socket: the entries that an honest server would send, and texts or bytes beside them."""

    frames: tuple[bytes | str, ...]
    is_cut: bool = False


@dataclass(frozen=True)
class About:
    """Of which chain a lie is told, and what its server has beside it."""

    story: Story
    seen: int = 0
    blocks: Mapping[bytes, bytes] = field(default_factory=dict)

    @property
    def chain_id(self) -> bytes:
        return self.story.keys.chain_id


@dataclass(frozen=True)
class Kind:
    """One kind of lie."""

    name: str
    aim: Aim
    codes: frozenset[str]
    tell: Callable[[random.Random, Any, About], Any]


CATALOGUE: dict[str, Kind] = {}


def _lie(aim: Aim, *codes: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(tell: Callable[..., Any]) -> Callable[..., Any]:
        name = f"{aim}: {tell.__name__.strip('_').replace('_', ' ')}"
        CATALOGUE[name] = Kind(name, aim, frozenset(codes), tell)
        return tell

    return add


def of_aim(*aims: Aim) -> list[str]:
    """The names of the lies with these aims."""
    return [name for name, kind in CATALOGUE.items() if kind.aim in aims]


# --- bytes ------------------------------------------------------------------------------------------------------------


def flipped(draw: random.Random, raw: bytes) -> bytes:
    """One bit changed."""
    if not raw:
        return b"\0"
    changed = bytearray(raw)
    changed[draw.randrange(len(raw))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def damaged(draw: random.Random, raw: bytes) -> bytes:
    """Cut, lengthened, or with some bytes taken out, put in, or overwritten."""
    at = draw.randrange(len(raw)) if raw else 0
    some = draw.choice((1, 4, 32, 64))
    how = draw.randrange(5)
    if how == 0:
        return raw[:at]
    if how == 1:
        return raw + draw.randbytes(some)
    if how == 2:
        return raw[:at] + raw[at + some :]
    if how == 3:
        return raw[:at] + draw.randbytes(some) + raw[at:]
    return raw[:at] + draw.randbytes(some) + raw[at + some :]


def _other_field(draw: random.Random, raw: bytes) -> bytes:
    """An entry with another value in one field of its header, and the signature that it had."""
    values = list(HEADER.unpack_from(raw))
    at = draw.choice((1, 2, 4, 5, 6, 7))
    most = {1: 4, 2: 1, 4: 2**32 - 1, 5: 2**32 - 1, 6: 2**53 - 1, 7: 2**53 - 1}[at]
    values[at] = draw.choice((0, 1, max(0, values[at] - 1), min(most, values[at] + 1), most, values[at] ^ 1))
    return HEADER.pack(*values) + raw[HEADER.size :]


# --- histories --------------------------------------------------------------------------------------------------------


def _entry_at(draw: random.Random, told: History) -> int:
    """Where to lie: mostly near the end, and never nowhere."""
    count = len(told.rows)
    return draw.randrange(count) if draw.random() < 0.6 else draw.randrange(max(0, count - 3), count)


def _changed(told: History, at: int, raw: bytes) -> History:
    rows = list(told.rows)
    rows[at] = (rows[at][0], raw)
    return replace(told, rows=tuple(rows))


@_lie("history", "altered")
def _flip(draw: random.Random, told: History, about: About) -> History:
    at = _entry_at(draw, told)
    return _changed(told, at, flipped(draw, told.rows[at][1]))


@_lie("history", "altered")
def _damage(draw: random.Random, told: History, about: About) -> History:
    at = _entry_at(draw, told)
    return _changed(told, at, damaged(draw, told.rows[at][1]))


@_lie("history", "altered")
def _edit_header(draw: random.Random, told: History, about: About) -> History:
    at = _entry_at(draw, told)
    return _changed(told, at, _other_field(draw, told.rows[at][1]))


@_lie("history", "altered")
def _sign_with_another_key(draw: random.Random, told: History, about: About) -> History:
    at = _entry_at(draw, told)
    unsigned = told.rows[at][1][:-64]
    return _changed(told, at, unsigned + Writer("evil/stranger").keys.sign("entry", unsigned))


@_lie("history", "altered")
def _swap_signatures(draw: random.Random, told: History, about: About) -> History:
    at, other = _entry_at(draw, told), _entry_at(draw, told)
    return _changed(told, at, told.rows[at][1][:-64] + told.rows[other][1][-64:])


@_lie("history", "altered")
def _forge_by_a_reader(draw: random.Random, told: History, about: About) -> History:
    """Whoever reads could seal an entry that opens; only the signature is missing."""
    made = Writer(f"evil/forger/{draw.random()}")
    payload = Payload.of_text("never said").encode()
    forged = about.story.keys.follow(about.story.main.state, EntryKind.LINK, payload, salt=draw.randbytes(32)).raw
    raw = forged[:-64] + made.keys.sign("entry", forged[:-64])
    return replace(told, rows=(*told.rows, (told.seq + 1, raw)), seq=told.seq + 1, hash=sha256(raw).hex())


@_lie("history", "altered", "rollback")
def _leave_out(draw: random.Random, told: History, about: About) -> History:
    at = _entry_at(draw, told)
    return replace(told, rows=told.rows[:at] + told.rows[at + 1 :])


@_lie("history", "altered", "rollback")
def _leave_out_many(draw: random.Random, told: History, about: About) -> History:
    first, last = sorted((_entry_at(draw, told), _entry_at(draw, told)))
    return replace(told, rows=told.rows[:first] + told.rows[last + 1 :])


@_lie("history", "altered", "rollback")
def _leave_out_before_a_start(draw: random.Random, told: History, about: About) -> History:
    """What lies before a checkpoint or an end, whether its writer gave it up or not."""
    starts = [at for at, (_, raw) in enumerate(told.rows) if raw[4:5] in (b"\x03", b"\x04") and at > 1]
    stop = draw.choice(starts) if starts else len(told.rows)
    return replace(told, rows=told.rows[: draw.randrange(1, max(2, stop))] + told.rows[stop:])


@_lie("history", "altered", "rollback")
def _hold_back(draw: random.Random, told: History, about: About) -> History:
    """Less than the head that is named."""
    return replace(told, rows=told.rows[: _entry_at(draw, told)])


@_lie("history", "altered")
def _repeat(draw: random.Random, told: History, about: About) -> History:
    at, to = _entry_at(draw, told), _entry_at(draw, told)
    return replace(told, rows=(*told.rows[:to], told.rows[at], *told.rows[to:]))


@_lie("history", "altered")
def _swap(draw: random.Random, told: History, about: About) -> History:
    rows = list(told.rows)
    one, other = _entry_at(draw, told), _entry_at(draw, told)
    rows[one], rows[other] = rows[other], rows[one]
    return replace(told, rows=tuple(rows))


@_lie("history", "altered", "rollback")
def _shuffle(draw: random.Random, told: History, about: About) -> History:
    rows = list(told.rows)
    draw.shuffle(rows)
    return replace(told, rows=tuple(rows))


@_lie("history", "rollback")
def _roll_back(draw: random.Random, told: History, about: About) -> History:
    """An older state, and a head that fits it."""
    rows = told.rows[: max(1, _entry_at(draw, told))]
    seq, raw = rows[-1]
    return History(rows, seq, sha256(raw).hex())


@_lie("history", "rollback")
def _roll_back_past_what_was_seen(draw: random.Random, told: History, about: About) -> History:
    rows = tuple(row for row in told.rows if row[0] < max(1, about.seen))
    seq, raw = rows[-1]
    return History(rows, seq, sha256(raw).hex())


@_lie("history", "rollback", "absent")
def _lose_all(draw: random.Random, told: History, about: About) -> History:
    return replace(told, is_gone=True)


@_lie("history", "altered", "rollback")
def _show_nothing(draw: random.Random, told: History, about: About) -> History:
    return replace(told, rows=())


@_lie("history", "fork", "rollback")
def _fork(draw: random.Random, told: History, about: About) -> History:
    return History.of(about.story.branches[1].entries)


@_lie("history", "fork", "rollback")
def _fork_cut(draw: random.Random, told: History, about: About) -> History:
    entries = about.story.branches[1].entries
    return History.of(entries[: draw.randrange(1, len(entries) + 1)])


@_lie("history", "fork", "altered", "rollback")
def _cross_branches(draw: random.Random, told: History, about: About) -> History:
    """One branch up to a place, and from there on the other."""
    one, other = about.story.branches if draw.random() < 0.5 else about.story.branches[::-1]
    at = draw.randrange(1, min(len(one.entries), len(other.entries)) + 1)
    return History.of([*one.entries[:at], *other.entries[at:]])


@_lie("history", "altered", "fork", "rollback")
def _mix_branches(draw: random.Random, told: History, about: About) -> History:
    pairs = zip(*(branch.entries for branch in about.story.branches), strict=False)
    return History.of([draw.choice(pair) for pair in pairs])


@_lie("history", "altered")
def _splice(draw: random.Random, told: History, about: About) -> History:
    """An entry of another chain in the place of one."""
    at = _entry_at(draw, told)
    others = _another(draw, about).main.entries
    return _changed(told, at, draw.choice(others[max(0, told.rows[at][0] - 1) :] or others).raw)


@_lie("history", "altered")
def _put_in(draw: random.Random, told: History, about: About) -> History:
    """An entry of another chain between two."""
    at = _entry_at(draw, told)
    row = (told.rows[at][0], draw.choice(_another(draw, about).main.entries).raw)
    return replace(told, rows=(*told.rows[:at], row, *told.rows[at:]))


@_lie("history", "altered", "rollback")
def _another_chain(draw: random.Random, told: History, about: About) -> History:
    """Another chain under this one's id: whoever holds a capability for one is shown the other."""
    return History.of(_another(draw, about).main.entries)


@_lie("history", "altered")
def _another_genesis(draw: random.Random, told: History, about: About) -> History:
    genesis = _another(draw, about).main.entries[0].raw
    return replace(told, rows=((0, genesis), *told.rows[1:]))


@_lie("history", "altered", "fork")
def _go_on_with_another_chain(draw: random.Random, told: History, about: About) -> History:
    others = _another(draw, about).main.entries
    last = others[-1]
    rows = (*told.rows, *((int(entry.seq), entry.raw) for entry in others[told.seq + 1 :] or others[-1:]))
    return replace(told, rows=rows, seq=max(told.seq + 1, int(last.seq)), hash=last.hash.hex())


def _another(draw: random.Random, about: About) -> Story:
    names = [name for name in ("plain", "rotated", "trimmed", "kept", "closed") if name != about.story.name]
    return story(draw.choice(names))


# --- heads ------------------------------------------------------------------------------------------------------------


@_lie("head", "altered", "large")
def _a_later_head(draw: random.Random, told: History, about: About) -> History:
    return replace(told, seq=told.seq + draw.choice((1, 2, 1000, 2**53 - 1 - told.seq)))


@_lie("head", "rollback", "altered")
def _an_earlier_head(draw: random.Random, told: History, about: About) -> History:
    return replace(told, seq=draw.randrange(max(1, told.seq)))


@_lie("head", "altered", "fork")
def _another_hash(draw: random.Random, told: History, about: About) -> History:
    return replace(told, hash=draw.randbytes(32).hex())


@_lie("head", "altered", "rollback")
def _another_floor(draw: random.Random, told: History, about: About) -> History:
    return replace(told, floor=draw.choice((0, 1, told.seq // 2, told.seq, told.seq + 1, 2**53 - 1)))


@_lie("head", "altered")
def _another_end(draw: random.Random, told: History, about: About) -> History:
    return replace(told, closed=not told.closed)


# --- answers ----------------------------------------------------------------------------------------------------------


@_lie("page", "altered")
def _flip_a_bit(draw: random.Random, told: Answer, about: About) -> Answer:
    return replace(told, body=flipped(draw, told.body))


@_lie("page", "altered", "away", "rollback")
def _damage_the_answer(draw: random.Random, told: Answer, about: About) -> Answer:
    return replace(told, body=damaged(draw, told.body))


@_lie("page", "altered")
def _say_it_twice(draw: random.Random, told: Answer, about: About) -> Answer:
    return replace(told, body=told.body * 2)


@_lie("page", "away")
def _break_off(draw: random.Random, told: Answer, about: About) -> Answer:
    return replace(told, is_broken=True)


@_lie("page", "altered")
def _name_no_head(draw: random.Random, told: Answer, about: About) -> Answer:
    garbage = draw.choice((None, "", "-1", "x", "1 2 3", "9" * 40, "1e3 " + "00" * 32, "٣"))
    headers = {name: value for name, value in told.headers.items() if name != "Cairn-Head"}
    body = draw.choice((b"{}", b"null", b"[1]", b'{"seq": true}', b"<html>")) if told.body[:1] == b"{" else told.body
    return replace(told, headers=headers if garbage is None else {**headers, "Cairn-Head": garbage}, body=body)


@_lie("page", "away", "absent", "refused", "closed", "altered", "rollback")
def _refuse(draw: random.Random, told: Answer, about: About) -> Answer:
    return refusal(draw.choice((400, 403, 404, 410, 413, 429, 500, 503, 504, 507)), draw.random() < 0.8)


@_lie("page", "away", "altered")
def _send_elsewhere(draw: random.Random, told: Answer, about: About) -> Answer:
    return Answer(draw.choice((301, 302, 307, 308)), {"Location": "http://127.0.0.1:9/"}, b"")


@_lie("page", "altered")
def _a_web_page(draw: random.Random, told: Answer, about: About) -> Answer:
    """What a captive portal answers."""
    return Answer(200, {"Content-Type": "text/html"}, b"<!doctype html><title>Log in to the network</title>")


_CODES: Final = {
    400: "invalid", 403: "forbidden", 404: "not_found", 409: "conflict", 410: "closed", 413: "too_large",
    429: "limited", 500: "corrupt", 503: "unavailable", 504: "unknown", 507: "full",
}  # fmt: skip


def refusal(status: int, is_documented: bool = True, **more: Any) -> Answer:
    """A problem document, or a status without one."""
    document = {
        "type": "about:blank",
        "title": "no",
        "status": status,
        "code": _CODES[status],
        "detail": "refused",
        **more,
    }
    body = json.dumps(document).encode() if is_documented else b"nope"
    return Answer(status, {"Content-Type": "application/problem+json"}, body)


# --- acknowledgements -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ack:
    """What is said of an append, and whether it is done."""

    status: int
    head: dict[str, Any]
    is_kept: bool = True


@_lie("ack", "fork", "altered", "rollback")
def _acknowledge_another(draw: random.Random, told: Ack, about: About) -> Ack:
    return replace(told, head={**told.head, "hash": draw.randbytes(32).hex()})


@_lie("ack", "altered", "fork", "rollback")
def _acknowledge_less(draw: random.Random, told: Ack, about: About) -> Ack:
    return replace(told, head={**told.head, "seq": max(0, told.head["seq"] - draw.choice((1, 2)))})


@_lie("ack", "altered")
def _acknowledge_more(draw: random.Random, told: Ack, about: About) -> Ack:
    return replace(told, head={**told.head, "seq": told.head["seq"] + 1, "hash": draw.randbytes(32).hex()})


@_lie("ack", "altered")
def _acknowledge_for_another_chain(draw: random.Random, told: Ack, about: About) -> Ack:
    return replace(told, head={**told.head, "chain": draw.randbytes(32).hex()})


@_lie("ack", "altered")
def _acknowledge_nonsense(draw: random.Random, told: Ack, about: About) -> Ack:
    return replace(told, head=draw.choice(({}, {"seq": "1"}, {**told.head, "seq": -1}, {**told.head, "hash": 7})))


@_lie("ack", "rollback")
def _acknowledge_and_forget(draw: random.Random, told: Ack, about: About) -> Ack:
    return replace(told, is_kept=False)


@_lie("ack", "altered")
def _feign_a_conflict(draw: random.Random, told: Ack, about: About) -> Ack:
    return replace(told, status=409, is_kept=False)


@_lie("ack", "altered")
def _keep_it_and_call_it_a_conflict(draw: random.Random, told: Ack, about: About) -> Ack:
    return replace(told, status=409)


@_lie("ack", "closed")
def _feign_the_end(draw: random.Random, told: Ack, about: About) -> Ack:
    return replace(told, status=410, is_kept=draw.random() < 0.5)


@_lie("ack", "refused", "away", "absent")
def _refuse_to_append(draw: random.Random, told: Ack, about: About) -> Ack:
    return replace(told, status=draw.choice((400, 403, 404, 413, 500, 503, 504, 507)), is_kept=draw.random() < 0.5)


# --- blocks -----------------------------------------------------------------------------------------------------------


@_lie("block", "altered")
def _flip_in_a_block(draw: random.Random, told: bytes, about: About) -> bytes:
    return flipped(draw, told)


@_lie("block", "altered")
def _damage_a_block(draw: random.Random, told: bytes, about: About) -> bytes:
    return damaged(draw, told)


@_lie("block", "altered")
def _another_block(draw: random.Random, told: bytes, about: About) -> bytes:
    others = [other for other in about.blocks.values() if other != told]
    alike = [other for other in others if len(other) == len(told)]
    return draw.choice(alike if alike and draw.random() < 0.7 else others)


@_lie("block", "altered")
def _an_empty_block(draw: random.Random, told: bytes, about: About) -> bytes:
    return b""


@_lie("block", "absent")
def _a_block_lost(draw: random.Random, told: bytes, about: About) -> None:
    return None


Frames = list[tuple[bytes, bytes | None]]
"""Answers to `POST /v1/blocks/get`, which one client uses: id and bytes, or None for absent."""


@_lie("frames", "altered", "absent")
def _cross_blocks(draw: random.Random, told: Frames, about: About) -> Frames:
    """Each under the next one's id."""
    ids = [block_id for block_id, _ in told]
    if len(told) == 1:
        return [(ids[0], draw.choice([other for other in about.blocks.values() if other != told[0][1]]))]
    return [(ids[(number + 1) % len(ids)], data) for number, (_, data) in enumerate(told)]


@_lie("frames", "altered")
def _blocks_that_nobody_asked_for(draw: random.Random, told: Frames, about: About) -> Frames:
    return [*told, draw.choice(list(about.blocks.items()))] if draw.random() < 0.5 else [*told, told[0]]


@_lie("frames", "away")
def _leave_blocks_out(draw: random.Random, told: Frames, about: About) -> Frames:
    return told[: draw.randrange(len(told))]


# --- live -------------------------------------------------------------------------------------------------------------


def _frame_at(draw: random.Random, told: Live) -> int:
    return draw.choice([at for at, frame in enumerate(told.frames) if isinstance(frame, bytes)])


def _with_frame(told: Live, at: int, frame: bytes | str) -> Live:
    return replace(told, frames=(*told.frames[:at], frame, *told.frames[at + 1 :]))


def _between(told: Live, at: int, frame: bytes | str) -> Live:
    return replace(told, frames=(*told.frames[:at], frame, *told.frames[at:]))


@_lie("live", "altered", "fork")
def _flip_live(draw: random.Random, told: Live, about: About) -> Live:
    at = _frame_at(draw, told)
    frame = told.frames[at]
    assert isinstance(frame, bytes)
    return _with_frame(told, at, frame[:36] + flipped(draw, frame[36:]))


@_lie("live", "altered")
def _damage_live(draw: random.Random, told: Live, about: About) -> Live:
    at = _frame_at(draw, told)
    frame = told.frames[at]
    assert isinstance(frame, bytes)
    return _with_frame(told, at, damaged(draw, frame))


@_lie("live", "altered")
def _drop_live(draw: random.Random, told: Live, about: About) -> Live:
    at = draw.randrange(max(1, len(told.frames) - 1))
    return replace(told, frames=told.frames[:at] + told.frames[at + 1 :])


@_lie("live", "altered")
def _repeat_live(draw: random.Random, told: Live, about: About) -> Live:
    return _between(told, _frame_at(draw, told), told.frames[_frame_at(draw, told)])


@_lie("live", "altered")
def _replay_live(draw: random.Random, told: Live, about: About) -> Live:
    """An old entry once more."""
    old = draw.choice(about.story.main.entries)
    return _between(told, _frame_at(draw, told), encode_frame(old.chain_id, old.raw))


@_lie("live", "altered")
def _swap_live(draw: random.Random, told: Live, about: About) -> Live:
    frames = list(told.frames)
    one, other = _frame_at(draw, told), _frame_at(draw, told)
    frames[one], frames[other] = frames[other], frames[one]
    return replace(told, frames=tuple(frames))


@_lie("live", "altered", "fork")
def _splice_live(draw: random.Random, told: Live, about: About) -> Live:
    """Another chain's entry, under its own id or under this one's."""
    entry = draw.choice(_another(draw, about).main.entries)
    chain_id = entry.chain_id if draw.random() < 0.3 else about.story.keys.chain_id
    return _between(told, _frame_at(draw, told), encode_frame(chain_id, entry.raw))


@_lie("live", "fork", "altered")
def _fork_live(draw: random.Random, told: Live, about: About) -> Live:
    entry = draw.choice(about.story.branches[1].entries[about.story.forked_at :])
    return _between(told, _frame_at(draw, told), encode_frame(entry.chain_id, entry.raw))


@_lie("live", "altered")
def _forge_live(draw: random.Random, told: Live, about: About) -> Live:
    at = _frame_at(draw, told)
    frame = told.frames[at]
    assert isinstance(frame, bytes)
    unsigned = frame[36:-64]
    return _with_frame(told, at, frame[:36] + unsigned + Writer("evil/stranger").keys.sign("entry", unsigned))


@_lie("live", "altered", "away")
def _say_nonsense_live(draw: random.Random, told: Live, about: About) -> Live:
    words = ("", "{", "null", "[]", '{"problem": 7}', '{"echo": "x"}', '{"ended": [7]}', encode_beat(1, 2**40))
    chain_id = about.story.keys.chain_id
    texts = (*words, encode_lagged([chain_id]), encode_ended([chain_id]))
    return _between(told, _frame_at(draw, told), draw.choice(texts))


@_lie("live", "away", "absent")
def _refuse_live(draw: random.Random, told: Live, about: About) -> Live:
    problem = {"status": 404, "code": "not_found", "title": "no", "detail": "no", "type": "about:blank"}
    if draw.random() < 0.7:
        problem["chain"] = about.story.keys.chain_id.hex()
    return _between(told, _frame_at(draw, told), json.dumps({"problem": problem}))


@_lie("live", "away")
def _hang_up(draw: random.Random, told: Live, about: About) -> Live:
    return replace(told, frames=told.frames[: _frame_at(draw, told)], is_cut=True)


# --- what a server says of itself -------------------------------------------------------------------------------------


@_lie("info", "altered")
def _be_something_else(draw: random.Random, told: dict[str, Any], about: About) -> Any:
    return draw.choice((
        {}, [], None, {**told, "name": "nginx"}, {**told, "format": 2}, {**told, "receipt_key": "00"},
        {**told, "receipt_keys": 7}, {**told, "receipt_key": None},
    ))  # fmt: skip
