"""Clients that send too much, too slowly, or other than they said: refused or cut off, while others are served."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import time

import pytest

from cairn.core.block import BLOCK_BYTES_MAX
from cairn.testing.chains import Writer, random_block
from tests.harness import serving
from tests.integration.http.api import Holder, has
from tests.integration.http.raw import exchange
from tests.waiting import wait_for

_LONG_SECONDS = 60.0  # far over every deadline of the server here: who waits for so long was forgotten
_DEADLINES = {"header_seconds": 2, "body_idle_seconds": 2, "body_seconds": 10}
_MIB = 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    limits = {"requests_per_second": 0, "requests_in_flight": 0, "free_grant_appends_per_second": 0, **_DEADLINES}
    with serving(tmp_path_factory.mktemp("greedy"), interface={"admission": "open", "limits": limits}) as server:
        yield server
        server.assert_healthy()


def _sent(server, data):
    return asyncio.run(exchange(server.port, data, _LONG_SECONDS))


def _request(*lines, method="GET", path="/healthz"):
    return "".join(line + "\r\n" for line in (f"{method} {path} HTTP/1.1", "Host: a.test", *lines, "")).encode()


# --- headers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines",
    [
        ["X: " + "a" * 17_000],
        ["X: " + "a" * 100_000],
        ["X: " + "a" * 10_000_000],
        ["X" * 100_000 + ": a"],
        [f"X-{number}: {number}" for number in range(5_000)],
        ["X: a"] * 5_000,
        ["a: b"] * 101,
        ["Cookie: a=b"] * 200_000,
    ],
    ids=["17 kB", "100 kB", "10 MB", "long name", "5,000 headers", "one 5,000 times", "101 headers", "200,000 headers"],
)
def test_too_many_or_too_long_headers(server, lines):
    got = _sent(server, _request(*lines))
    assert got.is_closed
    assert got.statuses in ((), (400,), (431,)), got


@pytest.mark.parametrize("length", [17_000, 100_000, 1_000_000])
def test_a_path_that_is_too_long(server, length):
    got = _sent(server, _request(path="/" + "a" * length))
    assert got.statuses in ((), (400,), (414,), (431,)), got
    assert got.is_closed


def test_headers_within_the_limit_are_taken(server):
    lines = [f"X-{number}: {'a' * 180}" for number in range(80)]
    assert _sent(server, _request("Connection: close", *lines)).statuses == (200,)


# --- lengths that lie ------------------------------------------------------------------------------------------------


def _put(block, length, data, *lines):
    return _request(f"Content-Length: {length}", *lines, method="PUT", path=f"/v1/blocks/{block.id.hex()}") + data


@pytest.mark.parametrize("size", [1_000, 200_000])
@pytest.mark.parametrize("missing", [1, 500])
def test_a_length_over_the_bytes_sent(server, size, missing):
    """The rest never comes: an answer after the deadline, and nothing stored."""
    block = random_block(os.urandom(8).hex(), size)
    got = _sent(server, _put(block, size, block.data[:-missing]))
    assert (got.statuses, got.is_closed) == ((429,), True)
    assert has(server, block) == [False]


@pytest.mark.parametrize("size", [1_000, 200_000])
@pytest.mark.parametrize("over", [1, 500])
def test_a_length_under_the_bytes_sent(server, size, over):
    """The body is what the length says. What follows is another request, and no good one."""
    block = random_block(os.urandom(8).hex(), size)
    got = _sent(server, _put(block, size - over, block.data))
    assert (got.statuses[0], got.is_closed) == (422, True)
    assert got.statuses[1:] in ((), (400,))
    assert has(server, block) == [False]


@pytest.mark.parametrize("length", [BLOCK_BYTES_MAX + 1, 10**9, 10**13, 2**63, 2**64 - 1, 2**64])
def test_a_length_over_every_limit_is_refused_unread(server, length):
    got = _sent(server, _put(random_block(1), length, b"x" * 1_000))
    assert got.statuses in ((413,), (400,), (431,)), got
    assert got.is_closed


@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("/v1/blocks/get", 32 * 1_024 + 32),
        ("/v1/blocks/has", 32 * 1_024 + 32),
        ("/v1/chains/read", 44 * 1_024 + 44),
        ("/v1/blocks/put", 16 * _MIB + 1),
        (f"/v1/chains/{'0' * 64}/entries", 16 * _MIB + 1),
    ],
)
def test_a_body_over_its_limit(server, path, size):
    """Refused for the length it claims, before it has come."""
    got = _sent(server, _request(f"Content-Length: {size}", method="POST", path=path) + bytes(1_000))
    assert (got.statuses, got.is_closed) == ((413,), True)
    assert b'"code":"too_large"' in got.bodies[0]


def test_the_largest_block_and_one_byte_more(server):
    largest = random_block("largest", BLOCK_BYTES_MAX)
    assert Holder(server).put(largest).status == 201
    assert server.ask("GET", f"/v1/blocks/{largest.id.hex()}").body == largest.data
    got = _sent(server, _put(largest, BLOCK_BYTES_MAX + 1, largest.data + b"x"))
    assert got.statuses in ((413,), ())  # the connection may be reset while the client still sends


# --- slow ------------------------------------------------------------------------------------------------------------


async def _drip(port, start, piece, pause_seconds):
    """Send the start, then a piece again and again, until the server has had enough; what it answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(start)
        reading = asyncio.create_task(reader.read(65_536))
        while not reading.done():
            await asyncio.wait((reading,), timeout=pause_seconds)
            writer.write(piece)
        with contextlib.suppress(ConnectionError):
            return reading.result()
        return b""
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def _ask_until(slow, port):
    """Other clients' requests while `slow` goes on; how many were answered, all of them rightly."""
    count = 0
    block = random_block("others", 5_000)
    put = _put(block, 5_000, block.data, "Connection: close")
    while not slow.done():
        got = await exchange(port, put, _LONG_SECONDS)
        assert got.statuses in ((200,), (201,))
        got = await exchange(port, _request("Connection: close"), _LONG_SECONDS)
        assert got.statuses == (200,)
        count += 2
    return count


