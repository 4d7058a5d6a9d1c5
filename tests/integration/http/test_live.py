"""Live streams: no gap, no repeat, however often the connection breaks; and nobody suffers from another's slowness."""

from __future__ import annotations

import asyncio
import os
import random
import time
from typing import Any

import pytest

from cairn.core.chain import Kind
from cairn.testing.chains import Writer
from tests.harness import serving
from tests.integration.http.api import FREE_OF_RATES, Holder
from tests.integration.http.crowds import serving_followers, standing_writer
from tests.integration.http.events import Subscriber

_SEED = 20
_MIB = 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving_followers(tmp_path_factory.mktemp("live")) as server:
        yield server


@pytest.fixture
def writers(server):
    return [standing_writer(server) for _ in range(3)]


def _id(writer):
    return writer.keys.chain_id.hex()


async def _append(server, writer, payload=b"payload", kind=Kind.LINK):
    answer = await asyncio.to_thread(Holder(server).append, [writer.add(payload, kind)])
    assert answer.status == 201


async def _append_many(server, writer, count, rng):
    for _ in range(count):
        await _append(server, writer)
        await asyncio.sleep(rng.random() * 0.01)


async def _follow_with_cuts(server, writer, count, rng, by_id):
    """Every entry that a subscriber sees who loses its connection every few events, also in the midst of one."""
    seen: list[Any] = []
    place = f"{_id(writer)}@0"
    last_id = ""
    while len(seen) < count:
        async with await Subscriber.open(server.port, [place], last_id) as subscriber:
            assert subscriber.status == 200
            for _ in range(min(rng.randrange(9), count - len(seen))):
                event_id, entry = await subscriber.next_entry()
                seen.append(entry)
                last_id = event_id if by_id else ""
                place = place if by_id else f"{_id(writer)}@{entry.seq + 1}"
            if rng.random() < 0.3:
                await asyncio.sleep(0.01)  # so that some is under way that is never read
    return seen


@pytest.mark.parametrize("by_id", [True, False], ids=["Last-Event-ID", "SEQ"])
def test_three_hundred_appends_with_the_connection_cut_every_few_events(server, writers, by_id):
    print("seed", _SEED)

    async def run():
        following = [
            _follow_with_cuts(server, writers[0], 301, random.Random(f"{_SEED}/{reader}"), by_id) for reader in range(3)
        ]
        appending = _append_many(server, writers[0], 300, random.Random(_SEED))
        return await asyncio.gather(*following, appending)

    *all_seen, _ = asyncio.run(run())
    for seen in all_seen:
        assert [entry.raw for entry in seen] == [entry.raw for entry in writers[0].entries]


def test_one_cursor_for_many_chains(server, writers):
    """The event id is the place in every chain of the query: resumed by it, all go on where they were."""

    async def follow(rng):
        seen: dict[bytes, list[int]] = {writer.keys.chain_id: [] for writer in writers}
        last_id = ""
        query = [f"{_id(writer)}@{number}" for number, writer in enumerate(writers)]
        while sum(map(len, seen.values())) < 3 * 41 - 3:
            async with await Subscriber.open(server.port, query, last_id) as subscriber:
                for _ in range(min(rng.randrange(1, 9), 3 * 41 - 3 - sum(map(len, seen.values())))):
                    last_id, entry = await subscriber.next_entry()
                    seen[entry.chain_id].append(entry.seq)
                    nexts = [(seen[w.keys.chain_id] or [n - 1])[-1] + 1 for n, w in enumerate(writers)]
                    assert last_id == ",".join(map(str, nexts))
        return seen

    async def run():
        rng = random.Random(_SEED)
        appending = [_append_many(server, writer, 40, random.Random(f"{_SEED}/{_id(writer)}")) for writer in writers]
        seen, *_ = await asyncio.gather(follow(rng), *appending)
        return seen

    print("seed", _SEED)
    seen = asyncio.run(run())
    assert [seen[w.keys.chain_id] for w in writers] == [list(range(n, 41)) for n in range(3)]


def test_what_a_stream_looks_like(server, writers):
    async def run():
        async with await Subscriber.open(server.port, [f"{_id(writers[0])}@0"]) as subscriber:
            assert subscriber.headers["content-type"] == "text/event-stream"
            assert subscriber.headers["cache-control"] == "no-store"
            assert (await subscriber.next()).kind == ""  # type: ignore[union-attr]
            event = await subscriber.next()
            assert (event.id, event.data["seq"], event.data["chain"]) == ("1", 0, _id(writers[0]))  # type: ignore[union-attr]

    asyncio.run(run())


