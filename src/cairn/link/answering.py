"""The answering end: takes connections, proves itself, and lets a `Responder` answer what comes.

A request starts when its memory is granted: an operation says how much its answer may take, and of one connection only
`HELD_BYTES_MAX` are granted at a time, what waits to be sent included. Short ones have room of their own, so that large
ones never keep them waiting. While too much waits to start, the connection is not read, and its other end notices. A
request whose time is over when its turn comes is not started (`ages.py`: also when it was held up on the way).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Final, NamedTuple, Protocol

from cairn.config import LinkTls
from cairn.core.errors import CairnError, Invalid, Unavailable, Unknown
from cairn.link.ages import Ages
from cairn.link.connection import Connection, beating
from cairn.link.counts import Counts
from cairn.link.handshake import ANSWERS, NONCE_BYTES, Handshake
from cairn.link.socket import HttpHandler, Place, Socket, listening
from cairn.wire.link import (
    REQUESTS,
    STREAMS,
    WRITES,
    Frame,
    Operation,
    decode_credit,
    decode_request,
    encode_error,
)  # fmt: skip

HELD_BYTES_MAX: Final = 16 * 1024 * 1024
WAITING_BYTES_MAX: Final = 8 * 1024 * 1024
WAITING_MAX: Final = 4_096
SHORT_BYTES_MAX: Final = 64 * 1024
SHORT_AT_ONCE_MAX: Final = 1_024
STREAMS_MAX: Final = 65_536
CONNECTIONS_MAX: Final = 1_024
STRANGERS_MAX: Final = 64
GREETING_SECONDS: Final = 5.0
DRAIN_SECONDS: Final = 10.0

_CREDIT_MAX: Final = 64 * 1024 * 1024

_log = logging.getLogger("cairn.link")


class Answer(NamedTuple):
    """A streamed answer: its items, and how many bytes of them may go out at first."""

    items: AsyncIterator[bytes]
    credit: int


class Responder(Protocol):
    """What the requests mean."""

    def cost(self, operation: Operation, size: int) -> int:
        """How many bytes of memory a request may take, whose body has `size`, until it is answered."""
        ...

    async def answer(self, operation: Operation, body: bytes) -> bytes:
        """The answer to a request. Raises CairnError."""
        ...

    def stream(self, operation: Operation, body: bytes) -> Answer:
        """The answer to a request of `STREAMS`. Raises CairnError."""
        ...


class _Request(NamedTuple):
    request_id: int
    operation: Operation
    body: bytes
    deadline: float
    cost: int


class _Credit:
    """What a stream may still send."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._given = asyncio.Event()

    def give(self, size: int) -> None:
        """Allow more."""
        self._left = min(self._left + size, _CREDIT_MAX)
        self._given.set()

    async def take(self, size: int) -> None:
        """Use some, once there is any: an item is not cut, so the last one may overdraw."""
        while self._left <= 0:
            self._given.clear()
            await self._given.wait()
        self._left -= size


