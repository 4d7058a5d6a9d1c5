"""A body that breaks off is never taken for a whole one, however its end would have been told."""

from __future__ import annotations

import asyncio
import os
import socket
import time

import pytest

from cairn.testing.chains import Writer
from cairn.wire.messages import encode_entries
from tests.harness import serving
from tests.integration.http.api import Holder, head
from tests.integration.http.frames import DATA, END_HEADERS, END_STREAM, HEADERS, RST_STREAM, frame, request, talk


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("broken")) as server:
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


def _until_idle(server):
    """Until the server has done with every request but the one that asks."""
    for _ in range(600):
        if b"\ncairn_requests_in_flight 1.0\n" in server.ask("GET", "/metrics").body:
            return
        time.sleep(0.02)
    raise AssertionError("a request never ended")


@pytest.mark.parametrize("ending", [b"", b"0\r\n", b"0\r\n\r\n", b"x\r\n", b"5\r\nab"])
def test_a_chunked_append_whose_first_chunk_is_whole_entries(server, writer, path, ending):
    """The first entries would pass for the batch, had its end not been missing. Whole, it is refused as well."""
    first = encode_entries(writer.entries[:2])
    sent = f"POST {path} HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n{len(first):x}\r\n".encode()
    with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        connection.sendall(sent + first + b"\r\n" + ending)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer == b"" or answer.startswith(b"HTTP/1.1 411 ")
    _until_idle(server)
    assert head(server, writer.keys.chain_id) is None


@pytest.mark.parametrize("padding", [0, 100_000], ids=["small", "large"])
@pytest.mark.parametrize("is_abrupt", [False, True], ids=["closed", "reset"])
def test_an_append_with_a_length_that_breaks_off_between_entries(server, writer, path, padding, is_abrupt):
    first, rest = encode_entries(writer.entries[:2]), encode_entries(writer.entries[2:])
    length = len(first) + len(rest) + padding
    sent = f"POST {path} HTTP/1.1\r\nHost: a.test\r\nContent-Length: {length}\r\n\r\n".encode() + first
    with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        connection.sendall(sent)
        if is_abrupt:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        else:
            connection.shutdown(socket.SHUT_WR)
            assert b" 20" not in connection.recv(65_536)[:12]
    _until_idle(server)
    assert head(server, writer.keys.chain_id) is None


# --- HTTP/2 ----------------------------------------------------------------------------------------------------------


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
    got = asyncio.run(talk(server.port, _body(path, first, False, *more) + reset + follows))
    assert [stream for kind, stream, _ in got if kind == HEADERS] == [3]
    _until_idle(server)
    assert head(server, writer.keys.chain_id) is None


def test_a_stream_without_a_length_is_refused_and_with_one_taken(server, writer, path):
    whole = encode_entries(writer.entries)
    got = asyncio.run(talk(server.port, _body(path, whole, True), is_enough=DATA))
    assert b"a body needs a Content-Length" in got[-1][2]
    assert head(server, writer.keys.chain_id) is None
    asyncio.run(talk(server.port, _body(path, whole, True, _length(whole)), is_enough=DATA))
    assert head(server, writer.keys.chain_id)["seq"] == 3


def test_a_stream_shorter_or_longer_than_its_length(server, writer, path):
    whole, first = encode_entries(writer.entries), encode_entries(writer.entries[:2])
    asyncio.run(talk(server.port, _body(path, first, True, _length(whole)), is_enough=RST_STREAM))
    asyncio.run(talk(server.port, _body(path, whole, True, _length(first)), is_enough=RST_STREAM))
    _until_idle(server)
    assert head(server, writer.keys.chain_id) is None
    assert Holder(server).append(writer.entries).status == 201
