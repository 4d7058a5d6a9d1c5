"""Disk errors at sampled calls. `python -m tests.faults.io_errors` tries every one."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.faults.io_errors import CASES, Case, Store


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_nothing_acknowledged_is_lost_by_disk_errors(tmp_path: Path, case: Case) -> None:
    """First where a start meets it or the first commits, then anywhere, on the same store."""
    seed = random.randrange(1 << 32)
    rand = random.Random(seed)
    numbers = [rand.randint(2, 5), rand.randint(1, 60)]
    print(f"seed {seed}, N {numbers}")
    store = Store(tmp_path, seed)
    failed = [await store.run(case, number) for number in numbers]
    assert failed[0]
    await store.check_end()


@pytest.mark.parametrize(
    ("way", "case", "how"),
    [
        ("ignore-errors", Case("pwrite64", "EIO"), "acknowledged|head of a chain|answered with 404"),
        ("try-again", Case("fdatasync", "EIO"), "tried again|goes on"),
    ],
)
async def test_a_build_that_makes_light_of_errors_is_caught(tmp_path: Path, way: str, case: Case, how: str) -> None:
    """On a store that was started before, where only the threads that commit have a second such call. Which commit that
    is in is chance, and one with nothing in it loses nothing."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    assert not await Store(tmp_path, seed).run(case, 10_000)
    with pytest.raises(AssertionError, match=how) as caught:
        for number in range(2, 10):
            await Store(tmp_path, seed + number, way).run(case, number)
    print(caught.value)
