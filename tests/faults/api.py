"""Single requests to a server, without the client's retries: an answer counts only if it came."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

CONNECTIONS = 32


class Lost(Exception):
    """The connection broke before the answer: the outcome is unknown."""


@dataclass
class Api:
    """A server's API, raw."""

    url: str
    session: aiohttp.ClientSession

    async def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """One request; its status and body. Raises Lost."""
        try:
            async with self.session.request(method, self.url + path, data=body, headers=headers) as response:
                return response.status, await response.read()
        except TimeoutError:
            raise AssertionError(f"{method} {path[:12]} was not answered in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Lost from error


@asynccontextmanager
async def open_api(url: str) -> AsyncIterator[Api]:
    """The API of the server at `url`."""
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as session:
        yield Api(url, session)
