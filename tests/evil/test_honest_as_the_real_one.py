"""What the lying server says before it lies is what a real one says: else the lies would be about something else."""

from __future__ import annotations

import json
from collections.abc import Iterator

import aiohttp
import pytest

from cairn.core.chain import Kind
from cairn.testing.chains import random_block
from cairn.wire.messages import PutItem, encode_entries, encode_ids, encode_put
from tests.evil.cases import Case, case
from tests.evil.server import EvilServer, lying
from tests.evil.world import Story, capabilities, story
from tests.harness import Answer, Server, serving


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real server."""
    with serving(tmp_path_factory.mktemp("real")) as server:
        yield server


@pytest.fixture(scope="module")
def evil() -> Iterator[EvilServer]:
    """The one that can lie."""
    with lying() as server:
        yield server


def publish(server: Server, told: Story) -> None:
    """Have a real server keep a story."""
    path = f"/v1/chains/{told.keys.chain_id.hex()}/entries"
    server.ask("POST", path, encode_entries(told.main.entries))
    for block_id, data in told.blocks.items():
        server.ask("PUT", f"/v1/blocks/{block_id.hex()}", data)


def asked_both(real: Server, evil: EvilServer, number: int, method: str, path: str, body: bytes | None) -> list[Answer]:
    """What both answer to the same question."""
    other = Server(real.folder, port=evil.port)
    return [real.ask(method, path, body), other.ask(method, f"/{number}{path}", body)]


def announced(evil: EvilServer, told: Story, number: int) -> None:
    """A case without lies, of a story that is known to its end."""
    last = told.main.entries[-1].seq
    evil.announce(Case(number, "again", told, capabilities(told)[0], last, ()))


@pytest.mark.parametrize("name", ["plain", "rotated", "closed", "long"])
def test_a_chain(real: Server, evil: EvilServer, name: str) -> None:
    told = story(name)
    publish(real, told)
    announced(evil, told, 1)
    path = f"/v1/chains/{told.keys.chain_id.hex()}"
    ours, theirs = asked_both(real, evil, 1, "GET", path, None)
    assert ours.status == theirs.status == 200
    assert theirs.json.keys() == ours.json.keys()
    same = ("chain", "seq", "hash", "floor", "key_epoch", "closed", "entries")
    assert {key: theirs.json[key] for key in same} == {key: ours.json[key] for key in same}
    for query in ("?from=0&limit=256", "?from=2&limit=256", "?from=1&to=3&limit=256", "?from=900&limit=256"):
        ours, theirs = asked_both(real, evil, 1, "GET", f"{path}/entries{query}", None)
        assert (theirs.status, theirs.body) == (ours.status, ours.body), query
        assert theirs.headers["cairn-head"] == ours.headers["cairn-head"]


def test_what_is_not_there(real: Server, evil: EvilServer) -> None:
    announced(evil, story("plain"), 2)
    for path in (
        f"/v1/chains/{'ab' * 32}",
        f"/v1/chains/{'ab' * 32}/entries?from=0&limit=256",
        f"/v1/blocks/{'ab' * 32}",
    ):
        ours, theirs = asked_both(real, evil, 2, "GET", path, None)
        assert (theirs.status, theirs.code) == (ours.status, ours.code) == (404, "not_found")


def test_blocks(real: Server, evil: EvilServer) -> None:
    told = story("files")
    publish(real, told)
    announced(evil, told, 3)
    for block_id in told.blocks:
        ours, theirs = asked_both(real, evil, 3, "GET", f"/v1/blocks/{block_id.hex()}", None)
        assert (theirs.status, theirs.body) == (ours.status, ours.body)
    wanted = encode_ids([*told.blocks, bytes(32)])
    ours, theirs = asked_both(real, evil, 3, "POST", "/v1/blocks/get", wanted)
    assert (theirs.status, theirs.body) == (ours.status, ours.body)


def test_appends(real: Server, evil: EvilServer) -> None:
    told = next(drawn for drawn in map(case, range(1_000)) if drawn.scenario == "add").story
    evil.announce(Case(4, "add", told, capabilities(told)[0], 2, ()))
    publish(real, told)
    path = f"/v1/chains/{told.keys.chain_id.hex()}/entries"
    state = told.main.state
    one, other = (told.keys.follow(state, Kind.LINK, bytes((1, 1, 0, 0, letter))) for letter in b"ab")
    for entry, status in ((one, 201), (one, 200), (other, 409)):
        ours, theirs = asked_both(real, evil, 4, "POST", path, encode_entries([entry]))
        assert ours.status == theirs.status == status
        assert theirs.json.keys() >= ours.json.keys() - {"receipt"}
        head = [answer.json.get("head", answer.json) for answer in (ours, theirs)]
        assert [document["hash"] for document in head] == [one.hash.hex()] * 2


def test_puts(real: Server, evil: EvilServer) -> None:
    told = next(drawn for drawn in map(case, range(1_000)) if drawn.scenario == "put").story
    evil.announce(Case(7, "put", told, capabilities(told)[0], 2, ()))
    blocks = [random_block(f"put {number}") for number in range(3)]
    both = encode_put([PutItem(None, block.data) for block in blocks[:2]])
    path = f"/v1/blocks/{blocks[2].id.hex()}"
    for method, where, body in (("POST", "/v1/blocks/put", both), ("PUT", path, blocks[2].data)):
        for _ in range(2):
            ours, theirs = asked_both(real, evil, 7, method, where, body)
            assert (theirs.status, theirs.body) == (ours.status, ours.body)


async def test_what_comes_live(real: Server, evil: EvilServer) -> None:
    told = story("plain")
    publish(real, told)
    announced(evil, told, 5)
    command = json.dumps({"subscribe": {told.keys.chain_id.hex(): 3}, "beat": 7})
    heard = []
    async with aiohttp.ClientSession() as http:
        for url in (f"{real.url}/v1/live", f"{evil.url}/5/v1/live"):
            async with http.ws_connect(url) as socket:
                await socket.send_str(command)
                messages = [await socket.receive() for _ in range(1 + len(told.main.entries) - 3)]
            heard.append([message.data for message in messages if message.type == aiohttp.WSMsgType.BINARY])
            echoes = [json.loads(message.data) for message in messages if message.type == aiohttp.WSMsgType.TEXT]
            assert [echo["echo"] for echo in echoes] == [7]
    assert heard[0] == heard[1]


async def test_events(real: Server, evil: EvilServer) -> None:
    told = story("plain")
    publish(real, told)
    announced(evil, told, 6)
    query = f"/v1/live?chain={told.keys.chain_id.hex()}@3"
    count = len(told.main.entries) - 3
    heard = []
    async with aiohttp.ClientSession() as http:
        for url in (real.url, f"{evil.url}/6"):
            async with http.get(url + query) as answer:
                assert (answer.status, answer.content_type) == (200, "text/event-stream")
                heard.append([await event(answer.content) for _ in range(count)])
    assert heard[0] == heard[1]


async def event(content: aiohttp.StreamReader) -> bytes:
    """The next event of a stream, without comments and what the browser is told of pauses."""
    while True:
        block = await content.readuntil(b"\n\n")
        if not block.startswith((b":", b"retry:")):
            return block
