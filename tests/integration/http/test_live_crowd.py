"""A thousand subscribers on one chain, and among them some who never read."""

from __future__ import annotations

import asyncio
import socket

from tests.integration.http.crowds import append, until_cut
from tests.integration.http.events import Subscriber

_SUBSCRIBERS = 1_000
_STUCK = 10
_MIB = 1024 * 1024


async def _open_many(server, writer, count, buffer_bytes=2**16):
    opened, chain = [], [f"{writer.keys.chain_id.hex()}@1"]
    for _ in range(count // 50 or 1):
        group = (Subscriber.open(server.port, chain, buffer_bytes=buffer_bytes) for _ in range(min(50, count)))
        opened += await asyncio.gather(*group)
    assert {subscriber.status for subscriber in opened} == {200}
    return opened


async def _receive(subscriber, count):
    return [(await subscriber.next_entry())[1].raw for _ in range(count)]


def test_a_thousand_subscribers_get_every_entry(server, writer):
    async def run():
        before = server.rss_bytes()
        subscribers = await _open_many(server, writer, _SUBSCRIBERS)
        receiving = asyncio.gather(*(_receive(subscriber, 20) for subscriber in subscribers))
        for _ in range(20):
            await append(server, writer, 2_000)
        received = await receiving
        grown = server.rss_bytes() - before
        for subscriber in subscribers:
            subscriber.cut()
        return received, grown

    received, grown = asyncio.run(run())
    print(f"grown by {grown / _MIB:.1f} MiB, {grown / _SUBSCRIBERS / 1024:.0f} KiB each")
    wanted = [entry.raw for entry in writer.entries[1:]]
    assert all(got == wanted for got in received)
    assert grown < 128 * _MIB


def test_who_never_reads_is_dropped_and_the_others_get_all(server, writer):
    """13 MB of events for each: that is more than sockets hold, and the server must not hold it either."""
    count, size = 160, 60_000

    async def run():
        stuck = [await _open_stuck(server, writer) for _ in range(_STUCK)]
        readers = await _open_many(server, writer, 5)
        before = server.rss_bytes()
        receiving = asyncio.gather(*(_receive(subscriber, count) for subscriber in readers))
        for _ in range(count):
            await append(server, writer, size)
        received = await receiving
        grown = server.rss_bytes() - before
        await asyncio.gather(*(until_cut(connection) for connection in stuck))
        for subscriber in readers:
            subscriber.cut()
        return received, grown

    received, grown = asyncio.run(run())
    print(f"grown by {grown / _MIB:.1f} MiB")
    assert all(got == [entry.raw for entry in writer.entries[1:]] for got in received)
    assert grown < 96 * _MIB


async def _open_stuck(server, writer):
    """A subscriber with small buffers, who reads nothing."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(connection, ("127.0.0.1", server.port))
    query = f"chain={writer.keys.chain_id.hex()}@1"
    await loop.sock_sendall(connection, f"GET /v1/live?{query} HTTP/1.1\r\nHost: a.test\r\n\r\n".encode())
    return connection
