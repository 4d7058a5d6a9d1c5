"""Objects above a Store: any size comes back, in order and by range, and broken-off work goes on where it was."""

import asyncio
import os
import random
from collections.abc import Collection
from contextlib import aclosing
from pathlib import Path

import pytest

from cairn.client import BlockCapability, Objects, WriteCapability
from cairn.client.format.manifest import REFERENCES_MAX, Manifest
from cairn.client.format.reference import MANIFEST_MAGIC, Reference, convergence_secret, seal_block
from cairn.core.block import NO_GRANT, Block, BlockId, GrantId, Pin, PinHash
from cairn.core.errors import CairnError, Invalid, NotFound, TooLarge, Unavailable
from cairn.storage.memory import memory_store

CHUNK = 4_096


class Counting:
    """The blocks of a store in memory: counts what is put, and breaks after `puts_left` of them."""

    def __init__(self) -> None:
        self.below = memory_store().blocks
        self.puts: list[BlockId] = []
        self.gets: list[BlockId] = []
        self.puts_left = -1
        self.gets_left = -1

    async def get(self, block_id: BlockId) -> Block:
        if self.gets_left == 0:
            raise Unavailable("gone for now")
        self.gets_left -= 1
        self.gets.append(block_id)
        return await self.below.get(block_id)

    async def put(self, block: Block, pin: PinHash | None, grant: GrantId) -> bool:
        if self.puts_left == 0:
            raise Unavailable("gone for now")
        self.puts_left -= 1
        self.puts.append(block.id)
        return await self.below.put(block, pin, grant)

    async def unpin(self, block_id: BlockId, pin: Pin) -> None:
        await self.below.unpin(block_id, pin)

    async def has(self, block_ids: Collection[BlockId]) -> set[BlockId]:
        return await self.below.has(block_ids)

    def scan(self, after: BlockId | None) -> object:
        return self.below.scan(after)


@pytest.fixture
def blocks() -> Counting:
    return Counting()


@pytest.fixture
def objects(blocks: Counting, tmp_path: Path) -> Objects:
    return Objects(blocks, "here", tmp_path / "uploads")  # type: ignore[arg-type]


def a_file(folder: Path, size: int, seed: int = 1) -> Path:
    path = folder / "file.bin"
    path.write_bytes(random.Random(seed).randbytes(size))
    return path


async def ids(blocks: Counting) -> set[BlockId]:
    return {block_id async for block_id in blocks.below.scan(None)}


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK, 100 * CHUNK + 17])
async def test_a_file_comes_back(objects: Objects, tmp_path: Path, size: int) -> None:
    path = a_file(tmp_path, size)
    told: list[tuple[int, int | None]] = []
    put = await objects.put_file(path, chunk_bytes=CHUNK, progress=lambda done, total: told.append((done, total)))
    assert await objects.get(put.capability) == path.read_bytes()
    dest = tmp_path / "back.bin"
    assert await objects.get_file(put.capability, dest) == size
    assert dest.read_bytes() == path.read_bytes()
    left = {path.name for path in tmp_path.rglob("*")} - {"uploads"}
    assert left == {"back.bin", "file.bin"}
    assert told == [] if size == 0 else told[-1] == (size, size)


async def test_a_large_default_chunk(objects: Objects) -> None:
    data = os.urandom(3_000_000)
    put = await objects.put(data)
    assert await objects.get(put.capability) == data


async def test_two_levels_of_manifests(objects: Objects, blocks: Counting) -> None:
    """10,002 chunks of equal bytes: with a convergent key all are one block, so this stays quick."""
    count = REFERENCES_MAX + 2

    async def pieces():
        for _ in range(count):
            yield bytes(CHUNK)
        yield b"tail"

    put = await objects.put_stream(pieces(), chunk_bytes=CHUNK, convergence=convergence_secret(bytes(32)))
    assert put.total_bytes == count * CHUNK + 4
    assert len(await ids(blocks)) == 1 + 1 + 2 + 1
    edge = REFERENCES_MAX * CHUNK
    async with aclosing(objects.stream(put.capability, start=edge - 10)) as found:
        assert b"".join([piece async for piece in found]) == bytes(10 + 2 * CHUNK) + b"tail"
    async with aclosing(objects.stream(put.capability, start=edge + 5, stop=edge + 9)) as found:
        assert b"".join([piece async for piece in found]) == bytes(4)


