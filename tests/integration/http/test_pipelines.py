"""Many requests on one connection: however their bytes are cut, each is answered once, in order, and no other is."""

from __future__ import annotations

import itertools
import os
import random
import socket
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

import pytest

from cairn.testing.chains import random_block
from tests.harness import Server, serving
from tests.integration.http.api import FREE_OF_RATES, Holder, has
from tests.integration.http.raw import parsed
from tests.waiting import wait_for

_NO_BODY = b" HTTP/1.1\r\nHost: a.test\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    settings = {"admission": "open", "limits": FREE_OF_RATES}
    with serving(tmp_path_factory.mktemp("pipelines"), interface=settings) as server:
        yield server
        server.assert_healthy()


@dataclass(frozen=True)
class Asked:
    """A request, and what it gets."""

    sent: bytes
    status: int
    body: bytes | None = None  # whatever it is


def _with_body(line: bytes, body: bytes) -> bytes:
    return line + b" HTTP/1.1\r\nHost: a.test\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def _requests(server: Server, draw: random.Random, count: int) -> list[Asked]:
    """Requests that are answered at once, later, before their body was read, with a lot, and with nothing."""
    near, large = random_block("near", 5_000), random_block("large", 300_000)
    for block in (near, large):
        assert Holder(server).put(block).status in (200, 201)
    put = random_block(f"put {draw.random()}", draw.randrange(1, 3_000))
    kinds = [
        Asked(b"GET /v1/blocks/" + near.id.hex().encode() + _NO_BODY, 200, near.data),
        Asked(b"GET /v1/blocks/" + large.id.hex().encode() + _NO_BODY, 200, large.data),
        Asked(b"GET /healthz" + _NO_BODY, 200, b'{"status":"ok"}'),
        Asked(b"\r\nGET /v1/nothing" + _NO_BODY, 404),
        Asked(_with_body(b"PUT /v1/blocks/no-id", os.urandom(2_000)), 400),
        Asked(_with_body(b"POST /v1/blocks/has", near.id), 200, b"\1"),
        Asked(_with_body(b"POST /v1/blocks/has", os.urandom(100_000)), 413),
        Asked(_with_body(b"PUT /v1/blocks/" + put.id.hex().encode(), put.data), 0, b""),
        Asked(_with_body(b"GET /healthz", b"GET /v1/nothing" + _NO_BODY), 200, b'{"status":"ok"}'),
        Asked(b"OPTIONS /v1/info" + _NO_BODY, 204, b""),
    ]
    return [draw.choice(kinds) for _ in range(count)]


def _answers(connection: socket.socket) -> list[tuple[int, bytes]]:
    """All until the other end closes."""
    answers, rest = parsed(b"".join(iter(lambda: connection.recv(1 << 20), b"")))
    assert rest == b""
    return answers


@pytest.mark.parametrize("seed", range(12))
def test_however_the_bytes_are_cut(server, seed):
    draw = random.Random(seed)
    asked = _requests(server, draw, 30)
    sent = b"".join(each.sent for each in asked)
    cuts = sorted({0, len(sent), *(draw.randrange(len(sent)) for _ in range(draw.choice([0, 5, 60, 400])))})
    with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start, stop in itertools.pairwise(cuts):
            connection.sendall(sent[start:stop])
        connection.shutdown(socket.SHUT_WR)
        answers = _answers(connection)
    assert len(answers) == len(asked), f"seed {seed}"
    for each, (status, body) in zip(asked, answers, strict=True):
        assert status == each.status or (each.status == 0 and status in (200, 201)), f"seed {seed}: {each.sent[:60]!r}"
        assert each.body is None or body == each.body, f"seed {seed}: {each.sent[:60]!r}"


def test_empty_lines_before_a_request_count(server):
    with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        connection.sendall(b"\r\n" * 20_000)
        assert [status for status, _ in _answers(connection)] == [431]


def test_a_head_as_long_as_the_operator_allows(tmp_path):
    """Longer than what is read ahead of an answer: alone, and behind a request that is answered later."""
    limits = {**FREE_OF_RATES, "headers_bytes": 300_000}
    field = b"X: " + b"a" * 200_000 + b"\r\n"
    with (
        serving(tmp_path, interface={"admission": "open", "limits": limits}) as server,
        socket.create_connection(("127.0.0.1", server.port), 30) as connection,
    ):
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a.test\r\n\r\n")
        connection.sendall(2 * (b"GET /healthz HTTP/1.1\r\nHost: a.test\r\n" + field + b"\r\n"))
        connection.shutdown(socket.SHUT_WR)
        assert [status for status, _ in _answers(connection)] == [200] * 3


def test_what_comes_behind_answers_that_have_to_wait_is_read(server):
    """All is answered at once as soon as the client takes it; by then, reading has stopped."""
    block = random_block("a MiB", 1_000_000)
    assert Holder(server).put(block).status in (200, 201)
    asked = b"GET /v1/blocks/" + block.id.hex().encode() + _NO_BODY
    count = 10 + 80_000 // len(asked)
    with socket.create_connection(("127.0.0.1", server.port), 60) as connection, connection.makefile("rb") as received:
        connection.sendall(asked * 10)
        connection.sendall(asked * (count - 10) + b"GET /healthz" + _NO_BODY)
        for _ in range(count):
            assert _next_body(received) == block.data
        assert _next_body(received) == b'{"status":"ok"}'


