"""Sockets that are refused, and what ends them: each with its reason, and the server unharmed."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import time

import aiohttp
import pytest

from tests.harness import counts_alone, serving
from tests.integration.http.api import FREE_OF_RATES
from tests.integration.http.sockets import BINARY, TEXT, Front, frame, fronts, open_raw
from tests.waiting import wait_for

_ID = "0" * 64
_MIB = 1 << 20
_LIMITS = {
    **FREE_OF_RATES, "live_sockets": 4, "live_socket_chains": 8, "live_messages_per_second": 20,
    "chain_ephemeral_per_second": 2, "connections_per_address": 64,
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("live"), interface={"admission": "open", "limits": _LIMITS}) as server:
        yield server
        server.assert_healthy()


@pytest.fixture
async def session(server):
    """Where sockets are opened, when those of the test before are gone."""
    for _ in range(200):
        if b"\ncairn_live_sockets 0.0\n" in server.ask("GET", "/metrics").body:
            break
        await asyncio.sleep(0.05)
    async with fronts() as session:
        yield session


@pytest.mark.parametrize(
    "text",
    [
        "", "nonsense", "{}", "[]", "null", "1", '{"beat":"x"}', '{"subscribe":{}}', '{"subscribe":[]}',
        '{"other":1}', f'{{"subscribe":{{"{_ID}":-1}}}}', f'{{"subscribe":{{"{_ID}":{2**53}}}}}',
        f'{{"subscribe":{{"{_ID}":1.5}}}}', '{"subscribe":{"x":0}}', f'{{"unsubscribe":["{"G" * 64}"]}}',
        '{"subscribe":' * 500, "\x00", '{"beat":1',
    ],
)  # fmt: skip
async def test_texts_that_are_no_commands(server, session, text):
    front = await session.open(server)
    await front.socket.send_str(text)
    (said,) = await front.end()
    assert said["problem"]["code"] == "invalid"


@pytest.mark.parametrize("raw", [b"", b"CRX1", b"\0" * 400, b"CRX1" + bytes(16_000)])
async def test_frames_that_are_no_messages(server, session, raw):
    front = await session.open(server)
    await front.socket.send_bytes(raw)
    (said,) = await front.end()
    assert said["problem"]["code"] == "invalid"


@pytest.mark.parametrize("size", [16_579, 20_000, 900_000, 10_000_000])
async def test_messages_that_are_too_large(server, session, size):
    front = await session.open(server)
    try:
        await front.socket.send_bytes(b"CRX1" + bytes(size - 4))
    except ConnectionError:
        assert size > 1_000_000
    ends = [said["problem"]["code"] for said in await front.end()]
    assert ends in ([["too_large"]] if size < 1_000_000 else [["too_large"], ["invalid"], []])


async def test_a_message_without_end_is_cut_off(server):
    """64 MiB would be gathered, in pieces that are small each. Some MiB a second come, so that a server whose turn is
    late now and then still cuts it off at far less."""
    before, cut_before = server.rss_bytes(), _cut_as_endless(server)
    connection, loop = await open_raw(server), asyncio.get_running_loop()
    sent_bytes = 0
    with connection:
        await loop.sock_sendall(connection, frame(BINARY, bytes(1_000), is_last=False))
        piece = frame(0, bytes(1_000), is_last=False) * 64
        with pytest.raises(ConnectionError):
            while sent_bytes < 48 * _MIB:
                await loop.sock_sendall(connection, piece)
                sent_bytes += len(piece)
                await asyncio.sleep(0.01)
    assert server.rss_bytes() - before < 48 * _MIB
    wait_for(lambda: _cut_as_endless(server) == cut_before + 1)  # a worker hears of another's a second later


def _cut_as_endless(server):
    lines = server.ask("GET", "/metrics").body.decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("cairn_connections_endless_total "))


@pytest.mark.parametrize(
    "raw",
    [
        frame(TEXT, b"\xff\xfe"), frame(TEXT, b'{"beat":1}', masked=False), frame(3, b"x"), b"\xff" * 100,
        frame(9, bytes(200)), b"GET / HTTP/1.1\r\n\r\n",
    ],
)  # fmt: skip
async def test_what_is_no_websocket(server, raw):
    """The reason is told, in a text or with the close frame (1002), and the connection ends."""
    connection, loop = await open_raw(server), asyncio.get_running_loop()
    with connection:
        await loop.sock_sendall(connection, raw)
        received = b""
        while piece := await _receive(loop, connection):
            received += piece
        assert b'"invalid"' in received or b"\x03\xea" in received


async def _receive(loop, connection):
    try:
        async with asyncio.timeout(20):
            return await loop.sock_recv(connection, 65_536)
    except ConnectionError:
        return b""


async def test_more_chains_than_a_socket_may_have(server, session, writer):
    front = await session.open(server)
    await front.subscribe({writer: 0})
    await front.next_entry()
    wanted = [f"{number:064x}" for number in range(8)]
    await front.say(subscribe=dict.fromkeys(wanted, 0))
    refused = [await front.next() for _ in wanted]
    assert [(said["problem"]["code"], said["problem"]["chain"]) for said in refused] == [
        ("too_large", chain) for chain in wanted
    ]
    await front.subscribe({writer: 0})  # which is one of the eight, and stays
    await front.next_entry()


async def test_a_flood_ends_the_socket(server, session, writer):
    front = await session.open(server)
    for _ in range(300):
        try:
            await front.say(beat=1)
        except ConnectionError:
            break
    said = await front.end()
    assert said[-1]["problem"]["code"] == "limited"
    assert len(said) < 100


async def test_a_flood_of_ephemeral_messages_is_thinned(server, session, writer):
    front = await session.open(server)
    await front.subscribe({writer: 0})
    await front.next_entry()
    flood = [writer.message(b"%d" % number, time.time_ns() // 1_000_000).raw for number in range(20)]
    for raw in flood:
        await front.socket.send_bytes(raw)
    await front.say(beat=1)
    said = []
    while not (isinstance(got := await front.next(), dict) and "beat" in got):
        said.append(got)
    refused = [got["problem"]["code"] for got in said if isinstance(got, dict)]
    assert refused == ["limited"] * len(refused)
    assert len(refused) >= 8


async def test_who_hears_a_chain_cannot_silence_its_writer(server, session, writer):
    """Messages that were forged, or heard and sent again, use up nothing of the chain's rate."""
    front = await session.open(server)
    now_ms = time.time_ns() // 1_000_000
    heard = writer.message(b"heard", now_ms)
    forged = heard.raw[:-1] + bytes((heard.raw[-1] ^ 1,))
    for raw in (heard.raw, *[heard.raw, forged] * 6):
        await front.socket.send_bytes(raw)
    await front.socket.send_bytes(writer.message(b"new", now_ms).raw)
    await front.say(beat=1)
    said = []
    while "beat" not in (got := await front.next()):
        said.append(got["problem"]["code"])
    assert said == ["invalid"] * 6


