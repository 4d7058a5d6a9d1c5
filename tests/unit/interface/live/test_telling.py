"""Followers are told in turn: all of them, in order, and not all in one go."""

from __future__ import annotations

import asyncio
import itertools
import logging

import pytest

from cairn.core.chain import ChainId
from cairn.interface.live import telling
from cairn.interface.live.telling import Audience, Turns

CHAIN = ChainId(b"c" * 32)


class Listener:
    """Keeps what it is told. `is_quick`: nothing more is to be done then."""

    def __init__(self, *, is_quick: bool = False) -> None:
        self.is_quick = is_quick
        self.grown = 0
        self.heard: list[bytes] = []

    def grew(self, chain_id: ChainId) -> bool:
        assert chain_id == CHAIN
        self.grown += 1
        return self.is_quick

    def hear(self, frame: bytes) -> bool:
        self.heard.append(frame)
        return self.is_quick


class Failing(Listener):
    """Cannot be told of anything."""

    def grew(self, chain_id: ChainId) -> bool:
        raise ZeroDivisionError

    def hear(self, frame: bytes) -> bool:
        raise ZeroDivisionError


def gathered(count: int, turns: Turns | None = None, *, is_quick: bool = False) -> tuple[Audience, list[Listener]]:
    audience, listeners = Audience(CHAIN, turns or Turns()), [Listener(is_quick=is_quick) for _ in range(count)]
    for listener in listeners:
        audience.enter(listener)
    return audience, listeners


async def turns_until_all(listeners: list[Listener], count: int = 1) -> int:
    """How many turns of the event loop pass until all were told so often that the chain grew."""
    turns = 0
    while any(listener.grown < count for listener in listeners):
        await asyncio.sleep(0)
        turns += 1
    return turns


async def test_others_have_their_turn_between() -> None:
    audience, listeners = gathered(1_000)
    audience.grew()
    assert await turns_until_all(listeners) >= 1_000 // telling._NOTED_MAX
    await asyncio.sleep(0)
    assert {listener.grown for listener in listeners} == {1}


async def test_who_is_done_with_it_at_once_leaves_time_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "_SLICE_SECONDS", 60.0)
    audience, listeners = gathered(100, is_quick=True)
    audience.grew()
    assert await turns_until_all(listeners) == 1


async def test_a_slice_that_takes_long_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(step=telling._SLICE_SECONDS / 2)
    monkeypatch.setattr(telling, "_now", lambda: next(clock))
    audience, listeners = gathered(100, is_quick=True)
    audience.grew()
    assert await turns_until_all(listeners) >= 50


async def test_growth_is_told_once_for_all_that_came_meanwhile() -> None:
    audience, listeners = gathered(100)
    for _ in range(50):
        audience.grew()
    await asyncio.sleep(0)  # some are told
    for _ in range(50):
        audience.grew()
    await turns_until_all(listeners, 2)
    for _ in range(10):
        await asyncio.sleep(0)
    assert {listener.grown for listener in listeners} == {2}


async def test_messages_come_in_order_and_the_oldest_of_too_many_are_lost() -> None:
    audience, listeners = gathered(3)
    frames = [b"%d" % number for number in range(telling._UNHEARD_MAX + 10)]
    for frame in frames:
        audience.hear(frame)
    audience.grew()
    while len(listeners[-1].heard) < telling._UNHEARD_MAX:
        await asyncio.sleep(0)
    assert all(listener.heard == frames[10:] for listener in listeners)
    assert {listener.grown for listener in listeners} == {1}


async def test_chains_take_turns() -> None:
    """One with few followers does not wait for one with many."""
    turns = Turns()
    (many, crowd), (few, listeners) = gathered(1_000, turns), gathered(2, turns)
    many.grew()
    few.grew()
    await turns_until_all(listeners)
    assert sum(listener.grown for listener in crowd) < 100


async def test_who_has_left_is_told_nothing_more() -> None:
    audience, listeners = gathered(100)
    audience.grew()
    await asyncio.sleep(0)
    for listener in listeners[50:]:
        audience.leave(listener)
    late = Listener()
    audience.enter(late)
    await turns_until_all(listeners[:50])
    assert sum(listener.grown for listener in [*listeners[50:], late]) == 0
    audience.grew()
    await turns_until_all([late])
    assert len(audience) == 51


async def test_one_who_fails_fails_alone(caplog: pytest.LogCaptureFixture) -> None:
    audience, listeners = gathered(2)
    audience.enter(Failing())
    late = Listener()
    audience.enter(late)
    with caplog.at_level(logging.ERROR):
        audience.grew()
        audience.hear(b"hello")
        while not late.heard:
            await asyncio.sleep(0)
        audience.grew()
        await turns_until_all([*listeners, late], 2)
    assert "could not be told" in caplog.text
