"""Reading over HTTP: conditional requests, ranges, HEAD, pages of entries, and the batch routes at their edges."""

from __future__ import annotations

import os

import pytest

from cairn.core.block import Block, PinHash
from cairn.testing.chains import Writer, random_block
from cairn.wire.messages import (
    PutItem,
    ReadItem,
    decode_entries,
    decode_put_answer,
    decode_read_answer,
    encode_ids,
    encode_put,
    encode_read,
)
from tests.harness import serving
from tests.integration.http.api import FREE_OF_RATES, Holder

_ABSENT = 0xFFFFFFFF
_IMMUTABLE = "public, max-age=31536000, immutable"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    interface = {"admission": "open", "limits": FREE_OF_RATES}
    with serving(tmp_path_factory.mktemp("reads"), interface=interface) as server:
        yield server
        server.assert_healthy()


@pytest.fixture(scope="module")
def block(server):
    block = random_block("reads", 1_000)
    assert Holder(server).put(block, os.urandom(32)).status == 201
    return block


@pytest.fixture(scope="module")
def writer(server):
    writer = Writer("reads")
    writer.add_many(599)
    assert Holder(server).append(writer.entries).status == 201
    return writer


def _get(server, block, method="GET", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.ask(method, f"/v1/blocks/{block.id.hex()}", None, named)


# --- blocks ----------------------------------------------------------------------------------------------------------


def test_a_block_and_its_headers(server, block):
    answer = _get(server, block)
    assert (answer.status, answer.body) == (200, block.data)
    assert answer.headers["etag"] == f'"{block.id.hex()}"'
    assert answer.headers["cache-control"] == _IMMUTABLE
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"] == "attachment"


def test_head_is_get_without_a_body(server, block, writer):
    chain = f"/v1/chains/{writer.keys.chain_id.hex()}"
    paths = [f"/v1/blocks/{block.id.hex()}", f"/v1/blocks/{'0' * 64}", chain, f"{chain}/entries"]
    paths += ["/v1/openapi.json", "/healthz", "/readyz"]
    for path in paths:
        whole, alone = server.ask("GET", path), server.ask("HEAD", path)
        assert (alone.status, alone.body) == (whole.status, b"")
        assert {**alone.headers, "date": ""} == {**whole.headers, "date": ""}, path


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ('"{id}"', 304),
        ('W/"{id}"', 304),
        ('"x", "{id}"', 304),
        ("*", 304),
        ('"x"', 200),
        ("{id}", 200),
        ("", 200),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_conditional_get(server, block, header, status, method):
    answer = _get(server, block, method, If_None_Match=header.replace("{id}", block.id.hex()))
    assert answer.status == status
    assert answer.headers["etag"] == f'"{block.id.hex()}"'
    assert answer.body == (block.data if (status, method) == (200, "GET") else b"")


def test_a_condition_does_not_make_a_block_exist(server):
    absent = random_block("never put")
    for condition in ("*", f'"{absent.id.hex()}"'):
        assert _get(server, absent, If_None_Match=condition).status == 404


@pytest.mark.parametrize(
    ("wanted", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-999", 0, 1_000),
        ("bytes=0-", 0, 1_000),
        ("bytes=100-199", 100, 200),
        ("bytes=999-", 999, 1_000),
        ("bytes=900-5000", 900, 1_000),
        ("bytes=-1", 999, 1_000),
        ("bytes=-1000", 0, 1_000),
        ("bytes=-5000", 0, 1_000),
        ("BYTES=1-2", 1, 3),
    ],
)
def test_a_range(server, block, wanted, start, stop):
    answer = _get(server, block, Range=wanted)
    assert (answer.status, answer.body) == (206, block.data[start:stop])
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/1000"
    assert answer.headers["content-length"] == str(stop - start)


@pytest.mark.parametrize("wanted", ["bytes=1000-", "bytes=1000-2000", "bytes=-0", f"bytes={'9' * 18}-"])
def test_a_range_behind_the_end(server, block, wanted):
    answer = _get(server, block, Range=wanted)
    assert (answer.status, answer.code) == (416, "range")
    assert answer.headers["content-range"] == "bytes */1000"


_NO_RANGES = ["bytes=5-1", "bytes=0-1,5-6", "bytes=a-b", "bytes=", "bytes=-", "items=0-1", "bytes 0-1"]


@pytest.mark.parametrize("wanted", [*_NO_RANGES, "bytes=" + "1" * 500 + "-"])
def test_a_range_that_is_not_understood_is_ignored(server, block, wanted):
    answer = _get(server, block, Range=wanted)
    assert (answer.status, answer.body) == (200, block.data)


def test_a_range_if_the_block_is_the_one(server, block):
    assert _get(server, block, Range="bytes=0-1", If_Range=f'"{block.id.hex()}"').status == 206
    assert _get(server, block, Range="bytes=0-1", If_Range='"x"').status == 200
    assert _get(server, block, Range="bytes=0-1", If_None_Match="*").status == 304


def test_an_empty_block(server):
    empty = Block.of(b"")
    assert Holder(server).put(empty, os.urandom(32)).status in (200, 201)
    answer = _get(server, empty)
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "0")
    assert _get(server, empty, Range="bytes=0-").status == 416


