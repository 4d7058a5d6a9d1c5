"""Clients of HTTP/2 that ask for much and take little, or send what carries nothing: bounded, and let go."""

from __future__ import annotations

import asyncio
import os
import random
import socket
from contextlib import suppress

import pytest
from h2.settings import SettingCodes

from cairn.testing.chains import Writer, random_block
from tests.integration.http.api import FREE_OF_RATES, Holder, until_idle
from tests.integration.http.crowds import until_cut
from tests.integration.http.frames import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    client_context,
    fields,
    frame,
    request,
)  # fmt: skip
from tests.integration.http.streams import Client
from tests.integration.http.tls import serving_tls
from tests.waiting import until, wait_for

PRIORITY, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION, UNKNOWN = 2, 6, 7, 8, 9, 99
PROTOCOL_ERROR, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM = 1, 6, 7, 8, 11
_MIB = 1024 * 1024
_LONG_SECONDS = 60.0


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    limits = {**FREE_OF_RATES, "send_seconds": 3, "header_seconds": 2}
    with serving_tls(tmp_path_factory.mktemp("greedy"), admission="open", limits=limits) as server:
        yield server
        server.assert_healthy()


def _tell(server, sent):
    """Send frames, and read on until the server ends the connection; the frames that came."""
    with socket.create_connection(("127.0.0.1", server.port), _LONG_SECONDS) as plain:
        received = b""
        with client_context(server.folder).wrap_socket(plain, server_hostname="localhost") as connection:
            with suppress(ConnectionError):
                connection.sendall(PREFACE + frame(SETTINGS, 0, 0, b"") + sent)
            with suppress(ConnectionError):
                while data := connection.recv(65_536):
                    received += data
    return _frames(received)


def _frames(received):
    got = []
    while len(received) >= 9:
        end = 9 + int.from_bytes(received[:3], "big")
        got.append((received[3], int.from_bytes(received[5:9], "big"), received[9:end]))
        received = received[end:]
    return got


def _goodbye(got):
    """What the server said in the end."""
    kind, stream, payload = got[-1]
    assert (kind, stream) == (GOAWAY, 0), got[-1]
    return int.from_bytes(payload[4:8], "big")


def _get(stream, *more, flags=END_HEADERS | END_STREAM):
    return frame(HEADERS, flags, stream, request("GET", "/healthz", *more))


def _post(stream, length):
    block = request("POST", "/v1/blocks/has", ("content-length", str(length)))
    return frame(HEADERS, END_HEADERS, stream, block)


# --- frames ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (b"", frame(PING, 0, 0, bytes(8))),
        (b"", frame(PING, 1, 0, bytes(8))),
        (b"", frame(SETTINGS, 0, 0, b"")),
        (b"", frame(SETTINGS, 1, 0, b"")),
        (b"", frame(SETTINGS, 0, 0, b"\0\1" + bytes(4)) + frame(SETTINGS, 0, 0, b"\0\1\0\0\x10\0")),
        (b"", frame(PRIORITY, 0, 1, b"\0\0\0\3\5")),
        (b"", frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1")),
        (b"", frame(UNKNOWN, 0, 0, b"")),
        (_post(1, 1_000), frame(DATA, 0, 1, b"")),
        (_post(1, 1_000_000), frame(DATA, 0, 1, b"x")),
        (_post(1, 1_000_000), frame(DATA, 8, 1, b"\xff" + bytes(255))),
        (_get(1), frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\1")),
        (_get(1), frame(RST_STREAM, 0, 1, bytes(4))),
        (_post(1, 1_000) + frame(RST_STREAM, 0, 1, bytes(4)), frame(DATA, 0, 1, b"x" * 100)),
    ],
    ids=[
        "PING", "PING that is an answer", "SETTINGS", "SETTINGS that is an answer", "SETTINGS of tables", "PRIORITY",
        "WINDOW_UPDATE", "of no known kind", "empty DATA", "DATA of one byte", "DATA of padding",
        "WINDOW_UPDATE too late", "RST_STREAM too late", "DATA too late",
    ],
)  # fmt: skip
def test_a_flood_of_frames_that_carry_nothing(server, first, again):
    assert _goodbye(_tell(server, first + again * 10_000)) == ENHANCE_YOUR_CALM


