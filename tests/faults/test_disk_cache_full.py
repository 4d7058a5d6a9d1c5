"""The disk of the disk cache is full: nothing comes in, no request notices, and with space again it goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from cairn.cache import DiskTier
from cairn.cache.disk import tier as tier_module
from cairn.core.block import Block
from cairn.testing.clock import FakeClock
from tests.faults.small_disk import small_disk
from tests.faults.test_disk_cache import block_of, found_in
from tests.harness import Server
from tests.integration.test_disk_cache import fetch, put, until_admitted
from tests.integration.test_metrics import numbers

MIB = 1024 * 1024


@pytest.mark.parametrize("but_bytes", [0, 100_000, 3 * MIB])
async def test_a_full_disk_lets_nothing_in_until_there_is_space(tmp_path: Path, but_bytes: int) -> None:
    clock = FakeClock()
    with small_disk(tmp_path / "disk", "32m") as disk:
        tier = DiskTier(disk.seen / "cache", clock)
        tier.resize(16 * MIB)
        disk.fill(but_bytes)
        for number in range(100):
            tier.offer(block_of(number), clock.monotonic())
        tier.close()
        refused, admitted = tier.refused, tier.admissions
        assert refused + admitted == 100
        assert refused > 50
        assert await _found_again(disk.seen / "cache", clock) == admitted
        disk.empty()
        tier = DiskTier(disk.seen / "cache", clock)
        tier.resize(16 * MIB)
        for number in range(100):
            tier.offer(block_of(number), clock.monotonic())
        tier.close()
        assert await _found_again(disk.seen / "cache", clock) == 100


async def _found_again(folder: Path, clock: FakeClock) -> int:
    tier = DiskTier(folder, clock)
    tier.resize(16 * MIB)
    try:
        return await found_in(tier, range(100))
    finally:
        assert tier.damaged == 0
        tier.close()


async def test_it_tries_again_by_itself(tmp_path: Path) -> None:
    clock = FakeClock()
    with small_disk(tmp_path / "disk", "32m") as disk:
        tier = DiskTier(disk.seen / "cache", clock)
        tier.resize(16 * MIB)
        disk.fill()
        tier.offer(block_of(1), clock.monotonic())
        while tier._paused_until < 0:
            pass
        disk.empty()
        tier.offer(block_of(1), clock.monotonic())
        assert (tier.refused, tier.admissions) == (2, 0)
        clock.advance(tier_module._PAUSE_SECONDS + 1)
        tier.offer(block_of(1), clock.monotonic())
        tier.close()
        assert tier.admissions == 1


def test_a_server_does_not_notice(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "32m") as disk:
        cache = {"memory": "0", "disk": "16MiB", "path": str(disk.mount / "cache")}
        server = Server(tmp_path, {"cache": cache}, command=disk.command)
        server.start()
        try:
            first, *others = [Block.of(bytes([number]) * 100_000) for number in range(30)]
            put(server, first)
            fetch(server, first)
            until_admitted(server, 1)
            disk.fill()
            for block in others:
                put(server, block)
                fetch(server, block)
            fetch(server, first)
            found = numbers(server)
            assert found['cairn_cache_hits_total{tier="disk"}'] == 1
            assert found['cairn_cache_refused_total{tier="disk"}'] > 0
            assert server.log.read_text().count("its disk is full") == 1
            server.assert_healthy()
        finally:
            server.kill()
