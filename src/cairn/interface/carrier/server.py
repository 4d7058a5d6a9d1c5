"""Granian behind one thin adapter: sockets, TLS, requests in, responses out, drain. See docs/decisions/0002.

Granian (RSGI) runs inside our event loop, so that requests, the store and its background work share one thread of
Python, and signals stay ours. Two things it does not do are done here: bodies have deadlines and bounds, and a stream
waits while its client does not read (`connections.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings, HTTP2Settings
from granian.server.embed import Server

from cairn.config import Limits, Tls
from cairn.core.descriptors import raise_descriptor_limit
from cairn.core.errors import Invalid
from cairn.interface.admission.forwarded import TrustedProxies, host_name
from cairn.interface.admission.room import room_for_requests
from cairn.interface.app import App
from cairn.interface.carrier.body import Body
from cairn.interface.carrier.connections import Connections
from cairn.interface.carrier.sockets import SocketCarrier
from cairn.interface.http.answers import other_problem, problem_answer
from cairn.interface.http.exchange import FileSlice, Headers, Request, Response
from cairn.interface.interpreter import collect_less_often

_PIECE_BYTES: Final = 256 * 1024
_BACKLOG: Final = 2_048
_HTTP1_BUFFER_BYTES: Final = 128 * 1024
_NEVER_MS: Final = 86_400_000
_DRAIN_SECONDS: Final = 20.0
_FAREWELL_SECONDS: Final = 3.0
_STARTED_SECONDS: Final = 10.0

# Granian gives a chunked body that broke off as if it had ended, and two parsers may cut such a request in two ways.
_NO_LENGTH: Final = other_problem(
    411, "length", "Length required", "a request's body has a Content-Length here: chunks and tunnels are refused",
    ("connection", "close"),
)  # fmt: skip

_log = logging.getLogger("cairn.interface")


@dataclass(frozen=True, slots=True)
class Listener:
    """Where and how to take requests."""

    host: str
    port: int
    tls: Tls | None = None
    trusted_proxies: tuple[str, ...] = ()
    connections_per_address: int = 0  # any number
    is_shared: bool = False  # another process listens there already: the kernel deals out the connections


async def serve(
    app: App, listener: Listener, limits: Limits, *, stop: asyncio.Event, on_ready: Callable[[int], None]
) -> None:
    """Take requests until `stop` is set, then let those in flight finish. `on_ready` gets the port.

    Raises:
        OSError: the address cannot be listened on.
    """
    raise_descriptor_limit()
    collect_less_often()
    port = listener.port if listener.is_shared else _free_port(listener)
    proxies = TrustedProxies(listener.trusted_proxies)
    connections = Connections(port, limits, listener.connections_per_address, proxies.trusts)
    adapter = _Adapter(app, limits, proxies, connections, listener.tls is not None)
    server = _granian(adapter, listener, port, limits)
    serving = asyncio.create_task(server.serve())
    app.metrics.add(connections.metrics)
    guarding = [asyncio.create_task(watch) for watch in (connections.guard(), app.console.remember())]
    try:
        await _until_listening(serving, listener.host, port)
        on_ready(port)
        await asyncio.wait((serving, asyncio.create_task(stop.wait())), return_when=asyncio.FIRST_COMPLETED)
        await _end_live(app)
        await _drain(server, serving, app)
    finally:
        for task in guarding:
            task.cancel()
        await asyncio.gather(*guarding, return_exceptions=True)


def _granian(adapter: _Adapter, listener: Listener, port: int, limits: Limits) -> Server:
    tls: dict[str, Any] = {}
    if listener.tls is not None:
        tls = {"ssl_cert": Path(listener.tls.cert), "ssl_key": Path(listener.tls.key)}
    return Server(
        adapter, address=listener.host, port=port, interface=Interfaces.RSGI, websockets=True,
        http=HTTPModes.auto if tls else HTTPModes.http1,  # who speaks HTTP/2 has asked for it by ALPN
        backlog=_BACKLOG, backpressure=limits.connections, log_enabled=False,
        http1_settings=HTTP1Settings(
            header_read_timeout=int(limits.header_seconds * 1000) or _NEVER_MS, max_buffer_size=_HTTP1_BUFFER_BYTES
        ),
        http2_settings=HTTP2Settings(
            max_headers_size=limits.headers_bytes, max_concurrent_streams=100, keep_alive_interval=20_000
        ),
        **tls,
    )  # fmt: skip


async def _end_live(app: App) -> None:
    """End what would go on for ever; sockets can say why only while Granian still runs."""
    app.stop_live()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_FAREWELL_SECONDS):
            while app.sockets.socket_count:  # noqa: ASYNC110 - as in `_drain`
                await asyncio.sleep(0.02)


async def _drain(server: Server, serving: asyncio.Task[Any], app: App) -> None:
    """Stop listening; wait for what is in flight, but not for ever."""
    server.stop()  # type: ignore[no-untyped-call]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            while app.metrics.in_flight:  # noqa: ASYNC110 - rare, short, and nothing to subscribe to
                await asyncio.sleep(0.02)
            await serving
    if not serving.done():
        _log.warning("some requests did not finish within %d s", _DRAIN_SECONDS)
        serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


class _Adapter:
    """What Granian calls."""

    def __init__(
        self, app: App, limits: Limits, proxies: TrustedProxies, connections: Connections, is_tls: bool
    ) -> None:
        self._app = app
        self._limits = limits
        self._proxies = proxies
        self._connections = connections
        self._scheme = "https" if is_tls else "http"
        self._room = room_for_requests(limits.batch_bytes)
        self._sockets = SocketCarrier(app.sockets, connections, limits.send_seconds)

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        headers, method, path = scope.headers, scope.method, scope.path
        refused = self._refuse(scope, headers, method, path)
        if scope.proto == "ws":
            await self._carry_socket(scope, protocol, refused)
            return
        if refused is not None:
            protocol.response_bytes(refused.status, refused.headers, refused.body)
            return
        if method == "GET":
            near = self._app.answer_at_once(path, headers, lambda: self._client_of(scope, headers))
            if near is not None:
                protocol.response_bytes(200, *near)
                return
        client = self._client_of(scope, headers)
        host = (scope.authority or headers.get("host") or "").rpartition("@")[2]
        body = Body(protocol, headers, self._limits, self._room, client)
        request = Request(method, path, scope.query_string, headers, body, client, self._scheme, host_name(host))
        try:
            response = await self._app.answer(request)
        finally:
            body.release()
        await self._send(scope, protocol, response, client)

    async def _carry_socket(self, scope: Any, protocol: Any, refused: Response | None) -> None:
        if refused is not None:
            protocol.close(refused.status)
        else:
            await self._sockets.carry(scope, protocol, self._client_of(scope, scope.headers))

    def _client_of(self, scope: Any, headers: Any) -> str:
        return self._proxies.client_of(scope.client.rpartition(":")[0].strip("[]"), headers)

    def _refuse(self, scope: Any, headers: Any, method: str, path: str) -> Response | None:
        """What no handler should see."""
        size = len(path) + len(scope.query_string)
        hosts = 0
        for name, value in headers.items():
            size += len(name) + len(value) + 4
            hosts += name == "host"
        if size > self._limits.headers_bytes:
            return other_problem(
                431, "headers", "Headers too large",
                f"a request's headers hold at most {self._limits.headers_bytes} bytes",
            )  # fmt: skip
        if hosts != 1 and scope.http_version not in ("2", "1.0"):
            return problem_answer(Invalid("a request has one Host header"))
        if "transfer-encoding" in headers or method == "CONNECT":
            return _NO_LENGTH
        return None

    async def _send(self, scope: Any, protocol: Any, response: Response, client: str) -> None:
        body = response.body
        if isinstance(body, bytes):
            if scope.method == "HEAD" or response.status in (204, 304):
                _send_empty(protocol, response, len(body))
            elif response.held_bytes:
                await self._send_large(scope, protocol, response, body, client)
            else:
                protocol.response_bytes(response.status, response.headers, body)
        elif isinstance(body, FileSlice):
            await _send_file(scope, protocol, response, body)
        else:
            await self._send_stream(scope, protocol, response, body)

    async def _send_large(self, scope: Any, protocol: Any, response: Response, body: bytes, client: str) -> None:
        """Send piece by piece, so that it is known when the client has taken it; until then it takes up room."""
        headers = [*response.headers, ("content-length", str(len(body)))]
        try:
            await self._send_stream(scope, protocol, Response(response.status, headers), _pieces(body))
        finally:
            self._app.room.give_back(client, response.held_bytes)

    async def _send_stream(self, scope: Any, protocol: Any, response: Response, body: AsyncIterator[bytes]) -> None:
        """Send piece by piece; each waits until the client took most of those before it."""
        async with contextlib.aclosing(body):  # type: ignore[type-var]
            if scope.method == "HEAD":
                protocol.response_empty(response.status, response.headers)
                return
            transport = protocol.response_stream(response.status, response.headers)
            gone = asyncio.ensure_future(protocol.client_disconnect())
            with self._connections.sending(scope.client) as sending:
                try:
                    await _pump(body, transport, sending, gone)
                finally:
                    gone.cancel()


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), _PIECE_BYTES):
        yield body[start : start + _PIECE_BYTES]


async def _pump(body: AsyncIterator[bytes], transport: Any, sending: Any, gone: asyncio.Future[None]) -> None:
    """Pieces from `body` to the client, until one of them ends."""

    def end(_: object) -> None:
        with contextlib.suppress(RuntimeError):  # all was sent meanwhile
            staying.reschedule(0)

    try:
        async with asyncio.timeout(None) as staying:
            gone.add_done_callback(end)
            try:
                await _send_all(body, transport, sending)
            finally:
                gone.remove_done_callback(end)
    except TimeoutError:
        if not staying.expired():
            raise


async def _send_all(body: AsyncIterator[bytes], transport: Any, sending: Any) -> None:
    async for piece in body:
        if not await sending.has_room(len(piece)):
            sending.cut()
            return
        try:
            await transport.send_bytes(piece)
        except Exception:
            return  # the client is gone


async def _send_file(scope: Any, protocol: Any, response: Response, body: FileSlice) -> None:
    size = body.stop - body.start
    headers = [*response.headers, ("content-length", str(size))]
    if scope.method == "HEAD" or not size:
        protocol.response_empty(response.status, headers)
    else:
        protocol.response_file_range(response.status, headers, str(body.path), body.start, body.stop)


def _send_empty(protocol: Any, response: Response, length: int) -> None:
    headers: Headers = response.headers
    if response.status not in (204, 304) and not any(name == "content-length" for name, _ in headers):
        headers = [*headers, ("content-length", str(length))]
    protocol.response_empty(response.status, headers)


def _free_port(listener: Listener) -> int:
    """The listener's port; where it is 0, one that is free now. Fails early and clearly when it is taken."""
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((listener.host, listener.port))
        except OSError as error:
            raise OSError(error.errno, os.strerror(error.errno or 0), f"{listener.host}:{listener.port}") from None
        return int(probe.getsockname()[1])


async def _until_listening(serving: asyncio.Task[Any], host: str, port: int) -> None:
    """Wait until a connection is taken."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    async with asyncio.timeout(_STARTED_SECONDS):
        while not serving.done():
            try:
                _, writer = await asyncio.open_connection(reached, port)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                return
    serving.result()