def test_frames_that_carry_little_are_taken_in_their_number(server):
    pings = b"".join(frame(PING, 0, 0, number.to_bytes(8, "big")) for number in range(500))
    got = _tell(server, pings + _get(1) + frame(GOAWAY, 0, 0, bytes(8)))
    assert sum(kind == PING for kind, *_ in got) == 500
    assert any(kind == HEADERS for kind, *_ in got)


def test_streams_that_are_reset_again_and_again(server):
    pairs = [_get(stream) + frame(RST_STREAM, 0, stream, bytes(4)) for stream in range(1, 2_001, 2)]
    assert _goodbye(_tell(server, b"".join(pairs))) == ENHANCE_YOUR_CALM
    until_idle(server)


@pytest.mark.parametrize("has_trailers", [False, True])
def test_bodies_that_are_shorter_than_was_said(server, has_trailers):
    """Each is answered by a reset, so each counts as one (CVE-2025-8671)."""
    flags = END_HEADERS if has_trailers else END_HEADERS | END_STREAM
    asked = []
    for stream in range(1, 2_001, 2):
        asked.append(frame(HEADERS, flags, stream, request("GET", "/healthz", ("content-length", "5"))))
        if has_trailers:
            asked.append(frame(HEADERS, END_HEADERS | END_STREAM, stream, fields(("a", "b"))))
    assert _goodbye(_tell(server, b"".join(asked))) == ENHANCE_YOUR_CALM
    until_idle(server)


async def test_streams_that_are_reset_while_they_are_answered(server):
    """Each is begun before it is reset, so each is work for the server."""
    async with await Client.open(server) as client:
        for _ in range(2_000):
            stream = client.ask("POST", "/v1/blocks/has", ("content-length", "32"), is_whole=False)
            client.reset(stream)
            if client.is_closed:
                break
            await asyncio.sleep(0)
        await until(lambda: client.is_closed)
    until_idle(server)


def test_a_block_of_headers_without_an_end(server):
    """The connection is let go as one that asks for nothing."""
    for first in (b"", frame(SETTINGS, 0, 0, b""), _get(1)):
        got = _tell(server, first + _get(3, flags=END_STREAM))
        assert all(kind != GOAWAY for kind, *_ in got)
    assert all(kind != GOAWAY for kind, *_ in _tell(server, _get(1)[:-5]))


@pytest.mark.parametrize(("size", "code"), [(0, PROTOCOL_ERROR), (16_384, ENHANCE_YOUR_CALM)])
def test_a_flood_of_continuations(server, size, code):
    begun = _get(1, flags=END_STREAM)
    assert _goodbye(_tell(server, begun + frame(CONTINUATION, 0, 1, bytes(size)) * 1_000)) == code


def test_a_frame_that_is_too_large_is_not_waited_for(server):
    head = (2**24 - 1).to_bytes(3, "big") + bytes((DATA, 0)) + (1).to_bytes(4, "big")
    assert _goodbye(_tell(server, _post(1, 2**24) + head)) == FRAME_SIZE_ERROR


def test_more_settings_than_there_are(server):
    settings = b"".join(number.to_bytes(2, "big") + bytes(4) for number in range(100, 2_000))
    assert _goodbye(_tell(server, frame(SETTINGS, 0, 0, settings))) == ENHANCE_YOUR_CALM


def test_headers_that_a_table_makes_large(server):
    """A few bytes stand for a header of 4 kB, again and again (CVE-2016-6581)."""
    name, value = b"x", b"a" * 3_900
    first = b"\x40\x01" + name + b"\x7f" + b"\xbd\x1d" + value  # RFC 7541, 6.2.1; 3,900 = 127 + 0x3d + (0x1d << 7)
    block = request("GET", "/healthz") + first + b"\xbe" * 10_000
    sent = frame(HEADERS, END_HEADERS | END_STREAM, 1, block)
    assert _goodbye(_tell(server, sent)) == ENHANCE_YOUR_CALM


