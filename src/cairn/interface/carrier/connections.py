"""The connections of a server: how many there are, and for how long each may be silent, or not listen.

A guard looks at all of them. It ends those that take too long to say what they want, those on which nothing moves at
all, and those whose unsent bytes have not moved for `send_seconds`, whatever the answer was: the kernel knows.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol

from cairn.config import Limits
from cairn.interface.admission.rates import address_group
from cairn.interface.carrier.kernel import moved
from cairn.interface.carrier.sending import Sending
from cairn.interface.numbers.families import Families, counters, gauges

_LOOK_SECONDS: Final = 0.25
_LOOKS: Final = 8  # a look at the deadlines costs little; one at the kernel's counts is made each so many
_FAREWELL_SECONDS: Final = 2.0
_IDLE_SECONDS_MIN: Final = 40.0  # twice a silence that is usual: heartbeats of streams, pings of HTTP/2
_AT_A_TIME: Final = 16

_log = logging.getLogger("cairn.interface")


class Deadline(enum.Enum):
    """What a connection waits for."""

    HEAD = "the first request, or the rest of one"
    IDLE = "the next request"
    NONE = "an answer of ours"
    SOCKET = "messages of a WebSocket"
    FAREWELL = "its client, to notice that it has ended"


class Connection(Protocol):
    """One connection, of whatever HTTP."""

    peer: str  # the address at the other end
    sending: Sending
    deadline: Deadline
    since: float  # `time.monotonic` when that began

    def stop(self) -> None:
        """Let what is under way be the last."""
        ...


class _Seen(NamedTuple):
    """A connection at one moment: its byte counts, and for how long they have not changed."""

    acked: int
    received: int
    still_seconds: float


class Connections:
    """All that are open.

    `per_address` is how many an address may have, 0: any number; those that `is_exempt` is true for may have more.
    """

    def __init__(self, limits: Limits, per_address: int, is_exempt: Callable[[str], bool]) -> None:
        self._limits = limits
        self._per_address = per_address
        self._is_exempt = is_exempt
        self._idle_seconds = max(_IDLE_SECONDS_MIN, 2 * limits.body_idle_seconds, 2 * limits.header_seconds)
        self._seconds_max = {
            Deadline.HEAD: limits.header_seconds or None,
            Deadline.IDLE: self._idle_seconds,
            Deadline.FAREWELL: _FAREWELL_SECONDS,
        }
        self._open: dict[Connection, _Seen | None] = {}
        self._taken = 0
        self._counts: Counter[str] = Counter()
        self._is_stopping = False
        self.on_place: Callable[[], None] = _nothing
        self.dropped = 0
        self.crowded = 0
        self.endless = 0

    def __len__(self) -> int:
        return len(self._open)

    def metrics(self) -> Families:
        """How many there are: a `Source`."""
        yield from gauges({"cairn_connections": (self._taken, "Open connections.")})
        yield from counters({
            "cairn_connections_dropped": (self.dropped, "Connections that were cut off, for whatever reason."),
            "cairn_connections_crowded": (self.crowded, "Of these: an address had more than its share."),
            "cairn_connections_endless": (self.endless, "Of these: a message on a live socket did not end."),
        })  # fmt: skip

    @property
    def has_places(self) -> bool:
        """Whether there may be one more."""
        return self._taken < self._limits.connections

    def take_place(self, peer: str) -> bool:
        """Count one more connection of an address; False: it has its share, and that is all it gets."""
        group = address_group(peer)
        if 0 < self._per_address <= self._counts[group] and not self._is_exempt(peer):
            self.crowded += 1
            self.dropped += 1
            return False
        self._counts[group] += 1
        self._taken += 1
        return True

    def give_place_back(self, peer: str) -> None:
        """One of them has ended, or never began."""
        group = address_group(peer)
        self._counts[group] -= 1
        if not self._counts[group]:
            del self._counts[group]
        self._taken -= 1
        self.on_place()

    def enter(self, connection: Connection) -> None:
        """A connection has begun, whose place was taken before."""
        self._open[connection] = None
        if self._is_stopping:
            connection.stop()

    def leave(self, connection: Connection) -> None:
        """It has ended."""
        del self._open[connection]
        self.dropped += connection.sending.is_cut
        self.give_place_back(connection.peer)

    def stop(self) -> None:
        """Let every connection end with what is under way."""
        self._is_stopping = True
        for connection in list(self._open):
            connection.stop()

    async def guard(self) -> None:
        """Cut off, for ever, who does not read what was sent, or has nothing to say."""
        while True:
            try:
                await self._guard_for_a_while()
            except Exception:
                _log.exception("the connections could not be looked at")

    async def _guard_for_a_while(self) -> None:
        began = time.monotonic()
        for _ in range(_LOOKS):
            await asyncio.sleep(_LOOK_SECONDS)
            await self._check_deadlines()
        await self._check_moves(time.monotonic() - began)

    async def _check_deadlines(self) -> None:
        now = time.monotonic()
        async for connection in _some_at_a_time(list(self._open)):
            seconds_max = self._seconds_max.get(connection.deadline)
            if seconds_max is not None and now - connection.since >= seconds_max:
                if connection.deadline in (Deadline.HEAD, Deadline.IDLE) and connection.sending.unsent_bytes:
                    connection.since = now  # it has yet to take an answer: see `_check_moves`
                else:
                    await _drop(connection)

    async def _check_moves(self, passed: float) -> None:
        async for connection in _some_at_a_time(list(self._open)):
            if connection in self._open:
                seen = self._open[connection] = _look(connection, self._open[connection], passed)
                if seen.still_seconds >= self._still_seconds_max(connection):
                    await _drop(connection)

    def _still_seconds_max(self, connection: Connection) -> float:
        """A live socket, whose client is told first that it lagged, has twice as long."""
        if not connection.sending.unsent_bytes:
            return self._idle_seconds
        return self._limits.send_seconds * (2 if connection.deadline is Deadline.SOCKET else 1)


async def _drop(connection: Connection) -> None:
    """Cut it off, with a pause: what follows from it is done before the next one is cut."""
    connection.sending.cut()
    await asyncio.sleep(0)


def _look(connection: Connection, before: _Seen | None, passed: float) -> _Seen:
    now = moved(connection.sending.socket)
    what = 1 if connection.sending.unsent_bytes else 2  # who takes nothing may not stay by sending
    is_still = before is not None and now[:what] == before[:what]
    return _Seen(*now, before.still_seconds + passed if is_still and before is not None else 0.0)


async def _some_at_a_time(items: Sequence[Any]) -> AsyncIterator[Any]:
    """All of them, with pauses in which who asks for something gets it: a look at thousands takes long."""
    for number, item in enumerate(items):
        if number % _AT_A_TIME == _AT_A_TIME - 1:
            await asyncio.sleep(0)
        yield item


def _nothing() -> None:
    """Nobody waits for a place."""