@counts_alone
async def test_more_sockets_than_an_address_may_have(server, session):
    opened = [await session.open(server) for _ in range(4)]
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await session.open(server)
    assert refused.value.status == 429
    await opened[0].socket.close()
    for _ in range(200):
        try:
            opened[0] = await session.open(server)
            break
        except aiohttp.WSServerHandshakeError:
            await asyncio.sleep(0.02)
    for front in opened:
        await front.say(beat=1)
        assert "beat" in (await front.next() or {})


@pytest.mark.parametrize(("path", "status"), [("/", 404), ("/v1/chains", 404), ("/v1/live/", 404), ("/metrics", 404)])
async def test_other_paths_have_no_sockets(server, session, path, status):
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await session.open(server, path)
    assert refused.value.status == status


async def test_upgrades_that_are_malformed(server):
    """Headers are judged as those of any request."""
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
    assert server.ask("GET", "/v1/live", None, upgrade).status == 400
    whole = {**upgrade, "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
    assert server.ask("GET", "/v1/live", None, {**whole, "X-Long": "x" * 20_000}).status == 431
    assert server.ask("GET", "/v1/live", None, {**whole, "Sec-WebSocket-Version": "8"}).status == 400
    assert server.ask("POST", "/v1/live", b"", whole).status in (101, 400, 404, 405)


async def test_pages_of_any_site_may_ask(server, session, writer):
    front = await session.open(server, Origin="https://elsewhere.example")
    await front.subscribe({writer: 0})
    assert await front.next_entry() == writer.entries[0]


async def test_the_server_says_that_it_stops(tmp_path):
    with serving(tmp_path) as server:
        async with fronts() as session:
            front: Front = await session.open(server)
            await front.say(beat=1)
            await front.next()
            server.process.send_signal(signal.SIGTERM)  # type: ignore[union-attr]
            assert json.dumps(await front.end()).count("the server is stopping") == 1
        assert await asyncio.to_thread(server.process.wait, 30) == 0  # type: ignore[union-attr]
        assert b"Traceback" not in server.log.read_bytes()


async def test_who_pings_and_reads_nothing_fills_no_memory(server):
    """Nothing is in these pings; the answers to them lie with who does not take them, or are not given."""
    before = server.rss_bytes()
    loop = asyncio.get_running_loop()
    with await open_raw(server, receive_bytes=4_096) as connection:
        pings = frame(9, b"") * 20_000
        for _ in range(150):
            await loop.sock_sendall(connection, pings)
        assert server.rss_bytes() - before < 64 * _MIB


async def test_a_message_right_behind_the_upgrade(server):
    """More of it than is read ahead of an answer, and what follows it is heard."""
    loop = asyncio.get_running_loop()
    request = (
        b"GET /v1/live HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with socket.socket() as connection:
        connection.setblocking(False)
        await loop.sock_connect(connection, ("127.0.0.1", server.port))
        await loop.sock_sendall(connection, request + frame(9, b"a" * 125) * 600)
        await loop.sock_sendall(connection, frame(9, b"the last"))
        received = b""
        while b"the last" not in received:
            piece = await _receive(loop, connection)
            assert piece
            received += piece
