"""Taking connections: as many as there may be, and of each address no more than its share.

Whoever comes when there are no places left waits in the kernel's queue, and gets the first that is given back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Final

from cairn.interface.carrier.connections import Connections

_AT_A_TIME: Final = 32
_RETRY_SECONDS: Final = 1.0
_HANDSHAKE_SECONDS: Final = 60.0
_SHUTDOWN_SECONDS: Final = 2.0

_log = logging.getLogger("cairn.interface")


class Acceptor:
    """Takes what comes to a listening socket, until `close`; `protocol` makes that of a connection from an address."""

    def __init__(
        self, listening: socket.socket, connections: Connections, protocol: Callable[[str], asyncio.Protocol],
        tls: ssl.SSLContext | None, header_seconds: float,
    ) -> None:  # fmt: skip
        self._listening = listening
        self._connections = connections
        self._protocol = protocol
        self._tls = tls
        self._tls_seconds = {
            "ssl_handshake_timeout": header_seconds or _HANDSHAKE_SECONDS,
            "ssl_shutdown_timeout": _SHUTDOWN_SECONDS,
        }
        self._loop = asyncio.get_running_loop()
        self._is_waiting = False
        self._is_short = False  # of descriptors
        self._is_closed = False
        self._opening: set[asyncio.Task[None]] = set()
        connections.on_place = self._wait
        self._wait()

    def close(self) -> None:
        """Take no more, and give the address back."""
        if not self._is_closed:
            self._rest()
            self._is_closed = True
            self._listening.close()

    def _wait(self) -> None:
        if not self._is_waiting and not self._is_short and not self._is_closed:
            self._is_waiting = True
            self._loop.add_reader(self._listening.fileno(), self._accept)

    def _rest(self) -> None:
        if self._is_waiting:
            self._is_waiting = False
            self._loop.remove_reader(self._listening.fileno())

    def _accept(self) -> None:
        for _ in range(_AT_A_TIME):
            if not self._connections.has_places:
                self._rest()
                return
            try:
                accepted, address = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # no descriptors, or no memory: it will not be better at once
                _log.error("no connection can be taken: %s", error.strerror)
                self._rest()
                self._is_short = True
                self._loop.call_later(_RETRY_SECONDS, self._try_again)
                return
            self._open(accepted, str(address[0]))

    def _try_again(self) -> None:
        self._is_short = False
        self._wait()

    def _open(self, accepted: socket.socket, peer: str) -> None:
        if not self._connections.take_place(peer):
            accepted.close()
            return
        accepted.setblocking(False)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opening = self._loop.create_task(self._begin(accepted, peer))
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)

    async def _begin(self, accepted: socket.socket, peer: str) -> None:
        seconds = {} if self._tls is None else self._tls_seconds
        try:
            await self._loop.connect_accepted_socket(lambda: self._protocol(peer), accepted, ssl=self._tls, **seconds)
        except Exception:  # of any kind: whoever came speaks no TLS, or is gone
            self._connections.give_place_back(peer)
            with contextlib.suppress(OSError):
                accepted.close()
