"""One connection that speaks HTTP/2 (RFC 9113), with h2: many requests at once, each on a stream (`http2_stream.py`).

What comes is read a few frames at a time, so that others get their turn, and not at all while the client does not take
what it was sent. A client that resets streams again and again, or sends frames that carry nothing, is let go: both cost
it little, and a server much.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError

from cairn.config import Limits
from cairn.interface.carrier.answering import Answering
from cairn.interface.carrier.connections import Connections, Deadline
from cairn.interface.carrier.heads import Head, Refused
from cairn.interface.carrier.http2_frames import STREAMS_MAX, Allowance, Codec, FrameWalk
from cairn.interface.carrier.http2_heads import read_head
from cairn.interface.carrier.http2_stream import Stream, Wire
from cairn.interface.carrier.sending import Sending

_WRITE_BUFFER_BYTES: Final = 256 * 1024
_SLICE_BYTES: Final = 16 * 1024
_SLICE_FRAMES: Final = 32
_FRAMES_MAX: Final = 2_000  # that carry nothing
_FRAMES_PER_SECOND: Final = 200.0
_RESETS_MAX: Final = 200
_RESETS_PER_SECOND: Final = 20.0
_USEFUL_BYTES: Final = 128

_log = logging.getLogger("cairn.interface")


class Http2(asyncio.Protocol):
    """One connection."""

    def __init__(self, peer: str, answering: Answering, connections: Connections, limits: Limits) -> None:
        self.peer = peer
        self.sending: Sending
        self.deadline = Deadline.HEAD
        self.since = time.monotonic()
        self._answering = answering
        self._connections = connections
        self._limits = limits
        self._transport: asyncio.Transport
        self._wire: Wire
        self._walk = FrameWalk(limits.headers_bytes)
        self._frames = Allowance(_FRAMES_MAX, _FRAMES_PER_SECOND)
        self._resets = Allowance(_RESETS_MAX, _RESETS_PER_SECOND)
        self._streams: dict[int, Stream] = {}
        self._tasks: set[asyncio.Task[None]] = set()  # also of streams that were reset
        self._unread = memoryview(b"")
        self._turn: asyncio.Handle | None = None  # at which more of it is read
        self._has_asked = False
        self._is_last = False  # no new streams
        self._is_over = False  # nothing more is read
        self._is_reading = True
        self._is_writing_paused = False
        self._ending: asyncio.Task[None] | None = None

    # --- what the transport calls -------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        self._transport = transport
        transport.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES)
        self.sending = Sending(transport, self._limits.send_seconds)
        codec = Codec(self._limits.headers_bytes)
        self._wire = Wire(transport, self.sending, codec, self._frames, self._limits.send_seconds)
        self._wire.flush()
        self._connections.enter(self)

    def data_received(self, data: bytes) -> None:
        """Frames, or parts of them."""
        if not self._is_over:
            self._unread = memoryview(bytes(self._unread) + data if self._unread else data)
            if self._turn is None:
                self._go_on()

    def eof_received(self) -> None:
        """The client sends nothing more. TLS does not let it receive then, either."""
        self._lose()

    def connection_lost(self, error: Exception | None) -> None:
        """It is over."""
        self._lose()
        self._connections.leave(self)

    def pause_writing(self) -> None:
        """The client does not take what it was sent: let it ask for nothing more."""
        self._is_writing_paused = True
        self._read_or_not()

    def resume_writing(self) -> None:
        """It took most of it."""
        self._is_writing_paused = False
        self._go_on_soon()

    # --- what the guard calls -----------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Let the streams that are open be the last."""
        if not self._is_last:
            self._is_last = True
            self._wire.send_raw(self._wire.codec.goodbye(ErrorCodes.NO_ERROR))
            self._end_if_done()

    # --- reading, some at a time --------------------------------------------------------------------------------------

    def _go_on_soon(self) -> None:
        if self._turn is None and not self._is_over:
            self._turn = asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        self._turn = None
        if self._unread and not self._is_writing_paused:
            try:
                self._read_some()
            except ProtocolError as error:
                self._end(error.error_code)
            except Exception:
                _log.exception("a connection could not be read")
                self.sending.cut()
                self._lose()
        if self._unread and not self._is_writing_paused:
            self._go_on_soon()
        self._read_or_not()

    def _read_some(self) -> None:
        """Take a few frames, and do what they say. Raises ProtocolError."""
        size, frames = self._walk.follow(self._unread[:_SLICE_BYTES], _SLICE_FRAMES)
        data, self._unread = self._unread[:size], self._unread[size:]
        events = self._wire.codec.receive_data(data)
        self._frames.spend(frames)
        self._resets.spend(sum(isinstance(event, StreamReset) for event in events))
        reset = {event.stream_id for event in events if isinstance(event, StreamReset)}
        for event in events:
            if not isinstance(event, RequestReceived) or event.stream_id not in reset:
                self._heed(event)
        self._wire.flush()
        if self._frames.is_spent or self._resets.is_spent:
            self._end(ErrorCodes.ENHANCE_YOUR_CALM)
        self._wait(is_heard=bool(events))

    def _read_or_not(self) -> None:
        is_wanted = self._is_over or not (self._unread or self._is_writing_paused)
        if is_wanted != self._is_reading and not self._transport.is_closing():
            self._is_reading = is_wanted
            if is_wanted:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    # --- what frames say ----------------------------------------------------------------------------------------------

    def _heed(self, event: Event) -> None:
        match event:
            case RequestReceived():
                self._ask(event)
            case DataReceived():
                self._take(event)
            case StreamEnded() if event.stream_id in self._streams:
                self._end_of(self._streams[event.stream_id])
            case StreamReset() if event.stream_id in self._streams:
                self._streams.pop(event.stream_id).lose()
                self._end_if_done()
            case WindowUpdated():
                self._widen(event.stream_id)
            case RemoteSettingsChanged():
                self._wire.codec.check_settings()
                for stream in self._streams.values():
                    stream.wake()
            case ConnectionTerminated():
                self._is_last = True
                self._end_if_done()

    def _ask(self, event: RequestReceived) -> None:
        self._has_asked = True
        self._frames.earn(1)
        if self._is_last or max(len(self._streams), len(self._tasks)) >= STREAMS_MAX:
            self._resets.spend(1)
            self._wire.codec.reset_stream(event.stream_id, ErrorCodes.REFUSED_STREAM)
            return
        has_body = event.stream_ended is None
        try:
            head, length = read_head(event.headers, self._limits.headers_bytes)
        except Refused as refused:
            self._refuse(self._stream(event.stream_id, None, lambda: self.peer), refused, has_body)
            return
        expects = head.fields.get("expect", "").lower() == "100-continue"  # type: ignore[union-attr]
        stream = self._stream(
            event.stream_id, length, lambda: self._answering.client_of(self.peer, head), expects and has_body
        )
        if not has_body:
            self._end_of(stream)
        self._answer(head, length, stream, has_body)

    def _stream(
        self, stream_id: int, length: int | None, client: Callable[[], str], is_continue_wanted: bool = False
    ) -> Stream:
        room = self._answering.app.room
        stream = self._streams[stream_id] = Stream(self._wire, stream_id, length, room, client, is_continue_wanted)
        return stream

    def _answer(self, head: Head, length: int | None, stream: Stream, has_body: bool) -> None:
        """Let it be answered; at once, if that is possible."""
        if stream.is_gone:
            self._done(stream)
            return
        if head.method == "GET" and not has_body:
            near = self._answering.at_once(head, self.peer)
            if near is not None:
                headers, body = near
                stream.respond(200, [*headers, ("content-length", str(len(body)))], body)
                self._finish(stream)
                return
        self._start(self._carry(head, length, stream))

    def _refuse(self, stream: Stream, refused: Refused, has_body: bool) -> None:
        self._resets.spend(1)
        if not has_body:
            stream.end()
        stream.respond(*refused.answer())
        self._finish(stream)

    def _end_of(self, stream: Stream) -> None:
        """The client has sent all; less than it said counts as a reset, for that is what it gets."""
        stream.end()
        self._resets.spend(stream.is_gone)

    def _take(self, event: DataReceived) -> None:
        stream = self._streams.get(event.stream_id)
        if stream is None:
            self._wire.acknowledge(event.stream_id, event.flow_controlled_length)
            return
        if len(event.data) >= _USEFUL_BYTES or event.stream_ended is not None:
            self._frames.earn(1)
        stream.feed(event.data, event.flow_controlled_length)

    def _widen(self, stream_id: int) -> None:
        if stream_id in self._streams:
            self._streams[stream_id].wake()
        elif not stream_id:
            self._wire.wake()

    # --- streams ------------------------------------------------------------------------------------------------------

    async def _carry(self, head: Head, length: int | None, stream: Stream) -> None:
        """From the request to the end of its answer."""
        try:
            await self._answering.answer(head, length, stream.incoming, self.peer, stream)
            await stream.drain()
        except Exception:
            _log.exception("a response could not be sent")
        finally:
            self._done(stream)

    async def _drain(self, stream: Stream) -> None:
        try:
            await stream.drain()
        finally:
            self._done(stream)

    def _finish(self, stream: Stream) -> None:
        """It was answered; what did not go out yet may take its time."""
        if stream.is_waiting:
            self._start(self._drain(stream))
        else:
            self._done(stream)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _done(self, stream: Stream) -> None:
        stream.close()
        if self._streams.pop(stream.id, None) is not None:
            self._end_if_done()
            self._wait(is_heard=True)

    # --- the end ------------------------------------------------------------------------------------------------------

    def _end_if_done(self) -> None:
        if self._is_last and not self._streams and not self._is_over:
            self._close()

    def _end(self, code: ErrorCodes) -> None:
        """Say what was wrong, and close."""
        if not self._is_over:
            self._wire.codec.clear_outbound_data_buffer()
            self._wire.send_raw(self._wire.codec.goodbye(code))
            self._close()

    def _close(self) -> None:
        self._lose()
        self._ending = asyncio.get_running_loop().create_task(self._say_farewell())

    async def _say_farewell(self) -> None:
        """Close when all was taken."""
        await self.sending.settle()
        self._await(Deadline.FAREWELL)
        self._transport.close()

    def _lose(self) -> None:
        """Nothing more is read, or sent."""
        self._is_over = self._is_last = self._wire.is_over = True
        self._unread = memoryview(b"")
        streams, self._streams = self._streams, {}
        for stream in streams.values():
            stream.lose()
        self._read_or_not()

    def _wait(self, *, is_heard: bool) -> None:
        """Say what is waited for now; a silence begins anew where something was heard."""
        if self._is_over:
            return
        if self._streams:
            deadline = Deadline.NONE
        elif self._walk.is_within or not self._has_asked:
            deadline = Deadline.HEAD
        else:
            deadline = Deadline.IDLE
        if deadline is not self.deadline or (deadline is Deadline.IDLE and is_heard):
            self._await(deadline)

    def _await(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self.since = time.monotonic()
