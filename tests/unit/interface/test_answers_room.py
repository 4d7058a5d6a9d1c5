"""What waits for clients to take it is counted, until they did or are gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import cast

import pytest

from cairn.config import Limits
from cairn.core.block import NO_GRANT, Block
from cairn.core.chain import Entry
from cairn.core.clock import SystemClock
from cairn.core.errors import Unavailable
from cairn.interface.admission import room
from cairn.interface.admission.access import Access
from cairn.interface.admission.room import Room
from cairn.interface.admission.secret import NodeSecret
from cairn.interface.app import App
from cairn.interface.http.exchange import Request, Response
from cairn.storage.memory import memory_store
from cairn.testing.chains import Writer, random_block
from cairn.testing.faults import Faults, with_faults
from cairn.wire.messages import UNAVAILABLE, encode_got_block, encode_missing_block
from tests.asking import NoBody, asked, content

BLOCKS = [random_block(number, 1_000) for number in range(30)]


@dataclass
class Body(NoBody):
    """A body that is there."""

    data: bytes

    async def read(self, bytes_max: int) -> bytes:
        return self.data


async def _no_site(_: Request) -> Response:
    return Response(404)


async def _app(*, delay_seconds: float = 0.0, chain: Sequence[Entry] = ()) -> App:
    store, clock = memory_store(), SystemClock()
    if chain:
        await store.chains.append(chain, NO_GRANT)
    for block in BLOCKS:
        await store.blocks.put(block, None, NO_GRANT)
    access = Access(NodeSecret([b"s" * 32]), store.ledger, Limits(), clock, admission="grant", is_free=True)
    return App(
        with_faults(store, Faults(delay_seconds=delay_seconds)), access, Limits(), clock, near=lambda _: None,
        sites=_no_site, receipt_keys=[], readiness=dict,
    )  # fmt: skip


async def _batch(app: App, blocks: list[Block]) -> AsyncGenerator[bytes, None]:
    request = asked("/v1/blocks/get", "POST")
    request.body = Body(b"".join(block.id for block in blocks))
    answer = await app.answer(request)
    assert answer.status == 200
    return cast("AsyncGenerator[bytes, None]", answer.body)


@pytest.mark.parametrize("delay_seconds", [0.0, 0.001])
@pytest.mark.parametrize("taken", [*range(12), 29, 30])
async def test_wherever_a_client_goes_nothing_stays_counted(taken: int, delay_seconds: float) -> None:
    app = await _app(delay_seconds=delay_seconds)
    frames = await _batch(app, BLOCKS)
    for block in BLOCKS[:taken]:
        assert await anext(frames) == encode_got_block(block)
        assert 1_000 <= app.room.held_bytes <= 9_000
    await frames.aclose()
    await asyncio.sleep(0.01)
    assert app.room.held_bytes == 0


async def test_one_who_is_cancelled_while_a_block_is_fetched_leaves_nothing_counted() -> None:
    app = await _app(delay_seconds=30.0)
    taking = asyncio.create_task(anext(await _batch(app, BLOCKS)))
    await asyncio.sleep(0.01)
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)
    assert app.room.held_bytes == 0


async def test_what_there_is_no_room_for_is_not_there_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """One client has a quarter; the others have theirs. When it takes what is there, it has room again."""
    monkeypatch.setattr(room, "_ANSWERS_BYTES_MAX", 16_000)
    app = await _app()
    idle = await _batch(app, BLOCKS)
    assert await anext(idle) == encode_got_block(BLOCKS[0])
    assert app.room.held_bytes == 4_000
    app.room.take("192.0.2.1", 4_000)
    with pytest.raises(Unavailable):
        app.room.take("192.0.2.1", 1)
    late = await _batch(app, BLOCKS[:1])
    assert [frame async for frame in late] == [encode_missing_block(BLOCKS[0].id, UNAVAILABLE)]
    await idle.aclose()
    again = await _batch(app, BLOCKS[:3])
    assert [frame async for frame in again] == [encode_got_block(block) for block in BLOCKS[:3]]
    assert app.room.held_bytes == 4_000


async def test_a_large_answer_that_is_refused_is_counted_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries of 1.3 MB are more than any block, so they take up room until their client has them."""
    monkeypatch.setattr(room, "_ANSWERS_BYTES_MAX", 4 * 2_000_000)
    writer = Writer("large")
    for _ in range(21):
        writer.add(bytes(63_000))
    app = await _app(chain=writer.entries)
    entries = f"/v1/chains/{writer.keys.chain_id.hex()}/entries"

    async def status_of(method: str) -> int:
        return (await app.answer(asked(entries, method))).status

    assert [await status_of("HEAD") for _ in range(3)] == [200, 200, 200]
    assert app.room.held_bytes == 0
    answer = await app.answer(asked(entries))
    assert answer.held_bytes == len(content(answer)) == app.room.held_bytes
    assert [await status_of("GET"), await status_of("GET")] == [503, 503]
    app.room.give_back("127.0.0.1", answer.held_bytes)
    assert await status_of("GET") == 200
    numbers = app.metrics.numbers()
    assert numbers['cairn_requests_total{route="get_chain_entries",status="200"}'] == 5
    assert numbers['cairn_requests_total{route="get_chain_entries",status="503"}'] == 2


def test_nothing_at_all_takes_no_room() -> None:
    some = Room(10, 1)
    some.take("a", 0)
    some.take("a", 0)
    some.give_back("a", 0)
    some.give_back("a", 0)
    some.take("a", 10)
    assert some.held_bytes == 10
