"""A block in memory is answered without waiting: the same answer as on the long way, and counted alike."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from cairn.cache import CachedBlocks, DiskTier
from cairn.config import Limits
from cairn.core.block import NO_GRANT, Block
from cairn.core.clock import SystemClock
from cairn.interface.admission.access import Access
from cairn.interface.admission.secret import NodeSecret
from cairn.interface.app import App
from cairn.interface.http.exchange import Request, Response
from cairn.interface.routes.blocks import BLOCK_HEADERS, block_etag
from cairn.storage.memory import memory_store
from tests.asking import GivenHeaders, asked, content

BLOCK: Final = Block.of(b"a block that many want" * 50)
FAR: Final = Block.of(b"a block that nobody asked for")
ETAG: Final = f'"{BLOCK.id.hex()}"'
PATH: Final = f"/v1/blocks/{BLOCK.id.hex()}"


class Served:
    """An app above a cached store that has BLOCK near, and FAR below."""

    def __init__(self, limits: Limits, *, is_free: bool) -> None:
        below = memory_store()
        cache = CachedBlocks(below.blocks, 1 << 20, SystemClock(), DiskTier(None, SystemClock()))
        self.store = replace(below, blocks=cache)
        self.far = below.blocks
        access = Access(
            NodeSecret([b"s" * 32]), below.ledger, limits, SystemClock(), admission="open", is_free=is_free
        )  # fmt: skip
        self.app = App(
            self.store, access, limits, SystemClock(), near=cache.near, sites=_no_site,
            receipt_keys=[], readiness=dict,
        )  # fmt: skip

    def at_once(self, path: str = PATH, client: str = "192.0.2.1", **headers: str) -> Response | None:
        given = GivenHeaders({name.replace("_", "-"): value for name, value in headers.items()})
        block = self.app.near_block(path, given, lambda: client)
        return (
            None if block is None else Response(200, [*BLOCK_HEADERS, ("etag", block_etag(block.id.hex()))], block.data)
        )

    def counted(self, line: str) -> float:
        """The value of a line of the metrics; 0 if it is not there."""
        found = [float(each.rpartition(" ")[2]) for each in self.app.metrics.text().decode().splitlines()
                 if each.startswith(line)]  # fmt: skip
        return sum(found)


async def _no_site(_: Request) -> Response:
    return Response(404)


async def _served(limits: Limits, *, is_free: bool = False) -> Served:
    served = Served(limits, is_free=is_free)
    await served.store.blocks.put(BLOCK, None, NO_GRANT)
    await served.far.put(FAR, None, NO_GRANT)
    return served


@pytest.fixture
async def served() -> Served:
    return await _served(Limits())


async def test_it_is_the_answer_of_the_long_way(served: Served) -> None:
    near = served.at_once()
    far = await served.app.answer(asked(PATH))
    assert near is not None
    assert near == far
    assert content(near) == BLOCK.data


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/blocks/{FAR.id.hex()}",
        f"/v1/blocks/{bytes(32).hex()}",
        PATH.upper().replace("/V1/BLOCKS", "/v1/blocks"),
        PATH[:-1],
        PATH + "0",
        PATH[:-2] + " " + PATH[-2:-1],
        PATH + "/",
        PATH + "/entries",
        "/v1/blocks/",
        "/v1/blocks/é",
        f"/v1/chains/{BLOCK.id.hex()}",
        "/v1/info",
        "/",
    ],
)
async def test_what_is_not_near_goes_the_long_way(served: Served, path: str) -> None:
    assert served.at_once(path) is None
    assert served.counted("cairn_requests_total") == 0


@pytest.mark.parametrize("headers", [{"range": "bytes=0-4"}, {"if_none_match": ETAG}, {"if_none_match": "*"}])
async def test_what_asks_for_less_goes_the_long_way(served: Served, headers: dict[str, str]) -> None:
    assert served.at_once(**headers) is None
    assert (await served.app.answer(asked(PATH, **headers))).status in (206, 304)


async def test_each_is_counted_as_a_request_and_as_a_hit(served: Served) -> None:
    for _ in range(3):
        served.at_once()
    assert served.counted('cairn_requests_total{route="get_block",status="200"}') == 3
    assert served.counted('cairn_request_seconds_count{route="get_block"}') == 3
    assert served.counted("cairn_requests_in_flight") == 0
    await served.app.answer(asked(PATH))
    assert served.counted('cairn_requests_total{route="get_block",status="200"}') == 4


async def test_both_ways_use_up_one_rate() -> None:
    served = await _served(Limits(requests_per_second=0.001, requests_in_flight=0))
    assert served.at_once() is not None, "the one request that the rate allows"
    assert served.at_once() is None
    assert (await served.app.answer(asked(PATH))).status == 200, "another address"
    assert served.at_once(client="127.0.0.1") is None
    limited = await served.app.answer(asked(PATH))
    assert limited.status == 429
    assert served.counted('cairn_requests_total{route="get_block",status="200"}') == 2


async def test_who_has_all_its_places_waits() -> None:
    served = await _served(Limits(requests_in_flight=2))
    served.app.traffic.in_flight.enter("192.0.2.1")
    assert served.at_once() is not None
    served.app.traffic.in_flight.enter("192.0.2.1")
    assert served.at_once() is None
    assert served.at_once(client="192.0.2.2") is not None
    served.app.traffic.in_flight.leave("192.0.2.1")
    assert served.at_once() is not None


async def test_on_the_own_machine_nobody_is_counted() -> None:
    served = await _served(Limits(requests_per_second=0.001, requests_in_flight=1), is_free=True)

    def client() -> str:
        raise AssertionError("nobody needs to know")

    for _ in range(5):
        assert served.app.near_block(PATH, GivenHeaders({}), client) is not None
