"""One connection after its handshake, alike at both ends: frames in and out, back-pressure, signs of life.

What is sent goes through an `Outbox`: to the socket when a few have come together, or what happens now has happened,
and there is room. A connection that was silent for `SILENCE_SECONDS` is dropped: its other end is frozen, or the
network between has gone without saying so. At each beat after a silence a ping goes out, so that a healthy idle
connection is never silent for so long.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Final

from cairn.core.errors import CairnError
from cairn.link.outbox import Outbox
from cairn.link.socket import Socket
from cairn.wire.link import Assembler, Frame, Operation, encode_frame

BEAT_SECONDS: Final = 1.0
SILENCE_SECONDS: Final = 3.0  # who follows a chain must not miss for longer that nothing comes

_TOGETHER: Final = 16  # more at a time would let the other end wait for work


class Connection:
    """Frames over a socket. `receive` gets each that comes; what is no frame ends the connection.

    `on_flushed` is called when the other end has taken what it did not take before.
    """

    def __init__(self, socket: Socket, receive: Callable[[Frame], None], on_lost: Callable[[], None]) -> None:
        self.outbox = Outbox()
        self.assembler = Assembler()
        self.on_flushed: Callable[[], None] = _nothing
        self._loop = asyncio.get_running_loop()
        self._socket = socket
        self._receive = receive
        socket.on_message = self._take
        socket.on_writable = self._make_room
        socket.on_lost = on_lost

    @property
    def is_lost(self) -> bool:
        """Nothing more comes or goes."""
        return self._socket.is_lost

    @property
    def is_paused(self) -> bool:
        """Nothing is read for now."""
        return self._socket.is_paused

    def send(self, request_id: int, operation: Operation, payload: bytes = b"") -> None:
        """Send a frame, soon, or when there is room. Raises TooLarge."""
        if not self.outbox:
            self._loop.call_soon(self._flush)
        self.outbox.push(request_id, encode_frame(request_id, operation, payload))
        if self.outbox.count >= _TOGETHER:
            self._flush()

    def pause(self) -> None:
        """Take nothing more in for now: the other end will notice."""
        self._socket.pause()

    def resume(self) -> None:
        """Go on."""
        self._socket.resume()

    def drop(self) -> None:
        """End it at once."""
        self._socket.drop()

    def close(self) -> None:
        """End it when what waits is sent, as far as the other end takes it."""
        self._flush()
        self._socket.close()

    def beat(self, now: float, *, was_away: bool) -> None:
        """Look whether the other end lives. `was_away`: this process itself stood still, so silence says nothing. The
        same holds while nothing is read here; the other end hears that this one lives all the same."""
        is_deaf = was_away or self._socket.is_paused
        if is_deaf:
            self._socket.heard = now
        silence = now - self._socket.heard
        if silence > SILENCE_SECONDS:
            self.drop()
        elif silence >= BEAT_SECONDS / 2 or is_deaf:
            self._socket.ping()

    def _take(self, message: bytes) -> None:
        if self._socket.is_lost:
            return
        try:
            for frame in self.assembler.feed(message):
                self._receive(frame)
        except CairnError:  # what is not of the protocol is not worth a word
            self.drop()

    def _make_room(self) -> None:
        self._flush()
        self.on_flushed()

    def _flush(self) -> None:
        while self.outbox and self._socket.is_writable:
            self._socket.send(self.outbox.pop())


@contextlib.asynccontextmanager
async def beating(connections: Callable[[], Iterable[Connection]]) -> AsyncIterator[None]:
    """Let all connections beat, as long as this is open."""
    task = asyncio.create_task(_beat(connections))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _beat(connections: Callable[[], Iterable[Connection]]) -> None:
    last = time.monotonic()
    while True:
        await asyncio.sleep(BEAT_SECONDS)
        now = time.monotonic()
        for connection in list(connections()):
            connection.beat(now, was_away=now - last > 2 * BEAT_SECONDS)
        last = now


def _nothing() -> None:
    """Nobody wants to know."""
