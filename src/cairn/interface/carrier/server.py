"""Serving: the listener, TLS, and the end. Each connection speaks for itself (`http1.py`, `http2.py`).

All runs in one event loop and one thread, beside the store's client and its background work. See docs/decisions/0002.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cairn.config import Limits, Tls
from cairn.core.certificates import load_certificate
from cairn.core.descriptors import raise_descriptor_limit
from cairn.interface.admission.forwarded import TrustedProxies
from cairn.interface.app import App
from cairn.interface.carrier.accepting import Acceptor
from cairn.interface.carrier.answering import Answering
from cairn.interface.carrier.connections import Connections
from cairn.interface.carrier.heads import HeadParser
from cairn.interface.carrier.http1 import Http1
from cairn.interface.carrier.http2 import Http2
from cairn.interface.carrier.sockets import SocketCarrier
from cairn.interface.interpreter import collect_less_often

_BACKLOG: Final = 2_048
_DRAIN_SECONDS: Final = 20.0
_FAREWELL_SECONDS: Final = 3.0
_HTTP_2: Final = "h2"

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
        OSError: the address cannot be listened on, or the certificate not be read.
    """
    raise_descriptor_limit()
    collect_less_often()
    proxies = TrustedProxies(listener.trusted_proxies)
    connections = Connections(limits, listener.connections_per_address, proxies.trusts)
    app.metrics.add(connections.metrics)
    tls = _tls(listener.tls)
    listening = _listen(listener)
    protocol = _protocols(app, listener, limits, proxies, connections)
    acceptor = Acceptor(listening, connections, protocol, tls, limits.header_seconds)
    guarding = [asyncio.create_task(watch) for watch in (connections.guard(), app.console.remember())]
    try:
        on_ready(listening.getsockname()[1])
        await stop.wait()
        await _end_live(app)
        acceptor.close()
        await _drain(app, connections)
    finally:
        acceptor.close()
        for task in guarding:
            task.cancel()
        await asyncio.gather(*guarding, return_exceptions=True)


def _protocols(
    app: App, listener: Listener, limits: Limits, proxies: TrustedProxies, connections: Connections
) -> Callable[[str], asyncio.Protocol]:
    """What makes the protocol of a new connection, from an address."""
    answering = Answering(app, limits, proxies, is_tls=listener.tls is not None)
    sockets = SocketCarrier(app.sockets, connections, limits.send_seconds)
    parser = HeadParser(limits.headers_bytes)

    def http1(peer: str) -> Http1:
        return Http1(peer, answering, connections, sockets, parser, limits.send_seconds)

    def http2(peer: str) -> Http2:
        return Http2(peer, answering, connections, limits)

    return http1 if listener.tls is None else lambda peer: _Chosen(peer, http1, http2)


class _Chosen(asyncio.Protocol):
    """A connection over TLS, until it is known which HTTP was agreed on (ALPN, RFC 7301)."""

    def __init__(self, peer: str, http1: Callable[[str], Http1], http2: Callable[[str], Http2]) -> None:
        self._peer = peer
        self._http1 = http1
        self._http2 = http2

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Hand it over."""
        agreed = transport.get_extra_info("ssl_object").selected_alpn_protocol()
        protocol = self._http2(self._peer) if agreed == _HTTP_2 else self._http1(self._peer)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)


def _listen(listener: Listener) -> socket.socket:
    """A socket that listens. It is shared, so that workers may listen there, too; but not with anybody else.

    Raises:
        OSError: the address is taken, or is none of this machine's.
    """
    if not listener.is_shared:
        _open(listener, is_shared=False).close()
    listening = _open(listener, is_shared=True)
    listening.listen(_BACKLOG)
    listening.setblocking(False)
    return listening


def _open(listener: Listener, *, is_shared: bool) -> socket.socket:
    found = socket.socket(socket.AF_INET6 if ":" in listener.host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, is_shared)
        if found.family == socket.AF_INET6:
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, listener.host != "::")
        found.bind((listener.host, listener.port))
    except OSError as error:
        found.close()
        raise OSError(error.errno, os.strerror(error.errno or 0), f"{listener.host}:{listener.port}") from None
    return found


def _tls(tls: Tls | None) -> ssl.SSLContext | None:
    if tls is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    load_certificate(context, tls.cert, tls.key)
    context.set_alpn_protocols([_HTTP_2, "http/1.1"])
    return context


async def _end_live(app: App) -> None:
    """End what would go on for ever; sockets say why."""
    app.stop_live()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_FAREWELL_SECONDS):
            while app.sockets.socket_count:  # noqa: ASYNC110 - as in `_drain`
                await asyncio.sleep(0.02)


async def _drain(app: App, connections: Connections) -> None:
    """Wait for what is in flight and for what was answered to be taken, but not for ever."""
    connections.stop()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            while app.metrics.in_flight or len(connections):  # noqa: ASYNC110 - rare, short, nothing to subscribe to
                await asyncio.sleep(0.02)
    if app.metrics.in_flight:
        _log.warning("some requests did not finish within %d s", _DRAIN_SECONDS)
