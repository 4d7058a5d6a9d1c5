"""The folder of the disk cache under everything that can happen to it: no wrong byte, and usable afterwards."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cairn.cache import DiskTier
from cairn.core.block import Block
from cairn.core.clock import SystemClock

MIB = 1024 * 1024
CAPACITY = 4 * MIB
BLOCK_BYTES_MAX = 200_000
FEWEST = CAPACITY // BLOCK_BYTES_MAX // 2  # what a full folder holds were all its blocks large, and half of it dropped
FILES = ("cache.index", "cache.blocks", "cache.lock")


def block_of(number: int) -> Block:
    """The same block for a number, in every process."""
    rng = random.Random(number)
    return Block.of(rng.randbytes(rng.choice((20, 700, 5_000, 40_000, BLOCK_BYTES_MAX))))


def opened(folder: Path, capacity: int = CAPACITY) -> DiskTier:
    tier = DiskTier(folder, SystemClock())
    tier.resize(capacity)
    return tier


def fill(folder: Path, numbers: range) -> None:
    """Offer blocks, each twice, so that they come in also where it is full."""
    for _ in range(2):
        tier = opened(folder)
        for number in numbers:
            tier.offer(block_of(number), SystemClock().monotonic())
        tier.close()


async def found_in(tier: DiskTier, numbers: range) -> int:
    """How many of these are there, each with its own bytes."""
    found = 0
    for number in numbers:
        block = block_of(number)
        from_disk = await tier.get(block.id)
        if from_disk is not None:
            assert from_disk.block.data == block.data
            found += 1
    return found


async def usable(folder: Path) -> None:
    """What comes in is found again, within the capacity."""
    tier = opened(folder)
    fresh = [Block.of(os.urandom(30_000)) for _ in range(20)]
    for _ in range(2):
        for block in fresh:
            tier.offer(block, SystemClock().monotonic())
    tier.close()
    tier = opened(folder)
    try:
        assert [(await tier.get(block.id)) is not None for block in fresh] == [True] * 20
        assert tier.bytes <= CAPACITY
        assert 0 <= len(tier) <= 30_000
    finally:
        tier.close()


# --- flipped bits ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
async def test_a_flipped_bit_never_serves_a_wrong_byte(tmp_path: Path, name: str) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rng, numbers = random.Random(seed), range(60)
    whole, folder = tmp_path / "whole", tmp_path / "cache"
    fill(whole, numbers)
    tier = opened(whole)
    before = await found_in(tier, numbers)
    tier.close()
    assert before >= FEWEST
    lost = damaged = 0
    for _ in range(40):
        shutil.copytree(whole, folder)
        _flip(folder / name, rng, flips=rng.choice((1, 8, 200)))
        tier = opened(folder)
        lost += before - await found_in(tier, numbers)
        damaged += tier.damaged
        tier.close()
        await usable(folder)
        shutil.rmtree(folder)
    print(f"{lost} blocks lost, {damaged} found damaged")
    assert (lost > 0) == (name != "cache.lock")
    assert (damaged > 0) == (name == "cache.blocks")


def _flip(path: Path, rng: random.Random, flips: int) -> None:
    data = bytearray(path.read_bytes())
    used = [at for at in range(0, len(data), 64) if any(data[at : at + 64])]
    for _ in range(flips if used else 0):
        data[min(rng.choice(used) + rng.randrange(64), len(data) - 1)] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("what", ["gone", "empty", "cut", "noise", "zeros"])
async def test_files_that_are_lost_or_overwritten(tmp_path: Path, name: str, what: str) -> None:
    numbers, folder = range(60), tmp_path / "cache"
    fill(folder, numbers)
    path = folder / name
    size = path.stat().st_size
    if what == "gone":
        path.unlink()
    else:
        path.write_bytes({
            "empty": b"", "cut": path.read_bytes()[: size // 3], "noise": os.urandom(size), "zeros": bytes(size),
        }[what])  # fmt: skip
    tier = opened(folder)
    await found_in(tier, numbers)
    tier.close()
    await usable(folder)


@pytest.mark.parametrize("older", ["cache.index", "cache.blocks"])
async def test_files_of_different_times_as_a_power_cut_may_leave_them(tmp_path: Path, older: str) -> None:
    before, folder = tmp_path / "before", tmp_path / "cache"
    for number in range(0, 240, 40):
        fill(folder, range(number, number + 60))
        shutil.copytree(folder, before, dirs_exist_ok=True)
        fill(folder, range(number + 60, number + 100))
        shutil.copy(before / older, folder / older)
        tier = opened(folder)
        await found_in(tier, range(400))
        assert tier.bytes <= CAPACITY
        tier.close()
    await usable(folder)


# --- processes that die ----------------------------------------------------------------------------------------------


def admit_for_ever(folder: Path, seed: int) -> None:
    """A process that offers blocks, drops some, and looks some up, until it is killed."""
    rng, tier = random.Random(seed), opened(folder)
    print("ready", flush=True)

    async def run() -> None:
        while True:
            number = rng.randrange(400)
            tier.offer(block_of(number), SystemClock().monotonic())
            if rng.random() < 0.1:
                await tier.drop(block_of(rng.randrange(400)).id)
            assert await found_in(tier, range(number, number + 2)) <= 2

    asyncio.run(run())


def _start(folder: Path, seed: int) -> subprocess.Popen[str]:
    code = "import sys, pathlib; from tests.faults import test_disk_cache as t; "
    code += "t.admit_for_ever(pathlib.Path(sys.argv[1]), int(sys.argv[2]))"
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    words = [sys.executable, "-c", code, str(folder), str(seed)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environ)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


async def test_kills_during_admission_leave_it_usable(tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rng, folder, most = random.Random(seed), tmp_path / "cache", 0
    for number in range(25):
        process = _start(folder, seed + number)
        await asyncio.sleep(rng.uniform(0, 0.1))
        process.kill()
        process.communicate()
        tier = opened(folder)
        most = max(most, await found_in(tier, range(400)))
        assert tier.damaged == 0, "what a killed process left is never found as a block"
        assert tier.bytes <= CAPACITY
        tier.close()
    assert most >= FEWEST
    await usable(folder)


async def test_processes_share_a_folder_and_die_in_it(tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rng, folder = random.Random(seed), tmp_path / "cache"
    processes = [_start(folder, seed + number) for number in range(2)]
    tier = opened(folder)
    try:
        for number in range(12):
            await found_in(tier, range(400))
            assert tier.bytes <= CAPACITY
            victim = rng.randrange(2)
            processes[victim].kill()
            processes[victim].communicate()
            processes[victim] = _start(folder, seed + 100 + number)
        assert tier.damaged == 0
        assert await found_in(tier, range(400)) >= FEWEST
        assert all(process.poll() is None for process in processes), "each found only right bytes"
    finally:
        for process in processes:
            process.kill()
            process.communicate()
        tier.close()
    await usable(folder)


async def test_one_that_is_stopped_with_the_lock_holds_nobody_up(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    fill(folder, range(60))
    holder = multiprocessing.get_context("spawn").Process(target=_hold_lock, args=(folder,), daemon=True)
    holder.start()
    assert holder.pid is not None
    try:
        while not (folder / "held").exists():
            assert holder.is_alive()
            await asyncio.sleep(0.01)
        os.kill(holder.pid, signal.SIGSTOP)
        tier = DiskTier(folder, SystemClock())
        with pytest.raises(OSError, match="another process holds the lock"):
            await asyncio.to_thread(tier.resize, CAPACITY)
        os.kill(holder.pid, signal.SIGKILL)
        tier.resize(CAPACITY)
        assert await found_in(tier, range(60)) >= FEWEST
        tier.close()
    finally:
        holder.kill()
        holder.join()


def _hold_lock(folder: Path) -> None:
    from cairn.cache.counts import Counts
    from cairn.cache.disk.shelf import Shelf

    with Shelf(folder, Counts(), lambda: 0, 0)._locked():
        (folder / "held").touch()
        time.sleep(600)
