"""Group commit in the storage alone: 1 KiB blocks by 32 and by 256 writers, beside a commit for each block. No server.

`python -m benchmarks.group_commit [FOLDER]`
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

import uvloop

from benchmarks import machine
from cairn.config import Storage
from cairn.core.block import NO_GRANT, Block
from cairn.core.store import BlockStore
from cairn.storage.embedded import engine, open_embedded

_ROUNDS: Final = 7
_SECONDS: Final = 1.5
_BLOCKS_PER_SECOND: Final = 30_000  # more than are written
_GROUPED: Final = engine.BATCH_JOBS_MAX


class _Way(NamedTuple):
    name: str
    jobs: int
    shards: int
    writers: int


_WAYS: Final = (
    _Way("a commit each", 1, 1, 32),
    _Way("group commit, 32 writers", _GROUPED, 1, 32),
    _Way("group commit, 256 writers", _GROUPED, 1, 256),
    _Way("the same in 4 shards", _GROUPED, 4, 256),
)


def main() -> None:
    """Measure in turn, and print the medians."""
    where = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory(prefix="cairn-bench-", dir=where) as path:
        for name, value in machine.describe(Path(path)).items():
            print(f"{name:8} {value}")
        rounds = [
            [_rate(Path(path) / f"{number}-{i}", way) for i, way in enumerate(_WAYS)] for number in range(_ROUNDS)
        ]
    for i, way in enumerate(_WAYS):
        rate, ratio = median(each[i] for each in rounds), median(each[i] / each[0] for each in rounds)
        print(f"{way.name:28} {rate:8,.0f} blocks/s {ratio:6.1f} x")


def _rate(data: Path, way: _Way) -> float:
    engine.BATCH_JOBS_MAX = way.jobs  # type: ignore[misc]
    return uvloop.run(_measure(data, way))


async def _measure(data: Path, way: _Way) -> float:
    blocks = iter([Block.of(os.urandom(1_024)) for _ in range(int(_BLOCKS_PER_SECOND * _SECONDS))])
    async with open_embedded(data, Storage(shards=way.shards), sweeps=False) as embedded:
        began = time.perf_counter()
        counts = await asyncio.gather(
            *(_write(embedded.store.blocks, blocks, began + _SECONDS) for _ in range(way.writers))
        )  # fmt: skip
        return sum(counts) / (time.perf_counter() - began)


async def _write(store: BlockStore, blocks: Iterator[Block], stop: float) -> int:
    count = 0
    while time.perf_counter() < stop:
        await store.put(next(blocks), None, NO_GRANT)
        count += 1
    return count


if __name__ == "__main__":
    main()
