"""The server that lies: many cases at once, each at an address of its own, `/{number}/v1/...`.

What it says is the truth of `world.py` until the client says that the case turns (or, live, until it subscribes); from
there on each answer passes through the lies of its case. It keeps a record of what it said and was sent.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from aiohttp import web

from cairn.wire.messages import decode_ids
from tests.browser.known import ROOT
from tests.evil.cases import Case
from tests.evil.lies.answers import refusal
from tests.evil.lies.catalogue import Answer
from tests.evil.record import BYTES, Record, json_answer
from tests.evil.spaces import SpaceCase, SpaceRecord
from tests.evil.streams import OPEN, told_live

_PAGE = "<!doctype html><meta charset=utf-8><title>Evil</title><link rel=icon href=data:,>"


AnyCase = Case | SpaceCase
AnyRecord = Record | SpaceRecord


class EvilServer:
    """All cases that were announced to it."""

    def __init__(self) -> None:
        self.records: dict[int, AnyRecord] = {}
        self.port = 0
        self.faults: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def announce(self, case: AnyCase) -> AnyRecord:
        """Begin a case."""
        record = SpaceRecord(case) if isinstance(case, SpaceCase) else Record(case)
        self.records[case.number] = record
        return record

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Any request."""
        if request.method == "OPTIONS":
            return web.Response(headers=OPEN)
        number, _, path = request.path.lstrip("/").partition("/")
        record = self.records[int(number)]
        try:
            if path == "v1/live" and isinstance(record, Record):
                return await told_live(request, record)
            answer = await self._answer(request, record, path)
        except ConnectionResetError:
            raise  # the client has left
        except Exception:
            self.faults.append(f"{record.case}: {traceback.format_exc()}")
            raise
        if answer.is_broken:
            return await _broken(request, answer)
        return web.Response(status=answer.status, headers={**answer.headers, **OPEN}, body=answer.body)

    async def _answer(self, request: web.Request, record: AnyRecord, path: str) -> Answer:
        parts = path.split("/")
        if path in ("turn", "honest"):
            record.turn(is_honest=path == "honest")
            return Answer(200, {}, b"")
        if parts[1:2] in (["chains"], ["doors"]):
            return await _of_chain(request, record, parts)
        assert isinstance(record, Record), "of a space, chains alone are asked for"
        if path == "v1/info":
            return json_answer(200, record.info())
        if path == "v1/blocks/get":
            return Answer(200, BYTES, record.blocks(decode_ids(await request.read())))
        if path == "v1/blocks/put":
            return record.put(await request.read())
        block_id = bytes.fromhex(parts[2])
        if request.method == "PUT":
            return record.put_alone(block_id, await request.read())
        data = record.block(block_id)
        return refusal(404) if data is None else Answer(200, BYTES, data)


async def _of_chain(request: web.Request, record: AnyRecord, parts: Sequence[str]) -> Answer:
    part = record.of(bytes.fromhex(parts[2]))
    return refusal(404) if part is None else await _asked_of(request, part, parts)


async def _asked_of(request: web.Request, record: Record, parts: Sequence[str]) -> Answer:
    if request.method == "POST":
        return record.append(await request.read())
    if len(parts) == 3:
        return record.head()
    query = request.query
    return record.page(int(query.get("from", 0)), int(query.get("to", 2**53)), int(query.get("limit", 256)))


async def _broken(request: web.Request, answer: Answer) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers={**answer.headers, **OPEN})
    response.content_length = len(answer.body) + 1
    await response.prepare(request)
    await response.write(answer.body[: len(answer.body) // 2])
    assert request.transport is not None
    request.transport.abort()
    return response


async def _page(_: web.Request) -> web.Response:
    return web.Response(text=_PAGE, content_type="text/html")


@contextmanager
def lying() -> Iterator[EvilServer]:
    """The server, in a thread of its own."""
    server, loop = EvilServer(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    runner = asyncio.run_coroutine_threadsafe(_started(server), loop).result(60)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _started(server: EvilServer) -> web.AppRunner:
    app = web.Application(client_max_size=2**24)
    app.router.add_static("/sdk", ROOT / "web" / "sdk")
    app.router.add_static("/tests", ROOT / "tests" / "evil")
    app.router.add_get("/", _page)
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None, logger=logging.getLogger("evil"), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.port = runner.addresses[0][1]
    return runner
