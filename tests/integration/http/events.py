"""Server-Sent Events read from a raw connection (WHATWG HTML, 9.2): what a subscriber sees, byte by byte."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from cairn.core.chain import Entry


@dataclass(frozen=True)
class Event:
    """One event, or a comment (kind "")."""

    kind: str
    id: str
    data: Any

    @property
    def entry(self) -> Entry:
        """The entry that it carries."""
        return Entry.decode(base64.b64decode(self.data["entry"], validate=True))


class Subscriber:
    """One stream. `next` gives what comes; None at its end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self.status = 0
        self._rest = b""
        self.headers: dict[str, str] = {}

    @classmethod
    async def open(
        cls, port: int, chains: Sequence[str], last_event_id: str = "", buffer_bytes: int = 2**18
    ) -> Subscriber:
        """Ask for a stream of chains, each "ID" or "ID@SEQ", and read the head of the answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=buffer_bytes)
        resume = f"Last-Event-ID: {last_event_id}\r\n" if last_event_id else ""
        query = "&".join(f"chain={chain}" for chain in chains)
        writer.write(f"GET /v1/live?{query} HTTP/1.1\r\nHost: a.test\r\n{resume}\r\n".encode())
        subscriber = cls(reader, writer)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        subscriber.status = int(lines[0].split()[1])
        subscriber.headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        return subscriber

    async def next(self) -> Event | None:
        """The next event or comment."""
        while b"\n\n" not in self._rest:
            try:
                size = int(await self._reader.readuntil(b"\r\n"), 16)
                data = (await self._reader.readexactly(size + 2))[:-2] if size else b""
            except (asyncio.IncompleteReadError, ConnectionError):
                return None
            if not data:
                return None
            self._rest += data
        event, _, self._rest = self._rest.partition(b"\n\n")
        return parsed_event(event.decode() + "\n\n")

    async def next_entry(self) -> tuple[str, Entry]:
        """The id and entry of the next event; comments are skipped."""
        while (event := await self.next()) is not None:
            if event.kind == "entry":
                return event.id, event.entry
            assert event.kind == "", event
        raise EOFError("the stream ended")

    def cut(self) -> None:
        """End as a lost connection does."""
        self.writer.transport.abort()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


def parsed_event(text: str) -> Event:
    """The event in these lines."""
    assert text.endswith("\n\n")
    assert "\n\n" not in text[:-2]
    if text.startswith(":"):
        return Event("", "", text[1:].strip())
    fields = dict(line.split(": ", 1) for line in text.splitlines() if line)
    return Event(fields["event"], fields.get("id", ""), json.loads(fields["data"]))
