"""Numbers of a real server follow what is done with it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cairn.testing.chains import random_block
from tests.harness import Server, serving


def numbers(server: Server) -> dict[str, float]:
    lines = server.ask("GET", "/metrics").body.decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def test_the_cache_and_the_store_are_counted(tmp_path: Path) -> None:
    block = random_block("metrics")
    path = f"/v1/blocks/{block.id.hex()}"
    with serving(tmp_path) as server:
        assert server.ask("PUT", path, block.data).status == 201
        for _ in range(3):
            assert server.ask("GET", path).body == block.data
        assert server.ask("GET", "/v1/blocks/" + "0" * 64).status == 404
        found = numbers(server)
        assert found["cairn_storage_blocks"] == 1
        memory = {name.split("{")[0]: value for name, value in found.items() if '{tier="memory"}' in name}
        assert memory["cairn_cache_hits_total"] == 3
        assert memory["cairn_cache_hit_bytes_total"] == 3 * len(block)
        assert memory["cairn_cache_misses_total"] == 1
        assert memory["cairn_cache_miss_bytes_total"] == 0
        assert memory["cairn_cache_admissions_total"] == 1
        assert memory["cairn_cache_blocks"] == 1
        assert 0 < memory["cairn_cache_bytes"] <= memory["cairn_cache_capacity_bytes"] == 32 * 1024 * 1024
        assert memory["cairn_cache_get_seconds_count"] == 3
        assert found['cairn_cache_get_seconds_count{tier="storage"}'] == 0
        assert found["cairn_cache_coalesced_total"] == 0
        for _ in range(200):
            server.ask("GET", path)
        found = numbers(server)
        assert found[f'cairn_cache_hot_requests{{block="{block.id.hex()[:8]}"}}'] > 50
        for scale in ("0.5", "1", "2", "4"):
            assert found[f'cairn_cache_whatif_hit_ratio{{scale="{scale}",tier="memory"}}'] > 0.9
    with serving(tmp_path / "off", cache={"memory": "0"}) as server:
        assert server.ask("PUT", path, block.data).status == 201
        assert server.ask("GET", path).body == block.data
        found = numbers(server)
        assert found['cairn_cache_capacity_bytes{tier="memory"}'] == found['cairn_cache_bytes{tier="memory"}'] == 0
        assert found['cairn_cache_misses_total{tier="memory"}'] == 1


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200), ("127.0.0.1:8421", 200), ("[::1]:8421", 200),
        ("rebound.example", 403), ("127.0.0.1.example:8421", 403), ("", 403),
    ],
)  # fmt: skip
def test_a_storage_shows_its_numbers_under_its_own_names(storage: Server, host: str, status: int) -> None:
    """A page elsewhere may have its own name lead to this machine, and would read what is answered under it."""
    assert storage.ask("GET", "/metrics", headers={"Host": host}).status == status


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    node = {"roles": ["storage"]}
    server = Server(tmp_path_factory.mktemp("storage"), {"node": node, "storage": {"listen": "127.0.0.1:0"}})
    try:
        yield server.start()
    finally:
        server.kill()
