"""Request smuggling: whatever is ambiguous is refused with the connection, and no hidden request is ever executed."""

from __future__ import annotations

import asyncio

import pytest

from tests.harness import serving
from tests.integration.http.api import has
from tests.integration.http.raw import exchange
from tests.integration.http.spellings import ANSWERED, REFUSED, hidden_put, spelled

_QUIET_SECONDS = 10.0  # longer than the server's own deadlines: who is silent then stays so
_SPELLINGS = REFUSED | ANSWERED
_HIDDEN = {name: hidden_put(name) for name in _SPELLINGS}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    limits = {"header_seconds": 3, "body_idle_seconds": 3}
    with serving(tmp_path_factory.mktemp("smuggling"), interface={"admission": "open", "limits": limits}) as server:
        yield server
        server.assert_healthy()


@pytest.fixture(scope="module")
def results(server):
    """What each spelling got. All are sent at once, while others go on asking."""
    return asyncio.run(_send_all(server))


async def _send_all(server):
    others = asyncio.create_task(_keep_asking(server.port))
    names = list(_SPELLINGS)
    sent = [exchange(server.port, spelled(_SPELLINGS[name], _HIDDEN[name][1]), _QUIET_SECONDS, "HEAD" in name)
            for name in names]  # fmt: skip
    got = dict(zip(names, await asyncio.gather(*sent), strict=True))
    others.cancel()
    with pytest.raises(asyncio.CancelledError):
        await others
    return got


async def _keep_asking(port):
    """Somebody else: every request must be answered."""
    while True:
        got = await exchange(port, b"GET /healthz HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n", 30)
        assert (got.statuses, got.is_closed) == ((200,), True)
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_ambiguous_is_refused_and_the_connection_closed(results, name):
    got = results[name]
    assert got.is_closed, got
    assert len(got.statuses) <= 1, got
    assert all(400 <= status < 500 or status in (501, 505) for status in got.statuses), got
    assert got.rest == b""


@pytest.mark.parametrize("name", ANSWERED)
def test_what_is_clear_is_answered_once(results, name):
    got = results[name]
    assert len(got.statuses) == 1, got
    assert got.rest == b""
    if got.statuses == (200,) and "blocks/has" in ANSWERED[name]:
        assert got.bodies == (bytes(len(_HIDDEN[name][1]) // 32),)  # all of its body was taken as ids


@pytest.mark.parametrize("name", _SPELLINGS)
@pytest.mark.usefixtures("results")
def test_no_hidden_request_is_executed(server, name):
    assert has(server, _HIDDEN[name][0]) == [False]


def test_a_hidden_request_would_be_seen(server):
    """The same bytes as a request of their own, or pipelined, do store their block: so the tests above can fail."""
    first, second = hidden_put("alone"), hidden_put("pipelined")
    got = asyncio.run(exchange(server.port, first[1], _QUIET_SECONDS))
    assert got.statuses == (201,)
    ask = b"GET /healthz HTTP/1.1\r\nHost: a.test\r\n\r\n"
    got = asyncio.run(exchange(server.port, ask + second[1], _QUIET_SECONDS))
    assert got.statuses == (200, 201)
    assert has(server, first[0], second[0]) == [True, True]


def test_there_are_enough_of_them():
    assert len(_SPELLINGS) >= 120
    assert len({spelled(text, b"h") for text in _SPELLINGS.values()}) == len(_SPELLINGS)
