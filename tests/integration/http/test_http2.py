"""HTTP/2, which comes by TLS alone: bodies of any size and those that break off, and frames that no library sends."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess

import aiohttp
import pytest

from cairn.core.block import BLOCK_BYTES_MAX
from cairn.testing.chains import Writer, random_block
from cairn.wire.messages import encode_entries
from tests.harness import serving
from tests.integration.http.api import FREE_OF_RATES, Holder, has, head, until_idle
from tests.integration.http.events import parsed_event
from tests.integration.http.frames import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PREFACE,
    RST_STREAM,
    client_context,
    fields,
    frame,
    request,
    talk,
)  # fmt: skip
from tests.integration.http.sockets import Front
from tests.integration.http.streams import Client
from tests.integration.http.tls import serving_tls
from tests.waiting import until, wait_for


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    limits = {"limits": FREE_OF_RATES}
    with serving_tls(tmp_path_factory.mktemp("http2"), admission="open", **limits) as server:
        yield server
        server.assert_healthy()


@pytest.fixture
def writer():
    writer = Writer(os.urandom(8).hex())
    writer.add_many(3)
    return writer


@pytest.fixture
def path(writer):
    return f"/v1/chains/{writer.keys.chain_id.hex()}/entries"


def _talk(server, sent, is_enough=HEADERS):
    return asyncio.run(talk(server.port, client_context(server.folder), sent, is_enough))


def _body(path, body, is_ended, *more):
    flags = END_STREAM if is_ended else 0
    headers = frame(HEADERS, END_HEADERS, 1, request("POST", path, *more))
    return headers + frame(DATA, flags, 1, body)


def _length(body):
    return ("content-length", str(len(body)))


@pytest.mark.parametrize("has_length", [False, True])
def test_a_stream_that_is_reset_between_entries(server, writer, path, has_length):
    whole, first = encode_entries(writer.entries), encode_entries(writer.entries[:2])
    more = (_length(whole),) if has_length else ()
    reset = frame(RST_STREAM, 0, 1, (8).to_bytes(4, "big"))
    follows = frame(HEADERS, END_HEADERS | END_STREAM, 3, request("GET", "/healthz"))
    got = _talk(server, _body(path, first, False, *more) + reset + follows)
    assert [stream for kind, stream, _ in got if kind == HEADERS] == [3]
    until_idle(server)
    assert head(server, writer.keys.chain_id) is None


def test_a_stream_without_a_length_is_refused_and_with_one_taken(server, writer, path):
    whole = encode_entries(writer.entries)
    got = _talk(server, _body(path, whole, True), is_enough=DATA)
    assert b"a body needs a Content-Length" in got[-1][2]
    assert head(server, writer.keys.chain_id) is None
    _talk(server, _body(path, whole, True, _length(whole)), is_enough=DATA)
    assert head(server, writer.keys.chain_id)["seq"] == 3  # type: ignore[index]


def test_a_stream_shorter_or_longer_than_its_length(server, writer, path):
    whole, first = encode_entries(writer.entries), encode_entries(writer.entries[:2])
    _talk(server, _body(path, first, True, _length(whole)), is_enough=RST_STREAM)
    _talk(server, _body(path, whole, True, _length(first)), is_enough=RST_STREAM)
    until_idle(server)
    assert head(server, writer.keys.chain_id) is None
    assert Holder(server).append(writer.entries).status == 201


def test_without_tls_there_is_none(tmp_path):
    with serving(tmp_path) as server, socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        connection.sendall(PREFACE)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
        assert answer.startswith(b"HTTP/1.1 400 ")
        server.assert_healthy()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("transfer-encoding", "chunked"),
        ("connection", "keep-alive"),
        ("content-length", "x"),
        ("Host", "a"),
        ("a b", "c"),
    ],
)
def test_fields_that_only_http_1_has_or_nobody(server, name, value):
    sent = frame(HEADERS, END_HEADERS | END_STREAM, 1, request("GET", "/healthz", (name, value)))
    got = _talk(server, sent, is_enough=RST_STREAM)
    assert not any(kind == HEADERS and b"\x88" in payload for kind, _, payload in got)  # 0x88: ":status 200"


async def test_a_live_socket_over_tls(server, writer):
    """It is of HTTP/1.1, beside HTTP/2 on the same port."""
    assert Holder(server).append(writer.entries).status == 201
    async with aiohttp.ClientSession() as session:
        url = f"wss://localhost:{server.port}/v1/live"
        async with session.ws_connect(url, ssl=client_context(server.folder, "http/1.1")) as connected:
            front = Front(connected)
            await front.subscribe({writer: 0})
            assert [await front.next_entry() for _ in writer.entries] == writer.entries


# --- a body that is not what its length says, in ways that h2 lets pass ----------------------------------------------


def test_a_body_that_trailers_end_too_early_or_headers_at_once(server, writer, path):
    whole, first = encode_entries(writer.entries), encode_entries(writer.entries[:2])
    trailers = frame(HEADERS, END_HEADERS | END_STREAM, 1, fields(("a", "b")))
    got = _talk(server, _body(path, first, False, _length(whole)) + trailers, is_enough=RST_STREAM)
    assert got[-1] == (RST_STREAM, 1, (1).to_bytes(4, "big"))
    alone = frame(HEADERS, END_HEADERS | END_STREAM, 1, request("POST", path, _length(whole)))
    got = _talk(server, alone, is_enough=RST_STREAM)
    assert got[-1] == (RST_STREAM, 1, (1).to_bytes(4, "big"))
    until_idle(server)
    assert head(server, writer.keys.chain_id) is None
    _talk(server, _body(path, whole, False, _length(whole)) + trailers, is_enough=DATA)
    assert head(server, writer.keys.chain_id)["seq"] == 3  # type: ignore[index]


# --- bodies larger than a window -------------------------------------------------------------------------------------


@pytest.mark.parametrize("padding", [None, 0, 255])
async def test_a_large_block_goes_both_ways(server, padding):
    block = random_block(f"large {padding}", BLOCK_BYTES_MAX)
    path = f"/v1/blocks/{block.id.hex()}"
    async with await Client.open(server) as client:
        stream = client.ask("PUT", path, _length(block.data), is_whole=False)
        await client.send(stream, block.data, padding=padding)
        assert (await client.answer(stream)).status == 201
        got = await client.get(path)
    assert (got.status, got.is_whole, got.body == block.data) == (200, True, True)
    assert {"date", "etag"} <= got.headers.keys()
    assert not {"connection", "transfer-encoding"} & got.headers.keys()


async def test_a_window_of_few_bytes(server):
    block = random_block("few", 20_000)
    assert Holder(server).put(block).status == 201
    async with await Client.open(server, window=50) as client:
        assert (await client.get(f"/v1/blocks/{block.id.hex()}")).body == block.data


async def test_many_requests_at_once(server):
    blocks = [random_block(f"many {number}", 100_000) for number in range(100)]
    async with await Client.open(server) as client:
        putting = [
            client.ask("PUT", f"/v1/blocks/{block.id.hex()}", _length(block.data), is_whole=False) for block in blocks
        ]
        await asyncio.gather(*(client.send(*each) for each in zip(putting, (b.data for b in blocks), strict=True)))
        assert {(await client.answer(stream)).status for stream in putting} <= {200, 201}
        for _ in range(3):
            getting = [client.ask("GET", f"/v1/blocks/{block.id.hex()}") for block in blocks]
            assert [(await client.answer(stream)).body for stream in getting] == [block.data for block in blocks]


def test_curl(server, tmp_path):
    block = random_block("curl", BLOCK_BYTES_MAX)
    sent, got = tmp_path / "sent", tmp_path / "got"
    sent.write_bytes(block.data)
    url = f"https://localhost:{server.port}/v1/blocks/{block.id.hex()}"
    words = [
        "curl",
        "-sS",
        "--http2",
        "--cacert",
        str(server.folder / "cert.pem"),
        "-w",
        "%{http_version} %{http_code}",
    ]
    for more, said in ((["-T", str(sent)], "2 201"), (["-o", str(got)], "2 200"), (["-I", "-o", os.devnull], "2 200")):
        ran = subprocess.run([*words, *more, url], capture_output=True, text=True, timeout=60)
        assert (ran.returncode, ran.stdout) == (0, said), ran
    assert got.read_bytes() == block.data


# --- streams that last -----------------------------------------------------------------------------------------------


async def _subscribed(client, writer):
    stream = client.ask("GET", f"/v1/live?chain={writer.keys.chain_id.hex()}@0")
    await until(lambda: client.streams[stream].body.count(b"event: entry") == len(writer.entries))
    return stream


def _live_streams(server):
    found = re.search(rb"^cairn_live_streams (\S+)$", server.ask("GET", "/metrics").body, re.MULTILINE)
    assert found is not None
    return float(found[1])


async def test_events(server, writer):
    assert Holder(server).append(writer.entries).status == 201
    async with await Client.open(server) as client:
        stream = await _subscribed(client, writer)
        assert Holder(server).append([writer.add(b"more")]).status == 201
        await until(lambda: client.streams[stream].body.count(b"event: entry") == len(writer.entries))
        events = [parsed_event(text + "\n\n") for text in client.streams[stream].body.decode().split("\n\n")[:-1]]
        assert [event.entry for event in events if event.kind == "entry"] == writer.entries
        assert (await client.get("/healthz")).status == 200
        wait_for(lambda: _live_streams(server) == 1)
        client.reset(stream)
        wait_for(lambda: _live_streams(server) == 0)
        assert (await client.get("/healthz")).status == 200


async def test_events_end_with_the_connection(server, writer):
    assert Holder(server).append(writer.entries).status == 201
    async with await Client.open(server) as client:
        await _subscribed(client, writer)
        wait_for(lambda: _live_streams(server) == 1)
    wait_for(lambda: _live_streams(server) == 0)


# --- ends ------------------------------------------------------------------------------------------------------------


async def test_a_body_that_is_reset_in_the_middle(server):
    block = random_block("reset", BLOCK_BYTES_MAX)
    async with await Client.open(server) as client:
        for _ in range(10):  # more than the window of the connection holds, if nothing of it were given back
            stream = client.ask("PUT", f"/v1/blocks/{block.id.hex()}", _length(block.data), is_whole=False)
            await client.send(stream, block.data[:200_000], is_last=False)
            client.reset(stream)
        assert (await client.get("/healthz")).status == 200
        until_idle(server)
        assert has(server, block) == [False]
        stream = client.ask("PUT", f"/v1/blocks/{block.id.hex()}", _length(block.data), is_whole=False)
        await client.send(stream, block.data)
        assert (await client.answer(stream)).status == 201


async def test_a_body_that_is_not_wanted(server):
    """The answer comes first, then the stream is reset with NO_ERROR, and others go on."""
    block = random_block("unwanted")
    async with await Client.open(server) as client:
        for _ in range(10):
            stream = client.ask("PUT", f"/v1/blocks/{block.id.hex()}", ("content-length", "5000000"), is_whole=False)
            await client.send(stream, bytes(5_000_000))
            answer = await client.answer(stream)
            assert (answer.status, answer.is_whole) == (413, True)
            await until(lambda answer=answer: answer.reset == 0)  # type: ignore[misc]
        assert (await client.get("/healthz")).status == 200


async def test_who_will_ask_for_nothing_more_is_still_answered(server, writer, path):
    whole = encode_entries(writer.entries)
    async with await Client.open(server) as client:
        stream = client.ask("POST", path, _length(whole), is_whole=False)
        client.leave()
        await client.send(stream, whole)
        assert (await client.answer(stream)).status == 201
        await until(lambda: client.is_closed)


@pytest.mark.parametrize("size", [1_000, 1_000_000])
def test_what_is_under_way_is_finished_when_the_server_stops(tmp_path, size):
    block = random_block(size, size)

    async def run(server):
        async with await Client.open(server) as idle, await Client.open(server) as client:
            assert (await idle.get("/healthz")).status == 200
            stream = client.ask("PUT", f"/v1/blocks/{block.id.hex()}", _length(block.data), is_whole=False)
            await client.send(stream, block.data[: size // 2], is_last=False)
            wait_for(lambda: b"\ncairn_requests_in_flight 2.0\n" in server.ask("GET", "/metrics").body)
            server.process.send_signal(signal.SIGTERM)
            await until(lambda: client.goodbye == 0 and idle.goodbye == 0)
            assert not client.is_closed
            await until(lambda: idle.is_closed)
            await client.send(stream, block.data[size // 2 :])
            assert (await client.answer(stream)).status == 201
            await until(lambda: client.is_closed)

    with serving_tls(tmp_path) as server:
        asyncio.run(run(server))
        assert server.process is not None
        assert server.process.wait(30) == 0, server.log.read_text()
        server.start()
        assert has(server, block) == [True]
        server.assert_healthy()
