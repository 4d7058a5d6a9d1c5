"""Server-Sent Events out of a stream of bytes (WHATWG HTML, 9.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from cairn.core.errors import Invalid

EVENT_BYTES_MAX: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Event:
    """One event."""

    type: str
    data: str


async def events_in(pieces: AsyncIterator[bytes]) -> AsyncIterator[Event]:
    """The events of a stream, as they are complete. Comments and ids are passed over.

    Raises:
        Invalid: one is longer than `EVENT_BYTES_MAX`, or not UTF-8.
    """
    rest = b""
    async for piece in pieces:
        rest += piece
        *whole, rest = rest.split(b"\n\n")
        for text in whole:
            event = _parse(text)
            if event is not None:
                yield event
        if len(rest) > EVENT_BYTES_MAX:
            raise Invalid("the server sent an event that is too long")


def _parse(block: bytes) -> Event | None:
    try:
        lines = block.decode().split("\n")
    except UnicodeDecodeError:
        raise Invalid("the server sent an event that is not UTF-8") from None
    fields = [line.partition(":") for line in lines if line and not line.startswith(":")]
    data = [value.removeprefix(" ") for name, _, value in fields if name == "data"]
    kinds = [value.removeprefix(" ") for name, _, value in fields if name == "event"]
    return Event(kinds[-1] if kinds else "message", "\n".join(data)) if data else None
