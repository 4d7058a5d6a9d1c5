"""Numbers of a real server follow what is done with it."""

from pathlib import Path

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
        assert found["cairn_cache_hits_total"] == 3
        assert found["cairn_cache_misses_total"] == 1
        assert found["cairn_cache_blocks"] == 1
        assert 0 < found["cairn_cache_bytes"] <= found["cairn_cache_capacity_bytes"] == 32 * 1024 * 1024
    with serving(tmp_path / "off", cache={"memory": "0"}) as server:
        assert not [name for name in numbers(server) if name.startswith("cairn_cache")]