def test_a_close_ends_the_stream_when_it_was_the_last(server, writers):
    async def run():
        first, second, _ = writers
        async with await Subscriber.open(server.port, [f"{_id(first)}@1", f"{_id(second)}@1"]) as subscriber:
            await _append(server, first, b"", Kind.CLOSE)
            assert (await subscriber.next_entry())[1].kind == Kind.CLOSE
            await _append(server, second)
            assert (await subscriber.next_entry())[1].chain_id == second.keys.chain_id
            await _append(server, second, b"", Kind.CLOSE)
            assert (await subscriber.next_entry())[1].kind == Kind.CLOSE
            assert await subscriber.next() is None
        async with await Subscriber.open(server.port, [f"{_id(first)}@0"]) as subscriber:
            assert [(await subscriber.next_entry())[1].seq for _ in range(2)] == [0, 1]
            assert await subscriber.next() is None

    asyncio.run(run())


def test_a_silent_stream_says_that_it_is_there(server, writers):
    async def run():
        async with await Subscriber.open(server.port, [f"{_id(writers[0])}@1"]) as subscriber:
            assert [(await subscriber.next()).kind for _ in range(2)] == ["", ""]  # type: ignore[union-attr]
            await _append(server, writers[0])
            assert (await subscriber.next_entry())[1].seq == 1

    asyncio.run(run())


_ANY = "0" * 64


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "invalid"),
        ("chain=", 400, "invalid"),
        ("chain=x@0", 400, "invalid"),
        (f"chain={_ANY}@-1", 400, "invalid"),
        (f"chain={_ANY}@+1", 400, "invalid"),
        (f"chain={_ANY}@{2**53}", 400, "invalid"),
        (f"chain={_ANY}@0&chain={_ANY}@1", 400, "invalid"),
        (f"chain={_ANY}@0", 404, "not_found"),
        ("&".join(f"chain={number:064x}@0" for number in range(65)), 413, "too_large"),
        ("&".join(f"chain={number:064x}" for number in range(200)), 400, "invalid"),
    ],
)
def test_streams_that_are_refused(server, query, status, code):
    answer = server.ask("GET", f"/v1/live?{query}")
    assert (answer.status, answer.code) == (status, code)


def test_sixty_four_chains_are_taken_and_a_door_is_none(server):
    made = [standing_writer(server) for _ in range(64)]

    async def run():
        async with await Subscriber.open(server.port, [f"{_id(writer)}@0" for writer in made]) as subscriber:
            got = {(await subscriber.next_entry())[1].chain_id for _ in made}
            assert got == {writer.keys.chain_id for writer in made}

    asyncio.run(run())
    door = Writer(os.urandom(8).hex(), 1)
    assert Holder(server).append(door.entries, kind="doors").status == 201
    assert server.ask("GET", f"/v1/live?chain={_id(door)}@0").status == 404


@pytest.mark.parametrize("last_id", ["x", "1,2", "-1", "1,", str(2**53), "9" * 2000])
def test_a_cursor_of_another_stream_is_refused(server, writers, last_id):
    answer = server.ask("GET", f"/v1/live?chain={_id(writers[0])}", headers={"Last-Event-ID": last_id})
    assert (answer.status, answer.code) == (400, "invalid")


def test_every_place_is_given_back_however_a_stream_ends(tmp_path):
    """To ask for the head of a stream takes no place, nor does a stream that is refused."""
    with serving(tmp_path, interface={"admission": "open", "limits": {**FREE_OF_RATES, "live_streams": 2}}) as server:
        writer = standing_writer(server)
        path = f"/v1/live?chain={writer.keys.chain_id.hex()}"
        for _ in range(5):
            assert server.ask("HEAD", path).status == 200
            assert server.ask("GET", f"/v1/live?chain={os.urandom(32).hex()}").status == 404

        async def open_and_cut():
            for _ in range(5):
                async with await Subscriber.open(server.port, [writer.keys.chain_id.hex()]) as subscriber:
                    assert subscriber.status == 200
                    await subscriber.next_entry()
                await asyncio.to_thread(_until_no_stream, server)

        asyncio.run(open_and_cut())
        server.assert_healthy()


def _until_no_stream(server):
    while b"\ncairn_live_streams 0.0" not in server.ask("GET", "/metrics").body:
        time.sleep(0.02)
