"""Requests made by hand, for tests of handlers without a server between."""

from __future__ import annotations

from collections.abc import AsyncIterator

from cairn.interface.http.exchange import FileSlice, Request, Response


class GivenHeaders:
    """Headers as a handler sees them."""

    def __init__(self, headers: dict[str, str]) -> None:
        self._headers = {name.lower(): value for name, value in headers.items()}

    def get(self, name: str, default: str | None = None) -> str | None:
        return self._headers.get(name, default)

    def get_all(self, name: str) -> list[str]:
        return [self._headers[name]] if name in self._headers else []


class NoBody:
    """The body of a request that has none."""

    async def read(self, bytes_max: int) -> bytes:
        return b""

    async def stream(self) -> AsyncIterator[bytes]:
        for piece in tuple[bytes, ...]():
            yield piece


def asked(path: str, method: str = "GET", host: str = "localhost", query: str = "", **headers: str) -> Request:
    """A request; headers by keyword, with underscores for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method, path, query, GivenHeaders(named), NoBody(), "127.0.0.1", "http", host)


def header(response: Response, name: str) -> str | None:
    """The one value of a header of an answer."""
    values = [value for found, value in response.headers if found == name]
    assert len(values) <= 1, f"{name} is there {len(values)} times"
    return values[0] if values else None


def content(response: Response) -> bytes:
    """The bytes that a server would send for an answer's body."""
    if isinstance(response.body, FileSlice):
        with response.body.path.open("rb") as file:
            file.seek(response.body.start)
            return file.read(response.body.stop - response.body.start)
    assert isinstance(response.body, bytes)
    return response.body
