"""What the HTTP server does not tell of its connections: whether the client reads, and whether it speaks at all.

Granian takes any number of bytes for a stream, so a subscriber that never reads would fill the memory. The kernel knows
better: SIOCOUTQ is what a socket has not got rid of. The sockets are this process's, so they are found among its
descriptors by their peer's address. On that rest three things:

- a stream sends its next piece only while its socket holds less than `_UNSENT_BYTES_MAX`, and is dropped when that does
  not come true within `send_seconds`;
- a guard closes connections whose unsent bytes have not moved for `send_seconds`, whatever the answer was;
- and those on which nothing moves at all. Granian's deadline for headers begins only when it knows which HTTP it is.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import stat
import struct
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple

from cairn.config import Limits
from cairn.interface.metrics import Families, counters, gauges

_UNSENT_BYTES_MAX: Final = 256 * 1024
_POLL_SECONDS: Final = (0.005, 0.02, 0.05, 0.1, 0.25)
_GUARD_SECONDS: Final = 2.0
_DESCRIPTORS: Final = "/proc/self/fd"
_TCP_INFO: Final = struct.Struct("=120xQQ")  # tcpi_bytes_acked, tcpi_bytes_received (linux/tcp.h)
_NO_LINGER: Final = struct.pack("ii", 1, 0)
_PREFACE_BYTES: Final = 24  # of HTTP/2: after so many it is known which HTTP it is (RFC 9113, 3.4)
_IDLE_SECONDS_MIN: Final = 40.0  # twice a silence that is usual: heartbeats of streams, pings of HTTP/2


class Sending:
    """One stream's view of its socket."""

    def __init__(self, connection: socket.socket | None, seconds_max: float) -> None:
        self._connection = connection
        self._seconds_max = seconds_max
        self.is_cut = False

    async def has_room(self) -> bool:
        """Wait until the client has taken most of what was sent; False when it does not in time, and is cut off."""
        if self._connection is None:
            return False
        waited = 0.0
        polls = iter(_POLL_SECONDS)
        pause = 0.0
        while _unsent_bytes(self._connection) > _UNSENT_BYTES_MAX:
            if waited >= self._seconds_max:
                self.is_cut = True
                _cut(self._connection)
                return False
            pause = next(polls, pause)
            await asyncio.sleep(pause)
            waited += pause
        return True


class _Seen(NamedTuple):
    """A connection at one moment: its byte counts, for how long they have not changed, and its age."""

    acked: int
    received: int
    unsent: int
    still_seconds: float
    age_seconds: float


class Connections:
    """The server's connections, found among this process's descriptors."""

    def __init__(self, port: int, limits: Limits) -> None:
        self._port = port
        self._limits = limits
        self._peers: dict[int, tuple[int, str]] = {}  # by descriptor: its inode, and the other end
        self._idle_seconds = max(_IDLE_SECONDS_MIN, 2 * limits.body_idle_seconds, 2 * limits.header_seconds)
        self.open = 0  # when the guard last looked
        self.dropped = 0

    def metrics(self) -> Families:
        """How many there are: a `Source`."""
        yield from gauges({"cairn_connections": (self.open, "Open connections, as of the last two seconds.")})
        about = "Connections that were cut off: their clients took nothing, or said nothing."
        yield from counters({"cairn_connections_dropped": (self.dropped, about)})

    @contextmanager
    def sending(self, peer: str) -> Iterator[Sending]:
        """The socket whose other end is `peer` ("host:port")."""
        connection = self._find(peer)
        sending = Sending(connection, self._limits.send_seconds)
        try:
            yield sending
        finally:
            self.dropped += sending.is_cut
            if connection is not None:
                connection.close()

    async def guard(self) -> None:
        """Cut off, for ever, who does not read what was sent, or has nothing to say."""
        known: dict[str, _Seen] = {}
        while True:
            await asyncio.sleep(_GUARD_SECONDS)
            known = self._check(known)
            self.open = len(known)

    def _check(self, before: dict[str, _Seen]) -> dict[str, _Seen]:
        """What there is to know of every connection, cutting those that have had their time."""
        after: dict[str, _Seen] = {}
        for peer, connection in self._all():
            with connection:
                seen = _look(connection, before.get(peer))
                if self._is_over(seen):
                    self.dropped += 1
                    _cut(connection)
                else:
                    after[peer] = seen
        return after

    def _is_over(self, seen: _Seen) -> bool:
        if seen.received < _PREFACE_BYTES:
            return seen.age_seconds >= self._limits.header_seconds > 0
        seconds_max = self._limits.send_seconds if seen.unsent else self._idle_seconds
        return seen.still_seconds >= seconds_max

    def _find(self, peer: str) -> socket.socket | None:
        self._scan()
        return next((_duplicate(fd, inode) for fd, (inode, name) in self._peers.items() if name == peer), None)

    def _all(self) -> Iterator[tuple[str, socket.socket]]:
        """Every connection that was made to our port, under a descriptor of its own, which the caller closes."""
        self._scan()
        for descriptor, (inode, peer) in self._peers.items():
            connection = _duplicate(descriptor, inode) if peer else None
            if connection is not None:
                yield peer, connection

    def _scan(self) -> None:
        """Look at the descriptors that are new; others are known by their inode. Every stream asks, so it is cheap."""
        peers = {}
        for name in os.listdir(_DESCRIPTORS):  # noqa: PTH208 - thousands of names, no paths
            descriptor = int(name)
            try:
                status = os.fstat(descriptor)
            except OSError:  # closed meanwhile
                continue
            known = self._peers.get(descriptor)
            if known is None or known[0] != status.st_ino:
                is_socket = stat.S_ISSOCK(status.st_mode)
                known = (status.st_ino, self._peer_of(descriptor) if is_socket else "")
            peers[descriptor] = known
        self._peers = peers

    def _peer_of(self, descriptor: int) -> str:
        """The other end of a connection that was made to our port; empty for another socket."""
        with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as duplicate:
            if duplicate.family in (socket.AF_INET, socket.AF_INET6) and duplicate.getsockname()[1] == self._port:
                host, port = duplicate.getpeername()[:2]
                return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return ""


def _duplicate(descriptor: int, inode: int) -> socket.socket | None:
    """The same socket under another descriptor; None if it was closed meanwhile."""
    with suppress(OSError):
        duplicate = socket.socket(fileno=os.dup(descriptor))
        if os.fstat(duplicate.fileno()).st_ino == inode:
            return duplicate
        duplicate.close()
    return None


def _unsent_bytes(connection: socket.socket) -> int:
    """SIOCOUTQ: bytes not yet acknowledged by the other end."""
    try:
        return int(struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, b"\0\0\0\0"))[0])
    except OSError:
        return 0


def _look(connection: socket.socket, before: _Seen | None) -> _Seen:
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size).ljust(_TCP_INFO.size, b"\0")
    acked, received = _TCP_INFO.unpack(info)
    unsent = _unsent_bytes(connection)
    if before is None or acked < before.acked or received < before.received:
        return _Seen(acked, received, unsent, 0.0, 0.0)
    is_still = (acked, received) == before[:2]
    still_seconds = before.still_seconds + _GUARD_SECONDS if is_still else 0.0
    return _Seen(acked, received, unsent, still_seconds, before.age_seconds + _GUARD_SECONDS)


def _cut(connection: socket.socket) -> None:
    """End it for both sides, and forget what was not sent."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        connection.shutdown(socket.SHUT_RDWR)
