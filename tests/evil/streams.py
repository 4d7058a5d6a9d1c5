"""What the lying server sends live: on a socket, or, in cases where it takes none, as events."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from aiohttp import WSMsgType, web

from cairn.wire.live import decode_command, encode_beat
from tests.evil.lies.events import body_of
from tests.evil.record import TIME_MS, Record

OPEN = {
    "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*", "Access-Control-Allow-Methods": "*",
    "Access-Control-Expose-Headers": "Cairn-Head, Retry-After",
}  # fmt: skip


async def told_live(request: web.Request, record: Record) -> web.StreamResponse:
    """An answer to who asks for /v1/live."""
    if "upgrade" not in request.headers:
        return await _events(request, record)
    return web.Response(status=404) if record.case.scenario == "stream" else await _socket(request, record)


async def _socket(request: web.Request, record: Record) -> web.StreamResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type != WSMsgType.TEXT:
            continue
        command = decode_command(message.data)
        if command.beat is not None:
            await socket.send_str(encode_beat(TIME_MS, command.beat))
        for start in command.subscribe.values():
            if record.case.scenario == "hear":
                for said in record.messages():
                    await socket.send_bytes(said)
                continue
            told = record.live(start)
            for frame in told.frames:
                await (socket.send_str(frame) if isinstance(frame, str) else socket.send_bytes(frame))
            if told.is_cut:
                await socket.close()
    return socket


async def _events(request: web.Request, record: Record) -> web.StreamResponse:
    """It goes on until the client leaves, unless it is cut or the chain has ended."""
    place = request.headers.get("last-event-id", "")
    asked = request.query["chain"].partition("@")[2]
    told = record.events(int(place) if place.isascii() and place.isdecimal() else int(asked))
    response = web.StreamResponse(status=told.status, headers={"Content-Type": told.type, **OPEN})
    with suppress(ConnectionResetError):
        await response.prepare(request)
        await response.write(body_of(told.blocks))
    if not told.is_cut and not record.case.story.main.state.closed:
        await _gone(request)
    return response


async def _gone(request: web.Request) -> None:
    while request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(0.02)
