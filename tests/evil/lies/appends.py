"""Lies in the answers to who appends to a chain."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

from tests.evil.lies.catalogue import About, lie
from tests.evil.lies.damage import flipped


@dataclass(frozen=True)
class Ack:
    """What is said of an append, and whether it is done."""

    status: int
    head: dict[str, Any]
    before: dict[str, Any]
    """The head before it."""
    is_kept: bool = True


@lie("ack", "fork", "altered", "rollback")
def _acknowledge_another(draw: random.Random, told: Ack, about: About) -> Ack:
    return replace(told, head={**told.head, "hash": draw.randbytes(32).hex()})


@lie("ack", "altered", "fork", "rollback")
def _acknowledge_less(draw: random.Random, told: Ack, about: About) -> Ack:
    return replace(told, head={**told.head, "seq": max(0, told.head["seq"] - draw.choice((1, 2)))})


@lie("ack", "altered")
def _acknowledge_more(draw: random.Random, told: Ack, about: About) -> Ack:
    return replace(told, head={**told.head, "seq": told.head["seq"] + 1, "hash": draw.randbytes(32).hex()})


@lie("ack", "altered")
def _acknowledge_for_another_chain(draw: random.Random, told: Ack, about: About) -> Ack:
    return replace(told, head={**told.head, "chain": draw.randbytes(32).hex()})


@lie("ack", "altered")
def _acknowledge_nonsense(draw: random.Random, told: Ack, about: About) -> Ack:
    return replace(told, head=draw.choice(({}, {"seq": "1"}, {**told.head, "seq": -1}, {**told.head, "hash": 7})))


@lie("ack", "rollback")
def _acknowledge_and_forget(draw: random.Random, told: Ack, about: About) -> Ack:
    return replace(told, is_kept=False)


@lie("ack", "altered")
def _feign_a_conflict(draw: random.Random, told: Ack, about: About) -> Ack:
    return replace(told, status=409, is_kept=False)


@lie("ack", "altered")
def _keep_it_and_call_it_a_conflict(draw: random.Random, told: Ack, about: About) -> Ack:
    return replace(told, status=409)


@lie("ack", "closed")
def _feign_the_end(draw: random.Random, told: Ack, about: About) -> Ack:
    return replace(told, status=410, is_kept=draw.random() < 0.5)


@lie("ack", "refused", "away", "absent")
def _refuse_to_append(draw: random.Random, told: Ack, about: About) -> Ack:
    return replace(told, status=draw.choice((400, 403, 404, 413, 500, 503, 504, 507)), is_kept=draw.random() < 0.5)


@lie("ack", "altered", "fork", "rollback")
def _acknowledge_the_one_before(draw: random.Random, told: Ack, about: About) -> Ack:
    """The head as it was before, whole and true then."""
    return replace(told, head=told.before, is_kept=draw.random() < 0.5)


@lie("ack", "altered", "absent")
def _acknowledge_by_another_status(draw: random.Random, told: Ack, about: About) -> Ack:
    return replace(told, status=draw.choice((200, 202, 203, 206))) if told.status < 300 else told


@lie("ack", "altered", "closed")
def _acknowledge_an_end(draw: random.Random, told: Ack, about: About) -> Ack:
    return replace(told, head={**told.head, "closed": True})


@lie("ack", "altered", "rollback")
def _vouch_falsely_and_forget(draw: random.Random, told: Ack, about: About) -> Ack:
    """A receipt that is not this server's word on this head: it must never be shown as evidence of what comes then."""
    receipt = dict(told.before["receipt"])
    name = draw.choice(("signature", "signature", "time_ms"))
    receipt[name] = receipt[name] + 1 if name == "time_ms" else flipped(draw, bytes.fromhex(receipt[name])).hex()
    other = draw.choice((receipt, receipt, told.before["receipt"]))
    return replace(told, head={**told.head, "receipt": other}, is_kept=False)


@lie("ack", "altered")
def _vouch_by_nonsense(draw: random.Random, told: Ack, about: About) -> Ack:
    garbage: Any = draw.choice((None, 7, [], {}, "x", {"time_ms": 1}, {"time_ms": 2**70, "signature": "00" * 64}))
    return replace(told, head={**told.head, "receipt": garbage})
