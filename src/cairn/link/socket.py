"""picows behind one thin adapter: connections that carry messages of bytes, over TCP, TLS or a Unix socket.

See docs/decisions/0011. picows frames, masks and closes, and writes without regard to what the other end takes; so a
`Socket` says when that is too much (`is_writable`), and stops reading when its owner is told to (`pause`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, NamedTuple

import picows
from picows.picows import WSProtocol  # type: ignore[attr-defined]

from cairn.config import LinkTls
from cairn.core.certificates import load_certificate
from cairn.core.crypto import sha256
from cairn.core.descriptors import raise_descriptor_limit
from cairn.core.errors import Unavailable
from cairn.wire.link import FRAME_BYTES_MAX

ROUTE: Final = "/v1/link"
CONNECT_SECONDS: Final = 5.0

_UNSENT_BYTES_HIGH: Final = 256 * 1024
_UNREAD_MESSAGES_MAX: Final = 4
_READ_BUFFER_BYTES: Final = 64 * 1024
_IDLE_SECONDS: Final = 10.0  # picows asks for it, and does not use it
_BACKLOG: Final = 128
_PING_BYTES_MAX: Final = 125  # RFC 6455, 5.5
_HEADER_ROOM: Final = bytes(14)  # what picows wants before a message
_TCP_CHANNEL: Final = b"tcp"
_UNIX_CHANNEL: Final = b"unix"
_FIRST_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)

_log = logging.getLogger("cairn.link.socket")
_log.setLevel(logging.CRITICAL)  # picows tells of every connection and its addresses


class Place(NamedTuple):
    """Where the answering end listens: a host and port, or the path of a Unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        return self.path or (f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}")


class HttpAnswer(NamedTuple):
    """What a plain GET on the link's listener gets."""

    status: int
    kind: str
    body: bytes


HttpHandler = Callable[[str, Mapping[str, str]], HttpAnswer | None]
"""The answer to a GET of a path with these headers; None: there is nothing."""


class Socket(picows.WSListener):
    """One connection. Its owner sets `on_message` and `on_lost`; until then a few messages wait for `receive`."""

    def __init__(self, channel: bytes = _TCP_CHANNEL, on_open: Callable[[Socket], None] | None = None) -> None:
        super().__init__()
        self.on_message: Callable[[bytes], None] | None = None
        self.on_lost: Callable[[], None] = _nothing
        self.on_writable: Callable[[], None] = _nothing
        self.is_writable = True
        self.is_lost = False
        self.is_paused = False
        self.heard = time.monotonic()
        self.channel = channel
        self._unread: deque[bytes] = deque()
        self._arrived = asyncio.Event()
        self._transport: picows.WSTransport | None = None
        self._on_open = on_open

    # --- for the owner -----------------------------------------------------------------------------------------------

    def send(self, message: bytes) -> None:
        """Send one message; what the other end does not take yet is kept, so look at `is_writable` first."""
        if self._transport is not None:
            # With `send` picows lends the transport a header that its next message overwrites, sent or not.
            self._transport.send_reuse_external_bytearray(
                picows.WSMsgType.BINARY, bytearray().join((_HEADER_ROOM, message)), len(_HEADER_ROOM)
            )

    def ping(self) -> None:
        """Ask for a sign of life: `heard` will tell."""
        if self._transport is not None:
            self._transport.send_ping(b"")

    async def receive(self) -> bytes:
        """The next message, while `on_message` is not set.

        Raises:
            Unavailable: the connection is lost.
        """
        while not self._unread:
            if self.is_lost:
                raise Unavailable("the other end closed the connection of the link")
            self._arrived.clear()
            await self._arrived.wait()
        return self._unread.popleft()

    def pause(self) -> None:
        """Take nothing more from the other end for now."""
        if not self.is_paused and self._transport is not None and not self.is_lost:
            self.is_paused = True
            self._transport.underlying_transport.pause_reading()

    def resume(self) -> None:
        """Go on reading."""
        if self.is_paused and self._transport is not None and not self.is_lost:
            self.is_paused = False
            self.heard = time.monotonic()
            self._transport.underlying_transport.resume_reading()

    def drop(self) -> None:
        """End the connection at once, whatever waits."""
        if self._transport is not None and not self.is_lost:
            self._transport.disconnect(graceful=False)

    def close(self) -> None:
        """End it when what waits is sent."""
        if self._transport is not None and not self.is_lost:
            self._transport.disconnect()

    # --- what picows calls -------------------------------------------------------------------------------------------

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """The upgrade is done."""
        self._transport = transport
        transport.underlying_transport.set_write_buffer_limits(high=_UNSENT_BYTES_HIGH)
        if self._on_open is not None:
            self._on_open(self)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """A frame came: a message, a ping, or something that ends the connection."""
        self.heard = time.monotonic()
        kind = frame.msg_type
        if kind == picows.WSMsgType.BINARY and frame.fin:
            self._deliver(frame.get_payload_as_bytes())
        elif kind == picows.WSMsgType.PING:
            self._answer_ping(transport, frame.get_payload_as_bytes())
        elif kind != picows.WSMsgType.PONG:
            self.drop()

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        """The connection is gone."""
        self.is_lost = True
        self.is_writable = False
        self._arrived.set()
        self.on_lost()

    def pause_writing(self) -> None:
        """The other end does not take what was sent."""
        self.is_writable = False

    def resume_writing(self) -> None:
        """It took most of it."""
        self.is_writable = not self.is_lost
        self.on_writable()

    def _answer_ping(self, transport: picows.WSTransport, payload: bytes) -> None:
        """Give a sign of life: to who has an owner here, so has proved itself, and only while it takes what is sent."""
        if self.on_message is not None and self.is_writable:
            transport.send_pong(payload[:_PING_BYTES_MAX])

    def _deliver(self, message: bytes) -> None:
        if self.on_message is not None:
            self.on_message(message)
        elif len(self._unread) < _UNREAD_MESSAGES_MAX:
            self._unread.append(message)
            self._arrived.set()
        else:
            self.drop()


