"""What the console shows: the numbers of /metrics, now and in the past. The page itself is in `web/console`.

Both come from one registry, read once a second, so the console can't tell anything else than /metrics does.
"""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from cairn import __version__
from cairn.core.clock import Clock
from cairn.core.errors import Invalid
from cairn.interface.admission.access import Access, Viewer
from cairn.interface.http.answers import COMMON, NO_STORE
from cairn.interface.http.encodings import IDENTITY, best_of
from cairn.interface.http.exchange import Headers, Request, Response
from cairn.interface.http.query import parse_query
from cairn.interface.numbers.history import RINGS, History, Past, is_wanted
from cairn.interface.numbers.metrics import Metrics
from cairn.wire.routes import CONSOLE_NAMES_MAX, JSON

CONSOLE_HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": "; ".join((
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )),
    "x-robots-tag": "noindex",
}  # fmt: skip
"""What the page may do: run its own modules and ask its own server."""

_STEPS: Final = {str(step): step for step, _ in RINGS}
_SAMPLE_SECONDS: Final = 1.0
_GZIP_LEVEL: Final = 5
_PREFIX_CHARS_MAX: Final = 64
_SINCE_MAX: Final = 2**53 - 1


class _Wanted(NamedTuple):
    step_seconds: int
    since_ms: int
    prefixes: tuple[str, ...]


class ConsoleRoutes:
    """The handler of /console/data, and the loop that fills its history."""

    def __init__(self, access: Access, metrics: Metrics, clock: Clock) -> None:
        self._access = access
        self._metrics = metrics
        self._clock = clock
        self._opened_ms = clock.now_ms()
        self.history = History()

    async def remember(self) -> None:
        """Take all numbers once a second, until cancelled."""
        while True:
            await self._metrics.look_at_process()
            self.history.take(self._clock.now_ms(), self._metrics.numbers())
            await asyncio.sleep(_SAMPLE_SECONDS - time.monotonic() % _SAMPLE_SECONDS)

    async def get_console_data(self, request: Request) -> Response:
        """GET /console/data."""
        self._access.check_viewer(request, Viewer.CONSOLE)
        wanted = _parse(request.query)
        about = {"version": __version__, "started_ms": self._started_ms(), "time_ms": self.history.time_ms}
        now, past = self.history.now, self.history.past(wanted.step_seconds)
        encoding = best_of(request.headers.get("accept-encoding"), {IDENTITY: 1, "gzip": 0})
        body = await asyncio.to_thread(_body, about, now, past, wanted, encoding)
        headers: Headers = [*COMMON, ("content-type", JSON), NO_STORE, ("vary", "accept-encoding")]
        if encoding != IDENTITY:
            headers.append(("content-encoding", encoding))
        return Response(200, headers, body)

    def _started_ms(self) -> int:
        """When the first of the processes started that serve together: the same from any of them."""
        return int(self.history.now.get("process_start_time_seconds", 0) * 1_000) or self._opened_ms


def _body(about: dict[str, Any], now: Mapping[str, float], past: Past, wanted: _Wanted, encoding: str) -> bytes:
    document = {
        **about,
        "now": {name: value for name, value in now.items() if is_wanted(name, wanted.prefixes)},
        **past.document(wanted.prefixes, wanted.since_ms),
    }
    plain = msgspec.json.encode(document)
    return gzip.compress(plain, _GZIP_LEVEL) if encoding == "gzip" else plain


def _parse(query: str) -> _Wanted:
    fields = {name: values[-1] for name, values in parse_query(query, 16).items()}
    step = _STEPS.get(fields.get("step", "1"))
    since = fields.get("since", "0")
    prefixes = tuple(filter(None, fields.get("names", "").split(",", CONSOLE_NAMES_MAX)))
    if step is None:
        raise Invalid(f"step is one of {', '.join(_STEPS)}: the seconds from one row to the next")
    if not (since.isascii() and since.isdecimal()) or len(since) > 16 or int(since) > _SINCE_MAX:
        raise Invalid("since is a time in milliseconds, as time_ms tells it")
    if len(prefixes) > CONSOLE_NAMES_MAX or any(len(prefix) > _PREFIX_CHARS_MAX for prefix in prefixes):
        raise Invalid(f"names are at most {CONSOLE_NAMES_MAX} beginnings of names, with commas between")
    return _Wanted(step, int(since), prefixes)
