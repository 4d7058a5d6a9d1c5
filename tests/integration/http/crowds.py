"""What tests with many followers of one chain share, on sockets and on event streams."""

from __future__ import annotations

import asyncio
import os
import select
import socket

from cairn.testing.chains import Writer
from tests.harness import Server
from tests.integration.http.api import Holder


def standing_writer(server: Server) -> Writer:
    """The writer of a new chain that stands, with its genesis alone."""
    writer = Writer(os.urandom(8).hex())
    assert Holder(server).append(writer.entries).status == 201
    return writer


async def append(server: Server, writer: Writer, size: int) -> None:
    """Let a chain grow by an entry of so many bytes."""
    answer = await asyncio.to_thread(Holder(server).append, [writer.add(os.urandom(size))])
    assert answer.status == 201


async def until_cut(connection: socket.socket) -> None:
    """Until the server has ended the connection: seen without reading from it."""
    with connection, select.epoll(1) as polled:
        polled.register(connection, select.EPOLLHUP | select.EPOLLRDHUP)
        for _ in range(1_200):
            if polled.poll(0):
                return
            await asyncio.sleep(0.05)
    raise AssertionError("who never reads was not let go")
