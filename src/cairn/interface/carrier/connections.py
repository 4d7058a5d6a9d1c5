"""What the HTTP server does not tell of its connections: whether the client reads, whether it speaks at all, and how
many it has.

Granian takes any number of bytes for a stream, so a subscriber that never reads would fill the memory. The kernel knows
better: SIOCOUTQ is what a socket has not got rid of. The sockets are this process's, so they are found among its
descriptors by their peer's address. On that rest these things:

- a stream sends its next piece only while its socket holds less than `_UNSENT_BYTES_MAX`, and is dropped when that does
  not come true within `send_seconds`; one that has sent little in all is not looked for, since thousands may begin at
  once;
- a guard closes connections whose unsent bytes have not moved for `send_seconds`, whatever the answer was;
- and those on which nothing moves at all. Granian's deadline for headers begins only when it knows which HTTP it is;
- and the newest of an address that has more than its share;
- and WebSockets whose client sends on and on without an end of its message, for Granian would gather 64 MiB of it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple, TypeVar

from cairn.config import Limits
from cairn.interface.admission.rates import address_group
from cairn.interface.carrier.kernel import cut, duplicate, moved, peer_of, unread_bytes, unsent_bytes
from cairn.interface.interpreter import eagerness
from cairn.interface.numbers.families import Families, counters, gauges

_UNSENT_BYTES_MAX: Final = 256 * 1024
_LITTLE_BYTES: Final = 64 * 1024
_UNFINISHED_BYTES_MAX: Final = 1024 * 1024
_POLL_SECONDS: Final = (0.005, 0.02, 0.05, 0.1, 0.25)
_GUARD_SECONDS: Final = 2.0
_CROWDED_SECONDS: Final = 0.25
_GATHERING_SECONDS: Final = 0.2
_AT_A_TIME: Final = 16  # a third of a millisecond
_DESCRIPTORS: Final = "/proc/self/fd"
_PREFACE_BYTES: Final = 24  # of HTTP/2: after so many it is known which HTTP it is (RFC 9113, 3.4)
_IDLE_SECONDS_MIN: Final = 40.0  # twice a silence that is usual: heartbeats of streams, pings of HTTP/2

T = TypeVar("T")


class Sending:
    """One stream's view of its socket, which `find` finds when it matters."""

    def __init__(self, find: Callable[[], socket.socket | None], seconds_max: float) -> None:
        self._find = find
        self._seconds_max = seconds_max
        self._connection: socket.socket | None = None
        self._sent_bytes = 0
        self.is_cut = False

    async def has_room(self, size: int) -> bool:
        """Wait until the client has taken most of what was sent, so that `size` bytes more may be; False if it does not
        in time."""
        self._sent_bytes += size
        return self._sent_bytes <= _LITTLE_BYTES or await self._is_down_to(_UNSENT_BYTES_MAX)

    def has_room_now(self, size: int) -> bool:
        """Whether `size` bytes more may be sent without a wait, as far as that can be told at once; then they count as
        sent."""
        sent_bytes = self._sent_bytes + size
        if sent_bytes > _LITTLE_BYTES:
            connection = self._connection
            if connection is None or unsent_bytes(connection) > _UNSENT_BYTES_MAX:
                return False
        self._sent_bytes = sent_bytes
        return True

    async def settle(self) -> None:
        """Wait until the client has taken all that was sent; end the connection when it does not in time.

        Closed with bytes in it, it would be out of sight, and the kernel would hold them for a client that never reads.
        """
        if not await self._is_down_to(0):
            self.cut()

    async def _is_down_to(self, bytes_max: int) -> bool:
        connection = self._found()
        if connection is None:
            return False
        waited = 0.0
        polls = iter(_POLL_SECONDS)
        pause = 0.0
        while unsent_bytes(connection) > bytes_max:
            if waited >= self._seconds_max:
                return False
            pause = next(polls, pause)
            await asyncio.sleep(pause)
            waited += pause
        return True

    def cut(self) -> None:
        """End the connection for both sides, and forget what was not sent."""
        connection = self._found()
        if connection is not None:
            self.is_cut = True
            cut(connection)

    def close(self) -> None:
        """Look at it no more."""
        if self._connection is not None:
            self._connection.close()

    def _found(self) -> socket.socket | None:
        if self._connection is None:
            self._connection = self._find()
        return self._connection


