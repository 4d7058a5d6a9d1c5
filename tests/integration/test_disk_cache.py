"""The disk cache of a real server: what it survives, and what it takes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from cairn.core.block import Block
from cairn.testing.chains import random_block
from tests.harness import Server, serving
from tests.integration.test_metrics import numbers


def settings(folder: Path, disk: str = "16MiB", memory: str = "0") -> dict[str, Any]:
    return {"cache": {"memory": memory, "disk": disk, "path": str(folder / "cache")}}


def fetch(server: Server, block: Block) -> None:
    answer = server.ask("GET", f"/v1/blocks/{block.id.hex()}")
    assert (answer.status, answer.body) == (200, block.data)


def put(server: Server, block: Block) -> None:
    assert server.ask("PUT", f"/v1/blocks/{block.id.hex()}", block.data).status in (200, 201)


def until_admitted(server: Server, count: int) -> None:
    """What comes in is written after the answer, so look again until it has been."""
    for _ in range(1_000):
        if numbers(server)['cairn_cache_blocks{tier="disk"}'] >= count:
            return
    raise AssertionError(json.dumps(numbers(server)))


def test_blocks_are_on_disk_after_a_restart(tmp_path: Path) -> None:
    blocks = [random_block(str(number)) for number in range(10)]
    with serving(tmp_path, **settings(tmp_path)) as server:
        for block in blocks:
            put(server, block)
            fetch(server, block)
        until_admitted(server, 10)
        server.kill()
        server.start()
        for block in blocks:
            fetch(server, block)
        found = numbers(server)
        assert found['cairn_cache_hits_total{tier="disk"}'] == 10
        assert found['cairn_cache_get_seconds_count{tier="disk"}'] == 10
        assert found['cairn_cache_get_seconds_count{tier="storage"}'] == 0
        assert found["cairn_cache_damaged_total"] == 0
        server.assert_healthy()


def test_the_disk_is_not_used_beyond_its_size(tmp_path: Path) -> None:
    with serving(tmp_path, **settings(tmp_path, disk="8MiB")) as server:
        for number in range(150):
            block = Block.of(bytes([number]) * 200_000)
            put(server, block)
            for _ in range(2):
                fetch(server, block)
        du = int(subprocess.check_output(["du", "-s", "--block-size=1", tmp_path / "cache"]).split()[0])
        found = numbers(server)
        assert du <= 8 * 1024 * 1024
        assert found['cairn_cache_capacity_bytes{tier="disk"}'] == 8 * 1024 * 1024
        assert 7 * 1024 * 1024 < found['cairn_cache_bytes{tier="disk"}'] <= 8 * 1024 * 1024
        server.assert_healthy()


def test_a_folder_that_cannot_be_had_is_no_reason_not_to_serve(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in its place")
    with serving(tmp_path, **settings(tmp_path)) as server:
        block = random_block("served")
        put(server, block)
        fetch(server, block)
        assert numbers(server)['cairn_cache_capacity_bytes{tier="disk"}'] == 0
        assert "there is no disk cache" in server.log.read_text()
