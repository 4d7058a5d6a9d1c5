"""Half-done work that two runs share, or that is left in the middle: nothing is mixed, lost or left open."""

import asyncio
import fcntl
import os
import threading
from pathlib import Path

import pytest

from cairn.client import Objects
from cairn.client.state.journal import PartialFile, UploadJournal
from cairn.core.block import Block, BlockId, GrantId, PinHash
from cairn.core.errors import Unavailable
from cairn.core.store import BlockStore
from cairn.storage.memory import memory_store

CHUNK = 4_096
WHAT, OTHER = bytes(32), bytes([1]) * 32


class Slow:
    """Blocks that wait at the gate, each put and get."""

    def __init__(self, below: BlockStore) -> None:
        self.below = below
        self.gate = asyncio.Event()
        self.waiting = asyncio.Event()

    async def put(self, block: Block, pin: PinHash | None, grant: GrantId) -> bool:
        self.waiting.set()
        await self.gate.wait()
        return await self.below.put(block, pin, grant)

    async def get(self, block_id: BlockId) -> Block:
        return await self.below.get(block_id)

    async def has(self, block_ids: set[BlockId]) -> set[BlockId]:
        return await self.below.has(block_ids)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_the_same_file_put_twice_at_once_makes_two_objects(tmp_path: Path) -> None:
    """Each has a pin of its own: to remove one leaves the other."""
    below = memory_store().blocks
    slow = Slow(below)
    path = tmp_path / "file"
    path.write_bytes(os.urandom(20 * CHUNK))
    one, other = (Objects(blocks, "here", tmp_path / "uploads") for blocks in (slow, below))  # type: ignore[arg-type]
    first = asyncio.create_task(one.put_file(path, chunk_bytes=CHUNK))
    await slow.waiting.wait()
    second = await other.put_file(path, chunk_bytes=CHUNK)
    slow.gate.set()
    removed = await first
    assert removed.pin != second.pin
    await other.remove(removed)
    assert await other.get(second.capability) == path.read_bytes()
    assert list((tmp_path / "uploads").iterdir()) == []


def test_a_journal_that_was_finished_meanwhile_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between opening and locking the other upload ends, and takes its journal away."""
    path = tmp_path / "journal"
    first = UploadJournal(path)
    lock = fcntl.flock

    def ended(file: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        first.remove()
        first.close()
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", ended)
    second = UploadJournal(path)
    assert second.pin != first.pin
    second.remove()
    assert list(tmp_path.iterdir()) == []
    second.close()


@pytest.mark.parametrize("identity", [WHAT, OTHER], ids=["same", "other"])
def test_one_file_is_written_by_one_at_a_time(tmp_path: Path, identity: bytes) -> None:
    dest, before = tmp_path / "dest", open_files()
    first = PartialFile(dest, WHAT)
    first.write(b"one")
    with pytest.raises(BlockingIOError):
        PartialFile(dest, identity)
    first.write(b"two")
    first.finish()
    first.close()
    assert dest.read_bytes() == b"onetwo"
    assert [path.name for path in tmp_path.iterdir()] == ["dest"]
    assert open_files() == before


def test_a_thread_that_is_late_writes_nowhere(tmp_path: Path) -> None:
    """After `close` the file's number may be another's."""
    file = PartialFile(tmp_path / "dest", WHAT)
    file.write(b"kept")
    file.close()
    others = [(tmp_path / name).open("w+b") for name in ("a", "b")]
    file.write(b"late")
    file.finish()
    assert [other.read() for other in others] == [b"", b""]
    assert not (tmp_path / "dest").exists()
    for other in others:
        other.close()
    again = PartialFile(tmp_path / "dest", WHAT)
    assert again.done_bytes == 4
    again.close()


@pytest.mark.parametrize("name", ["x" * 255, "\u00e4" * 127, "x" * 243, "x" * 244])
def test_long_names(tmp_path: Path, name: str) -> None:
    for content in (b"one", b"two"):
        file = PartialFile(tmp_path / name, WHAT)
        file.write(content)
        file.finish()
        file.close()
        assert (tmp_path / name).read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("ending", ["part", "sums"])
def test_links_that_wait_there_are_not_followed(tmp_path: Path, ending: str) -> None:
    victim, before = tmp_path / "victim", open_files()
    victim.write_bytes(b"precious")
    (tmp_path / f".dest.cairn-{ending}").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic link"):
        PartialFile(tmp_path / "dest", WHAT)
    assert victim.read_bytes() == b"precious"
    assert open_files() == before


async def test_a_download_that_is_cancelled_while_it_opens_its_file_closes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = Objects(memory_store().blocks, "here")
    put = await objects.put(b"data")
    before = open_files()
    reached, go_on = threading.Event(), threading.Event()
    find_done = PartialFile._find_done

    def held(self: PartialFile, identity: bytes) -> int:
        reached.set()
        assert go_on.wait(30)
        return find_done(self, identity)

    monkeypatch.setattr(PartialFile, "_find_done", held)
    getting = asyncio.create_task(objects.get_file(put.capability, tmp_path / "dest"))
    await asyncio.to_thread(reached.wait, 30)
    getting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await getting
    go_on.set()
    async with asyncio.timeout(30):
        while open_files() > before:
            await asyncio.sleep(0.001)
    assert await objects.get_file(put.capability, tmp_path / "dest") == 4


async def test_a_broken_download_closes_its_files(tmp_path: Path) -> None:
    class Gone(Slow):
        async def get(self, block_id: BlockId) -> Block:
            if block_id in gone:
                raise Unavailable("gone")
            return await self.below.get(block_id)

    gone: set[BlockId] = set()
    store = memory_store()
    path = tmp_path / "file"
    path.write_bytes(os.urandom(40 * CHUNK))
    objects = Objects(Gone(store.blocks), "here")  # type: ignore[arg-type]
    put = await Objects(store.blocks, "here").put_file(path, chunk_bytes=CHUNK)
    gone |= {block_id async for block_id in store.blocks.scan(None)} - {put.capability.reference.block_id}
    before = open_files()
    for _ in range(3):
        with pytest.raises(Unavailable):
            await objects.get_file(put.capability, tmp_path / "dest")
    assert open_files() == before