class _Answering:
    """One connection at the answering end."""

    def __init__(self, link: AnsweringLink, socket: Socket) -> None:
        self.connection = Connection(socket, self._receive, self._on_lost)
        self.connection.on_flushed = self._start_waiting
        self._link = link
        self._ages = Ages()
        self._born = time.monotonic()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._credits: dict[int, _Credit] = {}
        self._short: deque[_Request] = deque()
        self._large: deque[_Request] = deque()
        self._waiting_bytes = 0
        self._held = 0
        self._short_running = 0

    @property
    def is_busy(self) -> bool:
        """Requests, streams apart, are being answered, or their answers wait to be sent."""
        return len(self._tasks) > len(self._credits) or bool(self._short or self._large or self.connection.outbox)

    def stop_streams(self) -> None:
        """End the streams: whoever follows them follows them elsewhere, or again."""
        for request_id in list(self._credits):
            self._tasks[request_id].cancel()
            self._send_error(request_id, Unavailable("the storage is stopping: ask again"))

    # --- what comes --------------------------------------------------------------------------------------------------

    def _receive(self, frame: Frame) -> None:
        if frame.operation is Operation.CANCEL:
            self._cancel(frame.request_id)
        elif frame.operation is Operation.CREDIT:
            credit = self._credits.get(frame.request_id)
            if credit is not None:
                credit.give(decode_credit(frame.payload))
        elif frame.operation in REQUESTS:
            self._admit(frame)
        else:
            raise Invalid("the asking end answers")

    def _admit(self, frame: Frame) -> None:
        if frame.request_id in self._tasks:
            raise Invalid("a request has the id of another")
        sent_ms, left_ms, body = decode_request(frame.payload)
        now = time.monotonic()
        late_ms = self._ages.of(sent_ms, int((now - self._born) * 1000))
        deadline = now + (left_ms - late_ms) / 1000
        if self._link.is_stopping:
            self._refuse(frame.request_id, "the storage is stopping: try again")
        elif frame.operation in STREAMS:
            self._start_stream(frame.request_id, frame.operation, body)
        elif len(self._short) + len(self._large) >= WAITING_MAX:
            self._refuse(frame.request_id, "too many requests wait here: try again in a second")
        else:
            cost = self._link.responder.cost(frame.operation, len(body))
            request = _Request(frame.request_id, frame.operation, body, deadline, cost)
            (self._short if cost <= SHORT_BYTES_MAX else self._large).append(request)
            self._waiting_bytes += len(body)
            self._start_waiting()

    def _start_waiting(self) -> None:
        """Start what there is room for, and read on only while little waits."""
        while self._short and self._short_running < SHORT_AT_ONCE_MAX:
            self._start(self._short.popleft())
        while self._large and self._has_room(self._large[0].cost):
            self._start(self._large.popleft())
        if self._waiting_bytes > WAITING_BYTES_MAX or len(self._short) + len(self._large) >= WAITING_MAX // 2:
            self.connection.pause()
        elif self.connection.is_paused:
            self.connection.resume()

    def _has_room(self, cost: int) -> bool:
        held = self._held + self.connection.outbox.bytes
        return held == 0 or held + cost <= HELD_BYTES_MAX

    def _start(self, request: _Request) -> None:
        self._waiting_bytes -= len(request.body)
        if request.deadline <= time.monotonic():
            self._refuse(request.request_id, "the request came too late to be begun: try again")
            return
        is_short = request.cost <= SHORT_BYTES_MAX
        self._short_running += is_short
        self._held += 0 if is_short else request.cost
        self._link.counts.in_flight += 1
        task = asyncio.create_task(self._answer(request))
        self._tasks[request.request_id] = task
        task.add_done_callback(lambda _: self._finish(request))

    def _finish(self, request: _Request) -> None:
        del self._tasks[request.request_id]
        is_short = request.cost <= SHORT_BYTES_MAX
        self._short_running -= is_short
        self._held -= 0 if is_short else request.cost
        self._link.counts.in_flight -= 1
        if self._short or self._large or self.connection.is_paused:
            self._start_waiting()

    def _cancel(self, request_id: int) -> None:
        self.connection.assembler.drop(request_id)
        task = self._tasks.get(request_id)
        if task is not None:
            task.cancel()
            return
        for waiting in (self._short, self._large):
            for request in waiting:
                if request.request_id == request_id:
                    waiting.remove(request)
                    self._waiting_bytes -= len(request.body)
                    return

    def _on_lost(self) -> None:
        self._short.clear()
        self._large.clear()
        self._waiting_bytes = 0
        for task in self._tasks.values():
            task.cancel()
        self._link.forget(self)

    # --- what goes ---------------------------------------------------------------------------------------------------

    async def _answer(self, request: _Request) -> None:
        began = time.monotonic()
        try:
            answer = await self._link.responder.answer(request.operation, request.body)
            self._send(request.request_id, Operation.ANSWER, answer)
        except CairnError as error:
            self._send_error(request.request_id, error)
        except Exception:
            _log.exception("a request of the link failed in an unexpected way")
            self._send_error(request.request_id, _unexpected(request.operation))
        self._link.counts.round_trips.observe(time.monotonic() - began)

    def _start_stream(self, request_id: int, operation: Operation, body: bytes) -> None:
        if len(self._credits) >= STREAMS_MAX:
            self._refuse(request_id, "too many streams are open: try again later")
            return
        self._credits[request_id] = credit = _Credit(0)
        task = asyncio.create_task(self._stream(request_id, operation, body, credit))
        self._tasks[request_id] = task
        task.add_done_callback(lambda _: self._finish_stream(request_id))

    async def _stream(self, request_id: int, operation: Operation, body: bytes, credit: _Credit) -> None:
        try:
            items, size = self._link.responder.stream(operation, body)
            credit.give(size)
            async with contextlib.aclosing(items):  # type: ignore[type-var]
                async for item in items:
                    await credit.take(len(item))
                    self._send(request_id, Operation.ITEM, item)
            self._send(request_id, Operation.END)
        except CairnError as error:
            self._send_error(request_id, error)
        except Exception:
            _log.exception("a stream of the link failed in an unexpected way")
            self._send_error(request_id, _unexpected(operation))

    def _finish_stream(self, request_id: int) -> None:
        del self._tasks[request_id]
        del self._credits[request_id]

    def _refuse(self, request_id: int, why: str) -> None:
        self._link.counts.refused += 1
        self._send_error(request_id, Unavailable(why))

    def _send_error(self, request_id: int, error: CairnError) -> None:
        self._send(request_id, Operation.ERROR, encode_error(error))

    def _send(self, request_id: int, operation: Operation, payload: bytes = b"") -> None:
        if not self.connection.is_lost:
            self.connection.send(request_id, operation, payload)


