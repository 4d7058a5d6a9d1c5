"""Granian's WebSockets behind one thin adapter, as `server.py` is for requests: upgrade, messages, the end.

What Granian does not do is done here: a message is sent only when the client has taken most of those before it, one
that comes is given up when it grows past any bound (`connections.py`), and a socket that is refused gets the status
that a request would get. Its close frames carry no reason, so what there is to say comes as a text before.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

from cairn.core.errors import CairnError, Invalid
from cairn.interface.carrier.connections import Connections, Gathering, Sending
from cairn.interface.http.answers import problem_answer
from cairn.interface.live.socket import Gone, Lagged, LiveSockets

_PATH: Final = "/v1/live"
_CLOSE: Final = 0  # the kind of Granian's message that says that the other end has closed


class SocketCarrier:
    """Carries WebSockets between Granian and the live sockets of the interface."""

    def __init__(self, sockets: LiveSockets, connections: Connections, send_seconds: float) -> None:
        self._sockets = sockets
        self._connections = connections
        self._send_seconds = send_seconds

    async def carry(self, scope: Any, protocol: Any, client: str) -> None:
        """Answer one request for an upgrade, and stay with the socket until it ends."""
        if scope.path != _PATH:
            protocol.close(404)
            return
        try:
            with self._sockets.place(client):
                await self._serve(scope, protocol, client)
        except CairnError as error:
            protocol.close(problem_answer(error).status)
        else:
            protocol.close(None)

    async def _serve(self, scope: Any, protocol: Any, client: str) -> None:
        try:
            transport = await protocol.accept()
        except Exception:  # of any kind, as Granian's are: the client is gone
            return
        with self._connections.sending(scope.client) as sending, self._connections.gathering(scope.client) as gathering:
            socket = _Socket(transport, sending, gathering, client, self._send_seconds)
            await self._sockets.serve(socket)
            await socket.finish()
            await sending.settle()


class _Socket:
    """See `live_socket.Socket`."""

    def __init__(
        self, transport: Any, sending: Sending, gathering: Gathering, client: str, send_seconds: float
    ) -> None:
        self.client = client
        self._transport = transport
        self._sending = sending
        self._gathering = gathering
        self._send_seconds = send_seconds
        self._begun: Any = None  # what was sent without waiting for it

    async def receive(self) -> str | bytes:
        """See `Socket.receive`.

        Raises:
            Gone: the other end has closed. Invalid: it broke off, or does not speak WebSocket.
        """
        try:
            message = await self._transport.receive()
        except Exception:
            raise Invalid("the connection broke off, or something else than WebSocket was spoken") from None
        if int(message.kind) == _CLOSE:
            raise Gone
        self._gathering.came()
        data: str | bytes = message.data
        return data

    def send_now(self, message: bytes) -> bool:
        """See `Socket.send_now`."""
        if not _is_done(self._begun) or not self._sending.has_room_now(len(message)):
            return False
        self._begun = self._transport.send_bytes(message)
        return True

    async def send(self, message: str | bytes) -> None:
        """See `Socket.send`."""
        if not await self._sending.has_room(len(message)):
            raise Lagged
        try:
            async with asyncio.timeout(self._send_seconds):
                await self._put(message)
        except TimeoutError:
            raise Lagged from None

    async def send_last(self, message: str) -> None:
        """See `Socket.send_last`."""
        await self._put(message)

    async def finish(self) -> None:
        """Wait until what was begun is sent, but not for ever."""
        with contextlib.suppress(Gone, TimeoutError):
            async with asyncio.timeout(self._send_seconds):
                await self._await_begun()

    async def _await_begun(self) -> None:
        begun, self._begun = self._begun, None
        if begun is not None:
            try:
                await begun
            except Exception:
                raise Gone from None

    async def _put(self, message: str | bytes) -> None:
        await self._await_begun()
        try:
            if isinstance(message, str):
                await self._transport.send_str(message)
            else:
                await self._transport.send_bytes(message)
        except Exception:
            raise Gone from None


def _is_done(begun: Any) -> bool:
    """Whether what was begun is sent, and did not fail."""
    try:
        return begun is None or (begun.done() and begun.exception() is None)
    except AttributeError:  # on a socket that is closed Granian gives something that can only be awaited
        return False
