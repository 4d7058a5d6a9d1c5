"""One server over HTTP (`aiohttp`): requests with deadlines, retries of what may be sent again, errors as everywhere.

Every write of the protocol may be sent again with the same bytes, so a broken connection is answered by sending again;
only when that does not settle it does the caller see `Unknown`.
"""

from __future__ import annotations

import asyncio
import io
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from cairn.core.errors import CairnError, Invalid, Limited, Unavailable, Unknown
from cairn.wire.messages import BATCH_BYTES_MAX
from cairn.wire.status import error_of

_TRIES: Final = 6
_PAUSE_SECONDS: Final = 0.1
_PAUSE_SECONDS_MAX: Final = 3.0
_WAIT_WHEN_LIMITED_SECONDS_MAX: Final = 10
_PATIENCE_SECONDS: Final = 60.0  # no try begins later: a server that never answers is not waited for six times over
_REQUEST_SECONDS: Final = 120.0
_SLOWEST_BYTES_PER_SECOND: Final = 16 * 1024
_ANSWER_BYTES_MAX: Final = BATCH_BYTES_MAX + 1024 * 1024
_PROBLEM_BYTES_MAX: Final = 64 * 1024


class Unreachable(Unavailable):
    """No connection to the server could be made."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer, whole."""

    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes

    def json(self) -> Any:
        """The body as JSON. Raises Invalid."""
        return parse_json(self.body)


class HttpServer:
    """A server at a URL, and the grant that pays for writes to it."""

    def __init__(self, url: str, session: aiohttp.ClientSession, grant: str | None = None) -> None:
        self.url = url.rstrip("/")
        self.session = session
        self._headers = {"Authorization": f"Bearer {grant}"} if grant else {}

    async def ask(self, method: str, path: str, *, body: bytes | None = None, **headers: str) -> Answer:
        """Send a request until it is answered or hope is lost. Header names are given with underscores.

        Raises:
            CairnError: what the server answered. Unreachable: it was never reached. Unknown: a write may be done.
        """
        error: CairnError | None = None
        doubt: Unknown | None = None  # once a write may be done, no later failure takes that back
        began = time.monotonic()
        for attempt in range(_TRIES):
            if error is not None:
                await asyncio.sleep(_pause_seconds(error, attempt))
            try:
                return await self._ask_once(method, path, body, _named(headers))
            except Unknown as unknown:
                error = doubt = unknown
            except (Unavailable, Limited) as failed:
                error = failed
            if not is_worth_waiting(error) or time.monotonic() - began > _PATIENCE_SECONDS:
                break
        assert error is not None
        raise doubt or error

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, *, body: bytes | None = None, **headers: str
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The body of an answer as it arrives; not retried, and without an end of its own.

        Raises:
            CairnError: as `ask`; Unavailable when the connection breaks.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)
        try:
            async with self.session.request(
                method, self.url + path, data=_data(body), headers={**self._headers, **_named(headers)},
                timeout=timeout, allow_redirects=False,
            ) as response:  # fmt: skip
                if response.status >= 300:
                    raise await _error_in(response, is_write=False)
                yield response.content.iter_any()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise lost(error, self.url, is_write=False) from None

    async def _ask_once(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        is_write = method in ("PUT", "POST", "DELETE")
        try:
            async with self.session.request(
                method, self.url + path, data=_data(body), headers={**self._headers, **headers},
                timeout=_deadline(body), allow_redirects=False,
            ) as response:  # fmt: skip
                if response.status >= 300 and response.status != 304:
                    raise await _error_in(response, is_write=is_write)
                received = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status, received, await _bounded(response, _ANSWER_BYTES_MAX))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise lost(error, self.url, is_write=is_write) from None


@asynccontextmanager
async def open_session() -> AsyncIterator[aiohttp.ClientSession]:
    """A session with kept connections and deadlines. Cookies are not kept, and proxies of the environment are used."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=16),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=True,
        auto_decompress=False,
    ) as session:
        yield session


def parse_json(text: bytes | str) -> Any:
    """What a server sent as JSON.

    Raises:
        Invalid: it is not, or nested beyond reason.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid("the server's answer is not JSON: is this a Cairn server?") from None


def is_worth_waiting(error: CairnError) -> bool:
    """Whether the same request may well succeed soon: a limit must say when."""
    if not isinstance(error, Limited):
        return True
    return 0 < (error.retry_seconds or 0) <= _WAIT_WHEN_LIMITED_SECONDS_MAX


async def _error_in(response: aiohttp.ClientResponse, *, is_write: bool) -> CairnError:
    """The error that an answer means. A proxy whose server failed it does not know what became of a write."""
    try:
        found = parse_json(await _bounded(response, _PROBLEM_BYTES_MAX))
    except Invalid:
        found = {}
    document = found if isinstance(found, dict) else {}
    error = error_of(response.status, document, _retry_seconds(response.headers.get("Retry-After", "")))
    if is_write and response.status >= 500 and isinstance(error, Unavailable) and document.get("code") != error.code:
        return Unknown("the answer does not say whether the write was done: send it again")
    return error


def _retry_seconds(header: str) -> int | None:
    return int(header) if header.isascii() and header.isdecimal() and len(header) < 10 else None


async def _bounded(response: aiohttp.ClientResponse, bytes_max: int) -> bytes:
    pieces = bytearray()
    async for piece in response.content.iter_any():
        pieces += piece
        if len(pieces) > bytes_max:
            raise Invalid("the server's answer is larger than any that was asked for")
    return bytes(pieces)


def lost(error: Exception, url: str, *, is_write: bool) -> CairnError:
    """What a broken connection means: before the request was sent, nothing happened."""
    if isinstance(error, aiohttp.InvalidURL | ValueError):
        return Invalid("the server's address is not a URL such as http://127.0.0.1:8420")
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | ConnectionRefusedError):
        return Unreachable(f"nobody answers at {url}: check the address, and that a server runs there")
    if is_write:
        return Unknown("the connection broke before the answer: the write may or may not be done; send it again")
    return Unavailable("the connection broke before the answer: try again")


def _pause_seconds(error: CairnError, attempt: int) -> float:
    if isinstance(error, Limited) and error.retry_seconds:
        return float(error.retry_seconds)
    pause: float = min(_PAUSE_SECONDS_MAX, _PAUSE_SECONDS * 2**attempt)
    return pause * (0.5 + random.random() / 2)  # noqa: S311 - jitter


def _deadline(body: bytes | None) -> aiohttp.ClientTimeout:
    """How long a request may take: a large body gets the time that a slow line needs, shared by several requests."""
    seconds = _REQUEST_SECONDS + len(body or b"") / _SLOWEST_BYTES_PER_SECOND
    return aiohttp.ClientTimeout(total=seconds, sock_connect=10, sock_read=60)


def _data(body: bytes | None) -> io.BytesIO | None:
    """A body as something that is read piece by piece, so that a large one does not hold up the event loop."""
    return None if body is None else io.BytesIO(body)


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
