"""A process that maps files stays small, and reads on as before."""

import asyncio
import mmap
import os
from pathlib import Path

from cairn.core.block import NO_GRANT, Block
from cairn.footprint import Footprint
from cairn.storage.embedded import Embedded, open_embedded
from cairn.storage.embedded.mapping import release

MIB = 1024 * 1024


def _mapped_bytes(path: Path) -> int:
    """What of a mapped file counts as this process's, by /proc/self/smaps."""
    found, is_it = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split(maxsplit=1)[0]:
            is_it = line.endswith(str(path))
        elif is_it and line.startswith("Rss:"):
            found += int(line.split()[1]) * 1024
    return found


async def test_mapped_pages_are_given_back_and_come_back(tmp_path: Path) -> None:
    path, other = tmp_path / "store" / "data.mdb", tmp_path / "other"
    path.parent.mkdir()
    for file in (path, other):
        file.write_bytes(os.urandom(1024) * 64 * 1024)
    with path.open("rb") as one, other.open("rb") as two:
        mapped = mmap.mmap(one.fileno(), 0, prot=mmap.PROT_READ)
        beside = mmap.mmap(two.fileno(), 0, prot=mmap.PROT_READ)
        before = (sum(mapped[::4096]), sum(beside[::4096]))
        assert min(_mapped_bytes(path), _mapped_bytes(other)) > 60 * MIB

        keeper = asyncio.create_task(Footprint(lambda: release(path)).keep_small())
        while _mapped_bytes(path) > MIB:
            await asyncio.sleep(0.01)
        keeper.cancel()
        assert _mapped_bytes(other) > 60 * MIB
        assert (sum(mapped[::4096]), sum(beside[::4096])) == before
        mapped.close()
        beside.close()


async def test_memory_is_given_back_while_a_store_opens_and_closes(tmp_path: Path) -> None:
    """Never of what took a map's place: with that other memory of the process would be lost."""
    for _ in range(20):
        async with open_embedded(tmp_path / "data") as embedded:
            releasing = [asyncio.create_task(_release_on_and_on(embedded)) for _ in range(2)]
            await embedded.store.blocks.put(Block.of(os.urandom(100_000)), None, NO_GRANT)
        kept = [bytearray(os.urandom(1 << 20)) for _ in range(16)]
        copies = [bytes(each) for each in kept]
        for each in releasing:
            each.cancel()
        await asyncio.gather(*releasing, return_exceptions=True)
        assert [bytes(each) for each in kept] == copies


async def _release_on_and_on(embedded: Embedded) -> None:
    while True:
        await asyncio.to_thread(embedded.release)
