"""Lies in what comes live, on a socket or as events."""

from __future__ import annotations

import json
import random
from dataclasses import replace

from cairn.testing.chains import Writer
from cairn.wire.live import encode_beat, encode_ended, encode_frame, encode_lagged
from tests.evil.lies.catalogue import About, Live, lie
from tests.evil.lies.damage import another, damaged, flipped


def _frame_at(draw: random.Random, told: Live) -> int:
    return draw.choice([at for at, frame in enumerate(told.frames) if isinstance(frame, bytes)])


def _with_frame(told: Live, at: int, frame: bytes | str) -> Live:
    return replace(told, frames=(*told.frames[:at], frame, *told.frames[at + 1 :]))


def _between(told: Live, at: int, frame: bytes | str) -> Live:
    return replace(told, frames=(*told.frames[:at], frame, *told.frames[at:]))


@lie("live", "altered", "fork")
def _flip_live(draw: random.Random, told: Live, about: About) -> Live:
    at = _frame_at(draw, told)
    frame = told.frames[at]
    assert isinstance(frame, bytes)
    return _with_frame(told, at, frame[:36] + flipped(draw, frame[36:]))


@lie("live", "altered")
def _damage_live(draw: random.Random, told: Live, about: About) -> Live:
    at = _frame_at(draw, told)
    frame = told.frames[at]
    assert isinstance(frame, bytes)
    return _with_frame(told, at, damaged(draw, frame))


@lie("live", "altered")
def _drop_live(draw: random.Random, told: Live, about: About) -> Live:
    at = draw.randrange(max(1, len(told.frames) - 1))
    return replace(told, frames=told.frames[:at] + told.frames[at + 1 :])


@lie("live", "altered")
def _repeat_live(draw: random.Random, told: Live, about: About) -> Live:
    return _between(told, _frame_at(draw, told), told.frames[_frame_at(draw, told)])


@lie("live", "altered")
def _replay_live(draw: random.Random, told: Live, about: About) -> Live:
    """An old entry once more."""
    old = draw.choice(about.story.main.entries)
    return _between(told, _frame_at(draw, told), encode_frame(old.chain_id, old.raw))


@lie("live", "altered")
def _swap_live(draw: random.Random, told: Live, about: About) -> Live:
    frames = list(told.frames)
    one, other = _frame_at(draw, told), _frame_at(draw, told)
    frames[one], frames[other] = frames[other], frames[one]
    return replace(told, frames=tuple(frames))


@lie("live", "altered", "fork")
def _splice_live(draw: random.Random, told: Live, about: About) -> Live:
    """Another chain's entry, under its own id or under this one's."""
    entry = draw.choice(another(draw, about).main.entries)
    chain_id = entry.chain_id if draw.random() < 0.3 else about.story.keys.chain_id
    return _between(told, _frame_at(draw, told), encode_frame(chain_id, entry.raw))


@lie("live", "fork", "altered")
def _fork_live(draw: random.Random, told: Live, about: About) -> Live:
    entry = draw.choice(about.story.branches[1].entries[about.story.forked_at :])
    return _between(told, _frame_at(draw, told), encode_frame(entry.chain_id, entry.raw))


@lie("live", "altered")
def _forge_live(draw: random.Random, told: Live, about: About) -> Live:
    at = _frame_at(draw, told)
    frame = told.frames[at]
    assert isinstance(frame, bytes)
    unsigned = frame[36:-64]
    return _with_frame(told, at, frame[:36] + unsigned + Writer("evil/stranger").keys.sign("entry", unsigned))


@lie("live", "altered")
def _swap_ids_live(draw: random.Random, told: Live, about: About) -> Live:
    """This chain's entry, sent as another's."""
    at = _frame_at(draw, told)
    frame = told.frames[at]
    assert isinstance(frame, bytes)
    return _with_frame(told, at, another(draw, about).keys.chain_id + frame[32:])


@lie("live", "altered", "fork")
def _send_another_chain_live(draw: random.Random, told: Live, about: About) -> Live:
    """The entries of another chain, as if they were this one's."""
    others = another(draw, about).main.entries
    frames = tuple(
        encode_frame(about.story.keys.chain_id, others[number % len(others)].raw) for number in range(len(told.frames))
    )
    return replace(told, frames=frames)


@lie("live", "altered")
def _hold_back_live(draw: random.Random, told: Live, about: About) -> Live:
    return replace(told, frames=told.frames[_frame_at(draw, told) + 1 :])


@lie("live", "altered")
def _garble_live(draw: random.Random, told: Live, about: About) -> Live:
    """Bytes that are nothing, by themselves or as this chain's."""
    garbage = draw.randbytes(draw.choice((0, 3, 39, 200, 400)))
    frame = garbage if draw.random() < 0.5 else encode_frame(about.story.keys.chain_id, garbage)
    return _between(told, _frame_at(draw, told), frame)


@lie("live", "altered", "away")
def _say_nonsense_live(draw: random.Random, told: Live, about: About) -> Live:
    words = ("", "{", "null", "[]", '{"problem": 7}', '{"echo": "x"}', '{"ended": [7]}', encode_beat(1, 2**40))
    chain_id = about.story.keys.chain_id
    texts = (*words, encode_lagged([chain_id]), encode_ended([chain_id]))
    return _between(told, _frame_at(draw, told), draw.choice(texts))


@lie("live", "away", "absent")
def _refuse_live(draw: random.Random, told: Live, about: About) -> Live:
    problem = {"status": 404, "code": "not_found", "title": "no", "detail": "no", "type": "about:blank"}
    if draw.random() < 0.7:
        problem["chain"] = about.story.keys.chain_id.hex()
    return _between(told, _frame_at(draw, told), json.dumps({"problem": problem}))


@lie("live", "away")
def _hang_up(draw: random.Random, told: Live, about: About) -> Live:
    return replace(told, frames=told.frames[: _frame_at(draw, told)], is_cut=True)
