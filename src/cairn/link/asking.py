"""One connection at the asking end: requests that wait for their answers, and answers that come as streams.

What is given up, for its deadline or because nobody waits for it, is taken back where it has not left yet, and the
other end is told.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final

from cairn.core.errors import CairnError, Invalid, TooLarge, Unavailable
from cairn.link.connection import Connection
from cairn.link.counts import Counts
from cairn.link.socket import Socket
from cairn.wire.link import Frame, Operation, decode_error, encode_credit, encode_request

REQUEST_SECONDS: Final = 10.0
CREDIT_BYTES: Final = 256 * 1024

_LONGEST_ITEM_BYTES: Final = 128 * 1024
_FINAL: Final = (Operation.ANSWER, Operation.ERROR)


class LostError(Exception):
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


class Asking:
    """One connection at the asking end."""

    def __init__(self, socket: Socket, counts: Counts, on_lost: Callable[[Asking], None]) -> None:
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
        """Send a request. What is returned gets its answer, or LostError; cancelled, the request is taken back.

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
            waiting.future.set_exception(LostError(why, was_sent=was_sent, may_retry=may_retry))

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


def _receive_item(stream: _Stream, frame: Frame) -> None:
    if frame.operation is Operation.ITEM:
        stream.add(frame.payload)
    elif frame.operation is Operation.END:
        stream.end(None)
    elif frame.operation is Operation.ERROR:
        stream.end(decode_error(frame.payload))
    else:
        raise Invalid("a stream carried something else than items")