def _next_body(received: BinaryIO) -> bytes:
    head = b"".join(iter(received.readline, b"\r\n"))
    return received.read(int(head.lower().partition(b"content-length: ")[2].split()[0]))


def test_who_half_closes_gets_all_of_a_file(tmp_path):
    """And what follows it comes behind it."""
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "large.bin").write_bytes(os.urandom(5_000_000))
    with (
        serving(tmp_path, sites=[{"static": str(tmp_path / "www")}]) as server,
        socket.create_connection(("127.0.0.1", server.port), 30) as connection,
    ):
        connection.sendall(b"GET /large.bin" + _NO_BODY + b"GET /healthz" + _NO_BODY)
        connection.shutdown(socket.SHUT_WR)
        large, small = _answers(connection)
        assert large == (200, (tmp_path / "www" / "large.bin").read_bytes())
        assert small == (200, b'{"status":"ok"}')


@contextmanager
def _taking_little(folder, **limits):
    """A connection that takes little at a time, after eight requests for a block of a MiB."""
    block = random_block("a MiB", 1_000_000)
    settings = {"admission": "open", "limits": {**FREE_OF_RATES, **limits}}
    with serving(folder, interface=settings) as server, socket.socket() as connection:
        assert Holder(server).put(block).status == 201
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", server.port))
        connection.sendall((b"GET /v1/blocks/" + block.id.hex().encode() + _NO_BODY) * 8)
        yield connection


def test_who_reads_slowly_has_time_for_each_answer(tmp_path):
    """The deadline of the next request begins when this one's answer was taken."""
    with _taking_little(tmp_path, header_seconds=1) as connection:
        connection.sendall(b"GET /v1/blocks/")
        with connection.makefile("rb") as received:
            began = time.monotonic()
            while time.monotonic() - began < 3:  # that is what is slow here
                assert len(received.read(10_000)) == 10_000
                time.sleep(0.05)
            rest = received.read(3_000_000)
        assert len(rest) == 3_000_000


def test_who_takes_nothing_does_not_stay_by_sending(tmp_path):
    with _taking_little(tmp_path, send_seconds=1) as connection, pytest.raises(ConnectionError):
        for _ in range(150):  # in 30 s; who says nothing for 40 s would be let go anyway
            connection.sendall(b"G")
            time.sleep(0.2)


def test_a_head_that_comes_byte_by_byte(server):
    with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"GET /healthz HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n":
            connection.sendall(bytes([byte]))
        assert [status for status, _ in _answers(connection)] == [200]


def test_a_body_that_is_wanted_is_asked_for(server):
    block = random_block("wanted", 1_000)
    head = b"PUT /v1/blocks/%s HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nConnection: close\r\n" % (
        block.id.hex().encode()
    )
    with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        connection.sendall(head + b"Content-Length: 1000\r\n\r\n")
        assert connection.recv(1_000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(block.data)
        assert [status for status, _ in _answers(connection)] == [201]


def test_what_follows_a_body_that_was_not_wanted_is_no_request(server):
    """Its client may send the body or leave it: what comes could be either."""
    hidden = random_block("hidden", 1_000)
    head = b"PUT /v1/blocks/no-id HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        connection.sendall(head)
        answer = connection.recv(4_096)
        assert answer.startswith(b"HTTP/1.1 400 ")
        connection.sendall(_with_body(b"PUT /v1/blocks/" + hidden.id.hex().encode(), hidden.data))
        assert parsed(answer + b"".join(iter(lambda: connection.recv(65_536), b"")))[0][1:] == []
    assert has(server, hidden) == [False]


def test_who_sends_on_and_on_still_gets_the_refusal(server):
    """A reset would overtake it, so the server reads on for a moment."""
    with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        connection.sendall(b"PUT /v1/blocks/no-id HTTP/1.1\r\nHost: a.test\r\nContent-Length: 50000000\r\n\r\n")
        connection.sendall(bytes(1_000_000))
        answers, _ = parsed(b"".join(iter(lambda: connection.recv(65_536), b"")))
    assert [status for status, _ in answers] == [400]


@pytest.mark.parametrize(("version", "option", "count"), [
    (b"1.1", b"", 2), (b"1.1", b"Connection: close\r\n", 1), (b"1.1", b"Connection: x, Close\r\n", 1),
    (b"1.0", b"", 1), (b"1.0", b"Connection: Keep-Alive\r\n", 2),
])  # fmt: skip
@pytest.mark.parametrize("path", [b"/healthz", b"block"])
def test_how_long_a_connection_is_kept(server, version, option, count, path):
    block = random_block("near", 5_000)
    assert Holder(server).put(block).status in (200, 201)
    path = b"/v1/blocks/" + block.id.hex().encode() if path == b"block" else path
    asked = b"GET %s HTTP/%s\r\nHost: a.test\r\n%s\r\n" % (path, version, option)
    with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        connection.sendall(2 * asked)
        if count == 2:
            connection.shutdown(socket.SHUT_WR)
        assert [status for status, _ in _answers(connection)] == [200] * count


def test_who_leaves_at_once_gives_the_place_back(server):
    for number in range(300):
        connection = socket.create_connection(("127.0.0.1", server.port), 30)
        if number % 3:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a.test\r\n\r\n"[: number % 60])
        if number % 2:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
    wait_for(lambda: _open_connections(server) <= 2)


def _open_connections(server: Server) -> float:
    lines = server.ask("GET", "/metrics").body.decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("cairn_connections "))