@pytest.mark.parametrize("seed", range(8))
def test_bytes_at_random(server, seed):
    """Whatever comes: an end of the connection, and nothing in the log."""
    chance = random.Random(seed)
    sent = b""
    for _ in range(300):
        stream = chance.choice((0, 1, 1, 3, 5, 2**31))
        payload = chance.choice((chance.randbytes(chance.randrange(40)), request("GET", "/healthz"), bytes(4)))
        sent += frame(chance.randrange(12), chance.choice((0, 1, 4, 5, 8, 13, 32, 45, 255)), stream, payload)
    _tell(server, _get(1) + sent + chance.randbytes(1_000))
    server.assert_healthy()


# --- heads -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    [[("x", "a" * 16_500)], [("x", "a" * 50_000)], [(f"x-{number}", "a") for number in range(129)]],
    ids=["16 kB", "50 kB", "129 headers"],
)
async def test_headers_that_are_too_large(server, more):
    async with await Client.open(server) as client:
        for _ in range(3):
            answer = await client.answer(client.ask("GET", "/healthz", *more))
            assert (answer.status, answer.is_whole) == (431, True)
            assert b'"code":"headers"' in answer.body
        assert (await client.get("/healthz")).status == 200
        posted = client.ask("POST", "/v1/blocks/has", *more, ("content-length", "32"), is_whole=False)
        assert (await client.answer(posted)).status == 431
        assert (await client.get("/healthz")).status == 200


@pytest.mark.parametrize(
    "pairs",
    [
        [(":method", "G T"), (":path", "/healthz")],
        [(":method", "GET"), (":path", "healthz")],
        [(":method", "GET"), (":path", "*")],
        [(":method", "GET"), (":path", "http://a.test/healthz")],
        [(":method", "GET"), (":path", "/healthz#a")],
        [(":method", "GET"), (":path", "/health z")],
        [(":method", "GET"), (":path", "/healthz"), ("a", "\x01")],
        [(":method", "GET"), (":path", "/healthz"), ("a", "\x7f")],
        [(":method", "GET"), (":path", "/healthz"), ("(", "a")],
        [(":method", "GET"), (":path", "/healthz"), ("content-length", "0"), ("content-length", "0")],
        [(":method", "GET"), (":path", "/healthz"), ("content-length", "0" * 20)],
    ],
)
def test_heads_that_are_refused_on_their_stream(server, pairs):
    block = fields((":scheme", "https"), (":authority", "a.test"), *pairs)
    asked = frame(HEADERS, END_HEADERS | END_STREAM, 1, block) + _get(3) + frame(GOAWAY, 0, 0, bytes(8))
    got = _tell(server, asked)
    assert any(kind == DATA and stream == 1 and b'"status":400' in payload for kind, stream, payload in got)
    assert any(kind == HEADERS and stream == 3 for kind, stream, _ in got)


def test_no_tunnel(server):
    block = fields((":method", "CONNECT"), (":authority", "a.test:1"))
    got = _tell(server, frame(HEADERS, END_HEADERS, 1, block) + frame(GOAWAY, 0, 0, bytes(8)))
    assert any(kind == DATA and b'"status":411' in payload for kind, _, payload in got)


async def test_more_streams_than_there_may_be(server):
    async with await Client.open(server) as client:
        held = [client.ask("POST", "/v1/blocks/has", ("content-length", "32"), is_whole=False) for _ in range(100)]
        await until(lambda: client.codec.remote_settings.max_concurrent_streams == 100)
        client.codec.remote_settings.max_concurrent_streams = 200
        client.codec.remote_settings.acknowledge()
        refused = [client.ask("GET", "/healthz") for _ in range(10)]
        assert {(await client.answer(stream)).reset for stream in refused} == {REFUSED_STREAM}
        await client.send(held[0], bytes(32))
        assert (await client.answer(held[0])).status == 200
        assert (await client.get("/healthz")).status == 200
        assert not client.is_closed


# --- windows that stay shut ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(server):
    """A path that is answered with 1 MiB, made anew each time."""
    writer = Writer(os.urandom(8).hex())
    for _ in range(2):
        added = [writer.add(os.urandom(60_000)) for _ in range(9)]
        assert Holder(server).append(writer.entries if len(writer.entries) == 10 else added).status == 201
    path = f"/v1/chains/{writer.keys.chain_id.hex()}/entries?from=0&limit=18"
    assert 900_000 < len(server.ask("GET", path).body) < 1.25 * _MIB
    return path


