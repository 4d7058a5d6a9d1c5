from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from cairn.core.block import NO_GRANT
from cairn.core.ephemeral import CLOCK_SKEW_MS_MAX
from cairn.core.errors import Invalid
from cairn.core.store import Store
from cairn.storage import hub
from cairn.storage.memory import memory_store
from cairn.testing.chains import Writer
from cairn.testing.clock import FakeClock
from cairn.testing.contract import take

EDGE_SECONDS = CLOCK_SKEW_MS_MAX / 1_000


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def writer() -> Writer:
    return Writer("hub")


@pytest.fixture
async def store(clock: FakeClock, writer: Writer) -> Store:
    store = memory_store(clock)
    await store.chains.append(writer.entries, NO_GRANT)
    return store


async def test_a_message_is_passed_on_once_in_all_its_time(store: Store, writer: Writer, clock: FakeClock) -> None:
    """Made a minute ahead, it could pass for two; whatever else is said meanwhile."""
    ahead = writer.message(b"ahead", clock.now_ms() + CLOCK_SKEW_MS_MAX)
    async with aclosing(store.relay.listen(writer.keys.chain_id)) as messages:  # type: ignore[type-var]
        first = asyncio.create_task(take(messages, 1))
        await asyncio.sleep(0)
        await store.relay.send(ahead)
        assert await first == [ahead]
        for _ in range(2):
            clock.advance(EDGE_SECONDS)
            other = writer.message(b"other", clock.now_ms())
            await store.relay.send(other)
            await store.relay.send(ahead)
            await store.relay.send(other)
            assert await take(messages, 1) == [other]
        clock.advance(EDGE_SECONDS)
        await store.relay.send(last := writer.message(b"last", clock.now_ms()))
        with pytest.raises(Invalid):
            await store.relay.send(ahead)
        assert await take(messages, 1) == [last]


async def test_what_is_remembered_is_bounded(
    store: Store, writer: Writer, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past the bound the oldest can be passed on again, and the newest still cannot."""
    monkeypatch.setattr(hub, "_PASSED_MAX", 8)
    sent = [writer.message(b"%d" % number, clock.now_ms()) for number in range(12)]
    async with aclosing(store.relay.listen(writer.keys.chain_id)) as messages:  # type: ignore[type-var]
        first = asyncio.create_task(take(messages, 1))
        await asyncio.sleep(0)
        for message in sent:
            await store.relay.send(message)
        for message in (*sent[-8:], sent[0]):
            await store.relay.send(message)
        assert [*await first, *await take(messages, 12)] == [*sent, sent[0]]


async def test_nothing_stays_of_those_who_left(store: Store, writer: Writer) -> None:
    """Neither of a listener nor of its chain."""
    listening = store.relay.listen(writer.keys.chain_id)
    waiting = asyncio.create_task(take(listening, 1))
    await asyncio.sleep(0)
    relay = store.relay
    assert isinstance(relay, hub.Hub)
    assert relay._listeners
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert not relay._listeners
