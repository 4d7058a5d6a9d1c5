"""A stream of HTTP/2: one request and its answer, which goes out as far as the client lets it.

The client bounds what it gets, by a window for the stream and one for the connection, and TCP does besides. What it has
not asked for yet waits here; who does not open the window of a stream in time loses the stream, and who does not open
that of the connection, or takes nothing, the connection.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from typing import Final

from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError

from cairn.core.errors import Unavailable
from cairn.interface.admission.room import Room
from cairn.interface.carrier.body import Incoming
from cairn.interface.carrier.http2_frames import Allowance, Codec
from cairn.interface.carrier.sending import Sending
from cairn.interface.http.answers import problem_answer
from cairn.interface.http.exchange import Headers

_CHUNK_BYTES: Final = 64 * 1024
_LITTLE_BYTES: Final = 4 * 1024
_USEFUL_BYTES: Final = 1_024
_EARNED: Final = 3  # frames that a client may answer to one of ours: windows, mostly
_VALUE: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_OF_HTTP_1: Final = ("connection", "transfer-encoding")


class Wire:
    """What the streams of a connection send on."""

    def __init__(
        self, transport: asyncio.Transport, sending: Sending, codec: Codec, frames: Allowance, send_seconds: float
    ) -> None:
        self.codec = codec
        self.turn = asyncio.Lock()  # in which streams send: each that waits gets its own, in order
        self.is_over = False
        self.send_seconds = send_seconds
        self._transport = transport
        self._sending = sending
        self._frames = frames
        self._moved = asyncio.Event()
        self._shut_until = 0.0  # when the window has to be open, since it is not

    def flush(self) -> None:
        """Send what h2 has to send."""
        self.send_raw(self.codec.data_to_send())

    def send_raw(self, data: bytes) -> None:
        """Send frames as they are."""
        if data and not self.is_over and not self._transport.is_closing():
            self._transport.write(data)

    def wake(self) -> None:
        """Something has changed: the connection's window, or who waits for it."""
        self._moved.set()

    def window(self, stream_id: int) -> int:
        """That of the stream."""
        stream = self.codec.streams.get(stream_id)
        return 0 if stream is None else stream.outbound_flow_control_window

    def fits(self, stream_id: int, size: int) -> bool:
        """Whether so much can be sent at once; then it counts as sent."""
        window = min(self.window(stream_id), self.codec.outbound_flow_control_window)
        return size <= window and not self.turn.locked() and self._sending.has_room_now(size)

    async def has_room(self, stream: Stream, size: int) -> bool:
        """Wait until the connection takes more; it ends if it does not in time. False: it did, or the stream."""
        while self.codec.outbound_flow_control_window <= 0 and not stream.is_gone:
            self._shut_until = self._shut_until or _in(self.send_seconds)
            self._moved.clear()
            if not await _came(self._moved, self._shut_until):
                self._sending.cut()
                return False
        if not stream.is_gone and not await self._sending.has_room(size):
            self._sending.cut()
        return not stream.is_gone and not self._transport.is_closing()

    def send(self, stream_id: int, data: memoryview, is_last: bool) -> int:
        """Send what the windows let through; how much it was."""
        size = max(0, min(len(data), self.window(stream_id), self.codec.outbound_flow_control_window))
        if size:
            self._shut_until = 0.0
        step = self.codec.max_outbound_frame_size
        for start in range(0, size, step):
            stop = min(start + step, size)
            self.codec.send_data(stream_id, data[start:stop], is_last and stop == len(data))
            if stop - start >= _USEFUL_BYTES or stop == len(data):
                self._frames.earn(_EARNED)
        self.flush()
        return size

    def send_head(self, stream_id: int, status: int, headers: Headers, is_last: bool) -> None:
        """Let the head of a response go out, with what follows or `flush`.

        Raises:
            ValueError: a value would be more than a value.
            ProtocolError: the client has reset the stream.
        """
        fields = [(b":status", b"%d" % status)]
        for name, value in [*headers, ("date", formatdate(usegmt=True))]:
            encoded = value.encode("latin-1")
            if not _VALUE.fullmatch(encoded):
                raise ValueError("a header of a response has a line break in it")
            if name not in _OF_HTTP_1:
                fields.append((name.encode("latin-1"), encoded))
        self.codec.send_headers(stream_id, fields, is_last)
        self._frames.earn(_EARNED)

    def send_continue(self, stream_id: int) -> None:
        """Say that the body is wanted."""
        self.codec.send_headers(stream_id, [(b":status", b"100")])
        self.flush()

    def acknowledge(self, stream_id: int, size: int) -> None:
        """Let so many bytes more come."""
        if size and not self.is_over:
            self.codec.acknowledge_received_data(size, stream_id)
            self.flush()


