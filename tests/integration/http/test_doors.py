"""Doors: their own namespace, answers that tell little by their shape, and a strict rate for who tries passwords."""

from __future__ import annotations

import os

import pytest

from cairn.core.chain import FLAG_DOOR, Kind
from cairn.testing.chains import Writer
from cairn.wire.messages import ReadItem, decode_read_answer, encode_read
from tests.harness import counts_alone, serving
from tests.integration.http.api import FREE_OF_RATES, Holder, head


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    interface = {"admission": "open", "limits": FREE_OF_RATES}
    with serving(tmp_path_factory.mktemp("doors"), interface=interface) as server:
        yield server
        server.assert_healthy()


@pytest.fixture
def door(server):
    door = Writer(os.urandom(8).hex(), FLAG_DOOR)
    door.add_many(2)
    assert Holder(server).append(door.entries, kind="doors").status == 201
    return door


def _shape(answer):
    """What one who sees the traffic can measure, but for the status."""
    headers = {name: value for name, value in answer.headers.items() if name not in ("date", "content-type")}
    return headers, len(answer.body)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_hit_and_a_miss_have_one_shape(server, door, method):
    path = f"/v1/doors/{door.keys.chain_id.hex()}"
    hit = server.ask(method, path)
    miss = server.ask(method, f"/v1/doors/{os.urandom(32).hex()}")
    assert (hit.status, miss.status) == (200, 404)
    assert _shape(hit) == _shape(miss)
    assert "etag" not in hit.headers
    assert hit.headers["cache-control"] == "no-store"
    if method == "GET":
        assert (hit.json["seq"], miss.json["code"]) == (2, "not_found")
        assert len(hit.body) == 1_024


def test_long_numbers_do_not_show(server, door):
    before = _shape(server.ask("GET", f"/v1/doors/{door.keys.chain_id.hex()}"))
    assert Holder(server).append(door.add_many(120), kind="doors").status == 201
    assert Holder(server).append([door.add(b"", Kind.CLOSE)], kind="doors").status == 201
    assert _shape(server.ask("GET", f"/v1/doors/{door.keys.chain_id.hex()}")) == before


def test_a_door_is_no_chain_and_a_chain_no_door(server, door):
    chain = Writer(os.urandom(8).hex())
    assert Holder(server).append(chain.entries).status == 201
    for path in (
        f"/v1/chains/{door.keys.chain_id.hex()}",
        f"/v1/chains/{door.keys.chain_id.hex()}/entries",
        f"/v1/doors/{chain.keys.chain_id.hex()}",
        f"/v1/doors/{chain.keys.chain_id.hex()}/entries",
        f"/v1/live?chain={door.keys.chain_id.hex()}@0",
    ):
        assert server.ask("GET", path).status == 404, path
    item = ReadItem(door.keys.chain_id, 0, 10)  # type: ignore[arg-type]
    answer = server.ask("POST", "/v1/chains/read", encode_read([item]))
    assert list(decode_read_answer(answer.body)) == [(door.keys.chain_id, 0xFFFFFFFF)]
    assert Holder(server).append([door.next()]).status == 400
    assert head(server, door.keys.chain_id, "doors")["seq"] == 2  # type: ignore[index]


def test_the_entries_of_a_door_are_not_kept_by_caches(server):
    door = Writer(os.urandom(8).hex(), FLAG_DOOR)
    door.add_many(300)
    assert Holder(server).append(door.entries, kind="doors").status == 201
    path = f"/v1/doors/{door.keys.chain_id.hex()}/entries"
    full = server.ask("GET", path)
    assert len(full.body) == sum(4 + len(entry.raw) for entry in door.entries[:256])
    missing = server.ask("GET", f"/v1/doors/{os.urandom(32).hex()}/entries")
    assert full.headers["cache-control"] == missing.headers["cache-control"] == "no-store"


@counts_alone
def test_who_tries_many_doors_has_to_wait(tmp_path):
    """Reads, writes, hits and misses count alike; other routes go on."""
    limits = {"door_requests_per_minute": 30}
    with serving(tmp_path, interface={"admission": "open", "limits": limits}) as server:
        door = Writer(os.urandom(8).hex(), FLAG_DOOR)
        assert Holder(server).append(door.entries, kind="doors").status == 201
        for number in range(9):
            path = f"/v1/doors/{(door.keys.chain_id if number % 2 else os.urandom(32)).hex()}"
            assert server.ask("GET", path + ("/entries" if number % 3 else "")).status in (200, 404)
        for answer in (
            server.ask("GET", f"/v1/doors/{door.keys.chain_id.hex()}"),
            server.ask("GET", f"/v1/doors/{os.urandom(32).hex()}/entries"),
            Holder(server).append([door.next()], kind="doors"),
        ):
            assert (answer.status, answer.code) == (429, "limited")
            assert int(answer.headers["retry-after"]) >= 1
        assert Holder(server).append(Writer(0).entries).status == 201
        server.assert_healthy()