@pytest.mark.parametrize(
    ("start", "stop"), [(0, 1), (5, 5), (4_000, 9_000), (8_192, 8_193), (20_000, 99_999), (7, None)]
)
async def test_ranges(objects: Objects, start: int, stop: int | None) -> None:
    data = random.Random(4).randbytes(5 * CHUNK + 100)

    async def pieces():
        for at in range(0, len(data), 1_000):
            yield data[at : at + 1_000]

    put = await objects.put_stream(pieces(), chunk_bytes=CHUNK)
    async with aclosing(objects.stream(put.capability, start=start, stop=stop)) as found:
        assert b"".join([piece async for piece in found]) == data[start:stop]


async def test_an_upload_goes_on_where_it_broke_off(objects: Objects, blocks: Counting, tmp_path: Path) -> None:
    path = a_file(tmp_path, 200 * CHUNK)
    blocks.puts_left = 120
    with pytest.raises(Unavailable):
        await objects.put_file(path, chunk_bytes=CHUNK)
    first = len(blocks.puts)
    blocks.puts_left = -1
    put = await objects.put_file(path, chunk_bytes=CHUNK)
    assert first == 120
    assert len(blocks.puts) <= 201 + 16  # what was under way may be sent twice
    assert await objects.get(put.capability) == path.read_bytes()
    await objects.remove(put)
    assert len(await ids(blocks)) <= 16


async def test_what_the_server_lost_meanwhile_is_sent_again(objects: Objects, blocks: Counting, tmp_path: Path) -> None:
    path = a_file(tmp_path, 50 * CHUNK)
    blocks.puts_left = 40
    with pytest.raises(Unavailable):
        await objects.put_file(path, chunk_bytes=CHUNK)
    blocks.puts_left = -1
    blocks.below = memory_store().blocks
    put = await objects.put_file(path, chunk_bytes=CHUNK)
    assert await objects.get(put.capability) == path.read_bytes()


async def test_a_torn_journal_is_not_believed(objects: Objects, blocks: Counting, tmp_path: Path) -> None:
    path = a_file(tmp_path, 50 * CHUNK)
    blocks.puts_left = 40
    with pytest.raises(Unavailable):
        await objects.put_file(path, chunk_bytes=CHUNK)
    blocks.puts_left = -1
    (journal,) = (tmp_path / "uploads").iterdir()
    raw = bytearray(journal.read_bytes())
    raw[72 + 5] ^= 1
    journal.write_bytes(raw[:-30])
    put = await objects.put_file(path, chunk_bytes=CHUNK)
    assert await objects.get(put.capability) == path.read_bytes()


async def test_a_changed_file_is_put_from_its_beginning(objects: Objects, blocks: Counting, tmp_path: Path) -> None:
    path = a_file(tmp_path, 50 * CHUNK)
    blocks.puts_left = 40
    with pytest.raises(Unavailable):
        await objects.put_file(path, chunk_bytes=CHUNK)
    blocks.puts_left = -1
    a_file(tmp_path, 50 * CHUNK, seed=2)
    os.utime(path, ns=(1, 1))
    put = await objects.put_file(path, chunk_bytes=CHUNK)
    assert await objects.get(put.capability) == path.read_bytes()


