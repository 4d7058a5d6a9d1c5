"""A TCP proxy that forwards to a server and keeps every byte, of both directions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Wiretap:
    """What went over the wire, in the order of its arrival per connection and direction."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._streams: list[bytearray] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def streams(self) -> list[bytes]:
        return [bytes(stream) for stream in self._streams]

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        both = [writer]
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target)
            both.append(server_writer)
            await asyncio.gather(self._forward(reader, server_writer), self._forward(server_reader, writer))
        except (asyncio.CancelledError, ConnectionError):
            pass  # the end of the test, or of either side
        finally:
            for one in both:
                one.close()
            self._writers += both
            self._tasks.discard(task)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kept = bytearray()
        self._streams.append(kept)
        while data := await reader.read(65_536):
            kept += data
            writer.write(data)
            await writer.drain()
        writer.close()

    async def end(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)


@asynccontextmanager
async def wiretap(port: int) -> AsyncIterator[Wiretap]:
    """Listens in front of the server at `port`."""
    tap = Wiretap(port)
    listener = await asyncio.start_server(tap.accept, "127.0.0.1", 0)
    tap.port = listener.sockets[0].getsockname()[1]
    try:
        yield tap
    finally:
        listener.close()
        await tap.end()
