"""A `Link` to one place, of a few kept connections.

A request goes out on the connection that has least to send, and waits for its answer until its deadline. What cannot be
sent because nothing is connected waits a moment (`PATIENCE_SECONDS` since the last connection went), then is refused.
How many requests may be under way, and how many bytes may wait to be sent, is bounded: past it they are refused, too.

What a lost connection, a deadline or a broken answer means depends on the request:

- it is one of `REPEATABLE`, or its last frame had not left: it is asked again on another connection, once, or fails
  with `Unavailable`;
- else it fails with `Unknown`: it may have been done.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from operator import attrgetter
from typing import Final, TypeVar

from cairn.config import LinkTls
from cairn.core.errors import CairnError, Forbidden, Invalid, Unavailable, Unknown
from cairn.link.asking import REQUEST_SECONDS, Asking, LostError
from cairn.link.connection import Connection, beating
from cairn.link.counts import Counts
from cairn.link.handshake import ASKS, NONCE_BYTES, Handshake
from cairn.link.socket import CONNECT_SECONDS, Place, Socket, connect
from cairn.wire.link import REPEATABLE, Frame, Operation, decode_error

T = TypeVar("T")

CONNECTIONS: Final = 4
REQUESTS_MAX: Final = 2_048
QUEUED_BYTES_MAX: Final = 64 * 1024 * 1024
STREAMS_MAX: Final = 65_536
PATIENCE_SECONDS: Final = 1.0

_TICK_SECONDS: Final = 0.1
_RETRY_SECONDS: Final = (0.05, 0.1, 0.2, 0.5, 1.0)
_NOT_YET: Final = "not connected yet"

_log = logging.getLogger("cairn.link")
_load_of: Final = attrgetter("load")


class Link:
    """Asks who answers at one place. Made by `open_link`."""

    def __init__(self, place: Place, keys: Sequence[bytes], tls: LinkTls | None, counts: Counts) -> None:
        self.place = place
        self.counts = counts
        self.trouble = _NOT_YET
        self._keys = keys
        self._tls = tls
        self._open: list[Asking] = []
        self._changed = asyncio.Event()
        self._lost_since = time.monotonic()
        self._streams = 0

    @property
    def is_connected(self) -> bool:
        """Requests can be sent now."""
        return bool(self._open)

    def connections(self) -> list[Connection]:
        """Those that are open."""
        return [asking.connection for asking in self._open]

    async def ask(
        self, operation: Operation, body: bytes, decode: Callable[[bytes], T], *, seconds: float = REQUEST_SECONDS
    ) -> T:
        """The answer to a request, decoded. Waits `seconds` at most.

        Raises:
            CairnError: what the other end answers with.
            Unavailable: not done. Unknown: may be done (never for `REPEATABLE`).
        """
        deadline = time.monotonic() + seconds
        self._admit(len(body))
        self.counts.in_flight += 1
        try:
            asking, frame = await self._ask(operation, body, deadline)
        finally:
            self.counts.in_flight -= 1
        try:
            found = decode_error(frame.payload) if frame.operation is Operation.ERROR else decode(frame.payload)
        except CairnError:
            asking.connection.drop()
            raise _failure(operation, "the storage's answer was broken") from None
        if isinstance(found, CairnError):
            raise found
        return found

    async def stream(self, operation: Operation, body: bytes) -> AsyncIterator[bytes]:
        """The items of a streamed answer, with back-pressure: what is not taken is not sent.

        Raises:
            CairnError: what the other end ends it with. Unavailable: the connection is lost, or there is none.
        """
        if self._streams >= STREAMS_MAX:
            self._refuse("too many streams are open to the storage")
        self._streams += 1
        try:
            asking = await self._connected(time.monotonic() + REQUEST_SECONDS)
            async with contextlib.aclosing(asking.stream(operation, body)) as items:  # type: ignore[type-var]
                async for item in items:
                    yield item
        finally:
            self._streams -= 1

    def drop_all(self) -> None:
        """End every connection: what it sends cannot be believed. They are made anew."""
        for connection in self.connections():
            connection.drop()

    async def _ask(self, operation: Operation, body: bytes, deadline: float) -> tuple[Asking, Frame]:
        has_retried = False
        while True:
            asking = await self._connected(deadline) if not self._open else self._least_loaded()
            answer = asking.ask(operation, body, deadline)
            try:
                return asking, await answer
            except asyncio.CancelledError:
                asking.take_back(answer)
                raise
            except LostError as lost:
                is_harmless = operation in REPEATABLE or not lost.was_sent
                if not is_harmless:
                    raise _failure(operation, str(lost)) from None
                if has_retried or not lost.may_retry:
                    raise Unavailable(f"{lost}: try again") from None
                has_retried = True

    async def _connected(self, deadline: float) -> Asking:
        """The connection to ask next. Raises Unavailable."""
        patience = min(deadline, self._lost_since + PATIENCE_SECONDS)
        while not self._open:
            left = patience - time.monotonic()
            if left <= 0:
                self._refuse("the storage cannot be reached now: try again in a second")
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._changed.wait()
        return self._least_loaded()

    def _least_loaded(self) -> Asking:
        return self._open[0] if len(self._open) == 1 else min(self._open, key=_load_of)

    def _admit(self, size: int) -> None:
        if self.counts.in_flight >= REQUESTS_MAX:
            self._refuse("too many requests wait for the storage: try again in a second")
        if size > 4096 and self.queued_bytes + size > QUEUED_BYTES_MAX:
            self._refuse("too many bytes wait to be sent to the storage: try again in a second")

    @property
    def queued_bytes(self) -> int:
        """How much waits to be sent."""
        return sum(asking.connection.outbox.bytes for asking in self._open)

    def _refuse(self, why: str) -> None:
        self.counts.refused += 1
        raise Unavailable(why)

    # --- connecting --------------------------------------------------------------------------------------------------

    async def keep_connected(self) -> None:
        """Have one connection, as long as this runs; each that is lost is made anew, after a while that grows."""
        tries = 0
        while True:
            try:
                await self._live(await self._connect())
                tries = 0
                self._tell("the connection was lost")
            except (Unavailable, Forbidden, Invalid) as error:
                self._tell(str(error))
            except Exception:
                _log.exception("a connection of the link failed in an unexpected way")
            self.counts.reconnects += 1
            longest = _RETRY_SECONDS[min(tries, len(_RETRY_SECONDS) - 1)]
            await asyncio.sleep(random.uniform(longest / 2, longest))  # noqa: S311 - not for secrets
            tries += 1

    async def keep_deadlines(self) -> None:
        """Give up what is late, as long as this runs."""
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            now = time.monotonic()
            for asking in list(self._open):
                asking.tick(now)
            self.counts.queued_bytes = self.queued_bytes

    async def _connect(self) -> Socket:
        """A connection whose other end has proved itself. Raises Unavailable, Forbidden, Invalid."""
        socket = await connect(self.place, self._tls)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await _greet(socket, self._keys)
        except BaseException as error:
            socket.drop()
            if isinstance(error, TimeoutError):
                raise Unavailable("it takes connections, and does not answer") from None
            raise
        return socket

    async def _live(self, socket: Socket) -> None:
        if socket.is_lost:
            return
        asking = Asking(socket, self.counts, self._forget)
        self._open.append(asking)
        self.counts.connections = len(self._open)
        if self.trouble not in ("", _NOT_YET):
            _log.info("the link to %s is there again", self.place)
        self.trouble = ""
        self._changed.set()
        try:
            await asking.lost.wait()
        finally:
            asking.connection.drop()

    def _forget(self, asking: Asking) -> None:
        self._open.remove(asking)
        self.counts.connections = len(self._open)
        if not self._open:
            self._lost_since = time.monotonic()

    def _tell(self, trouble: str) -> None:
        if not self._open:
            if trouble != self.trouble:
                _log.warning("no link to %s: %s", self.place, trouble)
            self.trouble = trouble


@contextlib.asynccontextmanager
async def open_link(
    place: Place, keys: Sequence[bytes], *, tls: LinkTls | None = None, connections: int = CONNECTIONS
) -> AsyncIterator[Link]:
    """A link to a place, which connects in the background and whenever it can."""
    link = Link(place, keys, tls, Counts())
    tasks = [asyncio.create_task(link.keep_connected()) for _ in range(connections)]
    tasks.append(asyncio.create_task(link.keep_deadlines()))
    try:
        async with beating(link.connections):
            yield link
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _greet(socket: Socket, keys: Sequence[bytes]) -> None:
    handshake = Handshake(ASKS, keys, os.urandom(NONCE_BYTES), socket.channel)
    socket.send(handshake.hello)
    handshake.meet(await socket.receive())
    socket.send(handshake.proof())
    try:
        proof = await socket.receive()
    except Unavailable:
        raise Forbidden("the storage refuses this link: do both have the same secret file?") from None
    handshake.verify(proof)


def _failure(operation: Operation, why: str) -> CairnError:
    if operation in REPEATABLE:
        return Unavailable(f"{why}: try again")
    return Unknown(f"{why}, so this may be done or not: send it again")
