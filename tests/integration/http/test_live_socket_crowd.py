"""A thousand sockets on one chain, and among them some who never read."""

from __future__ import annotations

import asyncio
import socket

from cairn.wire.live import Command, encode_command
from tests.integration.http.crowds import append, until_cut
from tests.integration.http.sockets import TEXT, frame, fronts, open_raw

_SOCKETS = 1_000
_STUCK = 10
_MIB = 1024 * 1024


async def _receive(front, count):
    return [(await front.next_entry()).raw for _ in range(count)]


async def test_a_thousand_sockets_get_every_entry(server, writer):
    before = server.rss_bytes()
    async with fronts() as session:
        opened = []
        for _ in range(_SOCKETS // 50):
            opened += await asyncio.gather(*(session.open(server) for _ in range(50)))
        await asyncio.gather(*(front.subscribe({writer: 1}) for front in opened))
        receiving = asyncio.gather(*(_receive(front, 10) for front in opened))
        for _ in range(10):
            await append(server, writer, 2_000)
        received = await receiving
        grown = server.rss_bytes() - before
        for front in opened:
            front.cut()
    print(f"grown by {grown / _MIB:.1f} MiB, {grown / _SOCKETS / 1024:.0f} KiB each")
    wanted = [entry.raw for entry in writer.entries[1:]]
    assert all(got == wanted for got in received)
    assert grown < 96 * _MIB
    await _until_none_is_open(server)


async def test_who_never_reads_is_let_go_and_the_others_get_all(server, writer):
    """10 MB of entries for each: that is more than sockets hold, and the server must not hold it either."""
    count, size = 160, 60_000
    command = encode_command(Command({writer.keys.chain_id: writer.entries[0].seq})).encode()
    stuck = [await open_raw(server, receive_bytes=4_096) for _ in range(_STUCK)]
    for connection in stuck:
        await asyncio.get_running_loop().sock_sendall(connection, frame(TEXT, command))
    async with fronts() as session:
        readers = [await session.open(server) for _ in range(5)]
        for front in readers:
            await front.subscribe({writer: 1})
        before = server.rss_bytes()
        receiving = asyncio.gather(*(_receive(front, count) for front in readers))
        for _ in range(count):
            await append(server, writer, size)
        received = await receiving
        grown = server.rss_bytes() - before
        await asyncio.gather(*(until_cut(connection) for connection in stuck))
        for front in readers:
            front.cut()
    print(f"grown by {grown / _MIB:.1f} MiB")
    assert all(got == [entry.raw for entry in writer.entries[1:]] for got in received)
    assert grown < 96 * _MIB
    await _until_none_is_open(server)
    metrics = (await asyncio.to_thread(server.ask, "GET", "/metrics")).body.decode()
    assert f"\ncairn_live_lagged_total {_STUCK}.0\n" in metrics


async def test_who_reads_again_learns_what_it_missed(server, writer):
    """What was sent before is there, then which chains lagged, then the end; and another socket goes on from there."""
    for _ in range(160):
        await append(server, writer, 60_000)
    async with fronts() as session:
        front = await session.open(server)
        received: socket.socket = front.transport.get_extra_info("socket")
        received.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        await front.subscribe({writer: 0})
        front.transport.pause_reading()
        await _until_metric(server, "cairn_live_lagged_total 1.0")
        front.transport.resume_reading()
        *entries, lagged = await front.end()
        assert lagged == {"lagged": [writer.keys.chain_id.hex()]}
        assert 0 < len(entries) < len(writer.entries)
        front = await session.open(server)
        await front.subscribe({writer: len(entries)})
        entries += [await front.next_entry() for _ in range(len(writer.entries) - len(entries))]
        assert entries == writer.entries
        front.cut()


async def _until_none_is_open(server):
    await _until_metric(server, "cairn_live_sockets 0.0")


async def _until_metric(server, line):
    for _ in range(600):
        if f"\n{line}\n" in (await asyncio.to_thread(server.ask, "GET", "/metrics")).body.decode():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"it never was: {line}")
