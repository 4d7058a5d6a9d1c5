"""What tests of followers share, on sockets and on event streams: their server, its chains, and how they are cut."""

from __future__ import annotations

import asyncio
import os
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cairn.testing.chains import Writer
from tests.harness import Server, serving
from tests.integration.http.api import FREE_OF_RATES, Holder


@contextmanager
def serving_followers(folder: Path) -> Iterator[Server]:
    """A server without rates, which lets go who takes nothing for 4 s. It is healthy in the end."""
    limits = {**FREE_OF_RATES, "send_seconds": 4}
    with serving(folder, interface={"admission": "open", "limits": limits}) as server:
        yield server
        server.assert_healthy()


def standing_writer(server: Server, flags: int = 0) -> Writer:
    """The writer of a new chain that stands, with its genesis alone."""
    writer = Writer(os.urandom(8).hex(), flags)
    assert Holder(server).append(writer.entries, kind="doors" if flags else "chains").status == 201
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
