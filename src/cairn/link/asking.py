"""The asking end: a `Link` to one place, of a few kept connections.

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
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from operator import attrgetter
from typing import Final, TypeVar

from cairn.config import LinkTls
from cairn.core.errors import CairnError, Forbidden, Invalid, TooLarge, Unavailable, Unknown
from cairn.link.connection import Connection, beating
from cairn.link.counts import Counts
from cairn.link.handshake import ASKS, NONCE_BYTES, Handshake
from cairn.link.socket import CONNECT_SECONDS, Place, Socket, connect
from cairn.wire.link import (
    REPEATABLE,
    Frame,
    Operation,
    decode_error,
    encode_credit,
    encode_request,
)  # fmt: skip

T = TypeVar("T")

CONNECTIONS: Final = 4
REQUEST_SECONDS: Final = 10.0
REQUESTS_MAX: Final = 2_048
QUEUED_BYTES_MAX: Final = 64 * 1024 * 1024
STREAMS_MAX: Final = 65_536
CREDIT_BYTES: Final = 256 * 1024
PATIENCE_SECONDS: Final = 1.0

_TICK_SECONDS: Final = 0.1
_RETRY_SECONDS: Final = (0.05, 0.1, 0.2, 0.5, 1.0)
_LONGEST_ITEM_BYTES: Final = 128 * 1024
_FINAL: Final = (Operation.ANSWER, Operation.ERROR)

_log = logging.getLogger("cairn.link")
_NOT_YET: Final = "not connected yet"


class _LostError(Exception):
    """The connection went, or the deadline passed, before an answer came."""

    def __init__(self, why: str, *, was_sent: bool, may_retry: bool) -> None:
        super().__init__(why)
        self.was_sent = was_sent
        self.may_retry = may_retry


class _Waiting:
    """A request that waits for its answer."""

    __slots__ = ("deadline", "future", "since")

    def __init__(self, future: asyncio.Future[Frame], since: float, deadline: float) -> None:
        self.future = future
        self.since = since
        self.deadline = deadline


class _Stream:
    """The answer to a request, as it comes. Holds what the credit given allows."""

    def __init__(self) -> None:
        self._items: deque[bytes] = deque()
        self._held = 0
        self._end: CairnError | None = None
        self._is_over = False
        self._changed = asyncio.Event()

    def add(self, item: bytes) -> None:
        """Take an item. Raises TooLarge: it was sent without credit."""
        self._held += len(item)
        if self._held > CREDIT_BYTES + _LONGEST_ITEM_BYTES:
            raise TooLarge("the other end sent more than it was allowed")
        self._items.append(item)
        self._changed.set()

    def end(self, error: CairnError | None) -> None:
        """Say that nothing follows."""
        self._end, self._is_over = error, True
        self._changed.set()

    async def next(self) -> bytes | None:
        """The next item; None at the end. Raises what the stream ended with."""
        while not self._items:
            if self._end is not None:
                raise self._end
            if self._is_over:
                return None
            self._changed.clear()
            await self._changed.wait()
        item = self._items.popleft()
        self._held -= len(item)
        return item


class _Asking:
    """One connection at the asking end."""

    def __init__(self, socket: Socket, counts: Counts, on_lost: Callable[[_Asking], None]) -> None:
        self.lost = asyncio.Event()
        self.connection = Connection(socket, self._receive, self._on_lost)
        self._loop = asyncio.get_running_loop()
        self._tell_lost = on_lost
        self._counts = counts
        self._waiting: dict[int, _Waiting] = {}
        self._streams: dict[int, _Stream] = {}
        self._last_id = 0
        self._born = time.monotonic()

    @property
    def load(self) -> tuple[int, int]:
        """How much is to be sent, and how much is waited for: the least loaded is asked next."""
        return self.connection.outbox.bytes, len(self._waiting)

    def ask(self, operation: Operation, body: bytes, deadline: float) -> asyncio.Future[Frame]:
        """Send a request. What is returned gets its answer, or _LostError; cancelled, the request is taken back.

        Raises:
            TooLarge: the body is.
        """
        now = time.monotonic()
        request_id = self._next_id()
        self.connection.send(request_id, operation, self._request(now, deadline, body))
        future: asyncio.Future[Frame] = self._loop.create_future()
        self._waiting[request_id] = _Waiting(future, now, deadline)
        return future

    def take_back(self, future: asyncio.Future[Frame]) -> None:
        """Nobody waits for this any more."""
        for request_id, waiting in self._waiting.items():
            if waiting.future is future:
                del self._waiting[request_id]
                self._give_up(request_id)
                return

    async def stream(self, operation: Operation, body: bytes) -> AsyncIterator[bytes]:
        """The items of a streamed answer. Raises what it ends with; Unavailable if the connection is lost."""
        request_id = self._next_id()
        now = time.monotonic()
        stream = self._streams[request_id] = _Stream()
        is_over = False
        try:
            self.connection.send(request_id, operation, self._request(now, now + REQUEST_SECONDS, body))
            taken = 0
            while (item := await stream.next()) is not None:
                taken += len(item)
                if taken > CREDIT_BYTES // 2:
                    self.connection.send(request_id, Operation.CREDIT, encode_credit(taken))
                    taken = 0
                yield item
            is_over = True
        except CairnError:
            is_over = True
            raise
        finally:
            del self._streams[request_id]
            if not is_over:
                self._give_up(request_id)

    def tick(self, now: float) -> None:
        """Give up what has waited too long."""
        late = [request_id for request_id, waiting in self._waiting.items() if waiting.deadline <= now]
        for request_id in late:
            self._fail(request_id, "no answer came in time", may_retry=False)

    def _receive(self, frame: Frame) -> None:
        waiting = self._waiting.get(frame.request_id)
        if waiting is not None and frame.operation in _FINAL:
            del self._waiting[frame.request_id]
            if not waiting.future.done():
                waiting.future.set_result(frame)
                self._counts.round_trips.observe(time.monotonic() - waiting.since)
        elif (stream := self._streams.get(frame.request_id)) is not None:
            _receive_item(stream, frame)
        elif frame.operation < Operation.ANSWER:
            raise Invalid("the answering end asks")
        # else the answer to what was given up: it had left already

    def _on_lost(self) -> None:
        self._tell_lost(self)
        self.lost.set()
        for request_id in list(self._waiting):
            self._fail(request_id, "the connection to the storage was lost", may_retry=True)
        for stream in self._streams.values():
            stream.end(Unavailable("the connection to the storage was lost: ask again"))

    def _fail(self, request_id: int, why: str, *, may_retry: bool) -> None:
        waiting = self._waiting.pop(request_id)
        was_sent = not self._give_up(request_id)
        if not waiting.future.done():
            waiting.future.set_exception(_LostError(why, was_sent=was_sent, may_retry=may_retry))

    def _give_up(self, request_id: int) -> bool:
        """Take back a request, or tell the other end that nobody waits for it any more: True if it had not left."""
        was_unsent = self.connection.outbox.drop(request_id)
        if not self.connection.is_lost:
            self.connection.send(request_id, Operation.CANCEL)
        return was_unsent

    def _request(self, now: float, deadline: float, body: bytes) -> bytes:
        return encode_request(int((now - self._born) * 1000), max(0, int((deadline - now) * 1000)), body)

    def _next_id(self) -> int:
        self._last_id = (self._last_id + 1) & 0xFFFFFFFF
        while self._last_id in self._streams or self._last_id in self._waiting:
            self._last_id = (self._last_id + 1) & 0xFFFFFFFF
        return self._last_id


_load_of: Final = attrgetter("load")


class Link:
    """Asks who answers at one place. Made by `open_link`."""

    def __init__(self, place: Place, keys: Sequence[bytes], tls: LinkTls | None, counts: Counts) -> None:
        self.place = place
        self.counts = counts
        self.trouble = _NOT_YET
        self._keys = keys
        self._tls = tls
        self._open: list[_Asking] = []
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

    async def _ask(self, operation: Operation, body: bytes, deadline: float) -> tuple[_Asking, Frame]:
        has_retried = False
        while True:
            asking = await self._connected(deadline) if not self._open else self._least_loaded()
            answer = asking.ask(operation, body, deadline)
            try:
                return asking, await answer
            except asyncio.CancelledError:
                asking.take_back(answer)
                raise
            except _LostError as lost:
                is_harmless = operation in REPEATABLE or not lost.was_sent
                if not is_harmless:
                    raise _failure(operation, str(lost)) from None
                if has_retried or not lost.may_retry:
                    raise Unavailable(f"{lost}: try again") from None
                has_retried = True

    async def _connected(self, deadline: float) -> _Asking:
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

    def _least_loaded(self) -> _Asking:
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
        asking = _Asking(socket, self.counts, self._forget)
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

    def _forget(self, asking: _Asking) -> None:
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


def _receive_item(stream: _Stream, frame: Frame) -> None:
    if frame.operation is Operation.ITEM:
        stream.add(frame.payload)
    elif frame.operation is Operation.END:
        stream.end(None)
    elif frame.operation is Operation.ERROR:
        stream.end(decode_error(frame.payload))
    else:
        raise Invalid("a stream carried something else than items")


def _failure(operation: Operation, why: str) -> CairnError:
    if operation in REPEATABLE:
        return Unavailable(f"{why}: try again")
    return Unknown(f"{why}, so this may be done or not: send it again")
