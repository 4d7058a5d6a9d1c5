"""Backup, restore and scrub on real folders."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cairn.config import Storage
from cairn.core.block import NO_GRANT, GrantId, Pin, pin_hash
from cairn.core.chain import Kind, Seq
from cairn.core.errors import Corrupt, Invalid, NotFound
from cairn.core.slot import slot_of
from cairn.storage.embedded import FolderError, InUse, backup, open_embedded, restore, scrub
from cairn.storage.embedded.engine import shard_number
from cairn.testing.chains import Writer, random_block
from cairn.testing.clock import FakeClock
from cairn.testing.contract import read_all

ANN = GrantId(b"a" * 16)
BLOCKS = [random_block(f"tools {number}", 100 + number * 997) for number in range(60)]
PIN = Pin(b"p" * 32)


def writers() -> list[Writer]:
    made = [Writer(f"tools {number}", flags=number % 2) for number in range(12)]
    for number, writer in enumerate(made):
        writer.add_many(number * 3)
    made[3].add(kind=Kind.CHECKPOINT, floor=4)
    made[5].add(b"", kind=Kind.CLOSE)
    return made


async def fill(folder: Path) -> None:
    clock = FakeClock()
    async with open_embedded(folder, Storage(shards=SHARDS), clock=clock) as embedded:
        store = embedded.store
        await asyncio.gather(*(store.blocks.put(block, None, NO_GRANT) for block in BLOCKS[:30]))
        await asyncio.gather(*(store.blocks.put(block, pin_hash(PIN), ANN) for block in BLOCKS[20:]))
        await store.blocks.unpin(BLOCKS[59].id, PIN)
        for writer in writers():
            await store.chains.append(writer.entries, ANN)


async def check(folder: Path) -> None:
    async with open_embedded(folder, clock=FakeClock()) as embedded:
        store = embedded.store
        for block in BLOCKS[:59]:
            assert (await store.blocks.get(block.id)).data == block.data
        with pytest.raises(NotFound):
            await store.blocks.get(BLOCKS[59].id)
        for writer in writers():
            assert await read_all(store, writer.keys.chain_id) == writer.entries
            assert (await store.chains.head(writer.keys.chain_id)).hash == writer.state.hash
        assert (await store.ledger.usage(ANN)).block_bytes == sum(len(block) for block in BLOCKS[20:59])


async def test_a_backup_restores_everything_but_the_store_id(tmp_path: Path) -> None:
    data, copy, file = tmp_path / "data", tmp_path / "copy", tmp_path / "backup"
    await fill(data)
    told: list[tuple[int, int]] = []
    backup(data, file, lambda done, total: told.append((done, total)))
    assert told[-1] == (71, 71)
    restore(file, copy)
    await check(copy)
    async with open_embedded(data) as one, open_embedded(copy) as other:
        assert one.store_id != other.store_id
        assert other.restored_ms > 0
    assert scrub(copy).damaged == []


async def test_a_backup_is_taken_under_writes(tmp_path: Path) -> None:
    data, copy, file = tmp_path / "data", tmp_path / "copy", tmp_path / "backup"
    writer = Writer("live")
    async with open_embedded(data) as embedded:
        store = embedded.store
        await store.chains.append(writer.entries, NO_GRANT)

        async def write() -> None:
            for number in range(400):
                await store.chains.append([writer.add()], NO_GRANT)
                await store.blocks.put(random_block(f"live {number}"), None, NO_GRANT)

        writing = asyncio.create_task(write())
        await asyncio.sleep(0.02)
        code = "import sys, pathlib, cairn.storage.embedded as e; e.backup(*map(pathlib.Path, sys.argv[1:]))"
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(data), str(file))
        assert await process.wait() == 0
        await writing
        assert (await asyncio.to_thread(scrub, data)).damaged == []
    restore(file, copy)
    assert scrub(copy).damaged == []
    async with open_embedded(copy) as embedded:
        entries = await read_all(embedded.store, writer.keys.chain_id)
        assert entries == writer.entries[: len(entries)]
        _, fresh = await embedded.store.chains.append(writer.entries[len(entries) - 1 :], NO_GRANT)
        assert fresh == len(writer.entries) - len(entries)


async def test_a_damaged_backup_is_refused(tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "backup"
    await fill(data)
    backup(data, file)
    whole = file.read_bytes()
    places = random.Random(7).sample(range(len(whole)), 40)
    for number, place in enumerate(places):
        flipped = bytearray(whole)
        flipped[place] ^= 0x10
        file.write_bytes(bytes(flipped))
        with pytest.raises((Corrupt, Invalid)):
            restore(file, tmp_path / f"flipped-{number}")
        with pytest.raises(FolderError):
            async with open_embedded(tmp_path / f"flipped-{number}"):
                pass
        shutil.rmtree(tmp_path / f"flipped-{number}")
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Corrupt):
        restore(file, tmp_path / "cut")


async def test_restore_and_backup_refuse_to_overwrite(tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "backup"
    await fill(data)
    backup(data, file)
    with pytest.raises(Invalid):
        backup(data, file)
    with pytest.raises(Invalid):
        restore(file, data)
    await check(data)


async def test_a_folder_belongs_to_one_process(tmp_path: Path) -> None:
    async with open_embedded(tmp_path / "data"):
        with pytest.raises(InUse):
            async with open_embedded(tmp_path / "data"):
                pass


async def test_foreign_and_newer_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "thesis.txt").write_text("mine")
    with pytest.raises(FolderError, match="not Cairn's"):
        async with open_embedded(tmp_path / "foreign"):
            pass
    async with open_embedded(tmp_path / "data"):
        pass
    description = tmp_path / "data" / "format.json"
    description.write_text(description.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(FolderError, match="format 2"):
        async with open_embedded(tmp_path / "data"):
            pass


SHARDS = 4

READER = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from tests.unit.storage.test_tools import read_everything
asyncio.run(read_everything(Path(sys.argv[1]), set(map(int, sys.argv[2:]))))
"""


