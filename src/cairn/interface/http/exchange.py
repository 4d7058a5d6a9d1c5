"""Requests and responses as handlers see them. `carrier` alone knows which HTTP they came by."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

Headers = list[tuple[str, str]]
"""Response headers: lower-case names."""


class RequestHeaders(Protocol):
    """The headers of a request; names in lower case."""

    def get(self, name: str, default: str | None = None) -> str | None:
        """The first value of a header."""
        ...

    def get_all(self, name: str) -> list[str]:
        """All values of a header, in order."""
        ...


class RequestBody(Protocol):
    """The body of a request, not yet read."""

    async def read(self, bytes_max: int) -> bytes:
        """All of it.

        Raises:
            TooLarge: it is longer, as far as it was read.
            Invalid: it ended early, or its length was a lie.
            Limited: it came too slowly.
        """
        ...


@dataclass(slots=True)
class Request:
    """One request."""

    method: str
    path: str  # percent-decoded
    query: str  # as sent, without "?"
    headers: RequestHeaders
    body: RequestBody
    client: str  # the address, without port, behind trusted proxies
    scheme: str
    host: str  # of the Host header or :authority, lower case, without port


@dataclass(frozen=True, slots=True)
class FileSlice:
    """Bytes start <= i < stop of a file, sent piece by piece."""

    path: Path
    start: int
    stop: int


@dataclass(slots=True)
class Response:
    """One answer. An iterator as body is closed (`aclose`) when the client is gone. `held_bytes` are those of the room
    for answers that the body takes up, until whoever sends it gives them back."""

    status: int
    headers: Headers = field(default_factory=list)
    body: bytes | FileSlice | AsyncIterator[bytes] = b""
    held_bytes: int = 0