# --- batches ---------------------------------------------------------------------------------------------------------


def _frames(body):
    """The frames of a `blocks/get`: each id, and its bytes or what stands for them."""
    at = 0
    while at < len(body):
        block_id, length = body[at : at + 32], int.from_bytes(body[at + 32 : at + 36], "big")
        at += 36
        if length == _ABSENT:
            yield block_id, None
            continue
        yield block_id, body[at : at + length]
        at += length


@pytest.mark.parametrize("count", [0, 1, 1_023, 1_024])
def test_batches_of_so_many(server, count):
    blocks = [random_block(f"batch {count} {number}", 50) for number in range(count)]
    put = server.ask("POST", "/v1/blocks/put", encode_put([PutItem(None, block.data) for block in blocks]))
    assert (put.status, decode_put_answer(put.body)) == (200, [(block.id, 0) for block in blocks])
    ids = encode_ids(block.id for block in blocks)
    assert server.ask("POST", "/v1/blocks/has", ids).body == b"\1" * count
    got = server.ask("POST", "/v1/blocks/get", ids)
    assert (got.status, list(_frames(got.body))) == (200, [(block.id, block.data) for block in blocks])
    again = server.ask("POST", "/v1/blocks/put", encode_put([PutItem(None, block.data) for block in blocks]))
    assert decode_put_answer(again.body) == [(block.id, 1) for block in blocks]


@pytest.mark.parametrize("path", ["blocks/get", "blocks/has", "blocks/put", "chains/read"])
def test_a_batch_of_one_too_many(server, path):
    body = {"blocks/put": bytes(36), "chains/read": bytes(44)}.get(path, bytes(32)) * 1_025
    answer = server.ask("POST", f"/v1/{path}", body)
    assert (answer.status, answer.code) == (413, "too_large")


@pytest.mark.parametrize("path", ["blocks/get", "blocks/has", "blocks/put", "chains/read"])
@pytest.mark.parametrize("size", [1, 31, 33, 45])
def test_a_batch_that_ends_within_an_item(server, path, size):
    answer = server.ask("POST", f"/v1/{path}", bytes(size))
    assert (answer.status, answer.code) == (400, "invalid")


def test_unknown_and_repeated_ids_keep_their_places(server, block):
    absent = random_block("not here")
    ids = [absent.id, block.id, absent.id, block.id, bytes(32)]
    got = server.ask("POST", "/v1/blocks/get", encode_ids(ids))
    assert list(_frames(got.body)) == list(zip(ids, [None, block.data, None, block.data, None], strict=True))
    assert server.ask("POST", "/v1/blocks/has", encode_ids(ids)).body == bytes((0, 1, 0, 1, 0))


def test_a_batch_put_refuses_nothing_of_the_others(server):
    """One block twice, and one that is there: each item answers for itself."""
    first, second = random_block(os.urandom(8).hex()), random_block(os.urandom(8).hex())
    assert Holder(server).put(second).status == 201
    items = [PutItem(PinHash(os.urandom(32)), data) for data in (first.data, second.data, first.data)]
    outcomes = decode_put_answer(server.ask("POST", "/v1/blocks/put", encode_put(items)).body)
    assert [block_id for block_id, _ in outcomes] == [first.id, second.id, first.id]
    assert (sorted((outcomes[0][1], outcomes[2][1])), outcomes[1][1]) == ([0, 1], 1)


