"""Who follows a chain is told of it, in turn with all else that happens.

To tell a thousand followers takes as long as to answer some hundred requests. So each turn of the event loop tells some
of them, for `_SLICE_SECONDS` at most, and in between whoever asks for something gets it. Chains take turns, too.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator
from time import perf_counter as _now
from typing import Final, Protocol, TypeVar

from cairn.core.chain import ChainId

T = TypeVar("T")

_SLICE_SECONDS: Final = 0.0005
_NOTED_MAX: Final = 8  # who only takes note has a turn of its own, which comes beside the slice
_UNHEARD_MAX: Final = 256

_log = logging.getLogger("cairn.interface")


class Follower(Protocol):
    """Who is told of a chain. None of this may wait. True: nothing more is to be done about it."""

    def grew(self, chain_id: ChainId) -> bool:
        """There are more entries, or the chain was closed."""
        ...

    def hear(self, frame: bytes) -> bool:
        """An ephemeral message was sent."""
        ...


class Turns:
    """Gives turns to all who have something to tell."""

    def __init__(self) -> None:
        self._waiting: deque[Iterator[bool]] = deque()
        self._is_due = False

    def take(self, steps: Iterator[bool]) -> None:
        """Go through these steps, a few at a time. Each says whether nothing more is to be done about it."""
        self._waiting.append(steps)
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        stop = _now() + _SLICE_SECONDS
        noted = 0
        while self._waiting and noted < _NOTED_MAX and _now() < stop:
            steps = self._waiting.popleft()
            is_done = next(steps, None)
            if is_done is not None:
                self._waiting.append(steps)
                noted += not is_done
        self._is_due = bool(self._waiting)
        if self._is_due:
            asyncio.get_running_loop().call_soon(self._go_on)


class Audience:
    """Those who follow one chain, and what they have yet to be told: that it grew, which is never lost and told once
    for all that came meanwhile, and ephemeral messages, of which the oldest are lost when there are too many."""

    def __init__(self, chain_id: ChainId, turns: Turns) -> None:
        self._chain_id = chain_id
        self._turns = turns
        self._followers: dict[Follower, None] = {}
        self._has_grown = False
        self._unheard: deque[bytes] = deque(maxlen=_UNHEARD_MAX)
        self._is_being_told = False

    def __len__(self) -> int:
        return len(self._followers)

    def enter(self, follower: Follower) -> None:
        """Tell it, too, from now on."""
        self._followers[follower] = None

    def leave(self, follower: Follower) -> None:
        """Tell it nothing more."""
        self._followers.pop(follower, None)

    def grew(self) -> None:
        """Tell all that there is more of the chain."""
        self._has_grown = True
        self._tell()

    def hear(self, frame: bytes) -> None:
        """Tell all of an ephemeral message."""
        self._unheard.append(frame)
        self._tell()

    def _tell(self) -> None:
        if not self._is_being_told:
            self._is_being_told = True
            self._turns.take(self._steps())

    def _steps(self) -> Iterator[bool]:
        """Tell one follower at a time, until there is nothing more to tell."""
        while self._has_grown or self._unheard:
            if self._has_grown:
                self._has_grown = False
                for follower in self._present():
                    yield _tell(follower.grew, self._chain_id)
            else:
                frame = self._unheard.popleft()
                for follower in self._present():
                    yield _tell(follower.hear, frame)
        self._is_being_told = False

    def _present(self) -> Iterator[Follower]:
        """All who are there now, and still are when their turn comes."""
        return (follower for follower in list(self._followers) if follower in self._followers)


def _tell(tell: Callable[[T], bool], what: T) -> bool:
    try:
        return tell(what)
    except Exception:  # of one follower: the others are told
        _log.exception("a follower could not be told of a chain")
        return True
