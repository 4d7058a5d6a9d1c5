"""CachedBlocks with a disk tier: what comes from where, and what deletions leave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cairn.cache import CachedBlocks, DiskTier
from cairn.cache.blocks import KEPT_SECONDS
from cairn.core.block import NO_GRANT, Block
from cairn.core.errors import NotFound, Unavailable
from tests.unit.cache.test_blocks import BLOCK, PIN, GatedBlocks, SetClock, settled
from tests.waiting import until

MIB = 1024 * 1024
BOOT = 7


class Machine:
    """A cache without memory above the reference store; its process and the machine itself can start anew."""

    def __init__(self, folder: Path) -> None:
        self.below, self.clock, self.folder = GatedBlocks(), SetClock(), folder
        self.start(BOOT)

    def start(self, boot: int, memory_bytes: int = 0) -> None:
        self.disk = DiskTier(self.folder, self.clock, boot=boot)
        self.disk.resize(8 * MIB)
        self.blocks = CachedBlocks(self.below, memory_bytes, self.clock, self.disk)

    def restart(self, boot: int = BOOT, memory_bytes: int = 0) -> None:
        self.disk.close()
        self.start(boot, memory_bytes)

    async def keep(self, *blocks: Block) -> None:
        """Have blocks below, and on disk."""
        for block in blocks:
            await self.below.keep(block)
            await self.blocks.get(block.id)
        await until(lambda: len(self.disk) >= len(blocks))
        self.below.gets = 0


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    machine = Machine(tmp_path / "cache")
    yield machine
    machine.disk.close()


async def test_what_was_fetched_comes_from_disk(machine: Machine) -> None:
    await machine.keep(BLOCK)
    machine.restart()
    assert await machine.blocks.get(BLOCK.id) == BLOCK
    assert machine.below.gets == 0
    assert (machine.disk.hits, machine.disk.hit_bytes, machine.disk.misses) == (1, len(BLOCK), 0)
    assert sum(machine.blocks.seconds["disk"].counts) == 1


@pytest.mark.parametrize("size", [100, 16 * 1024 + 1, 1_000_000])
async def test_large_blocks_are_read_beside_the_event_loop(machine: Machine, size: int) -> None:
    block = Block.of(bytes(size))
    await machine.keep(block)
    assert (await machine.blocks.get(block.id)).data == block.data
    assert machine.below.gets == 0


async def test_memory_comes_first_and_is_filled_from_disk(machine: Machine) -> None:
    await machine.keep(BLOCK)
    machine.restart(memory_bytes=MIB)
    for _ in range(3):
        assert await machine.blocks.get(BLOCK.id) == BLOCK
    assert (machine.blocks.memory.hits, machine.disk.hits, machine.below.gets) == (2, 1, 0)


async def test_what_is_put_is_not_written_to_disk(machine: Machine) -> None:
    await machine.blocks.put(BLOCK, None, NO_GRANT)
    assert await machine.blocks.get(BLOCK.id) == BLOCK
    assert machine.below.gets == 1


async def test_a_deletion_is_in_both_tiers(machine: Machine) -> None:
    machine.restart(memory_bytes=MIB)
    await machine.keep(BLOCK)
    await machine.blocks.unpin(BLOCK.id, PIN)
    assert machine.blocks.memory.bytes == 0
    with pytest.raises(NotFound):
        await machine.blocks.get(BLOCK.id)
    machine.restart()
    with pytest.raises(NotFound):
        await machine.blocks.get(BLOCK.id)


async def test_who_is_told_of_a_deletion_forgets(machine: Machine) -> None:
    machine.restart(memory_bytes=MIB)
    await machine.keep(BLOCK)
    await machine.below.store.blocks.unpin(BLOCK.id, PIN)  # through another interface
    await machine.blocks.forget(BLOCK.id)
    with pytest.raises(NotFound):
        await machine.blocks.get(BLOCK.id)


async def test_a_fetch_under_way_does_not_bring_a_deleted_block_to_disk(machine: Machine) -> None:
    await machine.below.keep(BLOCK)
    machine.below.exit.shut()
    fetching = asyncio.create_task(machine.blocks.get(BLOCK.id))
    await settled()
    await machine.blocks.unpin(BLOCK.id, PIN)
    machine.below.exit.open()
    assert await fetching == BLOCK
    machine.restart()
    with pytest.raises(NotFound):
        await machine.blocks.get(BLOCK.id)


async def test_a_fetch_in_another_process_does_not_either(machine: Machine) -> None:
    other = DiskTier(machine.folder, machine.clock, boot=BOOT)
    other.resize(8 * MIB)
    elsewhere = CachedBlocks(machine.below, 0, machine.clock, other)
    await machine.below.keep(BLOCK)
    machine.below.exit.shut()
    fetching = asyncio.create_task(elsewhere.get(BLOCK.id))
    await settled()
    await machine.blocks.unpin(BLOCK.id, PIN)
    machine.below.exit.open()
    await fetching
    other.close()
    with pytest.raises(NotFound):
        await machine.blocks.get(BLOCK.id)


async def test_storage_is_asked_before_an_old_block_is_served(machine: Machine) -> None:
    await machine.keep(BLOCK)
    machine.clock.seconds += KEPT_SECONDS
    for _ in range(2):
        assert await machine.blocks.get(BLOCK.id) == BLOCK
    assert machine.below.gets == 0, "it was asked whether it has the block, not for the block"
    await machine.below.store.blocks.unpin(BLOCK.id, PIN)
    machine.clock.seconds += KEPT_SECONDS - 1
    assert await machine.blocks.get(BLOCK.id) == BLOCK, "it was confirmed then"
    machine.clock.seconds += 1
    with pytest.raises(NotFound):
        await machine.blocks.get(BLOCK.id)


async def test_after_a_start_of_the_machine_storage_is_asked_first(machine: Machine) -> None:
    gone = Block.of(b"deleted meanwhile")
    await machine.keep(BLOCK, gone)
    await machine.below.store.blocks.unpin(gone.id, PIN)
    machine.clock.seconds = 5.0
    machine.restart(BOOT + 1)
    assert await machine.blocks.get(BLOCK.id) == BLOCK
    assert machine.below.gets == 0
    with pytest.raises(NotFound):
        await machine.blocks.get(gone.id)


async def test_what_memory_takes_from_disk_is_no_younger_for_that(machine: Machine) -> None:
    await machine.keep(BLOCK)
    await machine.below.store.blocks.unpin(BLOCK.id, PIN)
    machine.clock.seconds += KEPT_SECONDS - 1
    machine.restart(memory_bytes=MIB)
    assert await machine.blocks.get(BLOCK.id) == BLOCK
    machine.clock.seconds += 1
    with pytest.raises(NotFound):
        await machine.blocks.get(BLOCK.id)


async def test_both_sizes_change_while_it_runs(machine: Machine) -> None:
    await machine.keep(BLOCK)
    await machine.blocks.resize(memory=MIB, disk=0)
    assert (machine.blocks.memory.capacity, machine.disk.capacity) == (MIB, 0)
    assert await machine.blocks.get(BLOCK.id) == BLOCK
    assert machine.below.gets == 1
    await machine.blocks.resize(disk=8 * MIB)
    await machine.blocks.resize(memory=0)
    await machine.blocks.get(BLOCK.id)
    await until(lambda: len(machine.disk) == 1)
    await machine.blocks.get(BLOCK.id)
    assert machine.below.gets == 2


# --- a disk that fails -----------------------------------------------------------------------------------------------


def broken(*arguments: object) -> None:
    raise OSError(5, "Input/output error")


async def test_a_disk_that_fails_fails_no_request(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await machine.keep(BLOCK)
    monkeypatch.setattr("cairn.cache.disk.shelf.Shelf.find", broken)
    monkeypatch.setattr("cairn.cache.disk.shelf.Shelf.offer", broken)
    for _ in range(3):
        assert await machine.blocks.get(BLOCK.id) == BLOCK
    assert machine.below.gets == 3
    assert machine.disk.refused > 0
    assert len([record for record in caplog.records if record.name == "cairn.cache"]) == 1, "it is said once"


async def test_where_a_deletion_cannot_be_done_nothing_is_served(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await machine.keep(BLOCK)
    monkeypatch.setattr("cairn.cache.disk.shelf.Shelf.drop", broken)
    await machine.blocks.unpin(BLOCK.id, PIN)
    with pytest.raises(NotFound):
        await machine.blocks.get(BLOCK.id)


async def test_while_storage_is_away_what_is_fresh_on_disk_is_served(machine: Machine) -> None:
    await machine.keep(BLOCK)
    machine.below.error = Unavailable("no node answers")
    assert await machine.blocks.get(BLOCK.id) == BLOCK
    with pytest.raises(Unavailable):
        await machine.blocks.get(Block.of(b"another").id)
