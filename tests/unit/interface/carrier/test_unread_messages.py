"""What comes over a WebSocket and is not asked for: a few messages, and not many bytes, then nothing more is read."""

from __future__ import annotations

from typing import Any

import pytest

from cairn.interface.carrier import sockets


class _Transport:
    """Both transports that a socket sees; counts what may come."""

    def __init__(self) -> None:
        self.underlying_transport = self
        self.is_reading = True

    def pause_reading(self) -> None:
        assert self.is_reading
        self.is_reading = False

    def resume_reading(self) -> None:
        assert not self.is_reading
        self.is_reading = True


def _socket() -> tuple[sockets._Socket, _Transport]:
    nothing: Any = None
    socket, transport = sockets._Socket(nothing, "192.0.2.1", 30.0, lambda _: None), _Transport()
    socket.on_ws_connected(transport)  # type: ignore[arg-type]
    return socket, transport


@pytest.mark.parametrize(
    ("message", "count"),
    [(b"x", sockets._UNREAD_MESSAGES_MAX), (bytes(100_000), sockets._UNREAD_BYTES_MAX // 100_000 + 1)],
)
async def test_reading_stops_and_goes_on(message: bytes, count: int) -> None:
    socket, transport = _socket()
    for number in range(count):
        assert transport.is_reading, number
        socket._arrive(message)
    assert not transport.is_reading
    socket._arrive(message)  # was under way
    await socket.receive()
    assert not transport.is_reading, "there is as much as there may be"
    await socket.receive()
    assert transport.is_reading
