"""Servers' receipt keys, remembered by address."""

import asyncio
from pathlib import Path

import pytest

from cairn.client.state.known_servers import KnownServers, ServerChanged
from cairn.core.errors import Invalid


async def test_servers_that_are_met_at_once_are_all_remembered(tmp_path: Path) -> None:
    urls = {f"http://server{number}.example": frozenset([bytes([number]) * 32]) for number in range(40)}
    await asyncio.gather(*(asyncio.to_thread(KnownServers(tmp_path).check, url, urls[url]) for url in urls))
    for url in urls:
        with pytest.raises(ServerChanged):
            KnownServers(tmp_path).check(url, frozenset([bytes(32)[:31] + b"x"]))
    (tmp_path / "servers.json").write_text('{"http://server1.example": [5]}')
    with pytest.raises(Invalid):
        KnownServers(tmp_path).check("http://server1.example", frozenset([bytes(32)]))
