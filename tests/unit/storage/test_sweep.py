"""Trims and expiry, with a clock that the test holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cairn.core.block import NO_GRANT, GrantId, Pin, pin_hash
from cairn.core.chain import Kind
from cairn.core.errors import Conflict, NotFound
from cairn.storage.embedded import Embedded, Swept, open_embedded, scrub
from cairn.testing.chains import Writer, random_block
from cairn.testing.clock import FakeClock
from cairn.testing.contract import read_all

HOUR = 3_600
ANN = GrantId(b"a" * 16)
PIN = Pin(b"p" * 32)


@asynccontextmanager
async def opened(folder: Path, clock: FakeClock) -> AsyncIterator[Embedded]:
    async with open_embedded(folder / "data", clock=clock, sweeps=False) as embedded:
        yield embedded


async def test_what_lies_below_the_floor_goes_after_a_day(tmp_path: Path) -> None:
    clock, writer = FakeClock(), Writer("trim")
    async with opened(tmp_path, clock) as embedded:
        chains = embedded.store.chains
        writer.add_many(600)
        writer.add(kind=Kind.CHECKPOINT, floor=590)
        for start in range(0, 602, 200):
            await chains.append(writer.entries[start : start + 200], ANN)
        clock.advance(23 * HOUR)
        assert await embedded.collect() == Swept()
        assert len(await read_all(embedded.store, writer.keys.chain_id)) == 602
        clock.advance(2 * HOUR)
        assert await embedded.collect(dry_run=True) == Swept(1, entries=589)
        assert (await embedded.collect()).entries == 589
        kept = [writer.entries[0], *writer.entries[590:]]
        assert await read_all(embedded.store, writer.keys.chain_id) == kept
        assert await read_all(embedded.store, writer.keys.chain_id, 1) == kept[1:]
        head = await chains.head(writer.keys.chain_id)
        assert (head.entries, head.bytes) == (len(kept), sum(len(entry.raw) for entry in kept))
        assert (await embedded.store.ledger.usage(ANN)).entry_bytes == head.bytes
        with pytest.raises(Conflict):
            await chains.append([writer.entries[5]], ANN)
        assert (await chains.append([writer.add()], ANN))[1] == 1
    assert scrub(tmp_path / "data").damaged == []


async def test_a_floor_that_rises_again_waits_its_own_day(tmp_path: Path) -> None:
    clock, writer = FakeClock(), Writer("twice")
    async with opened(tmp_path, clock) as embedded:
        writer.add_many(10)
        writer.add(kind=Kind.CHECKPOINT, floor=3)
        await embedded.store.chains.append(writer.entries, NO_GRANT)
        clock.advance(20 * HOUR)
        await embedded.store.chains.append([writer.add(kind=Kind.CHECKPOINT, floor=9)], NO_GRANT)
        clock.advance(5 * HOUR)
        await embedded.collect()
        assert await read_all(embedded.store, writer.keys.chain_id, 1) == writer.entries[3:]
        clock.advance(20 * HOUR)
        await embedded.collect()
        assert await read_all(embedded.store, writer.keys.chain_id, 1) == writer.entries[9:]


async def test_a_closed_chain_keeps_its_two_ends(tmp_path: Path) -> None:
    clock, writer = FakeClock(), Writer("purge")
    async with opened(tmp_path, clock) as embedded:
        writer.add_many(300)
        writer.add(b"", kind=Kind.CLOSE)
        await embedded.store.chains.append(writer.entries[:150], ANN)
        await embedded.store.chains.append(writer.entries[150:], ANN)
        clock.advance(25 * HOUR)
        await embedded.collect()
        ends = [writer.entries[0], writer.entries[-1]]
        assert await read_all(embedded.store, writer.keys.chain_id) == ends
        assert (await embedded.store.chains.append(ends[1:], NO_GRANT))[1] == 0
    assert scrub(tmp_path / "data").damaged == []


async def test_a_trim_goes_on_after_a_restart(tmp_path: Path) -> None:
    clock, writer = FakeClock(), Writer("restart")
    writer.add_many(20)
    writer.add(kind=Kind.CHECKPOINT, floor=20)
    async with opened(tmp_path, clock) as embedded:
        await embedded.store.chains.append(writer.entries, NO_GRANT)
    clock.advance(25 * HOUR)
    async with opened(tmp_path, clock) as embedded:
        assert (await embedded.collect()).entries == 19


async def test_what_nobody_pinned_goes_a_day_after_the_last_put(tmp_path: Path) -> None:
    clock = FakeClock()
    loose, again, pinned = (random_block(name) for name in ("loose", "again", "pinned"))
    async with opened(tmp_path, clock) as embedded:
        blocks = embedded.store.blocks
        for block in (loose, again, pinned):
            await blocks.put(block, None, ANN)
        clock.advance(12 * HOUR)
        await blocks.put(again, None, ANN)
        await blocks.put(pinned, pin_hash(PIN), ANN)
        clock.advance(13 * HOUR)
        assert await embedded.collect(dry_run=True) == Swept(3, blocks=1)
        assert (await embedded.collect()).blocks == 1
        assert await blocks.has([loose.id, again.id, pinned.id]) == {again.id, pinned.id}
        clock.advance(12 * HOUR)
        await embedded.collect()
        assert await blocks.has([again.id, pinned.id]) == {pinned.id}
        assert (await embedded.store.ledger.usage(ANN)).bytes == len(pinned)
        await blocks.unpin(pinned.id, PIN)
        with pytest.raises(NotFound):
            await blocks.get(pinned.id)


@pytest.mark.parametrize("jump", [-48 * HOUR, 48 * HOUR])
async def test_a_clock_that_jumps_collects_nothing(tmp_path: Path, jump: float) -> None:
    clock, block = FakeClock(), random_block("jump")
    async with opened(tmp_path, clock) as embedded:
        await embedded.store.blocks.put(block, None, NO_GRANT)
        clock.jump(jump)
        assert await embedded.collect() == Swept()
        clock.jump(-jump)
        clock.advance(25 * HOUR)
        assert (await embedded.collect()).blocks == 1


async def test_a_store_opened_far_from_its_last_sweep_waits_a_day(tmp_path: Path) -> None:
    clock, block = FakeClock(), random_block("far")
    async with opened(tmp_path, clock) as embedded:
        await embedded.store.blocks.put(block, None, NO_GRANT)
        await embedded.collect()
    clock.jump(30 * 24 * HOUR)
    async with opened(tmp_path, clock) as embedded:
        assert await embedded.collect() == Swept()
        clock.advance(25 * HOUR)
        assert (await embedded.collect()).blocks == 1
