"""Sockets to which an entry goes at once, or in the writer's turn, as it happens: no gap and no repeat either way."""

from __future__ import annotations

import asyncio
import random

import pytest

from cairn.config import Limits
from cairn.core.block import NO_GRANT
from cairn.core.chain import ChainId, Entry, Kind, Seq
from cairn.core.ephemeral import Ephemeral
from cairn.interface.admission.traffic import Traffic
from cairn.interface.live import socket as live
from cairn.interface.live.feeds import Feeds
from cairn.interface.live.socket import Gone, Lagged, LiveSockets
from cairn.storage.memory import memory_store
from cairn.testing.chains import Writer
from cairn.testing.clock import FakeClock
from cairn.wire.live import Command, Notice, decode_frame, decode_notice, encode_command

ROUNDS = 60
FRONTS = 40


class Front:
    """A client that follows some chains. `patience` is the share of messages that it takes at once."""

    client = "127.0.0.1"

    def __init__(self, places: dict[ChainId, Seq], patience: float, seed: int) -> None:
        self.entries: dict[ChainId, list[int]] = {chain_id: [] for chain_id in places}
        self.heard: list[bytes] = []
        self.notices: list[Notice] = []
        self.sent_at_once = 0
        self.is_stuck = False
        self.leaving = asyncio.Event()
        self._commands = [encode_command(Command(places))]
        self._patience = patience
        self._random = random.Random(seed)

    async def receive(self) -> str:
        if not self._commands:
            await self.leaving.wait()
            raise Gone
        return self._commands.pop()

    def send_now(self, message: bytes) -> bool:
        if self.is_stuck or self._random.random() > self._patience:
            return False
        self.sent_at_once += 1
        self._take(message)
        return True

    async def send(self, message: str | bytes) -> None:
        if self.is_stuck:
            raise Lagged
        if self._random.random() > self._patience:
            await asyncio.sleep(0)
        self._take(message)

    async def send_last(self, message: str) -> None:
        self._take(message)

    def _take(self, message: str | bytes) -> None:
        if isinstance(message, str):
            self.notices.append(decode_notice(message))
            return
        held = decode_frame(message)
        if isinstance(held, Entry):
            self.entries[held.chain_id].append(held.seq)
        else:
            assert isinstance(held, Ephemeral)
            self.heard.append(held.raw)