class Stream:
    """One of them: a `Channel`."""

    def __init__(
        self, wire: Wire, stream_id: int, length: int | None, room: Room, client: Callable[[], str],
        is_continue_wanted: bool = False,
    ) -> None:  # fmt: skip
        self.id = stream_id
        self.incoming = Incoming(length, self._say_continue, self._took)
        self.is_gone = False  # nothing more can be sent
        self._wire = wire
        self._room = room
        self._client = client
        self._is_continue_wanted = is_continue_wanted
        self._has_ended = False  # the client has sent all
        self._is_answered = False  # so have we
        self._rest = b""
        self._held = ("", 0)
        self._opened = asyncio.Event()
        self._staying: asyncio.Timeout | None = None

    # --- what comes ---------------------------------------------------------------------------------------------------

    def feed(self, data: bytes, size: int) -> None:
        """Bytes of the body, which take up `size` of the windows: there may be padding."""
        self._wire.acknowledge(self.id, size - len(data))
        self.incoming.feed(data)

    def end(self) -> None:
        """The client has sent all. Where there should be more, it is reset: h2 does not look at each case."""
        self._has_ended = True
        if self.incoming.missing > 0:
            self.reset(ErrorCodes.PROTOCOL_ERROR)
        else:
            self.incoming.end()

    def lose(self) -> None:
        """It was reset, or the connection has ended."""
        self.is_gone = True
        self.incoming.break_off()
        self._opened.set()
        self._wire.wake()
        self._let_go()

    def wake(self) -> None:
        """Its window may have changed."""
        self._opened.set()

    def reset(self, code: ErrorCodes) -> None:
        """Break it off."""
        if not self.is_gone:
            with suppress(ProtocolError):  # the client did already
                self._wire.codec.reset_stream(self.id, code)
            self._wire.flush()
            self.lose()

    def close(self) -> None:
        """The request was answered, as far as it could be: what else comes of it is not wanted."""
        if not self._is_answered:
            self.reset(ErrorCodes.INTERNAL_ERROR)
        elif not self._has_ended:
            self.reset(ErrorCodes.NO_ERROR)
        self.is_gone = True
        self.incoming.drop()
        self._release()

    # --- a channel ----------------------------------------------------------------------------------------------------

    @property
    def is_waiting(self) -> bool:
        """Part of what was to be sent is left: see `drain`."""
        return bool(self._rest) and not self.is_gone

    async def drain(self) -> None:
        """Send what `respond` could not send at once."""
        rest, self._rest = self._rest, b""
        if rest:
            await self._send(rest, is_last=True)

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """See `Channel`. Who asks for much and takes nothing is told to come back."""
        if self.is_gone:
            return
        if body and not self._wire.fits(self.id, len(body)):
            try:
                self._hold(len(body))
            except Unavailable as error:
                status, headers, body = _whole_problem(error)
            self._rest = body
        self._send_head(status, headers, is_last=not body)
        if body and not self._rest and not self.is_gone:
            self._wire.send(self.id, memoryview(body), is_last=True)
            self._is_answered = True
        else:
            self._wire.flush()

    def begin(self, status: int, headers: Headers) -> None:
        """See `Channel`."""
        self._send_head(status, headers, is_last=False)
        self._wire.flush()

    async def write(self, piece: bytes) -> bool:
        """See `Channel`; here it may be the stream alone that has ended."""
        return await self._send(piece, is_last=False)

    def finish(self) -> None:
        """See `Channel`."""
        if not self.is_gone:
            self._wire.codec.end_stream(self.id)
            self._wire.flush()
            self._is_answered = True

    def when_gone(self, end: asyncio.Timeout | None) -> None:
        """See `Channel`."""
        self._staying = end
        if self.is_gone:
            self._let_go()

    def _send_head(self, status: int, headers: Headers, is_last: bool) -> None:
        if self.is_gone:
            return
        try:
            self._wire.send_head(self.id, status, headers, is_last)
        except ProtocolError:
            self.lose()  # it was reset within the bytes that are being read
        self._is_answered = is_last

    async def _send(self, piece: bytes, is_last: bool) -> bool:
        rest = memoryview(piece)
        while rest:
            if not await self._opens():
                return False
            async with self._wire.turn:
                chunk = rest[:_CHUNK_BYTES]
                if not await self._wire.has_room(self, len(chunk)):
                    return False
                rest = rest[self._wire.send(self.id, chunk, is_last and len(chunk) == len(rest)) :]
        self._is_answered = is_last
        return not self.is_gone

    async def _opens(self) -> bool:
        until = _in(self._wire.send_seconds)  # whatever else wakes it: settings do, too
        while not self.is_gone and self._wire.window(self.id) <= 0:
            self._opened.clear()
            if not await _came(self._opened, until):
                self.reset(ErrorCodes.CANCEL)
        return not self.is_gone

    def _hold(self, size: int) -> None:
        if size > _LITTLE_BYTES:
            client = self._client()
            self._room.take(client, size)
            self._held = (client, size)

    def _release(self) -> None:
        (client, size), self._held = self._held, ("", 0)
        if size:
            self._room.give_back(client, size)

    def _let_go(self) -> None:
        if self._staying is not None:
            staying, self._staying = self._staying, None
            staying.reschedule(0)

    def _say_continue(self) -> None:
        if self._is_continue_wanted and not self.is_gone:
            self._wire.send_continue(self.id)

    def _took(self, size: int) -> None:
        self._wire.acknowledge(self.id, size)


def _whole_problem(error: Unavailable) -> tuple[int, Headers, bytes]:
    problem = problem_answer(error)
    assert isinstance(problem.body, bytes)
    return problem.status, [*problem.headers, ("content-length", str(len(problem.body)))], problem.body


def _in(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


async def _came(event: asyncio.Event, until: float) -> bool:
    """Whether it did by this time of the loop."""
    try:
        async with asyncio.timeout_at(until):
            await event.wait()
    except TimeoutError:
        return False
    return True
