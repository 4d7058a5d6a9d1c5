"""What reads touch, and a damaged block that is put again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cairn.core.block import NO_GRANT, Block, GrantId, Pin, PinHash, pin_hash
from cairn.core.errors import Corrupt
from cairn.storage.embedded import open_embedded, scrub
from cairn.testing.chains import random_block

MIB = 1 << 20

ASKER = """
import asyncio, sys
from pathlib import Path
from cairn.core.block import Pin
from cairn.storage.embedded import open_embedded

def resident():
    return int(next(line for line in open("/proc/self/status") if line.startswith("RssFile")).split()[1]) * 1024

async def main():
    async with open_embedded(Path(sys.argv[1]), sweeps=False) as embedded:
        blocks, before = embedded.store.blocks, resident()
        ids = [block_id async for block_id in blocks.scan(None)]
        assert await blocks.has(ids) == set(ids)
        asked = resident() - before
        for block_id in ids:
            await blocks.unpin(block_id, Pin(b"p" * 32))
        assert not await blocks.has(ids)
        print(len(ids), asked, resident() - before)

asyncio.run(main())
"""


async def test_to_ask_for_blocks_reads_none_of_them(tmp_path: Path) -> None:
    """Neither from the disk nor into this process's memory: one request may name a thousand large ones, or all. Of what
    is removed, only the beginning is read."""
    async with open_embedded(tmp_path / "data") as embedded:
        for _ in range(64):
            await embedded.store.blocks.put(Block.of(os.urandom(MIB)), pin_hash(Pin(b"p" * 32)), NO_GRANT)
    words = [sys.executable, "-c", ASKER, str(tmp_path / "data")]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    count, asked, removed = map(int, told.split())
    assert count == 64
    assert asked < 2 * MIB
    assert removed < 32 * MIB


@pytest.mark.parametrize("size", [900, 300_000])
async def test_a_damaged_block_is_repaired_by_who_puts_it_again(tmp_path: Path, size: int) -> None:
    """What is acknowledged as "already there" can be read."""
    block, other = random_block("damaged", size), random_block("other", size)
    async with open_embedded(tmp_path / "data") as embedded:
        for each in (block, other):
            await embedded.store.blocks.put(each, None, NO_GRANT)
    _flip(tmp_path / "data" / "shard-00" / "data.mdb", block.data)
    async with open_embedded(tmp_path / "data") as embedded:
        store = embedded.store
        with pytest.raises(Corrupt):
            await store.blocks.get(block.id)
        assert len(scrub(tmp_path / "data").damaged) == 1
        assert await store.blocks.put(block, PinHash(b"p" * 32), NO_GRANT) is False
        assert (await store.blocks.get(block.id)).data == block.data
        assert scrub(tmp_path / "data").damaged == []


async def test_a_put_on_a_damaged_pin_is_refused(tmp_path: Path) -> None:
    """It cannot be told who pays for it; nothing is changed, and others are not concerned."""
    block, pin, grant = random_block("pinned", 900), PinHash(b"p" * 32), GrantId(os.urandom(16))
    async with open_embedded(tmp_path / "data") as embedded:
        await embedded.store.blocks.put(block, pin, grant)
    _flip(tmp_path / "data" / "shard-00" / "data.mdb", grant)
    async with open_embedded(tmp_path / "data") as embedded:
        blocks = embedded.store.blocks
        with pytest.raises(Corrupt):
            await blocks.put(block, pin, NO_GRANT)
        assert await blocks.put(random_block("other", 900), pin, NO_GRANT) is True
        assert (await blocks.get(block.id)).data == block.data
    assert scrub(tmp_path / "data").damaged != []


def _flip(file: Path, within: bytes) -> None:
    """Change a byte of these bytes, in every page that has them: old ones, too."""
    piece = within[len(within) // 2 :][:64]
    whole = file.read_bytes()
    assert piece in whole
    file.write_bytes(whole.replace(piece, bytes((piece[0] ^ 1,)) + piece[1:]))