def test_five_hundred_slow_clients(server):
    """Headers and bodies that drip, or never come at all. All end by the deadlines; meanwhile others are served."""
    block = random_block("slow", 100_000)
    starts = [
        (b"", b""),
        (b"GET /healthz HTTP/1.1\r\nHost: a.test\r\n", b"X: y\r\n"),
        (b"GET /healthz HTTP/1.1\r\nHost: a.test\r\nX: ", b"y"),
        (_put(block, 1_000, b""), b"z"),
        (_put(block, 100_000, b""), b"z"),
    ]

    async def run():
        before = server.rss_bytes()
        slow = asyncio.gather(*(_drip(server.port, *starts[n % len(starts)], 0.5) for n in range(500)))
        served = await _ask_until(slow, server.port)
        return await slow, served, server.rss_bytes() - before

    answers, served, grown = asyncio.run(run())
    print(f"{served} requests of others were served; grown by {grown / _MIB:.1f} MiB")
    assert served >= 10
    assert {answer[9:12] for answer in answers} <= {b"", b"400", b"408", b"429"}
    assert {answers[number][9:12] for number in range(3, 500, 5)} == {b"429"}
    assert grown < 64 * _MIB
    assert has(server, block) == [False]


def test_more_connections_than_there_may_be(tmp_path):
    """Who holds all of them with nothing to say loses them at the deadline; who waited is answered then."""
    limits = {"connections": 20, **_DEADLINES}

    async def run(port):
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(60)]
        got = await exchange(port, _request("Connection: close"), _LONG_SECONDS)
        ends = await asyncio.gather(*(reader.read() for reader, _ in silent))
        for _, writer in silent:
            writer.close()
        return got, ends

    with serving(tmp_path, interface={"limits": limits}) as server:
        got, ends = asyncio.run(run(server.port))
        assert got.statuses == (200,)
        assert ends == [b""] * 60
        server.assert_healthy()