async def test_a_download_goes_on_where_it_broke_off(objects: Objects, blocks: Counting, tmp_path: Path) -> None:
    path, dest = a_file(tmp_path, 200 * CHUNK), tmp_path / "back.bin"
    put = await objects.put_file(path, chunk_bytes=CHUNK)
    blocks.gets_left = 100
    with pytest.raises(Unavailable):
        await objects.get_file(put.capability, dest)
    assert not dest.exists()
    blocks.gets, blocks.gets_left = [], -1
    await objects.get_file(put.capability, dest)
    assert len(blocks.gets) < 130
    assert dest.read_bytes() == path.read_bytes()
    assert [entry.name for entry in tmp_path.glob(".*")] == []


async def test_a_damaged_part_is_fetched_again(objects: Objects, blocks: Counting, tmp_path: Path) -> None:
    path, dest = a_file(tmp_path, 200 * CHUNK), tmp_path / "back.bin"
    put = await objects.put_file(path, chunk_bytes=CHUNK)
    blocks.gets_left = 100
    with pytest.raises(Unavailable):
        await objects.get_file(put.capability, dest)
    blocks.gets_left = -1
    part = tmp_path / ".back.bin.cairn-part"
    raw = bytearray(part.read_bytes())
    raw[10 * CHUNK] ^= 1
    part.write_bytes(raw)
    await objects.get_file(put.capability, dest)
    assert dest.read_bytes() == path.read_bytes()


async def test_removal_takes_every_block_once_nobody_else_pins_it(objects: Objects, blocks: Counting) -> None:
    owner = WriteCapability.new()
    own, other = await objects.put(bytes(300_000), owner=owner), await objects.put(b"kept")
    assert own.pin is None
    with pytest.raises(Invalid):
        await objects.remove(own)
    await objects.remove(own, owner=owner)
    assert await ids(blocks) == {other.capability.reference.block_id}
    await objects.remove(own, owner=owner)


async def test_a_lying_manifest_is_refused_before_its_chunks_are_fetched(objects: Objects, blocks: Counting) -> None:
    block, reference = seal_block(b"x" * CHUNK)
    await blocks.put(block, None, NO_GRANT)
    count = 1_000
    manifest = Manifest(count * CHUNK, CHUNK, (reference,) * count)
    whole, top = seal_block(manifest.encode(), head=MANIFEST_MAGIC)
    await blocks.put(whole, None, NO_GRANT)
    with pytest.raises(TooLarge):
        await objects.get(BlockCapability(top), bytes_max=1_000_000)
    assert blocks.gets == [top.block_id]


@pytest.mark.parametrize("wrong", ["key", "id", "size"])
async def test_a_wrong_reference_opens_nothing(objects: Objects, wrong: str) -> None:
    true = (await objects.put(b"data")).capability.reference
    changed = {
        "key": Reference(true.block_id, bytes(32), true.stored_bytes),
        "id": Reference(BlockId(bytes(32)), true.block_key, true.stored_bytes),
        "size": Reference(true.block_id, true.block_key, true.stored_bytes + 8),
    }[wrong]
    with pytest.raises(CairnError) as caught:
        await objects.get(BlockCapability(changed))
    assert isinstance(caught.value, NotFound if wrong == "id" else Invalid)


async def test_memory_is_bounded_by_what_is_under_way(objects: Objects, blocks: Counting) -> None:
    """However slow the server is, no more than some chunks are read ahead."""
    read = 0
    gate = asyncio.Event()
    below = blocks.below

    class Slow:
        async def put(self, block: Block, pin: PinHash | None, grant: GrantId) -> bool:
            await gate.wait()
            return await below.put(block, pin, grant)

    async def pieces():
        nonlocal read
        for _ in range(500):
            read += 1
            yield bytes(CHUNK)

    blocks.below = Slow()  # type: ignore[assignment]
    task = asyncio.create_task(objects.put_stream(pieces(), chunk_bytes=CHUNK))
    for _ in range(200):
        await asyncio.sleep(0.001)
    assert read < 40
    gate.set()
    assert (await task).total_bytes == 500 * CHUNK
