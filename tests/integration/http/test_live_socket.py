"""Live sockets: no gap, no repeat, however often they are cut; and ephemeral messages between those who are there."""

from __future__ import annotations

import asyncio
import os
import random
import time
from typing import Any

import pytest

from cairn.core.chain import FLAG_DOOR, Entry, Kind
from cairn.core.ephemeral import Ephemeral
from cairn.testing.chains import Writer
from tests.harness import Server
from tests.integration.http.api import Holder
from tests.integration.http.crowds import serving_followers, standing_writer
from tests.integration.http.sockets import Front, fronts

_SEED = 31


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving_followers(tmp_path_factory.mktemp("live")) as server:
        yield server


@pytest.fixture
def writers(server):
    return [standing_writer(server) for _ in range(3)]


async def _append(server: Server, writer: Writer, payload: bytes = b"payload", kind: Kind = Kind.LINK) -> Entry:
    entry = writer.add(payload, kind)
    assert (await asyncio.to_thread(Holder(server).append, [entry])).status == 201
    return entry


async def _append_many(server: Server, writer: Writer, count: int, rng: random.Random) -> None:
    for _ in range(count):
        await _append(server, writer)
        await asyncio.sleep(rng.random() * 0.01)


def _message(writer: Writer, data: bytes) -> Ephemeral:
    return writer.message(data, time.time_ns() // 1_000_000)


async def _follow_with_cuts(session, server, writers, count, rng):
    """What somebody sees of each chain whose socket is cut every few events, also in the midst of one."""
    seen: dict[Writer, list[Entry]] = {writer: [] for writer in writers}
    by_id = {writer.keys.chain_id: writer for writer in writers}
    while any(len(entries) < count for entries in seen.values()):
        front = await session.open(server)
        await front.subscribe({writer: len(entries) for writer, entries in seen.items()})
        for _ in range(min(rng.randrange(9), sum(count - len(entries) for entries in seen.values()))):
            entry = await front.next_entry()
            seen[by_id[entry.chain_id]].append(entry)
        if rng.random() < 0.3:
            await asyncio.sleep(0.01)  # so that some is under way that is never read
        front.cut()
    return seen


async def test_three_hundred_appends_with_the_socket_cut_every_few_events(server, writers):
    print("seed", _SEED)
    async with fronts() as session:
        following = [
            _follow_with_cuts(session, server, writers, 101, random.Random(f"{_SEED}/{reader}")) for reader in range(3)
        ]
        appending = [_append_many(server, writer, 100, random.Random(f"{_SEED}/a")) for writer in writers]
        results: list[Any] = await asyncio.gather(*following, *appending)
    for seen in results[:3]:
        for writer in writers:
            assert [entry.raw for entry in seen[writer]] == [entry.raw for entry in writer.entries]


async def test_a_long_history_then_what_comes(server, writers):
    """More than any page, of entries of every size, of which some are ahead of what is there."""
    writer, late, _ = writers
    writer.add_many(400)
    for _ in range(30):
        writer.add(os.urandom(40_000))
    for start in range(1, len(writer.entries), 100):
        assert Holder(server).append(writer.entries[start : start + 100]).status == 201
    async with fronts() as session:
        front = await session.open(server)
        await front.subscribe({writer: 0, late: 3})
        got = [await front.next_entry() for _ in writer.entries]
        assert got == writer.entries
        for _ in range(4):
            await _append(server, late)
        assert [(await front.next_entry()).seq for _ in range(2)] == [3, 4]


async def test_subscriptions_come_and_go(server, writers):
    """One can be moved while it runs, and what is no longer followed is silent."""
    first, second, third = writers
    async with fronts() as session:
        front = await session.open(server)
        await front.subscribe({first: 0, second: 1})
        assert (await front.next_entry()).chain_id == first.keys.chain_id
        await front.say(unsubscribe=[first.keys.chain_id.hex()], subscribe={third.keys.chain_id.hex(): 0})
        assert (await front.next_entry()) == third.entries[0]
        await _append(server, first)
        assert await _append(server, second) == await front.next_entry()
        await front.subscribe({second: 0})
        assert [await front.next_entry() for _ in range(2)] == second.entries
        await front.say(unsubscribe=[writer.keys.chain_id.hex() for writer in (second, third, Writer("never"))])
        await front.subscribe({first: 1})
        assert await front.next_entry() == first.entries[1]


async def test_a_closed_chain_is_said_to_have_ended(server, writers):
    """When its last entry was sent, or at once for who has it; the other chains go on."""
    first, second, _ = writers
    async with fronts() as session:
        front = await session.open(server)
        await front.subscribe({first: 1, second: 1})
        close = await _append(server, first, b"", Kind.CLOSE)
        assert await front.next_entry() == close
        assert await front.next() == {"ended": [first.keys.chain_id.hex()]}
        assert await _append(server, second) == await front.next_entry()
        for start, entries in ((0, first.entries), (1, first.entries[1:]), (2, []), (9, [])):
            await front.subscribe({first: start})
            assert [await front.next_entry() for _ in entries] == entries
            assert await front.next() == {"ended": [first.keys.chain_id.hex()]}


async def test_unknown_chains_and_doors_are_refused_and_the_rest_goes_on(server, writers):
    door, unknown = standing_writer(server, FLAG_DOOR), Writer("unknown")
    async with fronts() as session:
        front = await session.open(server)
        await front.subscribe({unknown: 0, door: 0, writers[0]: 0})
        for refused in (unknown, door):
            said = await front.next()
            assert isinstance(said, dict)
            assert (said["problem"]["code"], said["problem"]["chain"]) == ("not_found", refused.keys.chain_id.hex())
        assert await front.next_entry() == writers[0].entries[0]
        for refused in (unknown, door):
            await front.socket.send_bytes(_message(refused, b"hello").raw)
            assert await front.refusal() == "not_found"


async def _who_listen(session, server, writer, count) -> list[Front]:
    """Sockets that are known to hear what is sent."""
    listening = [await session.open(server) for _ in range(count)]
    for front in listening:
        await front.subscribe({writer: 0})
        for _ in writer.entries:
            await front.next_entry()
        calls = [_message(writer, os.urandom(8))]
        await front.socket.send_bytes(calls[-1].raw)
        while await front.next() not in calls:
            calls.append(_message(writer, os.urandom(8)))
            await front.socket.send_bytes(calls[-1].raw)
    return listening


async def _hear(front: Front, messages: list[Ephemeral]) -> list[Ephemeral]:
    """What a socket hears of these, until it hears the last."""
    heard: list[Ephemeral] = []
    while messages[-1] not in heard:
        got = await front.next()
        if isinstance(got, Ephemeral) and got in messages:
            heard.append(got)
    return heard


async def test_ephemeral_messages_are_heard_by_all_who_listen(server, writers):
    """Also by who sent them; once, in order, between the entries, and by nobody of another chain."""
    writer, other, _ = writers
    async with fronts() as session:
        ann, bob = await _who_listen(session, server, writer, 2)
        (eve,) = await _who_listen(session, server, other, 1)
        messages = [_message(writer, b"%d" % number) for number in range(30)]
        for message in messages:
            await ann.socket.send_bytes(message.raw)
            await eve.socket.send_bytes(message.raw)  # who heard it elsewhere, and says it again
        assert await _hear(ann, messages) == messages
        assert await _hear(bob, messages) == messages
        last = _message(other, b"last")
        await bob.socket.send_bytes(last.raw)
        assert await _hear(eve, [*messages, last]) == [last]


async def test_messages_that_do_not_verify_are_refused(server, writers):
    writer = writers[0]
    async with fronts() as session:
        ann, bob = await _who_listen(session, server, writer, 2)
        good = _message(writer, b"good")
        now_ms = good.time_ms
        for raw in (
            good.raw[:-1] + bytes((good.raw[-1] ^ 1,)),
            writer.message(b"late", now_ms - 61_000).raw,
            writer.message(b"epoch", now_ms, key_epoch=7).raw,
        ):
            await ann.socket.send_bytes(raw)
        assert [await _next_problem(ann) for _ in range(3)] == ["invalid"] * 3
        await ann.socket.send_bytes(good.raw)
        assert await _hear(bob, [good]) == [good]


async def _next_problem(front: Front) -> str:
    while True:
        got = await front.next()
        if isinstance(got, dict) and "problem" in got:
            return str(got["problem"]["code"])


async def test_a_beat_is_answered_and_comes_by_itself(server):
    async with fronts() as session:
        front = await session.open(server)
        await front.say(beat=1)
        for _ in range(2):  # the answer, and after a silence the server's own
            said = await front.next()
            assert isinstance(said, dict)
            assert abs(said["beat"] - time.time_ns() // 1_000_000) < 60_000
