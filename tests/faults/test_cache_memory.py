"""The memory tier in a process of its own: what it says that it takes is what the process grows by."""

from __future__ import annotations

import subprocess
import sys

import pytest

MIB = 1024 * 1024
CAPACITY = 64 * MIB
ESTIMATES = 4 * MIB  # the what-if curves and the hot list, whatever the capacity

PROGRAM = """
import asyncio, os, sys
from pathlib import Path
from cairn.cache import CachedBlocks, DiskTier
from cairn.core.block import NO_GRANT, Block
from cairn.core.clock import SystemClock

class Below:
    async def put(self, block, pin, grant):
        return True

    async def get(self, block_id):
        return self.block

def rss():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

async def run(size, capacity):
    below = Below()
    cache = CachedBlocks(below, capacity, SystemClock(), DiskTier(None, SystemClock()))
    before, most = rss(), 0
    for number in range(3 * capacity // (size + 600)):
        below.block = Block.of(os.urandom(size))
        await (cache.put(below.block, None, NO_GRANT) if number % 3 else cache.get(below.block.id))
        if number % 500 == 0:
            most = max(most, rss() - before)
    assert cache.memory.bytes <= capacity
    print(cache.memory.bytes, max(most, rss() - before))

asyncio.run(run(int(sys.argv[1]), int(sys.argv[2])))
"""


@pytest.mark.parametrize("size", [300, 4_096, 65_536, 1_000_000])
def test_a_process_grows_by_the_capacity_and_no_more(size: int) -> None:
    words = [sys.executable, "-c", PROGRAM, str(size), str(CAPACITY)]
    told, grown = map(int, subprocess.check_output(words, text=True, timeout=200).split())
    print(f"told {told / MIB:.1f} MiB, grown by {grown / MIB:.1f} MiB")
    assert told > 0.97 * CAPACITY
    assert grown <= 1.05 * CAPACITY + ESTIMATES