class Served:
    """Live sockets above a store in memory."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = memory_store(self.clock)
        limits = Limits()
        traffic = Traffic(limits, self.clock, is_free=True)
        feeds = Feeds(self.store, self.store.chains.head)
        self.sockets = LiveSockets(self.store, feeds, self.store.chains.head, traffic, limits, self.clock)
        self.tasks: list[asyncio.Task[None]] = []

    async def writer(self, seed: str) -> Writer:
        writer = Writer(seed)
        await self.store.chains.append(writer.entries, NO_GRANT)
        return writer

    async def append(self, writer: Writer, count: int = 1) -> None:
        await self.store.chains.append(writer.add_many(count), NO_GRANT)

    def open(self, front: Front) -> None:
        self.tasks.append(asyncio.create_task(self.sockets.serve(front)))

    async def close(self, fronts: list[Front]) -> None:
        for front in fronts:
            front.leaving.set()
        await asyncio.gather(*self.tasks)


async def until_complete(fronts: list[Front], writers: list[Writer]) -> None:
    wanted = {writer.keys.chain_id: len(writer.entries) for writer in writers}
    async with asyncio.timeout(60):
        while any(len(seqs) < wanted[chain_id] for front in fronts for chain_id, seqs in front.entries.items()):
            await asyncio.sleep(0)


@pytest.mark.parametrize("patience", [0.0, 0.3, 0.9, 1.0])
async def test_no_gap_and_no_repeat(patience: float) -> None:
    served, rng = Served(), random.Random(f"at once {patience}")
    writers = [await served.writer(f"chain {number}") for number in range(3)]
    places = {writer.keys.chain_id: Seq(0) for writer in writers}
    fronts = [Front(places, patience, seed) for seed in range(FRONTS)]
    for front in fronts:
        served.open(front)
    for _ in range(ROUNDS):
        await served.append(rng.choice(writers), rng.choice((1, 1, 1, 5)))
        for _ in range(rng.choice((0, 1, 10))):
            await asyncio.sleep(0)
    await until_complete(fronts, writers)
    for writer in writers:
        wanted = list(range(len(writer.entries)))
        assert all(front.entries[writer.keys.chain_id] == wanted for front in fronts)
    assert (sum(front.sent_at_once for front in fronts) > 0) == (patience > 0)
    await served.close(fronts)


async def test_who_waits_for_more_gets_it_at_once() -> None:
    served = Served()
    writer = await served.writer("quick")
    front = Front({writer.keys.chain_id: Seq(0)}, 1.0, 0)
    served.open(front)
    for count in range(1, 10):
        await until_complete([front], [writer])
        await asyncio.sleep(0)
        assert front.sent_at_once == count - 1
        await served.append(writer)
    await until_complete([front], [writer])
    await served.close([front])


async def test_messages_are_heard_in_order_beside_entries() -> None:
    served, messages = Served(), []
    writer = await served.writer("heard")
    fronts = [Front({writer.keys.chain_id: Seq(0)}, patience, 1) for patience in (0.0, 0.5, 1.0)]
    for front in fronts:
        served.open(front)
    await until_complete(fronts, [writer])
    for number in range(50):
        messages.append(writer.message(b"%d" % number, served.clock.now_ms()))
        await served.store.relay.send(messages[-1])
        await served.append(writer)
        async with asyncio.timeout(60):
            while any(len(front.heard) <= number for front in fronts):
                await asyncio.sleep(0)
    await until_complete(fronts, [writer])
    assert all(front.heard == [message.raw for message in messages] for front in fronts)
    await served.close(fronts)


async def test_a_client_that_takes_nothing_more_is_told_what_it_lags_behind_in() -> None:
    served = Served()
    writer = await served.writer("stuck")
    stuck, other = (Front({writer.keys.chain_id: Seq(0)}, 1.0, seed) for seed in range(2))
    for front in (stuck, other):
        served.open(front)
    await until_complete([stuck, other], [writer])
    await served.append(writer)
    await until_complete([stuck, other], [writer])
    stuck.is_stuck = True
    await served.append(writer)
    await until_complete([other], [writer])
    async with asyncio.timeout(60):
        while not stuck.notices:
            await asyncio.sleep(0)
    assert [notice.lagged for notice in stuck.notices] == [(writer.keys.chain_id,)]
    assert served.sockets.lagged == 1
    await served.close([other])


async def test_a_chain_that_ends_is_told_as_ended_after_its_last_entry() -> None:
    served = Served()
    writer = await served.writer("ends")
    fronts = [Front({writer.keys.chain_id: Seq(0)}, patience, 2) for patience in (0.0, 1.0)]
    for front in fronts:
        served.open(front)
    await until_complete(fronts, [writer])
    await served.store.chains.append([writer.add(b"", Kind.CLOSE)], NO_GRANT)
    async with asyncio.timeout(60):
        while not all(front.notices for front in fronts):
            await asyncio.sleep(0)
    assert all(front.entries[writer.keys.chain_id] == [0, 1] for front in fronts)
    assert all([notice.ended for notice in front.notices] == [(writer.keys.chain_id,)] for front in fronts)
    await served.close(fronts)


async def test_a_beat_comes_after_a_while_in_which_nothing_else_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent at once is something else, too."""
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.3)
    served = Served()
    writer = await served.writer("beats")
    front = Front({writer.keys.chain_id: Seq(0)}, 1.0, 3)
    served.open(front)
    await until_complete([front], [writer])
    for _ in range(5):
        await served.append(writer)
        await until_complete([front], [writer])
        beats = len(front.notices)
        async with asyncio.timeout(60):
            while len(front.notices) == beats:
                await asyncio.sleep(0.01)
    assert front.sent_at_once > 0
    await served.close([front])