class Gathering:
    """What the client at the other end of a WebSocket has sent of a message that is not whole, since it is seen."""

    def __init__(self, peer: str) -> None:
        self.peer = peer
        self._connection: socket.socket | None = None
        self._at_last_message = 0
        self._has_come = False

    @property
    def is_seen(self) -> bool:
        """Its socket was found."""
        return self._connection is not None

    def see(self, connection: socket.socket) -> None:
        """Look at this socket from now on. If no message has come yet, all that did is the first one's."""
        self._connection = connection
        if self._has_come:
            self.came()

    def came(self) -> None:
        """A whole message came."""
        self._has_come = True
        if self._connection is not None:
            self._at_last_message = moved(self._connection).received - unread_bytes(self._connection)

    def check(self) -> bool:
        """Whether it is more than any message may have; then the connection is ended."""
        if self._connection is None:
            return False
        most = moved(self._connection).received - self._at_last_message
        if most <= _UNFINISHED_BYTES_MAX or most - unread_bytes(self._connection) <= _UNFINISHED_BYTES_MAX:
            return False
        cut(self._connection)
        return True

    def close(self) -> None:
        """Look at it no more."""
        if self._connection is not None:
            self._connection.close()


class _Seen(NamedTuple):
    """A connection at one moment: its byte counts, for how long they have not changed, and its age."""

    acked: int
    received: int
    unsent: int
    still_seconds: float
    age_seconds: float


