"""Two interface nodes before one storage: a hot block comes from the neighbour that prefers it, and goes when it is
removed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cairn.cache.neighbours import LinkedNeighbour, Ring
from cairn.core.block import Block, Pin, pin_hash
from cairn.core.chain import ChainId, Seq
from cairn.core.errors import Invalid, Unavailable
from cairn.interface.admission.secret import NodeSecret
from cairn.link import Place, open_link
from cairn.testing.chains import random_block
from cairn.wire.link import REQUESTS, STREAMS, Operation
from cairn.wire.messages import ReadItem, encode_read
from tests.harness import Server, Storage, free_port
from tests.waiting import until

PIN = Pin(b"p" * 32)


class Pair:
    """The storage, and the nodes "a", which keeps nothing in memory, and "b"."""

    def __init__(self, folder: Path) -> None:
        self.ports = {"a": free_port(), "b": free_port()}
        node = {"roles": ["storage"], "data": str(folder / "data")}
        self.storage = Storage(folder / "storage", {"node": node, "storage": {"listen": "127.0.0.1:0"}})
        self.storage.start()
        self.nodes = {name: self._node(folder, name) for name in "ab"}

    def _node(self, folder: Path, name: str) -> Server:
        other = "b" if name == "a" else "a"
        return Server(
            folder / name,
            {
                "node": {
                    "name": name, "roles": ["interface"], "data": str(folder / name),
                    "secret_file": str(self.storage.data / "secret"),
                },
                "storage": {"engine": "remote", "servers": [f"127.0.0.1:{self.storage.port}"]},
                "cache": {
                    "memory": "0" if name == "a" else "32MiB", "listen": f"127.0.0.1:{self.ports[name]}",
                    "neighbours": {other: f"127.0.0.1:{self.ports[other]}"},
                },
            },
        ).start()  # fmt: skip

    def close(self) -> None:
        for server in (*self.nodes.values(), self.storage):
            server.kill()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    pair = Pair(tmp_path)
    try:
        yield pair
        for server in pair.nodes.values():
            server.assert_healthy()
    finally:
        pair.close()


def block_of(name: str) -> Block:
    """A block that prefers this node."""
    ring = Ring(["a", "b"])
    return next(
        each for each in (random_block(os.urandom(8).hex()) for _ in range(200)) if ring.preferred(each.id) == [name]
    )


def put(server: Server, block: Block) -> None:
    answer = server.ask("PUT", f"/v1/blocks/{block.id.hex()}", block.data, {"Cairn-Pin": pin_hash(PIN).hex()})
    assert answer.status == 201


def get(server: Server, block: Block) -> int:
    answer = server.ask("GET", f"/v1/blocks/{block.id.hex()}")
    assert answer.status != 200 or answer.body == block.data
    return answer.status


def count(server: Server, name: str) -> float:
    text = server.ask("GET", "/metrics").body.decode()
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


def until_a_asks_b(pair: Pair) -> None:
    """Wait until the link between them is there, and b is not avoided any more."""
    a = pair.nodes["a"]
    given, deadline = count(a, "cairn_cache_neighbour_given_total"), time.monotonic() + 60
    while count(a, "cairn_cache_neighbour_given_total") == given:
        assert time.monotonic() < deadline, "it is never asked"
        fresh = block_of("b")
        put(a, fresh)
        assert [get(a, fresh) for _ in range(2)] == [200] * 2


def test_a_hot_block_comes_from_the_node_that_prefers_it(pair: Pair) -> None:
    until_a_asks_b(pair)
    told = ask_for_new_blocks(pair)
    for _ in range(10):
        if told["failed"]:  # the machine was too busy for it to answer in time
            until_a_asks_b(pair)
            told = ask_for_new_blocks(pair)
    assert told == {"asked": 2, "given": 2, "failed": 0, "hits": 1}  # what it had fetched for the first
    assert count(pair.nodes["b"], "cairn_cache_neighbour_asked_total") == 0


def ask_for_new_blocks(pair: Pair) -> dict[str, float]:
    """Ask a for a block that prefers b, and for one that does not, three times each. What that counts to."""
    a, b = pair.nodes["a"], pair.nodes["b"]

    def counts() -> dict[str, float]:
        asked = {what: count(a, f"cairn_cache_neighbour_{what}_total") for what in ("asked", "given", "failed")}
        return {**asked, "hits": count(b, 'cairn_cache_hits_total{tier="memory"}')}

    before = counts()
    for block in (block_of("b"), block_of("a")):
        put(a, block)
        assert [get(a, block) for _ in range(3)] == [200] * 3
    return {name: now - before[name] for name, now in counts().items()}


def test_a_removal_reaches_the_neighbour(pair: Pair) -> None:
    a, b = pair.nodes["a"], pair.nodes["b"]
    until_a_asks_b(pair)
    block = block_of("b")
    put(a, block)
    assert [get(b, block), get(b, block)] == [200, 200]
    answer = a.ask("DELETE", f"/v1/blocks/{block.id.hex()}", None, {"Cairn-Pin-Secret": PIN.hex()})
    assert answer.status == 204
    assert [get(a, block) for _ in range(4)] == [404] * 4
    deadline = time.monotonic() + 30
    while get(b, block) != 404:
        assert time.monotonic() < deadline, "the neighbour still has it"
        time.sleep(0.05)


def test_a_neighbour_that_is_gone_is_no_loss(pair: Pair) -> None:
    a, b = pair.nodes["a"], pair.nodes["b"]
    block = block_of("b")
    put(a, block)
    b.kill()
    assert [get(a, block) for _ in range(4)] == [200] * 4
    assert count(a, "cairn_cache_neighbour_given_total") == 0
    b.start()
    until_a_asks_b(pair)


async def test_who_lacks_the_secret_is_not_answered(pair: Pair) -> None:
    block, place = block_of("b"), Place("127.0.0.1", pair.ports["b"])
    put(pair.nodes["b"], block)
    keys = {"wrong": [b"k" * 32], "right": NodeSecret.load(pair.storage.data / "secret").keys("link")}
    async with open_link(place, keys["right"]) as link:
        await until(lambda: link.is_connected)
        assert (await LinkedNeighbour(link).get(block.id)).data == block.data
    async with open_link(place, keys["wrong"]) as link:
        with pytest.raises(Unavailable):
            await LinkedNeighbour(link).get(block.id)


async def test_a_neighbour_answers_for_blocks_and_nothing_else(pair: Pair) -> None:
    """Who may ask for blocks that are near is no front end, and no storage."""
    keys = NodeSecret.load(pair.storage.data / "secret").keys("link")
    async with open_link(Place("127.0.0.1", pair.ports["b"]), keys) as link:
        for operation in REQUESTS - STREAMS - {Operation.GET_BLOCK, Operation.FORGET_BLOCK}:
            with pytest.raises(Invalid):
                await link.ask(operation, bytes(64), bytes)
        with pytest.raises(Invalid):
            async for _ in link.stream(Operation.WATCH, encode_read([ReadItem(ChainId(bytes(32)), Seq(0), 1_000)])):
                pass
