"""Other sizes for the cache of a running server: by its route, by the command, by a configuration loaded anew."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from cairn.testing.chains import random_block
from tests.command import Cairn
from tests.harness import Server, serving
from tests.integration.http.api import Holder
from tests.integration.test_disk_cache import settings
from tests.waiting import wait_for

MIB = 1024 * 1024


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path, **settings(tmp_path, disk="16MiB", memory="32MiB")) as server:
        yield server


def admin_token(server: Server) -> str:
    return Cairn(server.folder)("grant", "--admin-token", "--data", str(server.data)).out.strip()


def capacities(server: Server) -> tuple[int, int]:
    shown = server.ask("GET", "/v1/cache").json
    return shown["memory"]["capacity_bytes"], shown["disk"]["capacity_bytes"]


def test_by_the_route(server: Server) -> None:
    headers = {"Authorization": f"Bearer {admin_token(server)}"}
    answer = server.ask("POST", "/v1/cache", b'{"memory": "64MiB", "disk": 0}', headers)
    assert answer.status == 200
    assert answer.json["memory"]["capacity_bytes"] == 64 * MIB
    assert capacities(server) == (64 * MIB, 0)
    assert server.ask("POST", "/v1/cache", b'{"disk": "20MiB"}', headers).status == 200
    assert capacities(server) == (64 * MIB, 20 * MIB)
    server.assert_healthy()


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b'{"memory": "a lot"}', b'{"memory": -1}', b'{"disc": "1GiB"}', b'{"disk": "101%"}',
        b'{"memory": "999TiB"}', b'{"disk": "99999TiB"}', b'{"memory": 99999999999999999999}',
        b'{"disk": "99999999999999999999TiB"}', b'{"memory": "1MiB", "disk": "9999999TiB"}',
    ],
)  # fmt: skip
def test_what_is_no_size_changes_nothing(server: Server, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {admin_token(server)}"}
    answer = server.ask("POST", "/v1/cache", body, headers)
    assert (answer.status, answer.code) == (400, "invalid")
    assert capacities(server) == (32 * MIB, 16 * MIB)


def test_only_for_the_admin(server: Server) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}):
        answer = server.ask("POST", "/v1/cache", b'{"memory": "0"}', headers)
        assert (answer.status, answer.code) == (403, "forbidden")
    assert capacities(server) == (32 * MIB, 16 * MIB)
    assert server.ask("GET", "/v1/cache", None, {"X-Forwarded-For": "192.0.2.1"}).status == 403, "as from afar"


def test_by_the_command(server: Server) -> None:
    cairn = Cairn(server.folder)
    said = cairn("cache", "resize", "--memory", "48MiB", "--server", server.url, "--token", admin_token(server))
    assert "48.0 MiB" in said.out
    assert capacities(server) == (48 * MIB, 16 * MIB)
    assert "of 16.0 MiB" in cairn("cache", "show", "--server", server.url).out
    cairn("cache", "resize", "--memory", "1MiB", "--server", server.url, code=4)
    cairn("cache", "resize", "--server", server.url, code=2)
    cairn("cache", "resize", "--memory", "x", "--server", server.url, "--token", admin_token(server), code=2)


def test_all_processes_of_a_server_follow(tmp_path: Path) -> None:
    sizes = settings(tmp_path, disk="16MiB", memory="32MiB")
    with serving(tmp_path, interface={"workers": 3}, **sizes) as server:
        seen = {capacities(server) for _ in range(30)}
        assert seen == {(32 * MIB // 3 * 3, 16 * MIB)}
        headers = {"Authorization": f"Bearer {admin_token(server)}"}
        for memory in (30, 60, 90):  # by several connections, so that another process may be the one that is asked
            assert server.ask("POST", "/v1/cache", b'{"memory": "%dMiB"}' % memory, headers).status == 200
            wait_for(lambda: {capacities(server) for _ in range(30)} == {(memory * MIB, 16 * MIB)})  # noqa: B023
        config = server.folder / "cairn.toml"
        config.write_text(config.read_text().replace("16MiB", "24MiB"))
        assert server.process is not None
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: {capacities(server) for _ in range(30)} == {(32 * MIB // 3 * 3, 24 * MIB)})
        server.assert_healthy()


def test_any_process_shows_what_all_of_them_hold(tmp_path: Path) -> None:
    with serving(tmp_path, interface={"workers": 2}, cache={"memory": "32MiB"}) as server:
        block = random_block("shown", 100_000)
        assert Holder(server).put(block).status == 201

        def held() -> set[int]:
            assert server.ask("GET", f"/v1/blocks/{block.id.hex()}").body == block.data
            return {server.ask("GET", "/v1/cache").json["memory"]["blocks"] for _ in range(20)}

        wait_for(lambda: held() == {2})
        shown = server.ask("GET", "/v1/cache").json["memory"]
        assert 200_000 < shown["bytes"] < 210_000
        server.assert_healthy()


def test_by_a_configuration_loaded_anew(server: Server) -> None:
    config = server.folder / "cairn.toml"
    config.write_text(config.read_text().replace("16MiB", "24MiB").replace("32MiB", "8MiB"))
    assert server.process is not None
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: capacities(server) == (8 * MIB, 24 * MIB))
    config.write_text(config.read_text().replace("24MiB", "a lot"))
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "the configuration stays as it was" in server.log.read_text())
    assert capacities(server) == (8 * MIB, 24 * MIB)
    server.assert_healthy()
