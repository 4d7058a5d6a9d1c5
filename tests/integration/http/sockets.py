"""The WebSocket /v1/live as a front end sees it, through another library's client; and raw, for those who misbehave."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from cairn.core.chain import Entry
from cairn.core.ephemeral import Ephemeral
from cairn.testing.chains import Writer
from cairn.wire.live import decode_frame
from tests.harness import Server

TEXT, BINARY = 1, 2
PATIENCE_SECONDS = 30.0


class Front:
    """One socket. `next` gives what comes: an entry, a message, or what a text says; None at the end."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def subscribe(self, places: Mapping[Writer, int]) -> None:
        """Follow the chains of these writers."""
        await self.say(subscribe={writer.keys.chain_id.hex(): seq for writer, seq in places.items()})

    async def say(self, **words: Any) -> None:
        """Send a text."""
        await self.socket.send_str(json.dumps(words))

    async def next(self) -> Entry | Ephemeral | dict[str, Any] | None:
        """The next thing that comes."""
        message = await self.socket.receive(PATIENCE_SECONDS)
        if message.type == aiohttp.WSMsgType.TEXT:
            said: dict[str, Any] = json.loads(message.data)
            return said
        return decode_frame(message.data) if message.type == aiohttp.WSMsgType.BINARY else None

    async def next_entry(self) -> Entry:
        """The next entry; a beat may come before it, and nothing else."""
        while (got := await self.next()) is not None:
            if isinstance(got, Entry):
                return got
            assert isinstance(got, dict)
            assert set(got) == {"beat"}, got
        raise EOFError("the socket ended")

    async def refusal(self) -> str:
        """The code of the problem that comes next."""
        got = await self.next()
        assert isinstance(got, dict), got
        return str(got["problem"]["code"])

    async def end(self) -> list[Any]:
        """All that comes until the server closes."""
        said = []
        while (got := await self.next()) is not None:
            said.append(got)
        return said

    def cut(self) -> None:
        """End as a lost connection does."""
        self.transport.abort()

    @property
    def transport(self) -> asyncio.Transport:
        """What carries it: the library ends only politely, and reads whether one asks or not."""
        response: Any = self.socket
        transport: asyncio.Transport = response._response.connection.transport
        return transport


class Fronts:
    """Any number of sockets, closed together."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._opened: list[Front] = []

    async def open(self, server: Server, path: str = "/v1/live", **headers: str) -> Front:
        """A new socket."""
        front = Front(await self._session.ws_connect(server.url + path, headers=headers, max_msg_size=0))
        self._opened.append(front)
        return front

    async def close(self) -> None:
        """End all of them."""
        await asyncio.gather(*(front.socket.close() for front in self._opened))


@asynccontextmanager
async def fronts() -> AsyncIterator[Fronts]:
    """Where sockets are opened."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        opened = Fronts(session)
        try:
            yield opened
        finally:
            await opened.close()


async def open_raw(server: Server, receive_bytes: int = 0) -> socket.socket:
    """A connection on which WebSocket is spoken from now on, by hand."""
    connection = socket.socket()
    if receive_bytes:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(connection, ("127.0.0.1", server.port))
    key = base64.b64encode(os.urandom(16)).decode()
    await loop.sock_sendall(
        connection,
        f"GET /v1/live HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode(),
    )
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += await loop.sock_recv(connection, 1)
    assert answer.startswith(b"HTTP/1.1 101 "), answer
    return connection


def frame(opcode: int, payload: bytes, *, is_last: bool = True, masked: bool = True) -> bytes:
    """A client's frame (RFC 6455, 5.2); the mask is zeros, which is one."""
    first = opcode | (0x80 if is_last else 0)
    mask_bit, mask = (0x80, bytes(4)) if masked else (0, b"")
    if len(payload) < 126:
        head = struct.pack(">BB", first, mask_bit | len(payload))
    elif len(payload) < 2**16:
        head = struct.pack(">BBH", first, mask_bit | 126, len(payload))
    else:
        head = struct.pack(">BBQ", first, mask_bit | 127, len(payload))
    return head + mask + payload
