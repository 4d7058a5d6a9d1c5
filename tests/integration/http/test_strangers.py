"""A developer's own server, open without quota: programs of this machine write, and nobody who only seems local."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cairn.testing.chains import random_block
from tests.harness import Server, serving

LOCAL = [
    {},
    {"Origin": "http://localhost:5173"},
    {"Origin": "http://127.0.0.1:8420"},
    {"Origin": "http://[::1]:3000"},
    {"Origin": "http://app.localhost"},
]
STRANGE = [
    {"Origin": "https://evil.example"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "http://127.0.0.1.evil.example:8420"},
    {"Origin": "http://10.0.0.7"},
    {"Origin": "null"},
    {"Origin": "http://[::1"},
    {"X-Forwarded-For": "203.0.113.9"},
    {"X-Forwarded-For": "127.0.0.1"},
    {"Forwarded": "for=203.0.113.9"},
    {"X-Real-IP": "203.0.113.9"},
    {"Via": "1.1 proxy"},
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.mark.parametrize("headers", LOCAL, ids=str)
def test_programs_and_pages_of_this_machine_write(server: Server, headers: dict[str, str]) -> None:
    block = random_block(str(headers))
    assert server.ask("PUT", f"/v1/blocks/{block.id.hex()}", block.data, headers).status == 201
    assert server.ask("GET", "/metrics", headers=headers).status == 200


@pytest.mark.parametrize("headers", STRANGE, ids=str)
def test_others_need_a_grant_to_write_and_read_as_ever(server: Server, headers: dict[str, str]) -> None:
    block, other = random_block(str(headers)), random_block("there")
    path = f"/v1/blocks/{block.id.hex()}"
    refused = server.ask("PUT", path, block.data, headers)
    assert (refused.status, refused.code) == (403, "forbidden")
    assert server.ask("GET", path).status == 404
    assert server.ask("GET", "/metrics", headers=headers).status == 403
    server.ask("PUT", f"/v1/blocks/{other.id.hex()}", other.data)
    assert server.ask("GET", f"/v1/blocks/{other.id.hex()}", headers=headers).body == other.data
