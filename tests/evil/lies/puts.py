"""Lies in the answers to who puts blocks, many at once or one alone."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from cairn.wire.messages import ALREADY, REFUSED, STORED, UNKNOWN
from tests.evil.lies.answers import refusal
from tests.evil.lies.catalogue import About, Answer, lie
from tests.evil.lies.damage import damaged, flipped


@dataclass(frozen=True)
class Puts:
    """What is said of blocks that were sent, and which of them are kept. `answer`: in place of the outcomes."""

    outcomes: tuple[tuple[bytes, int], ...]
    kept: tuple[bool, ...]
    answer: Answer | None = None

    @property
    def body(self) -> bytes:
        return b"".join(block_id + bytes((status,)) for block_id, status in self.outcomes)


def _said(told: Puts, at: int, status: int, *, is_kept: bool) -> Puts:
    outcomes, kept = list(told.outcomes), list(told.kept)
    outcomes[at], kept[at] = (outcomes[at][0], status), is_kept
    return replace(told, outcomes=tuple(outcomes), kept=tuple(kept))


def _named(told: Puts, ids: list[bytes]) -> Puts:
    return replace(told, outcomes=tuple((block_id, told.outcomes[at][1]) for at, block_id in enumerate(ids)))


def _at(draw: random.Random, told: Puts) -> int:
    return draw.randrange(len(told.outcomes))


def _bytes(told: Puts, body: bytes, status: int = 200) -> Puts:
    return replace(told, answer=Answer(status, {"Content-Type": "application/octet-stream"}, body))


@lie("put", "absent")
def _store_nothing(draw: random.Random, told: Puts, about: About) -> Puts:
    """Nobody can see this before the block is asked for."""
    return _said(told, _at(draw, told), draw.choice((STORED, ALREADY)), is_kept=False)


@lie("put", "refused", "away")
def _refuse_a_block(draw: random.Random, told: Puts, about: About) -> Puts:
    """Whether it is kept or not: it is then sent alone."""
    return _said(told, _at(draw, told), REFUSED, is_kept=draw.random() < 0.5)


@lie("put", "away", "altered")
def _not_know(draw: random.Random, told: Puts, about: About) -> Puts:
    status = draw.choice((UNKNOWN, UNKNOWN + 1, 7, 255))
    return _said(told, _at(draw, told), status, is_kept=draw.random() < 0.5)


@lie("put", "altered")
def _swap_ids_of_blocks(draw: random.Random, told: Puts, about: About) -> Puts:
    """Each outcome under the next one's id."""
    ids = [block_id for block_id, _ in told.outcomes]
    return _named(told, [*ids[1:], ids[0]] if len(ids) > 1 else [draw.randbytes(32)])


@lie("put", "altered")
def _answer_for_another_block(draw: random.Random, told: Puts, about: About) -> Puts:
    """It is kept, and another one is named; or it is not."""
    ids = [block_id for block_id, _ in told.outcomes]
    at = _at(draw, told)
    ids[at] = draw.choice((flipped(draw, ids[at]), bytes(32), ids[at - 1][::-1]))
    return _said(_named(told, ids), at, STORED, is_kept=draw.random() < 0.5)


@lie("put", "altered")
def _answer_for_one_block_twice(draw: random.Random, told: Puts, about: About) -> Puts:
    """In the place of the other, or behind it."""
    first = told.outcomes[0]
    return replace(told, outcomes=tuple(first for _ in told.outcomes) if len(told.outcomes) > 1 else (first, first))


@lie("put", "altered")
def _leave_an_outcome_out(draw: random.Random, told: Puts, about: About) -> Puts:
    at = _at(draw, told)
    return replace(told, outcomes=told.outcomes[:at] + told.outcomes[at + 1 :])


@lie("put", "altered", "refused", "away", "absent")
def _flip_in_the_outcomes(draw: random.Random, told: Puts, about: About) -> Puts:
    return _bytes(told, flipped(draw, told.body))


@lie("put", "altered", "refused", "away")
def _damage_the_outcomes(draw: random.Random, told: Puts, about: About) -> Puts:
    return _bytes(told, damaged(draw, told.body))


@lie("put", "refused", "away", "absent", "closed", "altered")
def _refuse_all_blocks(draw: random.Random, told: Puts, about: About) -> Puts:
    answer = refusal(draw.choice((400, 403, 404, 410, 413, 429, 500, 503, 504, 507)), draw.random() < 0.8)
    return replace(told, answer=answer, kept=tuple(draw.random() < 0.5 for _ in told.kept))


@lie("put", "altered", "absent")
def _answer_by_another_status(draw: random.Random, told: Puts, about: About) -> Puts:
    """With the right outcomes, or without."""
    return _bytes(told, draw.choice((told.body, b"", b"{}")), draw.choice((200, 201, 202, 206)))


# --- one alone --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PutAlone:
    """What is said of one block that was sent alone, and whether it is kept."""

    answer: Answer
    is_kept: bool = True


@lie("alone", "absent")
def _store_nothing_alone(draw: random.Random, told: PutAlone, about: About) -> PutAlone:
    return replace(told, answer=Answer(draw.choice((200, 201, 202, 204)), {}, b""), is_kept=False)


@lie("alone", "refused", "away", "absent", "closed", "altered")
def _refuse_it_alone(draw: random.Random, told: PutAlone, about: About) -> PutAlone:
    answer = refusal(draw.choice((400, 403, 404, 409, 410, 413, 429, 500, 503, 504, 507)), draw.random() < 0.8)
    return replace(told, answer=answer, is_kept=draw.random() < 0.5)