async def connect(place: Place, tls: LinkTls | None) -> Socket:
    """A connection to who listens at a place.

    Raises:
        Unavailable: there is none to be had.
    """
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            socket = await (_connect_unix(place.path) if place.path else _connect_tcp(place, tls))
    except (OSError, picows.WSError, TimeoutError) as error:
        raise Unavailable(f"it cannot be reached ({_reason(error)})") from error
    return socket


async def _connect_tcp(place: Place, tls: LinkTls | None) -> Socket:
    scheme, context = ("wss", _client_context(tls)) if tls else ("ws", None)
    transport, socket = await picows.ws_connect(
        lambda: Socket(), f"{scheme}://{Place(place.host, place.port)}{ROUTE}", ssl_context=context, logger_name=_log,
        enable_auto_pong=False, max_frame_size=FRAME_BYTES_MAX, max_redirects=0, use_aiofastnet=False,
        read_buffer_init_size=_READ_BUFFER_BYTES,
    )  # fmt: skip
    socket = _opened(socket)
    if tls is not None:
        tunnel = transport.underlying_transport.get_extra_info("ssl_object")
        socket.channel = _tls_channel(tunnel.getpeercert(binary_form=True))
    return socket


async def _connect_unix(path: str) -> Socket:
    loop = asyncio.get_running_loop()
    _, protocol = await loop.create_unix_connection(
        lambda: _UnixProtocol(lambda: Socket(_UNIX_CHANNEL), is_client=True), path
    )
    await protocol.wait_until_handshake_complete()
    return _opened(protocol.listener)


def _opened(listener: picows.WSListener | None) -> Socket:
    """Our end of a connection; there is none where the other end went during the handshake, of which nobody tells."""
    if not isinstance(listener, Socket):
        raise Unavailable("it cannot be reached (the connection broke off)")
    return listener


@contextlib.asynccontextmanager
async def listening(
    place: Place, on_open: Callable[[Socket], None], tls: LinkTls | None, http: HttpHandler
) -> AsyncIterator[int]:
    """Take connections at a place: its port is what this gives. Those that are open stay so afterwards.

    Raises:
        OSError: the place is taken, or cannot be.
    """
    channel = _UNIX_CHANNEL if place.path else _TCP_CHANNEL
    if tls is not None:
        channel = _tls_channel(_first_certificate(tls.cert))

    def route(request: picows.WSUpgradeRequest) -> Any:
        path = request.path.decode("ascii", "replace")
        if path == ROUTE:
            return Socket(channel, on_open)
        return _http_response(http(path, request.headers))

    raise_descriptor_limit()
    server = await (_listen_unix(place.path, route) if place.path else _listen_tcp(place, route, tls))
    try:
        yield 0 if place.path else int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        if place.path:
            _remove(place.path)


