"""The client's HTTP against a server that answers as it likes, byte by byte, over real sockets."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from cairn.client import WriteCapability
from cairn.client.remote import http
from cairn.client.remote import store as remote
from cairn.client.remote.http import HttpServer, Unreachable, open_session
from cairn.client.remote.store import RemoteBlocks, RemoteChains, RemoteLedger
from cairn.core.block import NO_GRANT, Block
from cairn.core.chain import ChainId, Seq
from cairn.core.errors import CairnError, Invalid, Limited, Unavailable, Unknown
from cairn.core.receipt import verify_receipt
from cairn.wire.messages import ABSENT, encode_entries, encode_got_block, encode_missing_block, head_from_json

CHAIN = ChainId(bytes(32))


def answer(body: bytes | str, status: int = 200, **headers: str) -> bytes:
    raw = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(raw)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + raw


BROKEN = b""
SILENCE = None


class Scripted:
    """Gives each request the next answer; after the last, that one again. SILENCE never answers."""

    def __init__(self) -> None:
        self.answers: list[bytes | None] = [BROKEN]
        self.requests: list[bytes] = []
        self.when_asked: Callable[[], None] = lambda: None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next((int(line[15:]) for line in head.split(b"\r\n") if line[:15] == b"Content-Length:"), 0)
            self.requests.append(head + await reader.readexactly(length))
            self.when_asked()
            given = self.answers[min(len(self.requests), len(self.answers)) - 1]
            if given is SILENCE:
                await reader.read()
            else:
                writer.write(given)
                await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def scripted(*answers: bytes | None) -> AsyncIterator[tuple[Scripted, HttpServer]]:
    script = Scripted()
    script.answers = list(answers)
    listener = await asyncio.start_server(script.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        async with open_session() as session:
            yield script, HttpServer(url, session)
    finally:
        listener.close()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(remote, "_PAUSE_SECONDS", (0.0, 0.0, 0.0, 0.0))


def problem(code: str, status: int, **headers: str) -> bytes:
    return answer(json.dumps({"code": code, "detail": "so"}), status, **headers)


@pytest.mark.parametrize(
    "later", [problem("unavailable", 503), problem("limited", 429), answer("<html>", 502)], ids=range(3)
)
async def test_a_doubt_about_a_write_stays(later: bytes) -> None:
    """A connection that broke may have done the write: no later failure says that it did not."""
    async with scripted(BROKEN, later) as (_, server):
        with pytest.raises(Unknown):
            await server.ask("POST", "/v1/x", body=b"x")


async def test_a_doubt_stays_when_the_server_is_gone() -> None:
    async with scripted(BROKEN) as (script, server):
        listener = await asyncio.start_server(script.serve, "127.0.0.1", 0)
        server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        script.when_asked = listener.close
        with pytest.raises(Unknown):
            await server.ask("POST", "/v1/x", body=b"x")
        with pytest.raises(Unreachable):
            await server.ask("POST", "/v1/x", body=b"x")


@pytest.mark.parametrize(("method", "expected"), [("POST", Unknown), ("DELETE", Unknown), ("GET", Unavailable)])
async def test_a_proxy_whose_server_failed_it(method: str, expected: type[CairnError]) -> None:
    async with scripted(answer("<html>bad gateway", 502)) as (_, server):
        with pytest.raises(expected):
            await server.ask(method, "/v1/x")
    async with scripted(problem("unavailable", 503)) as (_, server):
        with pytest.raises(Unavailable):
            await server.ask(method, "/v1/x")


async def test_a_silent_server_is_not_waited_for_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_PATIENCE_SECONDS", 0.0)
    async with scripted(SILENCE) as (script, server):
        monkeypatch.setattr(http, "_REQUEST_SECONDS", 0.5)
        with pytest.raises(Unavailable):
            await server.ask("GET", "/v1/info")
        assert len(script.requests) == 1


async def test_a_large_body_may_take_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow line, that is, seen from here: the answer comes long after what a request without a body may take."""
    monkeypatch.setattr(http, "_REQUEST_SECONDS", 0.5)
    monkeypatch.setattr(http, "_PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(http, "_SLOWEST_BYTES_PER_SECOND", 1)
    for body in (None, b"x" * 100):
        async with scripted(SILENCE) as (_, server):
            asking = asyncio.create_task(server.ask("POST", "/", body=body))
            done, _ = await asyncio.wait([asking], timeout=3.0)
            assert bool(done) == (body is None)
            asking.cancel()
            await asyncio.wait([asking])
            assert asking.cancelled() or isinstance(asking.exception(), Unknown)


@pytest.mark.parametrize(
    "body", [b"[" * 200_000, b'{"a":' * 100_000, b"9" * 5_000, b"\xff\xfe", b"", b"nonsense"], ids=range(6)
)
async def test_what_is_no_json(body: bytes) -> None:
    async with scripted(answer(body), answer(body, 503), answer(body, 400)) as (_, server):
        with pytest.raises(Invalid):
            (await server.ask("GET", "/")).json()
        with pytest.raises(Unavailable):
            await server.ask("GET", "/")


@pytest.mark.parametrize("retry", ["9" * 5_000, "-1", "soon", "\u0663", "1e3"], ids=range(5))
async def test_a_limit_with_a_strange_time(retry: str) -> None:
    async with scripted(problem("limited", 429, Retry_After=retry)) as (script, server):
        with pytest.raises(Limited):
            await server.ask("GET", "/")
        assert len(script.requests) == 1


@pytest.mark.parametrize("header", ["", "9" * 5_000, "x", "-1", "1.5", "\u0663", f"{2**53}"], ids=range(7))
async def test_a_page_with_a_strange_head(header: str) -> None:
    genesis = WriteCapability.new().keys.genesis()
    async with scripted(answer(encode_entries([genesis]), Cairn_Head=header)) as (_, server):
        with pytest.raises(Invalid):
            _ = [entry async for entry in RemoteChains(server).read(genesis.chain_id, Seq(0), Seq(5))]


@pytest.mark.parametrize("field", ["seq", "floor", "key_epoch", "entries", "bytes", "time_ms"])
@pytest.mark.parametrize("value", [1 << 64, 10**400, -1, 1.0, True, "1", None, [], {}], ids=range(9))
async def test_a_head_with_a_strange_number(field: str, value: Any) -> None:
    document: dict[str, Any] = {
        "chain": "00" * 32, "seq": 1, "hash": "00" * 32, "floor": 0, "key_epoch": 0, "closed": False, "entries": 1,
        "bytes": 1, "receipt": {"time_ms": 1, "signature": "00" * 64},
    }  # fmt: skip
    (document["receipt"] if field == "time_ms" else document)[field] = value
    with pytest.raises(Invalid):
        verify_receipt(head_from_json(document), bytes(32))


@pytest.mark.parametrize("field", ["seq", "floor"])
def test_a_head_above_all_that_there_can_be(field: str) -> None:
    """Nobody could be shown its entries, and so nobody would miss them."""
    document = {
        "chain": "00" * 32, "seq": 1, "hash": "00" * 32, "floor": 0, "key_epoch": 0, "closed": False, "entries": 1,
        "bytes": 1, "receipt": None,
    }  # fmt: skip
    head_from_json({**document, field: 2**53 - 1})
    with pytest.raises(Invalid):
        head_from_json({**document, field: 2**53})


async def test_usage_without_bounds() -> None:
    async with scripted(answer('{"used":{"block_bytes":1e999,"entry_bytes":1}}')) as (_, server):
        with pytest.raises(Invalid):
            await RemoteLedger(server).usage(NO_GRANT)


async def test_blocks_that_nobody_asked_for() -> None:
    """They could be sent for ever."""
    wanted, other = Block.of(b"wanted"), Block.of(b"other")
    for body in (
        encode_got_block(other),
        encode_missing_block(other.id, ABSENT),
        encode_got_block(wanted) + encode_got_block(wanted),
    ):
        async with scripted(answer(body)) as (script, server):
            blocks = RemoteBlocks(server)
            found = await asyncio.gather(blocks.get(wanted.id), return_exceptions=True)
            assert found[0] == wanted if body.startswith(wanted.id) else isinstance(found[0], Invalid)
            assert len(script.requests) == 1


async def test_a_limit_on_reading_blocks_is_waited_for() -> None:
    block = Block.of(b"block")
    async with scripted(problem("limited", 429, Retry_After="1"), answer(encode_got_block(block))) as (_, server):
        assert await RemoteBlocks(server).get(block.id) == block
    async with scripted(problem("limited", 429, Retry_After="3600")) as (script, server):
        with pytest.raises(Limited):
            await RemoteBlocks(server).get(block.id)
        assert len(script.requests) == 1


EVENTS = "text/event-stream"


async def test_a_subscription_that_was_quiet_for_long_survives_a_break(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience begins when the server is lost, not when the last entry came."""
    monkeypatch.setattr(remote, "_PATIENCE_SECONDS", 0.0)
    genesis = WriteCapability.new().keys.genesis()
    event = b"event: entry\ndata: " + json.dumps({"entry": base64.b64encode(genesis.raw).decode()}).encode() + b"\n\n"
    cut = answer(b": quiet\n\n", Content_Type=EVENTS).replace(b"Content-Length: 9", b"Content-Length: 999")
    async with scripted(cut, cut, cut, answer(event, Content_Type=EVENTS)) as (script, server):
        entries = RemoteChains(server).watch(genesis.chain_id, Seq(0))
        async with aclosing(entries):  # type: ignore[type-var]
            assert await anext(entries) == genesis
        assert len(script.requests) == 4


@pytest.mark.parametrize(
    "data", ["[" * 100_000, "{}", "[]", "5", '{"entry":5}', '{"entry":"!"}', '{"entry":"AAAA"}', '{"entry":"\u00e9"}']
)
async def test_forged_events(data: str) -> None:
    body = f"event: entry\ndata: {data}\n\n"
    async with scripted(answer(body, Content_Type=EVENTS)) as (_, server):
        entries = RemoteChains(server).watch(CHAIN, Seq(0))
        async with aclosing(entries):  # type: ignore[type-var]
            with pytest.raises(Invalid):
                await anext(entries)


async def test_redirects_are_not_followed() -> None:
    async with scripted(answer("", 301, Location="http://127.0.0.1:9/")) as (_, server):
        server._headers = {"Authorization": "Bearer secret"}
        with pytest.raises(Unavailable):
            await server.ask("GET", "/v1/info")
