"""A body that breaks off is never taken for a whole one, however its end would have been told."""

from __future__ import annotations

import os
import socket

import pytest

from cairn.testing.chains import Writer
from cairn.wire.messages import encode_entries
from tests.harness import serving
from tests.integration.http.api import head, until_idle


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
    until_idle(server)
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
    until_idle(server)
    assert head(server, writer.keys.chain_id) is None
