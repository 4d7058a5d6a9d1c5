"""A full disk: writes are refused with 507, reads and deletions go on, and with space again writes do, too."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from cairn.core.block import Block, BlockId, Pin, pin_hash
from cairn.testing.chains import random_block
from tests.faults.api import Api, open_api
from tests.faults.crash import scrubbed
from tests.faults.small_disk import SmallDisk, small_disk
from tests.faults.verify import Verifier
from tests.faults.workload import Workload
from tests.harness import Server

MIB = 1 << 20
PIN = Pin(b"p" * 32)


@contextmanager
def on_small_disk(folder: Path, reserve: str) -> Iterator[tuple[SmallDisk, Server]]:
    with small_disk(folder / "disk", "48m") as disk:
        settings = {"node": {"data": str(disk.mount / "data")}, "storage": {"reserve": reserve}}
        server = Server(folder, settings, command=disk.command)
        server.start()
        try:
            yield disk, server
        finally:
            server.kill()


@asynccontextmanager
async def written_to(folder: Path, reserve: str) -> AsyncIterator[tuple[SmallDisk, Server, Workload, Verifier]]:
    """A server on a small disk, a workload, and at the end a check of everything, through a restart and a scrub."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    workload = Workload(seed)
    verifier = Verifier(workload.acknowledged, random.Random(seed))
    with on_small_disk(folder, reserve) as (disk, server):
        yield disk, server, workload, verifier
        server.assert_healthy()
        assert "critical" not in server.log.read_text()
        assert await asyncio.to_thread(server.stop) == 0
        await asyncio.to_thread(server.start)
        async with open_api(server.url) as api:
            await verifier.check_all(api)
        assert await asyncio.to_thread(server.stop) == 0
        assert await asyncio.to_thread(scrubbed, disk.seen / "data") > 0
    told = workload.acknowledged
    print(f"{told.writes} writes acknowledged, {told.refused} refused")


async def put(api: Api, block: Block) -> int:
    status, _ = await api.ask("PUT", f"/v1/blocks/{block.id.hex()}", block.data, {"Cairn-Pin": pin_hash(PIN).hex()})
    return status


async def delete(api: Api, block_id: BlockId) -> int:
    status, _ = await api.ask("DELETE", f"/v1/blocks/{block_id.hex()}", None, {"Cairn-Pin-Secret": PIN.hex()})
    return status


async def test_writes_stop_at_the_reserve_and_go_on(tmp_path: Path) -> None:
    async with written_to(tmp_path, "4MiB") as (disk, server, workload, verifier):
        one, other = (random_block(name) for name in ("one", "other"))
        async with open_api(server.url) as api:
            assert await put(api, one) == await put(api, other) == 201
            disk.fill(but_bytes=8 * MIB)
            await workload.run(api, 80)
            assert set(workload.acknowledged.refused) == {507}
            assert disk.free_bytes > MIB  # half the reserve, and what deletions took of it
            await verifier.check_new(api)
            assert await delete(api, one.id) == 204
        assert await asyncio.to_thread(server.stop) == 0
        await asyncio.to_thread(server.start)  # on the full disk: what it needs is in the reserve
        async with open_api(server.url) as api:
            await verifier.check_new(api)
            assert await delete(api, other.id) == 204
            assert [(await api.ask("GET", f"/v1/blocks/{block.id.hex()}"))[0] for block in (one, other)] == [404, 404]
            disk.empty()
            await _writes_go_on(workload, api)


async def test_a_disk_that_is_full_without_a_reserve(tmp_path: Path) -> None:
    """Commits themselves meet the end of the disk: none is half done, and the store goes on."""
    async with written_to(tmp_path, "0") as (disk, server, workload, verifier):
        disk.fill(but_bytes=2 * MIB)
        async with open_api(server.url) as api:
            await workload.run(api, 80)
            assert set(workload.acknowledged.refused) == {507}
            assert disk.free_bytes < MIB
            await verifier.check_new(api)
            assert await put(api, random_block("none")) == 507
            disk.empty()
            await _writes_go_on(workload, api)


async def _writes_go_on(workload: Workload, api: Api) -> None:
    refused, writes = dict(workload.acknowledged.refused), workload.acknowledged.writes
    await workload.run(api, 10)
    assert workload.acknowledged.refused == refused
    assert workload.acknowledged.writes == writes + 160


async def test_what_deletions_leave_free_is_written_again(tmp_path: Path) -> None:
    """The files do not shrink, so only the store knows of that space."""
    with on_small_disk(tmp_path, "4MiB") as (disk, server):
        async with open_api(server.url) as api:
            first = await _put_until_full(api, "first")
            free_bytes = disk.free_bytes
            for block_id in first[::2]:
                assert await delete(api, block_id) == 204
            second = await _put_until_full(api, "second")
            print(f"{len(first)} blocks, {len(first[::2])} deleted, {len(second)} more")
            assert len(second) > len(first) // 4
            assert disk.free_bytes > free_bytes // 2 - 200_000  # the last block that was let in may end behind it
            for block_id in [*first[1::2], *second]:
                status, body = await api.ask("GET", f"/v1/blocks/{block_id.hex()}")
                assert status == 200
                Block.verified(block_id, body)
        assert await asyncio.to_thread(server.stop) == 0
        assert await asyncio.to_thread(scrubbed, disk.seen / "data") > 0


async def _put_until_full(api: Api, name: str) -> list[BlockId]:
    rand = random.Random(name)
    stored: list[BlockId] = []
    while True:
        block = Block.of(rand.randbytes(100_000))
        status = await put(api, block)
        if status == 507:
            return stored
        assert status == 201
        stored.append(block.id)
