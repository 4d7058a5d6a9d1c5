"""SIGTERM: what is under way is finished and kept, what is idle is closed, and the process ends with 0."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cairn.testing.chains import Writer, random_block
from cairn.wire.messages import encode_entries
from tests.harness import serving
from tests.integration.http.api import Holder, has, head
from tests.integration.http.events import Subscriber
from tests.waiting import wait_for


@pytest.fixture
def server(tmp_path):
    with serving(tmp_path) as server:
        yield server


def _begin(server, method, path, body, cut):
    """A request of which the first bytes have gone out."""
    connection = socket.create_connection(("127.0.0.1", server.port), 30)
    fields = f"{method} {path} HTTP/1.1\r\nHost: a.test\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    connection.sendall(fields + body[:cut])
    return connection


def _answer(connection):
    """All that comes until the server closes."""
    with connection:
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def _wait_until(is_so):
    for _ in range(1_000):
        if is_so():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come true")


def _is_refused(port):
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except OSError:
        return True
    return False


def _in_flight(server, count):
    return f"\ncairn_requests_in_flight {count + 1}.0\n".encode() in server.ask("GET", "/metrics").body


@pytest.mark.parametrize("size", [1_000, 1_000_000])
def test_what_is_under_way_is_finished_and_kept(server, size):
    block, writer = random_block(size, size), Writer(os.urandom(8).hex())
    while len(encode_entries(writer.entries)) < size:
        writer.add(os.urandom(min(size, 60_000)))
    entries, path = encode_entries(writer.entries), f"/v1/chains/{writer.keys.chain_id.hex()}/entries"
    putting = _begin(server, "PUT", f"/v1/blocks/{block.id.hex()}", block.data, size // 2)
    appending = _begin(server, "POST", path, entries, len(entries) // 2)
    _wait_until(lambda: _in_flight(server, 2))
    server.process.send_signal(signal.SIGTERM)
    _wait_until(lambda: _is_refused(server.port))
    assert server.process.poll() is None
    putting.sendall(block.data[size // 2 :])
    appending.sendall(entries[len(entries) // 2 :])
    assert _answer(putting).startswith(b"HTTP/1.1 201 ")
    assert _answer(appending).startswith(b"HTTP/1.1 201 ")
    assert server.process.wait(30) == 0
    server.start()
    assert has(server, block) == [True]
    assert head(server, writer.keys.chain_id)["hash"] == writer.state.hash.hex()  # type: ignore[index]
    server.assert_healthy()


def test_kept_connections_are_closed_and_hold_nothing_up(server):
    kept = [socket.create_connection(("127.0.0.1", server.port), 30) for _ in range(20)]
    for connection in kept[:10]:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a.test\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
    assert server.stop() == 0
    assert [_answer(connection) for connection in kept] == [b""] * 20
    server.start().assert_healthy()


def test_a_live_stream_is_told_and_ended(server):
    writer = Writer(os.urandom(8).hex())
    assert Holder(server).append(writer.entries).status == 201

    async def run():
        async with await Subscriber.open(server.port, [f"{writer.keys.chain_id.hex()}@0"]) as subscriber:
            await subscriber.next_entry()
            server.process.send_signal(signal.SIGTERM)
            event = await subscriber.next()
            assert (event.kind, event.data["code"]) == ("error", "unavailable")  # type: ignore[union-attr]
            assert await subscriber.next() is None

    asyncio.run(run())
    assert server.process.wait(30) == 0


def test_a_stream_of_blocks_is_sent_to_its_end(server):
    """A batch that the client takes slowly, begun before the signal."""
    blocks = [random_block(f"stream {number}", 1_000_000) for number in range(24)]
    for block in blocks:
        assert Holder(server).put(block).status == 201
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", server.port))
        ids = b"".join(block.id for block in blocks)
        connection.sendall(b"POST /v1/blocks/get HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(ids) + ids)
        received = connection.recv(1_000)
        server.process.send_signal(signal.SIGTERM)
        _wait_until(lambda: _is_refused(server.port))
        pieces = [received, *iter(lambda: connection.recv(1_000_000), b"")]
    received = b"".join(pieces)
    assert received.endswith(b"\r\n0\r\n\r\n")
    assert len(received) > sum(len(block.data) for block in blocks)
    assert server.process.wait(30) == 0


def test_no_acknowledged_write_is_lost_under_load(server):
    """Writers go on until they are refused; what was acknowledged before is there after the restart."""

    done = []

    def write(number):
        for count in range(10_000):
            block = random_block(f"{number}/{count}", 2_000)
            try:
                if Holder(server).put(block).status == 201:
                    done.append(block)
            except OSError:
                return

    with ThreadPoolExecutor(8) as pool:
        writing = [pool.submit(write, number) for number in range(8)]
        wait_for(lambda: len(done) > 100)
        assert server.stop() == 0
        for one in writing:
            one.result()
    print(f"{len(done)} blocks were acknowledged")
    server.start()
    for start in range(0, len(done), 1_000):
        assert all(has(server, *done[start : start + 1_000]))
    server.assert_healthy()
