"""A file that is under way takes up room, since a client may have many under way and take none of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cairn.config import Limits
from cairn.interface.admission.forwarded import TrustedProxies
from cairn.interface.admission.room import room_for_answers
from cairn.interface.carrier.answering import Answering
from cairn.interface.http.exchange import FileSlice, Headers, Response

_CLIENT = "192.0.2.1"


class _Channel:
    """Takes nothing until it is told to."""

    def __init__(self) -> None:
        self.status = 0
        self.body = b""
        self.may_take = asyncio.Event()

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        self.status, self.body = status, body

    def begin(self, status: int, headers: Headers) -> None:
        self.status = status

    async def write(self, piece: bytes) -> bool:
        await self.may_take.wait()
        self.body += piece
        return True

    def finish(self) -> None:
        pass

    def when_gone(self, end: asyncio.Timeout | None) -> None:
        pass


async def test_files_that_nobody_takes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100)
    app: Any = SimpleNamespace(room=room_for_answers())
    answering = Answering(app, Limits(), TrustedProxies(()), is_tls=True)
    channels: list[_Channel] = []
    sending: list[asyncio.Task[None]] = []
    while not channels or channels[-1].status != 503:
        channels.append(_Channel())
        response = Response(200, [], FileSlice(path, 0, 100))
        sending.append(asyncio.create_task(answering.send("GET", response, channels[-1], _CLIENT)))
        await asyncio.sleep(0)
        assert len(channels) < 2_000
    assert len(channels) > 100
    for channel in channels:
        channel.may_take.set()
    await asyncio.gather(*sending)
    assert all(channel.body == b"x" * 100 for channel in channels[:-1])
    again = _Channel()
    again.may_take.set()
    await answering.send("GET", Response(200, [], FileSlice(path, 0, 100)), again, _CLIENT)
    assert (again.status, again.body) == (200, b"x" * 100)