# --- memory ----------------------------------------------------------------------------------------------------------


async def _hold(port, source, size):
    """Send most of a batch and keep the rest; the answer, if one comes nevertheless."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    writer.write(_request(f"Content-Length: {16 * _MIB}", method="POST", path="/v1/blocks/put"))
    with contextlib.suppress(ConnectionError):
        for _ in range(size // _MIB):
            writer.write(bytes(_MIB))
            await writer.drain()
    return reader, writer


async def _answer_of(reader, writer):
    try:
        return await reader.read(65_536)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def test_large_bodies_have_so_much_room_and_no_more(server):
    """Sixty batches of 12 MiB from one address: some are kept, the others refused, and another address has room."""

    async def run():
        before = server.rss_bytes()
        held = await asyncio.gather(*(_hold(server.port, "127.0.0.1", 12 * _MIB) for _ in range(60)))
        grown = server.rss_bytes() - before
        data = random_block("room", BLOCK_BYTES_MAX).data
        item = bytes(32) + len(data).to_bytes(4, "big") + data
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, local_addr=("127.0.0.2", 0))
        body = item * 14
        lines = (f"Content-Length: {len(body)}", "Connection: close")
        writer.write(_request(*lines, method="POST", path="/v1/blocks/put") + body)
        taken = await _answer_of(reader, writer)
        return grown, taken, await asyncio.gather(*(_answer_of(*one) for one in held))

    grown, taken, answers = asyncio.run(run())
    print(f"grown by {grown / _MIB:.1f} MiB")
    assert taken.startswith(b"HTTP/1.1 200 ")
    assert grown < 300 * _MIB
    assert {answer[9:12] for answer in answers} <= {b"503", b"429", b""}
    assert Holder(server).put(random_block("after", BLOCK_BYTES_MAX)).status in (200, 201)


# --- answers that nobody takes ---------------------------------------------------------------------------------------


def _many(server, request, count):
    """Connections on which something large was asked for, and nothing is read."""
    connections = []
    for _ in range(count):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(request)
        connections.append(connection)
    return connections


def _post(path, body):
    return _request(f"Content-Length: {len(body)}", method="POST", path=path) + body


@pytest.mark.parametrize("kind", ["blocks", "chains", "entries"])
def test_answers_that_nobody_takes_fill_no_memory(server, kind):
    """Of one client's at most 256 MiB wait, however many connections it has; then it is served again."""
    method, path, body = _large_request(server, kind)
    before = server.rss_bytes()
    connections = _many(server, _request(f"Content-Length: {len(body)}", method=method, path=path) + body, 120)
    assert server.ask("GET", "/healthz").status == 200
    most = before
    for _ in range(100):
        most = max(most, server.rss_bytes())
        time.sleep(0.02)
    for connection in connections:
        connection.close()
    assert most - before < 640 * _MIB, "all of it would be well over a gibibyte"
    wait_for(lambda: len(server.ask(method, path, body).body) > 15 * _MIB)


def _large_request(server, kind):
    """Asks for 15 MiB or more."""
    if kind == "blocks":
        block = random_block("untaken", BLOCK_BYTES_MAX)
        Holder(server).put(block)
        return "POST", "/v1/blocks/get", block.id * 20
    writer = Writer("untaken " + kind)
    for _ in range(2 if kind == "chains" else 30):
        added = [writer.add(bytes(60_000)) for _ in range(9)]
        assert Holder(server).append(writer.entries if len(writer.entries) == 10 else added).status == 201
    if kind == "chains":
        return "POST", "/v1/chains/read", (writer.keys.chain_id + struct.pack(">QI", 0, 256)) * 15
    return "GET", f"/v1/chains/{writer.keys.chain_id.hex()}/entries?from=0&limit=256", b""
