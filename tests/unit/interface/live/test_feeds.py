"""Feeds above a Store that breaks off: followers learn of everything, and fetch it without a gap."""

from __future__ import annotations

import asyncio

import pytest

from cairn.core.block import NO_GRANT
from cairn.core.chain import ChainId, Kind, Seq
from cairn.core.ephemeral import Ephemeral
from cairn.core.errors import NotFound, Unavailable
from cairn.interface.live import feeds
from cairn.interface.live.feeds import Feed, Feeds
from cairn.storage.memory import memory_store
from cairn.testing.chains import Writer
from cairn.testing.clock import FakeClock
from cairn.testing.faults import Faults, with_faults
from cairn.wire.live import decode_frame


class Fetcher:
    """A follower that fetches whatever there is, from where it stands."""

    def __init__(self, place: int) -> None:
        self.place = Seq(place)
        self.seqs: list[int] = []
        self.heard: list[bytes] = []
        self.told = asyncio.Event()

    def grew(self, chain_id: ChainId) -> bool:
        self.told.set()
        return False

    def hear(self, frame: bytes) -> bool:
        held = decode_frame(frame)
        assert isinstance(held, Ephemeral)
        self.heard.append(held.raw)
        return True

    async def fetch(self, made: Feeds, feed: Feed, stop: int) -> None:
        """All entries before `stop`, trying again what fails."""
        while self.place < stop:
            self.told.clear()
            try:
                frames = await made.page(feed, self.place)
            except Unavailable:
                await asyncio.sleep(0)
                continue
            self.seqs += [seq for seq, _ in frames]
            self.place = Seq(self.place + len(frames))
            if not frames:
                await self.told.wait()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "_PAUSE_SECONDS", (0.0,))


@pytest.mark.parametrize("recent_bytes", [0, 1_000, 16 * 1024 * 1024])
async def test_no_gap_and_no_repeat(monkeypatch: pytest.MonkeyPatch, recent_bytes: int) -> None:
    """However little of what is new stays in memory, wherever a follower begins, while watches and reads break off."""
    monkeypatch.setattr(feeds, "_RECENT_BYTES_MAX", recent_bytes)
    below, writer = memory_store(), Writer("feeds")
    writer.add_many(10)
    await below.chains.append(writer.entries, NO_GRANT)
    faults = Faults(seed=4, break_off=0.1, refuse=0.1)
    store = with_faults(below, faults)
    made = Feeds(store, below.chains.head)
    followers = [Fetcher(place) for place in (0, 5, 11, 100)]
    feed = None
    for follower in followers:
        feed = await made.follow(writer.keys.chain_id, follower)
    assert feed is not None
    fetching = [asyncio.create_task(follower.fetch(made, feed, 211)) for follower in followers]
    for _ in range(40):
        await below.chains.append(writer.add_many(5), NO_GRANT)
        await asyncio.sleep(0)
    await asyncio.wait_for(asyncio.gather(*fetching), 30)
    assert [follower.seqs for follower in followers] == [list(range(place, 211)) for place in (0, 5, 11, 100)]
    assert faults.injected > 10
    for follower in followers:
        made.leave(writer.keys.chain_id, follower)
    assert len(made) == 0


async def test_all_followers_share_one_watch_and_one_listening() -> None:
    """And when the last has left, nothing is asked of the store any more."""
    clock, writer = FakeClock(), Writer("shared")
    store = memory_store(clock)
    await store.chains.append(writer.entries, NO_GRANT)
    made = Feeds(store, store.chains.head)
    followers = [Fetcher(0) for _ in range(50)]
    found = {id(await made.follow(writer.keys.chain_id, follower)) for follower in followers}
    assert len(found) == 1
    message = writer.message(b"hello", clock.now_ms())
    while not followers[0].heard:
        await store.relay.send(message)
        await asyncio.sleep(0)
        message = writer.message(b"hello", clock.now_ms())
    while any(follower.heard != followers[0].heard for follower in followers):  # they are told some at a time
        await asyncio.sleep(0)
    tasks = made.feed(writer.keys.chain_id).tasks  # type: ignore[union-attr]
    for follower in followers:
        made.leave(writer.keys.chain_id, follower)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert all(task.cancelled() for task in tasks)


async def test_a_closed_chain_is_told_as_closed() -> None:
    """To who was there, and to who comes later."""
    store, writer = memory_store(), Writer("closed")
    await store.chains.append(writer.entries, NO_GRANT)
    made, early, late = Feeds(store, store.chains.head), Fetcher(1), Fetcher(0)
    feed = await made.follow(writer.keys.chain_id, early)
    writer.add(b"", kind=Kind.CLOSE)
    await store.chains.append(writer.entries[-1:], NO_GRANT)
    while not feed.is_closed:
        early.told.clear()
        await asyncio.wait_for(early.told.wait(), 10)
    assert feed.stop == 2
    made.leave(writer.keys.chain_id, early)
    feed = await made.follow(writer.keys.chain_id, late)
    assert (feed.stop, feed.is_closed, feed.tasks) == (2, True, [])
    with pytest.raises(NotFound):
        await made.follow(Writer("unknown").keys.chain_id, late)
    assert len(made) == 1
