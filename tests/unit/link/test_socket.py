"""A connection of the link whose other end takes its time."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
import uvloop

from cairn.core.errors import Unavailable
from cairn.link.socket import Place, Socket, connect, listening
from tests.waiting import until


@pytest.mark.parametrize("kind", ["tcp", "unix"])
@pytest.mark.parametrize("sender", ["who answers", "who asks"])
def test_what_waits_to_be_sent_stays_as_it_is(tmp_path: Path, kind: str, sender: str) -> None:
    """On the event loop of a server: others copy what they are given."""
    messages = [bytes([number]) * (number * 500) for number in range(256)]

    async def run() -> list[bytes]:
        opened: asyncio.Queue[Socket] = asyncio.Queue()
        place = Place(path=str(tmp_path / "socket")) if kind == "unix" else Place("127.0.0.1")
        async with listening(place, opened.put_nowait, None, lambda *_: None) as port:
            asks = await connect(place._replace(port=port), None)
            answers = await opened.get()
            sends, takes = (answers, asks) if sender == "who answers" else (asks, answers)
            received: list[bytes] = []
            takes.on_message = received.append
            takes.pause()
            for message in messages:
                sends.send(message)
            takes.resume()
            await until(lambda: len(received) == len(messages) or takes.is_lost)
            sends.drop()
            return received

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        received = runner.run(run())
    assert [len(message) for message in received] == [len(message) for message in messages]
    assert received == messages


@pytest.mark.parametrize("kind", ["tcp", "unix"])
@pytest.mark.parametrize("is_read", [False, True])
def test_who_goes_during_the_handshake_cannot_be_reached(tmp_path: Path, kind: str, is_read: bool) -> None:
    """As a storage that is killed while it is frozen: what asks must know, and try again."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET) as listening:
            listening.bind(str(tmp_path / "socket") if kind == "unix" else ("127.0.0.1", 0))
            listening.listen()
            listening.setblocking(False)
            place = Place(path=str(tmp_path / "socket"))
            if kind == "tcp":
                place = Place("127.0.0.1", listening.getsockname()[1])
            connecting = asyncio.create_task(connect(place, None))
            taken, _ = await loop.sock_accept(listening)
            with taken:
                if is_read:
                    await loop.sock_recv(taken, 10_000)
            with pytest.raises(Unavailable):
                await connecting

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
