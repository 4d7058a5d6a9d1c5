"""WebSockets (RFC 6455): a connection that asks for the upgrade is handed over to picows, which frames and unmasks.

What picows does not do is done here: a message is sent only when the client has taken most of those before it, its
fragments are put together up to a bound, and no more is read than is asked for. A socket that is refused gets the
status that a request would get. See docs/decisions/0011.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import picows
from picows.picows import WSProtocol  # type: ignore[attr-defined]

from cairn.core.errors import Invalid, NotFound
from cairn.interface.carrier.connections import Connections
from cairn.interface.carrier.heads import Head
from cairn.interface.carrier.sending import Sending
from cairn.interface.live.socket import Gone, Lagged, LiveSockets

_PATH: Final = "/v1/live"
_KEY: Final = re.compile(r"[A-Za-z0-9+/]{22}==")
_HEADER_ROOM: Final = bytes(14)  # what picows wants before a message
_UNREAD_MESSAGES_MAX: Final = 16
_UNREAD_BYTES_MAX: Final = 256 * 1024
_UNFINISHED_BYTES_MAX: Final = 1024 * 1024
_FRAGMENTS_MAX: Final = 4_096
_READ_BUFFER_BYTES: Final = 4 * 1024
_IDLE_SECONDS: Final = 10.0  # picows asks for it, and does not use it
_CLOSE_SECONDS: Final = 2.0

_log = logging.getLogger("cairn.interface.sockets")
_log.setLevel(logging.CRITICAL)  # picows tells of every connection and its addresses


def is_upgrade(head: Head) -> bool:
    """Whether a request asks for a WebSocket, and for nothing else."""
    return (
        head.method == "GET" and not head.length and not head.is_old
        and (head.fields.get("upgrade") or "").lower() == "websocket"
        and "upgrade" in (head.fields.get("connection") or "").lower()
    )  # fmt: skip


class SocketCarrier:
    """Carries WebSockets between connections and the live sockets of the interface."""

    def __init__(self, sockets: LiveSockets, connections: Connections, send_seconds: float) -> None:
        self._sockets = sockets
        self._connections = connections
        self._send_seconds = send_seconds

    async def carry(
        self, head: Head, ahead: bytes, transport: asyncio.Transport, sending: Sending, client: str,
        on_lost: Callable[[Exception | None], None],
    ) -> None:  # fmt: skip
        """Upgrade, and stay with the socket until it ends. `ahead` came behind the request.

        Raises:
            CairnError: nothing was done: it is refused.
        """
        _check(head)
        socket = _Socket(sending, client, self._send_seconds, on_lost)
        try:
            with self._sockets.place(client):
                _hand_over(transport, socket, head, ahead)
                await self._sockets.serve(socket)
                await sending.settle()
        finally:
            self._connections.endless += socket.is_endless
            await socket.close()


def _check(head: Head) -> None:
    if head.path != _PATH:
        raise NotFound("there is no WebSocket here: see /v1/live")
    version, key = head.fields.get("sec-websocket-version"), head.fields.get("sec-websocket-key")
    if version != "13" or not _KEY.fullmatch(key or ""):
        raise Invalid("this is no request for a WebSocket of version 13")


def _hand_over(transport: asyncio.Transport, socket: _Socket, head: Head, ahead: bytes) -> None:
    protocol = WSProtocol(
        "localhost", _PATH, False, lambda _request: socket, _log, True, None, False, _IDLE_SECONDS, _IDLE_SECONDS,
        picows.WSAutoPingStrategy.PING_WHEN_IDLE, False, _UNFINISHED_BYTES_MAX, None, _READ_BUFFER_BYTES,
    )  # fmt: skip
    protocol.connection_made(transport)
    transport.set_protocol(protocol)
    request = (
        f"GET {_PATH} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {head.fields.get('sec-websocket-key')}\r\n\r\n"
    )
    came = request.encode() + ahead
    while came:
        buffer = protocol.get_buffer(len(came))
        size = min(len(buffer), len(came))
        buffer[:size] = came[:size]
        protocol.buffer_updated(size)
        came = came[size:]


class _Socket(picows.WSListener):
    """See `live_socket.Socket`."""

    def __init__(
        self, sending: Sending, client: str, send_seconds: float, on_lost: Callable[[Exception | None], None]
    ) -> None:
        super().__init__()
        self.client = client
        self.is_endless = False
        self._sending = sending
        self._send_seconds = send_seconds
        self._on_lost = on_lost
        self._transport: Any = None  # a picows.WSTransport, since the upgrade
        self._unread: deque[str | bytes | Exception] = deque()
        self._unread_bytes = 0
        self._fragments: list[bytes] = []
        self._fragments_bytes = 0
        self._fragments_kind: Any = None
        self._arrived = asyncio.Event()
        self._is_paused = False
        self._lost = asyncio.Event()

    async def receive(self) -> str | bytes:
        """See `Socket.receive`.

        Raises:
            Gone: the other end has closed. Invalid: it broke off, or does not speak WebSocket.
        """
        while not self._unread:
            self._arrived.clear()
            await self._arrived.wait()
        message = self._unread[0]
        if isinstance(message, Exception):
            raise message
        self._unread.popleft()
        self._unread_bytes -= len(message)
        if not self._is_full and self._is_paused and not self._lost.is_set():
            self._is_paused = False
            self._transport.underlying_transport.resume_reading()
        return message

    def send_now(self, message: bytes) -> bool:
        """See `Socket.send_now`."""
        if self._lost.is_set() or not self._sending.has_room_now(len(message)):
            return False
        self._put(picows.WSMsgType.BINARY, message)
        return True

    async def send(self, message: str | bytes) -> None:
        """See `Socket.send`."""
        if not await self._sending.has_room(len(message)):
            raise Lagged
        await self.send_last(message)

    async def send_last(self, message: str | bytes) -> None:
        """See `Socket.send_last`."""
        if self._lost.is_set():
            raise Gone
        if isinstance(message, str):
            self._put(picows.WSMsgType.TEXT, message.encode())
        else:
            self._put(picows.WSMsgType.BINARY, message)

    async def close(self) -> None:
        """Say that it ends, and leave the other end a moment to say so, too."""
        if self._transport is None or self._lost.is_set():
            return
        self._transport.send_close(picows.WSCloseCode.OK)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._lost.wait()
        self._transport.disconnect()

    def _put(self, kind: Any, message: bytes) -> None:
        # With `send` picows lends the transport a header that its next message overwrites, sent or not.
        framed = bytearray().join((_HEADER_ROOM, message))
        self._transport.send_reuse_external_bytearray(kind, framed, len(_HEADER_ROOM))

    # --- what picows calls -------------------------------------------------------------------------------------------

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """The upgrade is done."""
        self._transport = transport

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """A frame came."""
        kind = frame.msg_type
        if kind in (picows.WSMsgType.TEXT, picows.WSMsgType.BINARY, picows.WSMsgType.CONTINUATION):
            self._gather(kind, frame)
        elif kind == picows.WSMsgType.PING:
            if self._sending.has_room_now(len(_HEADER_ROOM) + frame.payload_size):
                transport.send_pong(frame.get_payload_as_bytes())
        elif kind == picows.WSMsgType.CLOSE:
            self._arrive(Gone())

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        """The connection is gone."""
        self._lost.set()
        self._arrive(Invalid("the connection broke off, or something else than WebSocket was spoken"))
        self._on_lost(None)

    def _gather(self, kind: Any, frame: picows.WSFrame) -> None:
        is_first = kind != picows.WSMsgType.CONTINUATION
        if is_first == bool(self._fragments):
            self._arrive(Invalid("a message was begun within another, or none was"))
            return
        if is_first:
            self._fragments_kind = kind
        self._fragments.append(frame.get_payload_as_bytes())
        self._fragments_bytes += frame.payload_size
        if self._fragments_bytes > _UNFINISHED_BYTES_MAX or len(self._fragments) > _FRAGMENTS_MAX:
            self.is_endless = True
            self._sending.cut()
        elif frame.fin:
            message = b"".join(self._fragments)
            self._fragments, self._fragments_bytes = [], 0
            self._arrive_message(message)

    def _arrive_message(self, message: bytes) -> None:
        if self._fragments_kind == picows.WSMsgType.TEXT:
            try:
                self._arrive(message.decode())
            except UnicodeDecodeError:
                self._arrive(Invalid("a text on a live socket is UTF-8"))
        else:
            self._arrive(message)

    @property
    def _is_full(self) -> bool:
        return len(self._unread) >= _UNREAD_MESSAGES_MAX or self._unread_bytes >= _UNREAD_BYTES_MAX

    def _arrive(self, message: str | bytes | Exception) -> None:
        self._unread.append(message)
        self._unread_bytes += 0 if isinstance(message, Exception) else len(message)
        self._arrived.set()
        if self._is_full and not self._is_paused and not self._lost.is_set():
            self._is_paused = True
            self._transport.underlying_transport.pause_reading()