async def _listen_tcp(place: Place, route: Callable[[Any], Any], tls: LinkTls | None) -> asyncio.Server:
    return await picows.ws_create_server(
        route, place.host, place.port, ssl=_server_context(tls) if tls else None, logger_name=_log,
        enable_auto_pong=False, max_frame_size=FRAME_BYTES_MAX, use_aiofastnet=False, backlog=_BACKLOG,
        read_buffer_init_size=_READ_BUFFER_BYTES, reuse_address=True,
        ssl_handshake_timeout=CONNECT_SECONDS if tls else None,
    )  # fmt: skip


async def _listen_unix(path: str, route: Callable[[Any], Any]) -> asyncio.Server:
    """Listen on a path that only its owner reaches. A socket that a dead process left there is replaced."""
    _remove(path)
    loop = asyncio.get_running_loop()
    server = await loop.create_unix_server(
        lambda: _UnixProtocol(route, is_client=False), path, backlog=_BACKLOG, start_serving=False
    )
    _close_to_others(path)
    await server.start_serving()
    return server


def _http_response(answer: HttpAnswer | None) -> Any:
    if answer is None:
        return None
    headers = {"Content-Type": answer.kind, "Cache-Control": "no-store"}
    response = picows.WSUpgradeResponse.create_ok_response(answer.body, headers)
    response.status = HTTPStatus(answer.status)
    return picows.WSUpgradeResponseWithListener(response, None)


class _UnixProtocol(WSProtocol):  # type: ignore[misc]
    """picows's protocol over a Unix socket, for which it has no function of its own."""

    def __init__(self, factory: Callable[..., Any], *, is_client: bool) -> None:
        super().__init__(
            "localhost", ROUTE, is_client, factory, _log, True, CONNECT_SECONDS, False, _IDLE_SECONDS, _IDLE_SECONDS,
            picows.WSAutoPingStrategy.PING_WHEN_IDLE, False, FRAME_BYTES_MAX, None, _READ_BUFFER_BYTES,
        )  # fmt: skip

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin, on a transport that bears being treated as one of TCP."""
        super().connection_made(_UnixTransport(transport))


class _UnixTransport:
    """A transport whose socket takes TCP's options, and ignores them."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """See `asyncio.BaseTransport`."""
        found = self._transport.get_extra_info(name, default)
        return _UnixOptions(found) if name == "socket" else found


class _UnixOptions:
    """A socket without TCP's options."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket

    def fileno(self) -> int:
        """The descriptor."""
        return int(self._socket.fileno())

    def setsockopt(self, *_: Any) -> None:
        """Do nothing."""

    def getsockopt(self, *_: Any) -> int:
        """Nothing is set."""
        return 0


def _remove(path: str) -> None:
    Path(path).unlink(missing_ok=True)


def _close_to_others(path: str) -> None:
    Path(path).chmod(0o600)


def _client_context(tls: LinkTls) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=tls.ca)
    context.check_hostname = False  # the authority is the link's own, and the handshake names the certificate
    return _hardened(context, tls)


def _server_context(tls: LinkTls) -> ssl.SSLContext:
    return _hardened(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=tls.ca), tls)


def _hardened(context: ssl.SSLContext, tls: LinkTls) -> ssl.SSLContext:
    load_certificate(context, tls.cert, tls.key)
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def _first_certificate(path: str) -> bytes:
    found = _FIRST_PEM.search(Path(path).read_text("ascii"))
    if found is None:
        raise ssl.SSLError("there is no certificate in the file")
    return ssl.PEM_cert_to_DER_cert(found[0])


def _tls_channel(certificate: bytes) -> bytes:
    """What both ends of a TLS connection see alike: the server's certificate (RFC 5929, tls-server-end-point)."""
    return b"tls" + sha256(certificate)


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return (os.strerror(error.errno) if isinstance(error, OSError) and error.errno else type(error).__name__).lower()


def _nothing() -> None:
    """Nobody listens."""
