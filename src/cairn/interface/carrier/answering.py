"""From the head of a request, and what comes of its body, to the App; and from its response to the client.

The same for every HTTP: `http1.py` and `http2.py` give a `Channel` to each request.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, Protocol, TypeVar

from cairn.config import Limits
from cairn.core.block import Block
from cairn.core.errors import Unavailable
from cairn.interface.admission.forwarded import TrustedProxies, host_name
from cairn.interface.admission.room import room_for_requests
from cairn.interface.app import App
from cairn.interface.carrier.body import Body, Incoming
from cairn.interface.carrier.heads import Head
from cairn.interface.http.answers import problem_answer
from cairn.interface.http.exchange import FileSlice, Headers, Request, Response
from cairn.interface.routes.blocks import BLOCK_HEADERS, block_etag

T = TypeVar("T")

_PIECE_BYTES: Final = 256 * 1024


class Channel(Protocol):
    """Takes one response. Nothing of it raises because the client is gone."""

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """All of a response; without a body where none may follow."""
        ...

    def begin(self, status: int, headers: Headers) -> None:
        """A response whose body follows: its length is among the headers, or is not known."""
        ...

    async def write(self, piece: bytes) -> bool:
        """Bytes of the body, when the client has taken most of what was sent. False: it did not in time, or is gone,
        and nothing more can be sent."""
        ...

    def finish(self) -> None:
        """The body is whole."""
        ...

    def when_gone(self, end: asyncio.Timeout | None) -> None:
        """Let this expire when the client is gone."""
        ...


class Answering:
    """Answers requests out of the App."""

    def __init__(self, app: App, limits: Limits, proxies: TrustedProxies, *, is_tls: bool) -> None:
        self.app = app
        self._limits = limits
        self._proxies = proxies
        self._scheme = "https" if is_tls else "http"
        self._room = room_for_requests(limits.batch_bytes)

    def client_of(self, peer: str, head: Head) -> str:
        """The address that a request counts for."""
        return self._proxies.client_of(peer, head.fields)

    def near_block(self, head: Head, peer: str) -> Block | None:
        """See `App.near_block`; of a GET without a body."""
        return self.app.near_block(head.path, head.fields, lambda: self.client_of(peer, head))

    def at_once(self, head: Head, peer: str) -> tuple[Headers, bytes] | None:
        """The same as a response (200)."""
        block = self.near_block(head, peer)
        return ([*BLOCK_HEADERS, ("etag", block_etag(block.id.hex()))], block.data) if block is not None else None

    async def answer(self, head: Head, length: int | None, incoming: Incoming, peer: str, channel: Channel) -> None:
        """Answer one request."""
        client = self.client_of(peer, head)
        body = Body(incoming, length, self._limits, self._room, client)
        request = Request(
            head.method, head.path, head.query, head.fields, body, client, self._scheme, host_name(head.authority)
        )
        try:
            response = await self.app.answer(request)
        finally:
            body.release()
        await self.send(head.method, response, channel, client)

    async def send(self, method: str, response: Response, channel: Channel, client: str) -> None:
        """Send a response."""
        body = response.body
        if isinstance(body, bytes):
            if method == "HEAD" or response.status in (204, 304):
                channel.respond(response.status, _sized(response, len(body)), b"")
            elif response.held_bytes:
                await self._send_large(response, body, channel, client)
            else:
                channel.respond(response.status, _sized(response, len(body)), body)
        elif isinstance(body, FileSlice):
            headers = _sized(response, body.stop - body.start)
            if method == "HEAD" or body.start == body.stop:
                channel.respond(response.status, headers, b"")
            else:
                await self._send_file(method, response.status, headers, body, channel, client)
        elif method == "HEAD":
            async with contextlib.aclosing(body):  # type: ignore[type-var]
                channel.respond(response.status, response.headers, b"")
        else:
            await _send_stream(response.status, response.headers, body, channel)

    async def _send_file(
        self, method: str, status: int, headers: Headers, wanted: FileSlice, channel: Channel, client: str
    ) -> None:
        """Send a file. A piece of it and its descriptor take up room: over HTTP/2 one connection may wait with many."""
        try:
            self.app.room.take(client, _PIECE_BYTES)
        except Unavailable as error:
            await self.send(method, problem_answer(error), channel, client)
            return
        try:
            await _send_stream(status, headers, _pieces_of_file(wanted), channel)
        finally:
            self.app.room.give_back(client, _PIECE_BYTES)

    async def _send_large(self, response: Response, body: bytes, channel: Channel, client: str) -> None:
        """Send piece by piece, so that it is known when the client has taken it; until then it takes up room."""
        try:
            await _send_stream(response.status, _sized(response, len(body)), _pieces(body), channel)
        finally:
            self.app.room.give_back(client, response.held_bytes)


async def _send_stream(status: int, headers: Headers, body: AsyncIterator[bytes], channel: Channel) -> None:
    """Piece by piece, until there are no more or the client is gone."""
    async with contextlib.aclosing(body):  # type: ignore[type-var]
        channel.begin(status, headers)
        try:
            async with asyncio.timeout(None) as staying:
                channel.when_gone(staying)
                async for piece in body:
                    if not await channel.write(piece):
                        return
                channel.finish()
        except TimeoutError:
            if not staying.expired():
                raise
        finally:
            channel.when_gone(None)


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), _PIECE_BYTES):
        yield body[start : start + _PIECE_BYTES]


async def _pieces_of_file(wanted: FileSlice) -> AsyncIterator[bytes]:
    """Bytes of a file, read in another thread. Raises OSError: it is not there any more, or shorter than it was."""
    opening: asyncio.Future[int] = _in_a_thread(os.open, wanted.path, os.O_RDONLY | os.O_CLOEXEC)
    working: asyncio.Future[Any] = opening
    try:
        descriptor = await asyncio.shield(opening)
        start = wanted.start
        while start < wanted.stop:
            working = _in_a_thread(os.pread, descriptor, min(_PIECE_BYTES, wanted.stop - start), start)
            piece = await asyncio.shield(working)
            if not piece:
                raise OSError("a file became shorter while it was sent")
            start += len(piece)
            yield piece
    finally:
        await asyncio.wait([working])  # whoever waits for a thread may be cancelled, and the thread goes on
        if opening.exception() is None:
            os.close(opening.result())


def _in_a_thread(call: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
    return asyncio.ensure_future(asyncio.to_thread(call, *arguments))


def _sized(response: Response, length: int) -> Headers:
    headers = response.headers
    if response.status in (204, 304) or any(name == "content-length" for name, _ in headers):
        return headers
    return [*headers, ("content-length", str(length))]