class Connections:
    """The server's connections, found among this process's descriptors.

    `per_address` is how many an address may have, 0: any number; those that `is_exempt` is true for may have more.
    """

    def __init__(self, port: int, limits: Limits, per_address: int, is_exempt: Callable[[str], bool]) -> None:
        self._port = port
        self._limits = limits
        self._per_address = per_address
        self._is_exempt = is_exempt
        self._peers: dict[int, tuple[int, str]] = {}  # by descriptor: its inode, and the other end
        self._places: dict[str, tuple[int, int]] = {}  # by the other end: descriptor and inode
        self._gatherings: set[Gathering] = set()
        self._idle_seconds = max(_IDLE_SECONDS_MIN, 2 * limits.body_idle_seconds, 2 * limits.header_seconds)
        self.open = 0  # when the guard last looked
        self.dropped = 0
        self.crowded = 0
        self.endless = 0

    def metrics(self) -> Families:
        """How many there are: a `Source`."""
        yield from gauges({"cairn_connections": (self.open, "Open connections, as of the last two seconds.")})
        yield from counters({
            "cairn_connections_dropped": (self.dropped, "Connections that were cut off, for whatever reason."),
            "cairn_connections_crowded": (self.crowded, "Of these: an address had more than its share."),
            "cairn_connections_endless": (self.endless, "Of these: a message on a live socket did not end."),
        })  # fmt: skip

    @contextmanager
    def sending(self, peer: str) -> Iterator[Sending]:
        """The socket whose other end is `peer` ("host:port"), to send on."""
        sending = Sending(lambda: self._find(peer), self._limits.send_seconds)
        try:
            yield sending
        finally:
            self.dropped += sending.is_cut
            sending.close()

    @contextmanager
    def gathering(self, peer: str) -> Iterator[Gathering]:
        """The WebSocket whose other end is `peer`, to receive on."""
        gathering = Gathering(peer)
        self._gatherings.add(gathering)
        try:
            yield gathering
        finally:
            self._gatherings.discard(gathering)
            gathering.close()

    async def guard(self) -> None:
        """Cut off, for ever, who does not read what was sent, has nothing to say, or is there too often."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._guard_connections())
            tasks.create_task(self._guard_gatherings())

    async def _guard_gatherings(self) -> None:
        while True:
            await asyncio.sleep(_GATHERING_SECONDS)
            await self._see([gathering for gathering in self._gatherings if not gathering.is_seen])
            async for gathering in _some_at_a_time(list(self._gatherings)):
                if gathering in self._gatherings and gathering.check():
                    self._gatherings.discard(gathering)
                    self.endless += 1
                    self.dropped += 1

    async def _see(self, gatherings: Collection[Gathering]) -> None:
        """Find the sockets of all that are new, at one look."""
        if gatherings:
            await self._look_around()
        for gathering in gatherings:
            connection = self._known(gathering.peer) if gathering in self._gatherings else None
            if connection is not None:
                gathering.see(connection)

    async def _guard_connections(self) -> None:
        """Every `_GUARD_SECONDS` look at all; after a crowd was cut, look sooner whether it is back."""
        known: dict[str, _Seen] = {}
        passed = 0.0
        while True:
            pause = _CROWDED_SECONDS if await self._cut_crowds(known) else _GUARD_SECONDS
            await asyncio.sleep(pause)
            passed += pause
            if passed >= _GUARD_SECONDS:
                known = await self._check(known, passed)
                passed = 0.0

    async def _check(self, before: dict[str, _Seen], passed: float) -> dict[str, _Seen]:
        """What there is to know of every connection, cutting those that have had their time."""
        after: dict[str, _Seen] = {}
        sockets = {gathering.peer for gathering in self._gatherings}
        await self._look_around()
        async for peer, place in _some_at_a_time(list(self._places.items())):
            connection = duplicate(*place)
            if connection is None:
                continue
            with connection:
                seen = _look(connection, before.get(peer), passed)
                if self._is_over(seen, is_socket=peer in sockets):
                    self.dropped += 1
                    cut(connection)
                else:
                    after[peer] = seen
        self.open = len(after)
        return after

    def _is_over(self, seen: _Seen, *, is_socket: bool) -> bool:
        """Whether a connection has had its time; a live socket, whose client is told first that it lagged, twice."""
        if seen.received < _PREFACE_BYTES:
            return seen.age_seconds >= self._limits.header_seconds > 0
        send_seconds = self._limits.send_seconds * (2 if is_socket else 1)
        seconds_max = send_seconds if seen.unsent else self._idle_seconds
        return seen.still_seconds >= seconds_max

    async def _cut_crowds(self, known: dict[str, _Seen]) -> bool:
        """Cut the newest connections of each address that has too many; whether there were any."""
        if not self._per_address:
            return False
        await self._look_around()
        crowds: defaultdict[str, set[str]] = defaultdict(set)
        for _, peer in self._peers.values():
            host = peer.rpartition(":")[0].strip("[]")
            if host and not self._is_exempt(host):
                crowds[address_group(host)].add(peer)
        over = [p for crowd in crowds.values() for p in _newest_first(crowd, known)[: -self._per_address or None]]
        for peer in over:
            with self.sending(peer) as sending:
                sending.cut()
        self.crowded += len(over)
        return bool(over)

    def _find(self, peer: str) -> socket.socket | None:
        known = self._known(peer)
        if known is None:
            self._scan()
            known = self._known(peer)
        return known

    def _known(self, peer: str) -> socket.socket | None:
        place = self._places.get(peer)
        return duplicate(*place) if place is not None else None

    def _scan(self) -> None:
        """Look at the descriptors that are new; others are known by their inode."""
        peers: dict[int, tuple[int, str]] = {}
        for name in os.listdir(_DESCRIPTORS):  # noqa: PTH208 - thousands of names, no paths
            self._note(int(name), peers)
        self._know(peers)

    async def _look_around(self) -> None:
        """The same, with pauses."""
        peers: dict[int, tuple[int, str]] = {}
        async for name in _some_at_a_time(await asyncio.to_thread(os.listdir, _DESCRIPTORS)):
            self._note(int(name), peers)
        self._know(peers)

    def _note(self, descriptor: int, peers: dict[int, tuple[int, str]]) -> None:
        try:
            status = os.fstat(descriptor)
        except OSError:  # closed meanwhile
            return
        known = self._peers.get(descriptor)
        if known is None or known[0] != status.st_ino:
            is_socket = stat.S_ISSOCK(status.st_mode)
            known = (status.st_ino, peer_of(descriptor, self._port) if is_socket else "")
        peers[descriptor] = known

    def _know(self, peers: dict[int, tuple[int, str]]) -> None:
        self._peers = peers
        self._places = {peer: (descriptor, inode) for descriptor, (inode, peer) in peers.items() if peer}


async def _some_at_a_time(items: Sequence[T]) -> AsyncIterator[T]:
    """All of them, with pauses in which who asks for something gets it: a look at thousands takes long."""
    with eagerness.during():
        for number, item in enumerate(items):
            if number % _AT_A_TIME == _AT_A_TIME - 1:
                await asyncio.sleep(0)
            yield item


def _look(connection: socket.socket, before: _Seen | None, passed: float) -> _Seen:
    now = moved(connection)
    unsent = unsent_bytes(connection)
    if before is None or now.acked < before.acked or now.received < before.received:
        return _Seen(*now, unsent, 0.0, 0.0)
    still_seconds = before.still_seconds + passed if now == before[:2] else 0.0
    return _Seen(*now, unsent, still_seconds, before.age_seconds + passed)


def _newest_first(peers: Iterable[str], known: dict[str, _Seen]) -> list[str]:
    """The connections of one address by age; those that were never looked at are the newest."""
    return sorted(peers, key=lambda peer: known[peer].age_seconds if peer in known else -1.0)
