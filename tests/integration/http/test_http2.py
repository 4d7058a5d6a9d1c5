"""HTTP/2, which comes by TLS alone: bodies that break off, and frames that no library sends."""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
from dataclasses import dataclass
from ssl import SSLContext

import aiohttp
import pytest

from cairn.testing.chains import Writer
from cairn.wire.messages import encode_entries
from tests.harness import Answer, Server, serving
from tests.integration.http.api import Holder, head, until_idle
from tests.integration.http.frames import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PREFACE,
    RST_STREAM,
    certificate,
    client_context,
    frame,
    request,
    talk,
)  # fmt: skip
from tests.integration.http.sockets import Front


@dataclass
class TlsServer(Server):
    """A server that is asked over TLS."""

    context: SSLContext | None = None

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPSConnection("localhost", self.port, timeout=30, context=self.context)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            received = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, received, response.read())
        finally:
            connection.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("http2")
    server = TlsServer(folder, {"interface": {"tls": certificate(folder)}})
    server.context = client_context(folder, "http/1.1")
    server.start()
    yield server
    server.assert_healthy()
    server.kill()


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
        assert answer == b""
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
