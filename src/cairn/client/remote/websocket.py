"""One WebSocket to a server (`aiohttp`): texts and bytes, with deadlines, and errors as everywhere."""

from __future__ import annotations

from typing import Final, Self

import aiohttp

from cairn.client.remote.http import HttpServer, lost
from cairn.core.errors import CairnError, Invalid, Unavailable

_MESSAGE_BYTES_MAX: Final = 256 * 1024
_BUSY: Final = (429, 503)


class NoSockets(CairnError):
    """The server, or what stands before it, takes no WebSockets."""

    code = "no_sockets"


class WebSocket:
    """An open socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    @classmethod
    async def open(cls, server: HttpServer, path: str) -> Self:
        """A new socket.

        Raises:
            NoSockets. Unreachable, Unavailable: not now.
        """
        timeout = aiohttp.ClientWSTimeout(ws_close=1.0)
        try:
            return cls(
                await server.session.ws_connect(server.url + path, timeout=timeout, max_msg_size=_MESSAGE_BYTES_MAX)
            )
        except aiohttp.WSServerHandshakeError as error:
            if error.status in _BUSY:
                raise Unavailable("the server takes no more live sockets now: try again") from None
            raise NoSockets("the server takes no live sockets") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise lost(error, server.url, is_write=False) from None

    async def send(self, message: str | bytes) -> None:
        """Send one message. Raises Unavailable."""
        try:
            if isinstance(message, str):
                await self._socket.send_str(message)
            else:
                await self._socket.send_bytes(message)
        except (aiohttp.ClientError, OSError):
            raise Unavailable("the connection broke: try again") from None

    async def receive(self, seconds_max: float) -> str | bytes:
        """The next message.

        Raises:
            Unavailable: the socket ended, or was silent for so long. Invalid: no message of ours is so large.
        """
        try:
            message = await self._socket.receive(seconds_max)
        except (TimeoutError, aiohttp.ClientError, OSError):
            raise Unavailable("the server has gone silent: try again") from None
        if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            data: str | bytes = message.data
            return data
        if message.type == aiohttp.WSMsgType.ERROR:
            raise Invalid("the server sent what is no message of a live socket")
        raise Unavailable("the server closed the live socket: try again")

    async def close(self) -> None:
        """End it."""
        await self._socket.close()