async def read_everything(folder: Path, damaged: set[int]) -> None:
    """Read all that was written. Die if anything is wrong, and, but in the damaged shards, if anything fails."""
    async with open_embedded(folder, clock=FakeClock(), sweeps=False) as embedded:
        store = embedded.store
        for block in BLOCKS[:59]:
            with forgiving(block.id, damaged):
                assert (await store.blocks.get(block.id)).data == block.data
        for writer in writers():
            with forgiving(writer.keys.chain_id, damaged):
                entries = [entry async for entry in store.chains.read(writer.keys.chain_id, Seq(0), Seq(10**6))]
                assert all(entry == writer.entries[entry.seq] for entry in entries)
                assert len(entries) == len(writer.entries) or shard_of(writer.keys.chain_id) in damaged


@contextlib.contextmanager
def forgiving(any_id: bytes, damaged: set[int]) -> Iterator[None]:
    try:
        yield
    except (NotFound, Corrupt):
        assert shard_of(any_id) in damaged, "a whole shard did not give what it has"


def shard_of(any_id: bytes) -> int:
    return shard_number(slot_of(any_id), SHARDS)


def flip(file: Path, rand: random.Random) -> None:
    place = rand.randrange(file.stat().st_size)
    with file.open("r+b") as opened:
        opened.seek(place)
        byte = opened.read(1)[0]
        opened.seek(place)
        opened.write(bytes((byte ^ (1 << rand.randrange(8)),)))


async def test_a_flipped_byte_is_never_served_and_always_found(tmp_path: Path) -> None:
    """Flips bytes all over the files, in each shard one at a time: a scrub finds it, or it lies where nothing is."""
    data, copy = tmp_path / "data", tmp_path / "flipped"
    await fill(data)
    assert scrub(data).damaged == []
    rand = random.Random(11)
    script = READER.format(tests=str(Path(__file__).parents[3]))
    found = 0
    for number in range(8):
        shutil.copytree(data, copy)
        for shard in range(SHARDS):
            flip(copy / f"shard-{shard:02}" / "data.mdb", rand)
        damaged = {int(finding[len("shard-") :][:2]) for finding in scrub(copy).damaged}
        read = subprocess.run(
            [sys.executable, "-c", script, str(copy), *map(str, damaged)], capture_output=True, text=True, check=False
        )
        assert "AssertionError" not in read.stderr, f"flips {number}: {read.stderr}"
        assert damaged or read.returncode == 0, f"flips {number}: {read.stderr}"
        found += len(damaged)
        shutil.rmtree(copy)
    assert 8 < found < 32