# --- chains ----------------------------------------------------------------------------------------------------------


def _entries(server, writer, query=""):
    return server.ask("GET", f"/v1/chains/{writer.keys.chain_id.hex()}/entries{query}")


@pytest.mark.parametrize(
    ("query", "start", "stop", "is_full"),
    [
        ("", 0, 256, True),
        ("?from=256", 256, 512, True),
        ("?from=512", 512, 600, False),
        ("?from=1", 1, 257, False),
        ("?from=10&to=20", 10, 20, False),
        ("?from=10&limit=5", 10, 15, False),
        ("?from=599", 599, 600, False),
        ("?from=600", 600, 600, False),
        ("?from=9007199254740991", 600, 600, False),
        ("?from=20&to=10", 20, 20, False),
        ("?to=0", 0, 0, False),
        ("?limit=256&x=y", 0, 256, True),
    ],
)
def test_a_page_of_entries(server, writer, query, start, stop, is_full):
    answer = _entries(server, writer, query)
    assert decode_entries(answer.body) == [entry.raw for entry in writer.entries[start:stop]]
    assert answer.headers["cairn-head"] == f"599 {writer.state.hash.hex()}"
    assert answer.headers["cache-control"] == (_IMMUTABLE if is_full else "no-cache")


@pytest.mark.parametrize(
    "query",
    ["from=-1", "from=x", "from=", "from=1&from=2", "from=9007199254740992", "from=1.0", "from=%D9%A1", "limit=0",
     "limit=257", "to=+1", "&".join(f"x{number}=1" for number in range(100))],
)  # fmt: skip
def test_a_page_that_is_none(server, writer, query):
    answer = _entries(server, writer, "?" + query)
    assert (answer.status, answer.code) == (400, "invalid")


def test_a_head_if_it_moved(server):
    writer = Writer(os.urandom(8).hex())
    path = f"/v1/chains/{writer.keys.chain_id.hex()}"
    assert Holder(server).append(writer.entries).status == 201
    etag = server.ask("GET", path).headers["etag"]
    unmoved = server.ask("GET", path, None, {"If-None-Match": etag})
    assert (unmoved.status, unmoved.body, unmoved.headers["etag"]) == (304, b"", etag)
    assert Holder(server).append([writer.add()]).status == 201
    moved = server.ask("GET", path, None, {"If-None-Match": etag})
    assert (moved.status, moved.json["seq"]) == (200, 1)


def test_many_chains_in_one_request(server, writer):
    other = Writer(os.urandom(8).hex())
    other.add_many(3)
    assert Holder(server).append(other.entries).status == 201
    one, two, none = writer.keys.chain_id, other.keys.chain_id, os.urandom(32)
    items = [
        (one, 598, 10),
        (none, 0, 1),
        (two, 0, 2),
        (two, 4, 9),
        (two, 0, 0),
        (one, 0, 2**32 - 1),
        (two, 2**64 - 1, 1),
    ]
    answer = server.ask("POST", "/v1/chains/read", encode_read([ReadItem(*item) for item in items]))  # type: ignore[arg-type]
    raws = [entry.raw for entry in writer.entries]
    expected = [raws[598:], _ABSENT, [e.raw for e in other.entries[:2]], [], [], raws, []]
    assert list(decode_read_answer(answer.body)) == list(zip([item[0] for item in items], expected, strict=True))


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/v1/info", "GET, HEAD, OPTIONS"),
        ("PATCH", f"/v1/blocks/{'0' * 64}", "GET, PUT, DELETE, HEAD, OPTIONS"),
        ("TRACE", f"/v1/chains/{'0' * 64}/entries", "GET, POST, HEAD, OPTIONS"),
    ],
)
def test_methods_that_a_route_has_not(server, method, path, allowed):
    answer = server.ask(method, path)
    assert (answer.status, answer.code, answer.headers["allow"]) == (405, "method", allowed)
    preflight = server.ask("OPTIONS", path)
    assert (preflight.status, preflight.headers["access-control-allow-origin"]) == (204, "*")


@pytest.mark.parametrize("path", ["/v1/", "/v1/nothing", "/v1/blocks", "/v1/blocks/a/b", "/v1//blocks/get", "/v2/info"])
def test_no_such_route(server, path):
    answer = server.ask("GET", path)
    assert (answer.status, answer.code) == (404, "not_found")
