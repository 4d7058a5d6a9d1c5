"""One connection that speaks HTTP/1.1 (RFC 9112): requests in, one after the other; responses out, in their order.

What can be answered without a wait is answered where it is read: no task, no copy of the body. All else gets a task,
and until it is done, what follows on the connection is left unread beyond a bound.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from cairn.core.block import Block
from cairn.core.errors import CairnError
from cairn.interface.carrier.answering import Answering
from cairn.interface.carrier.body import Incoming
from cairn.interface.carrier.connections import Connections, Deadline
from cairn.interface.carrier.heads import Head, HeadParser, Refused
from cairn.interface.carrier.sending import Sending
from cairn.interface.carrier.sockets import SocketCarrier, is_upgrade
from cairn.interface.http.answers import problem_answer
from cairn.interface.http.exchange import Headers
from cairn.interface.routes.blocks import BLOCK_HEADERS, block_etag

_AHEAD_BYTES_MAX: Final = 64 * 1024
_SKIPPED_BYTES_MAX: Final = 256 * 1024
_WRITE_BUFFER_BYTES: Final = 256 * 1024
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_EMPTY_LINES: Final = re.compile(rb"(?:\r\n)+")
_LAST_CHUNK: Final = b"0\r\n\r\n"
_STATUS_LINES: Final = {int(s): f"HTTP/1.1 {int(s)} {s.phrase}\r\n" for s in HTTPStatus}
_BLOCK_HEAD: Final = (
    _STATUS_LINES[200] + "".join(f"{name}: {value}\r\n" for name, value in BLOCK_HEADERS)
).encode() + b"etag: %b\r\ncontent-length: %d\r\n%b%b"

_log = logging.getLogger("cairn.interface")


class Http1(asyncio.Protocol):
    """One connection: a `Channel` for the request that is under way."""

    def __init__(
        self, peer: str, answering: Answering, connections: Connections, sockets: SocketCarrier, parser: HeadParser,
        send_seconds: float,
    ) -> None:  # fmt: skip
        self.peer = peer
        self.sending: Sending
        self.deadline = Deadline.HEAD
        self.since = time.monotonic()
        self._answering = answering
        self._connections = connections
        self._sockets = sockets
        self._parser = parser
        self._send_seconds = send_seconds
        self._transport: asyncio.Transport
        self._buffer = b""
        self._searched = 0
        self._head: Head | None = None  # of the request under way
        self._incoming: Incoming | None = None
        self._is_chunked = False
        self._is_sized = False
        self._is_awaiting_continue = False
        self._is_ended = False  # nothing more will come
        self._is_last = False  # nothing more is answered
        self._is_reading = True
        self._is_writing_paused = False
        self._staying: asyncio.Timeout | None = None
        self._task: asyncio.Task[None] | None = None

    # --- what the transport calls -------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        self._transport = transport
        transport.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES)
        self.sending = Sending(transport, self._send_seconds)
        self._connections.enter(self)

    def data_received(self, data: bytes) -> None:
        """Bytes of a head, of a body, or of what follows."""
        if self._incoming is not None:
            data = self._incoming.feed(data)
            if self._head is None and self._incoming.is_whole:  # all of a body that nobody wanted has come
                self._incoming = None
                self._await(Deadline.IDLE)
            self._pause_if_full()
        if not data or self._is_last:
            return
        if self._buffer:
            self._buffer += data
        else:
            self._buffer = data
            if self._head is None:
                self._await(Deadline.HEAD)
        self._go_on()
        if self._buffer:
            self._pause_if_full()

    def eof_received(self) -> bool:
        """The client sends nothing more; what it has asked for it may still get."""
        self._is_ended = True
        if self._incoming is not None:
            self._incoming.break_off()
        self._let_go()
        has_more = self._head is not None or (self._is_writing_paused and bool(self._buffer))
        return has_more and self._transport.can_write_eof()  # over TLS it is the end of both ways

    def connection_lost(self, error: Exception | None) -> None:
        """It is over."""
        self._is_ended = self._is_last = True
        if self._incoming is not None:
            self._incoming.break_off()
        self._let_go()
        self._connections.leave(self)

    def pause_writing(self) -> None:
        """The client does not take what it was sent: answer nothing more for now."""
        self._is_writing_paused = True

    def resume_writing(self) -> None:
        """It took most of it."""
        self._is_writing_paused = False
        self._go_on()
        self._resume_if_room()

    # --- what the guard calls -----------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Let the request under way be the last."""
        if self._head is None:
            self._end()
        else:
            self._is_last = True

    # --- requests -----------------------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        """Take requests as long as there are whole heads, and they can be answered at once."""
        while self._buffer and self._head is None and not self._is_writing_paused and not self._is_last:
            try:
                head = self._next_head()
            except Refused as refused:
                self._refuse(refused)
                return
            if head is None:
                break
            self._take(head)
        if self._is_ended and self._head is None and not self._is_writing_paused:
            self._end()  # all that the client has asked for was answered

    def _next_head(self) -> Head | None:
        buffer = self._buffer
        empty = _EMPTY_LINES.match(buffer)  # RFC 9112, 2.2: passed over, but they count
        start = empty.end() if empty is not None else 0
        end = buffer.find(b"\r\n\r\n", max(start, self._searched - 3))
        if end < 0:
            self._searched = len(buffer)
            self._parser.check_size(len(buffer))
            return None
        self._searched = 0
        self._buffer = buffer[end + 4 :]
        self._parser.check_size(end + 4)
        return self._parser.parse(buffer[start : end + 4])

    def _take(self, head: Head) -> None:
        if head.method == "GET" and not head.length and not head.is_old:
            block = self._answering.near_block(head, self.peer)
            if block is not None:
                self._send_block(block, head)
                return
        incoming = Incoming(head.length, self._say_continue, self._took)
        if head.length:
            self._buffer = incoming.feed(self._buffer)
        if self._is_ended:
            incoming.break_off()
        self._head, self._incoming = head, incoming
        self._is_awaiting_continue = not head.is_old and (head.fields.get("expect") or "").lower() == "100-continue"
        self._await(Deadline.NONE)
        self._task = asyncio.get_running_loop().create_task(self._answer(head, incoming))

    def _send_block(self, block: Block, head: Head) -> None:
        """What `respond` would send, in a third of the time: a block's headers hardly differ."""
        stays = b"" if head.stays else b"connection: close\r\n"
        encoded = _BLOCK_HEAD % (block_etag(block.id.hex()).encode(), len(block.data), stays, _date().encode())
        self._transport.writelines((encoded, block.data))
        self._await(Deadline.IDLE)
        if not head.stays:
            self._end()

    async def _answer(self, head: Head, incoming: Incoming) -> None:
        try:
            if is_upgrade(head):
                if await self._upgrade(head):
                    return
            else:
                await self._answering.answer(head, head.length, incoming, self.peer, self)
        except Exception:
            _log.exception("a response could not be sent")
            self.sending.cut()
        else:
            self._answered(incoming)

    async def _upgrade(self, head: Head) -> bool:
        """Let the connection be a WebSocket to its end; False where it was refused, and answered."""
        client = self._answering.client_of(self.peer, head)
        self.deadline = Deadline.SOCKET
        self._resume()  # the socket pauses by itself
        try:
            await self._sockets.carry(head, self._buffer, self._transport, self.sending, client, self.connection_lost)
        except CairnError as error:
            await self._answering.send(head.method, problem_answer(error), self, client)
            return False
        return True

    def _answered(self, incoming: Incoming) -> None:
        """Go on with what follows, or end."""
        head, self._head = self._head, None
        is_unread = not incoming.is_whole
        stays = head is not None and head.stays and not self._is_last
        if is_unread:
            # Who waits for "100 Continue" and gets an answer may send the body or not: what follows could be either.
            stays = stays and incoming.missing <= _SKIPPED_BYTES_MAX and not self._is_awaiting_continue
        self._incoming = incoming if stays and is_unread else None
        if not stays:
            self._end(is_unread=is_unread)
            return
        incoming.drop()
        self._await(Deadline.HEAD if self._buffer or self._incoming is not None else Deadline.IDLE)
        self._go_on()
        self._resume_if_room()

    def _refuse(self, refused: Refused) -> None:
        """Answer what is no request, and let nothing follow."""
        self.respond(*refused.answer())
        self._end(is_unread=True)

    def _end(self, *, is_unread: bool = False) -> None:
        """Let nothing follow. Who sends on has a moment to notice: a reset would overtake the answer."""
        self._is_last = True
        self._buffer = b""
        if not is_unread or self._is_ended or self._transport.is_closing():
            self._transport.close()
            return
        self._await(Deadline.FAREWELL)
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._resume()

    # --- a channel ----------------------------------------------------------------------------------------------------

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """See `Channel`."""
        if self._transport.is_closing():
            return
        encoded = self._encoded(status, headers, self._head)
        if body:
            self._transport.writelines((encoded, body))
        else:
            self._transport.write(encoded)

    def begin(self, status: int, headers: Headers) -> None:
        """See `Channel`."""
        head = self._head
        assert head is not None
        self._is_sized = any(name == "content-length" for name, _ in headers)
        self._is_chunked = not self._is_sized and not head.is_old
        if self._is_chunked:
            headers = [*headers, ("transfer-encoding", "chunked")]
        elif head.is_old:
            self._is_last = True
        if not self._transport.is_closing():
            self._transport.write(self._encoded(status, headers, head))

    async def write(self, piece: bytes) -> bool:
        """See `Channel`."""
        if not await self.sending.has_room(len(piece)):
            self.sending.cut()
        if self._transport.is_closing():
            return False
        if self._is_chunked:
            self._transport.writelines((b"%x\r\n" % len(piece), piece, b"\r\n"))
        else:
            self._transport.write(piece)
        return True

    def finish(self) -> None:
        """See `Channel`."""
        if self._is_chunked and not self._transport.is_closing():
            self._transport.write(_LAST_CHUNK)

    def when_gone(self, end: asyncio.Timeout | None) -> None:
        """See `Channel`."""
        self._staying = end
        if self._is_ended:
            self._let_go()

    def _let_go(self) -> None:
        is_gone = self._transport.is_closing() or not self._is_sized  # who only sends no more gets what has an end
        if self._staying is not None and is_gone:
            self._is_last = True  # nothing may follow a body that broke off
            staying, self._staying = self._staying, None
            staying.reschedule(0)

    def _encoded(self, status: int, headers: Headers, head: Head | None) -> bytes:
        """The head of a response. Raises ValueError: a value would be more than a value."""
        lines = [_STATUS_LINES[status], *[f"{name}: {value}\r\n" for name, value in headers]]
        if head is None or not head.stays or self._is_last:
            lines.append("connection: close\r\n")
        elif head.is_old:
            lines.append("connection: keep-alive\r\n")
        lines.append(_date())
        encoded = "".join(lines).encode("latin-1")
        if encoded.count(b"\n") != len(lines) + 1 or encoded.count(b"\r") != len(lines) + 1:
            raise ValueError("a header of a response has a line break in it")
        return encoded

    # --- reading no more than is wanted -------------------------------------------------------------------------------

    def _say_continue(self) -> None:
        if self._is_awaiting_continue and not self._transport.is_closing():
            self._is_awaiting_continue = False
            self._transport.write(_CONTINUE)

    def _took(self, _size: int) -> None:
        self._resume_if_room()

    @property
    def _is_full(self) -> bool:
        """Enough came that has to wait. A head that is not whole does not: it has a bound of its own."""
        if self._incoming is not None and self._incoming.is_full:
            return True
        return len(self._buffer) > _AHEAD_BYTES_MAX and (self._head is not None or self._is_writing_paused)

    def _pause_if_full(self) -> None:
        if self._is_full and self._is_reading and not self._transport.is_closing():
            self._is_reading = False
            self._transport.pause_reading()

    def _resume_if_room(self) -> None:
        if not self._is_full:
            self._resume()

    def _resume(self) -> None:
        if not self._is_reading and not self._transport.is_closing():
            self._is_reading = True
            self._transport.resume_reading()

    def _await(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self.since = time.monotonic()


_dated: tuple[int, str] = (0, "")


def _date() -> str:
    """The line that says when (RFC 9110, 6.6.1), and the end of the head."""
    global _dated
    now = int(time.time())
    if _dated[0] != now:
        _dated = (now, f"date: {formatdate(now, usegmt=True)}\r\n\r\n")
    return _dated[1]