class AnsweringLink:
    """Answers at one place. Made by `open_answering`."""

    def __init__(self, keys: Sequence[bytes], responder: Responder, counts: Counts) -> None:
        self.responder = responder
        self.counts = counts
        self.port = 0
        self.is_stopping = False
        self._keys = keys
        self._told = ""
        self._strangers: dict[asyncio.Task[None], Socket] = {}  # the longest there first
        self._open: set[_Answering] = set()

    def connections(self) -> list[Connection]:
        """Those that are open."""
        self.counts.queued_bytes = sum(answering.connection.outbox.bytes for answering in self._open)
        return [answering.connection for answering in self._open]

    def take(self, socket: Socket) -> None:
        """A connection was made: greet it. Where too many strangers are there already, the one who has been silent
        longest goes: who knows the secret needs a moment only."""
        if len(self._open) >= CONNECTIONS_MAX or self.is_stopping:
            self.counts.refused += 1
            socket.drop()
            return
        if len(self._strangers) >= STRANGERS_MAX:
            self._strangers.pop(next(iter(self._strangers))).drop()
        task = asyncio.create_task(self._meet(socket))
        self._strangers[task] = socket
        task.add_done_callback(lambda _: self._strangers.pop(task, None))

    async def drain(self) -> None:
        """Begin nothing more, and wait until what was begun is answered, but not for ever."""
        self.is_stopping = True
        for answering in self._open:
            answering.stop_streams()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while any(answering.is_busy for answering in self._open):  # noqa: ASYNC110 - rare and short
                    await asyncio.sleep(0.02)
        for answering in list(self._open):
            answering.connection.close()

    async def _meet(self, socket: Socket) -> None:
        try:
            async with asyncio.timeout(GREETING_SECONDS):
                await _greet(socket, self._keys)
        except (CairnError, TimeoutError) as error:
            self.counts.refused += 1
            self._tell_refused(str(error) or "it was silent")
            socket.drop()
            return
        if not socket.is_lost:
            self._open.add(_Answering(self, socket))
            self.counts.connections = len(self._open)

    def _tell_refused(self, why: str) -> None:
        """Log it, unless that was said last: who may knock may do so often."""
        if why != self._told:
            _log.warning("a connection to the link was refused: %s", why)
        self._told = why

    def forget(self, answering: _Answering) -> None:
        """A connection was lost."""
        self._open.discard(answering)
        self.counts.connections = len(self._open)


@contextlib.asynccontextmanager
async def open_answering(
    place: Place,
    keys: Sequence[bytes],
    responder: Responder,
    *,
    tls: LinkTls | None = None,
    http: HttpHandler = lambda _path, _headers: None,
    counts: Counts | None = None,
) -> AsyncIterator[AnsweringLink]:
    """Answer at a place. Ends by `drain`.

    Raises:
        OSError: the place is taken, or cannot be.
    """  # fmt: skip
    link = AnsweringLink(keys, responder, counts or Counts())
    async with beating(link.connections):
        async with listening(place, link.take, tls, http) as port:
            link.port = port
            yield link
        await link.drain()


async def _greet(socket: Socket, keys: Sequence[bytes]) -> None:
    handshake = Handshake(ANSWERS, keys, os.urandom(NONCE_BYTES), socket.channel)
    handshake.meet(await socket.receive())
    socket.send(handshake.hello)
    handshake.verify(await socket.receive())
    socket.send(handshake.proof())


def _unexpected(operation: Operation) -> CairnError:
    if operation in WRITES:
        return Unknown("something went wrong in the storage, so this may be done or not: it was logged")
    return Unavailable("something went wrong in the storage: it was logged")
