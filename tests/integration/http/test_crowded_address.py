"""An address has its share of the connections and no more; who came first stays, and others are served."""

from __future__ import annotations

import asyncio

from tests.harness import Server, counts_alone, serving
from tests.integration.http.api import FREE_OF_RATES

_SHARE = 20
_ASK = b"GET /healthz HTTP/1.1\r\nHost: a.test\r\n\r\n"


async def _open(server: Server, source: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", server.port, local_addr=(source, 0))


async def _is_answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Ask for something small, on a connection that may be gone."""
    try:
        writer.write(_ASK)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split()[0]))
    except (ConnectionError, asyncio.IncompleteReadError):
        return False
    return head.startswith(b"HTTP/1.1 200 ")


async def _until_cut(server: Server, count: int) -> None:
    wanted = f"\ncairn_connections_crowded_total {count}.0\n"
    for _ in range(400):
        if wanted in (await asyncio.to_thread(server.ask, "GET", "/metrics")).body.decode():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the crowd was not cut")


@counts_alone
async def test_an_address_has_its_share(tmp_path):
    limits = {**FREE_OF_RATES, "connections_per_address": _SHARE}
    with serving(tmp_path, interface={"admission": "open", "limits": limits}) as server:
        first = [await _open(server, "127.0.0.2") for _ in range(_SHARE)]
        assert all([await _is_answered(*connection) for connection in first])
        await asyncio.sleep(6)  # the guard looks every 2 s, and so learns who came first
        later = [await _open(server, "127.0.0.2") for _ in range(_SHARE)]
        elsewhere = await _open(server, "127.0.0.3")
        assert await _is_answered(*elsewhere)
        await _until_cut(server, _SHARE)
        assert all([await _is_answered(*connection) for connection in [*first, elsewhere]])
        assert not any([await _is_answered(*connection) for connection in later])
        for _, writer in [*first, *later, elsewhere]:
            writer.close()
        server.assert_healthy()


@counts_alone
async def test_proxies_that_are_trusted_have_any_number(tmp_path):
    limits = {**FREE_OF_RATES, "connections_per_address": _SHARE}
    settings = {"admission": "open", "limits": limits, "trusted_proxies": ["127.0.0.2"]}
    with serving(tmp_path, interface=settings) as server:
        proxied = [await _open(server, "127.0.0.2") for _ in range(2 * _SHARE)]
        others = [await _open(server, "127.0.0.3") for _ in range(_SHARE + 5)]
        await _until_cut(server, 5)
        assert all([await _is_answered(*connection) for connection in proxied])
        for _, writer in [*proxied, *others]:
            writer.close()
