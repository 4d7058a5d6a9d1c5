"""A client of HTTP/2 on h2, which sees what comes on each stream, and may hold back what it should let come."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from h2.config import H2Configuration
from h2.connection import ConnectionState, H2Connection
from h2.events import ConnectionTerminated, DataReceived, ResponseReceived, StreamEnded, StreamReset
from h2.settings import SettingCodes

from tests.integration.http.frames import client_context
from tests.waiting import until


@dataclass
class Came:
    """What came on a stream so far."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    is_whole: bool = False
    reset: int | None = None

    @property
    def is_over(self) -> bool:
        """Nothing more will come."""
        return self.is_whole or self.reset is not None


class Client:
    """One connection. `window` is that of each stream, 0 for none; `is_taking` lets what came be followed by more."""

    def __init__(self, reader, writer, window, is_taking) -> None:
        self.codec = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self.streams: dict[int, Came] = {}
        self.goodbye: int | None = None
        self.is_closed = False
        self.is_taking = is_taking
        self._reader = reader
        self._writer = writer
        self.codec.local_settings[SettingCodes.INITIAL_WINDOW_SIZE] = window
        self.codec.local_settings.acknowledge()
        self.codec.initiate_connection()
        self._flush()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, server, window: int = 65_535, *, is_taking: bool = True) -> Self:
        """Connect."""
        context = client_context(server.folder)
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", server.port, ssl=context, server_hostname="localhost"
        )
        return cls(reader, writer, window, is_taking)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reading.cancel()
        self._writer.transport.abort()
        await asyncio.gather(self._reading, return_exceptions=True)

    def ask(self, method: str, path: str, *more: tuple[str, str], is_whole: bool = True) -> int:
        """Begin a request; its stream."""
        stream = self.codec.get_next_available_stream_id()
        pseudo = [(":method", method), (":scheme", "https"), (":path", path), (":authority", "a.test")]
        self.streams[stream] = Came()
        self.codec.send_headers(stream, [*pseudo, *more], end_stream=is_whole)
        self._flush()
        return stream

    async def send(self, stream: int, data: bytes, *, is_last: bool = True, padding: int | None = None) -> None:
        """Bytes of its body, as the server lets them come; all of them, or until it wants no more."""
        overhead = 0 if padding is None else padding + 1
        size = 1_024 if overhead else self.codec.max_outbound_frame_size
        for start in range(0, len(data), size):
            piece = data[start : start + size]
            need = len(piece) + overhead
            await until(lambda need=need: self._is_over(stream) or self.codec.local_flow_control_window(stream) >= need)  # type: ignore[misc]
            if self._is_over(stream):
                return
            self.codec.send_data(stream, piece, is_last and start + size >= len(data), padding)
            self._flush()

    def reset(self, stream: int) -> None:
        """Have no more of it."""
        self.codec.reset_stream(stream, 8)
        self._flush()

    def widen(self, size: int) -> None:
        """Let more come on the connection."""
        self.codec.increment_flow_control_window(size)
        self._flush()

    def settle(self, setting: SettingCodes, value: int) -> None:
        """Say a setting, once more perhaps."""
        self.codec.update_settings({setting: value})
        self._flush()

    def leave(self) -> None:
        """Say that nothing more will be asked for; h2 itself would then have no more come, either."""
        self._writer.write(bytes((0, 0, 8, 7, 0, 0, 0, 0, 0)) + bytes(8))

    async def answer(self, stream: int) -> Came:
        """All that comes."""
        await until(lambda: self._is_over(stream), 60)
        return self.streams[stream]

    async def get(self, path: str) -> Came:
        """Ask, and wait for the answer."""
        return await self.answer(self.ask("GET", path))

    def _is_over(self, stream: int) -> bool:
        return self.streams[stream].is_over or self.is_closed

    def _flush(self) -> None:
        self._writer.write(self.codec.data_to_send())

    async def _read(self) -> None:
        with suppress(ConnectionError):
            while data := await self._reader.read(65_536):
                for event in self.codec.receive_data(data):
                    self._note(event)
                self._flush()
        self.is_closed = True

    def _note(self, event) -> None:
        if isinstance(event, ConnectionTerminated):
            self.goodbye = event.error_code
            self.codec.state_machine.state = ConnectionState.CLIENT_OPEN  # h2 ends streams, too, that were begun before
            return
        came = self.streams.get(getattr(event, "stream_id", 0) or 0)
        if came is None:
            return
        if isinstance(event, ResponseReceived):
            came.headers = dict(event.headers)  # type: ignore[arg-type]
            came.status = int(came.headers[":status"])
        elif isinstance(event, DataReceived):
            came.body += event.data
            if self.is_taking:
                self.codec.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamEnded):
            came.is_whole = True
        elif isinstance(event, StreamReset):
            came.reset = int(event.error_code or 0)
