"""A batch counts for what it asks: else one address would have a thousand times its rate."""

from __future__ import annotations

import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from cairn.config import Limits
from cairn.core.errors import CairnError
from cairn.interface.admission.access import Access
from cairn.interface.admission.secret import NodeSecret
from cairn.interface.app import App
from cairn.interface.http.exchange import Request, Response
from cairn.interface.live.socket import Gone
from cairn.storage.memory import memory_store
from cairn.testing.clock import FakeClock
from cairn.wire.live import Command, decode_notice, encode_command
from tests.asking import NoBody, asked

RATE = 50.0
IDS = [number.to_bytes(32, "big") for number in range(1_024)]
BODIES: dict[str, Callable[[bytes], bytes]] = {
    "/v1/blocks/get": bytes,
    "/v1/blocks/has": bytes,
    "/v1/blocks/put": lambda one: struct.pack(">32sI", b"", 1) + one[-1:],
    "/v1/chains/read": lambda one: one + struct.pack(">QI", 0, 1),
}


@dataclass
class Body(NoBody):
    """A body that is there."""

    data: bytes

    async def read(self, bytes_max: int) -> bytes:
        return self.data


class Served:
    """An app, asked from one address, while time stands still."""

    def __init__(self, rate: float = RATE, *, is_free: bool = False) -> None:
        self.clock, store = FakeClock(), memory_store()
        limits = Limits(requests_per_second=rate)
        secret = NodeSecret([b"s" * 32])
        access = Access(secret, store.ledger, limits, self.clock, admission="open", is_free=is_free)
        self.app = App(
            store, access, limits, self.clock, near=lambda _: None, sites=_no_site, receipt_keys=[], readiness=dict
        )

    async def ask(self, path: str, count: int) -> int:
        request = asked(path, "POST")
        request.body = Body(b"".join(map(BODIES[path], IDS[:count])))
        return (await self.app.answer(request)).status

    async def health(self) -> int:
        return (await self.app.answer(asked("/healthz"))).status


async def _no_site(_: Request) -> Response:
    return Response(404)


async def _statuses(ask: Callable[[], Awaitable[int]], count: int) -> list[int]:
    return [await ask() for _ in range(count)]


@pytest.mark.parametrize("path", BODIES)
async def test_a_batch_counts_for_what_it_asks(path: str) -> None:
    """A hundred requests are there at once: three batches of 33 each, and one more."""
    served = Served()
    assert await _statuses(lambda: served.ask(path, 1_024), 4) == [200, 200, 200, 429]
    assert await served.health() == 429
    served.clock.advance(1)
    assert await _statuses(lambda: served.ask(path, 1_024), 2) == [200, 429]


@pytest.mark.parametrize("path", BODIES)
async def test_a_small_batch_is_one_request(path: str) -> None:
    served = Served()
    assert await _statuses(lambda: served.ask(path, 31), 101) == [200] * 100 + [429]


@pytest.mark.parametrize("rate", [0.5, 1, 5])
async def test_no_batch_is_too_large_for_ever(rate: float) -> None:
    served = Served(rate)
    await _statuses(lambda: served.ask("/v1/blocks/has", 1_024), 3)
    served.clock.advance(2 / rate + 2)
    assert await served.ask("/v1/blocks/has", 1_024) == 200


@pytest.mark.parametrize(("rate", "is_free"), [(RATE, True), (0, False)])
async def test_on_the_own_machine_and_without_a_rate_nothing_is_counted(rate: float, is_free: bool) -> None:
    served = Served(rate, is_free=is_free)
    assert await _statuses(lambda: served.ask("/v1/blocks/has", 1_024), 50) == [200] * 50


class Subscriber:
    """A live socket whose client asks for a thousand chains, again and again."""

    client = "127.0.0.1"

    def __init__(self, times: int) -> None:
        self._left = times
        self.refused: list[CairnError | None] = []

    async def receive(self) -> str:
        if not self._left:
            raise Gone
        self._left -= 1
        return encode_command(Command(dict.fromkeys(IDS, 0)))  # type: ignore[arg-type]

    async def send(self, message: str | bytes) -> None:
        self.refused.append(decode_notice(str(message)).problem)

    def send_now(self, message: bytes) -> bool:
        return False

    async def send_last(self, message: str) -> None:
        """Nobody hears it."""


async def test_subscribing_to_many_chains_counts_for_what_it_asks() -> None:
    served = Served()
    await served.app.sockets.serve(Subscriber(3))
    assert await _statuses(served.health, 2) == [200, 429]