async def _grown(server, work):
    """How much the server grows at most while something goes on; it answers others meanwhile."""
    before = most = server.rss_bytes()
    going = asyncio.ensure_future(work)
    while not going.done():
        most = max(most, server.rss_bytes())
        assert (await asyncio.to_thread(server.ask, "GET", "/healthz")).status == 200
    await going
    return most - before


async def test_windows_of_streams_that_stay_shut(server, large):
    """Two thousand answers of 1 MiB that nobody takes: some wait, the others are refused, and all are let go."""

    async def run():
        clients = []
        for _ in range(20):
            clients.append(await Client.open(server, window=0))
            streams = [clients[-1].ask("GET", large) for _ in range(100)]
            await until(lambda: all(clients[-1].streams[stream].status for stream in streams))  # noqa: B023
        for client in clients:
            for stream in client.streams:
                answer = await client.answer(stream)
                assert (answer.status in (200, 503), answer.body, answer.reset) == (True, b"", CANCEL)
            assert (client.is_closed, client.goodbye) == (False, None)
            await client.__aexit__()

    grown = await _grown(server, run())
    print(f"grown by {grown / _MIB:.1f} MiB")
    assert grown < 640 * _MIB, "all of it would be two gibibytes"
    wait_for(lambda: len(server.ask("GET", large).body) > 900_000)


async def test_time_for_a_shut_window_is_not_had_again_by_other_frames(server, large):
    async with await Client.open(server, window=0) as client:
        stream = client.ask("GET", large)
        for _ in range(150):
            if client.streams[stream].is_over:
                break
            client.settle(SettingCodes.INITIAL_WINDOW_SIZE, 0)
            await asyncio.sleep(0.2)
        assert client.streams[stream].reset == CANCEL


async def test_the_window_of_a_connection_that_stays_shut(server, large):
    block = random_block("shut", _MIB)
    assert Holder(server).put(block).status == 201

    async def run():
        async with await Client.open(server, window=2**31 - 1, is_taking=False) as client:
            streams = [client.ask("GET", path) for path in (f"/v1/blocks/{block.id.hex()}", large, "/healthz") * 30]
            await until(lambda: client.is_closed, _LONG_SECONDS)
            assert sum(len(client.streams[stream].body) for stream in streams) == 65_535
            assert sum(client.streams[stream].status == 200 for stream in streams) > 0

    assert await _grown(server, run()) < 300 * _MIB


@pytest.mark.parametrize("what", ["answers", "PING"])
async def test_who_reads_nothing(server, large, what):
    """The windows are wide open, but nothing is taken from the connection."""
    wide = frame(SETTINGS, 0, 0, b"\0\4" + (2**31 - 1).to_bytes(4, "big")) + frame(WINDOW_UPDATE, 0, 0, b"\x7f\0\0\0")
    asked = b"".join(
        frame(HEADERS, END_HEADERS | END_STREAM, stream, request("GET", large)) for stream in range(1, 200, 2)
    )

    async def run():
        connections = []
        for _ in range(20):
            plain = socket.socket()
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
            plain.settimeout(_LONG_SECONDS)
            await asyncio.to_thread(plain.connect, ("127.0.0.1", server.port))
            context = client_context(server.folder)
            connection = await asyncio.to_thread(context.wrap_socket, plain, server_hostname="localhost")
            connection.sendall(PREFACE + wide + (asked if what == "answers" else frame(PING, 0, 0, bytes(8)) * 1_900))
            connections.append(connection)
        await asyncio.gather(*map(until_cut, connections))

    assert await _grown(server, run()) < 640 * _MIB


async def test_a_stream_that_is_shut_holds_up_no_other(server, large):
    block = random_block("beside", _MIB)
    path = f"/v1/blocks/{block.id.hex()}"
    assert Holder(server).put(block).status == 201
    async with await Client.open(server, window=100_000) as client:
        client.is_taking = False
        shut = client.ask("GET", path)
        await until(lambda: len(client.streams[shut].body) == 65_535)
        client.widen(2**30)
        await until(lambda: len(client.streams[shut].body) == 100_000)
        client.is_taking = True
        assert (await client.get(path)).body == block.data
        assert (await client.answer(shut)).reset == CANCEL
        assert (await client.get("/healthz")).status == 200
