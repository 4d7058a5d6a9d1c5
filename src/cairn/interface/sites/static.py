"""The files of one folder over HTTP, from an index made beforehand: to serve is to look up, so no path that a request
invents ever reaches the file system.

`refresh` makes the index anew and swaps it in whole; `watch` does so for ever. A pass over an unchanged folder costs
one look at each file; the pause between passes grows with their length, so that watching takes at most a twentieth of
one core however many files there are.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

from cairn.interface.http.encodings import best_of
from cairn.interface.http.exchange import FileSlice, Headers, Request, Response
from cairn.interface.http.ranges import Unsatisfiable, etag_matches, parse_range
from cairn.interface.sites.folder import SETTLE_SECONDS, Index, compressed, scan
from cairn.interface.sites.headers import headers_of_site
from cairn.interface.sites.media import extension_of
from cairn.interface.sites.pages import REVALIDATE, Page, Variant, pages_of

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.5
WATCH_SHARE: Final = 0.05
METHODS: Final = ("GET", "HEAD")

_INDEX: Final = "index.html"
_NOT_FOUND: Final = "/404.html"
_OF_CONTENT: Final = ("content-type", "content-encoding", "etag", "cache-control")


class StaticFiles:
    """One folder, served. Empty until the first `refresh`."""

    def __init__(
        self, folder: Path, *, spa: bool = False, headers: Mapping[str, str] | None = None, is_compressed: bool = False
    ) -> None:
        """Serve `folder`.

        Args:
            folder: need not exist yet.
            spa: pages that are not there get "/index.html", if a browser navigates to them.
            headers: added to the defaults, or in place of them; an empty value removes one.
            is_compressed: text is sent with gzip, too, without a sibling on disk.

        Raises:
            ValueError: a header that cannot be set.
        """
        self.headers: Headers = headers_of_site(headers or {})
        self._folder = folder
        self._spa = spa
        self._is_compressed = is_compressed
        self._index = Index()
        self._served = self._index
        self._pages: dict[str, Page] = {}
        self._fallback: Page | None = None
        self._refreshing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Make the index; if files were being written just now, once more when they rest."""
        await self.refresh()
        if not self._index.is_settled:
            await asyncio.sleep(2 * SETTLE_SECONDS)
            await self.refresh()

    async def refresh(self) -> None:
        """Look at the folder, and serve what is there now. Those who ask while it is looked at share one look."""
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._refresh())
        await asyncio.shield(self._refreshing)

    async def _refresh(self) -> None:
        before = self._index
        self._index = await asyncio.to_thread(scan, self._folder, before)
        if self._index.files != before.files:
            await asyncio.to_thread(self._make_pages)

    def _make_pages(self) -> None:
        index = self._served = compressed(self._index, self._served) if self._is_compressed else self._index
        pages = pages_of(index, self.headers)
        home = "/" + _INDEX
        varied = ("accept", "sec-fetch-mode")
        self._fallback = Page.of(home, index, self.headers, varied) if self._spa and home in pages else None
        self._pages = pages

    async def watch(self) -> None:
        """Refresh for ever."""
        pause_seconds = POLL_SECONDS
        while True:
            await asyncio.sleep(pause_seconds)
            begun = time.monotonic()
            try:
                await self.refresh()
            except OSError:
                log.exception("a site's folder cannot be read")
            pause_seconds = max(self._poll_seconds(), (time.monotonic() - begun) / WATCH_SHARE)

    def _poll_seconds(self) -> float:
        return POLL_SECONDS if self._index.is_settled else 2 * SETTLE_SECONDS

    async def handle(self, request: Request) -> Response | None:
        """Answer a GET or HEAD; None if nothing is there."""
        if self._is_folder(request.path):
            return redirect_to_folder(request, self.headers)
        variant = await self._current(request, self._page_of)
        return _answer(variant, request) if isinstance(variant, Variant) else variant

    async def not_found(self, request: Request) -> Response | None:
        """The site's own page for what is not there, if it has one."""
        variant = await self._current(request, lambda _: self._pages.get(_NOT_FOUND))
        if not isinstance(variant, Variant):
            return None
        headers = [pair for pair in variant.headers if pair[0] not in ("etag", "accept-ranges")]
        return _send(404, headers, variant, 0, variant.record.size, request.method)

    def knows(self, path: str) -> bool:
        """Something is at this path, so that it is the method that is wrong."""
        return _file_at(path) in self._pages or self._is_folder(path)

    def _is_folder(self, path: str) -> bool:
        return path != "" and path in self._index.folders and f"{path}/{_INDEX}" in self._pages

    def _page_of(self, request: Request) -> Page | None:
        page = self._pages.get(_file_at(request.path))
        return self._fallback if page is None and _is_navigation(request) else page

    async def _current(self, request: Request, find: Callable[[Request], Page | None]) -> Variant | Response | None:
        """The representation to send, if its file is still what the index says; looks again if it is not."""
        for _ in range(2):
            page = find(request)
            if page is None:
                return None
            variant = page.variants[best_of(request.headers.get("accept-encoding"), page.sizes)]
            if variant.record.content is not None or variant.record.is_current():
                return variant
            await self.refresh()
        return Response(503, [*self.headers, ("retry-after", "1")])


def _file_at(path: str) -> str:
    return path + _INDEX if path.endswith("/") else path


def _is_navigation(request: Request) -> bool:
    """A browser goes to a page, rather than some code asking for data."""
    mode = request.headers.get("sec-fetch-mode", "navigate")
    wants_page = "text/html" in (request.headers.get("accept") or "")
    return wants_page and mode == "navigate" and not extension_of(request.path)


def redirect_to_folder(request: Request, headers: Headers) -> Response:
    """From a folder's name to the folder, so that relative links in it work. Relative itself: it never leaves here."""
    query = f"?{request.query}" if request.query.isascii() and request.query.isprintable() and request.query else ""
    name = request.path.rpartition("/")[2]
    location = f"./{quote(name, safe='')}/{query}"
    return Response(308, [*headers, ("location", location), ("cache-control", REVALIDATE)])


def _answer(variant: Variant, request: Request) -> Response:
    if etag_matches(request.headers.get("if-none-match"), variant.etag):
        return Response(304, [pair for pair in variant.headers if pair[0] != "content-type"])
    size = variant.record.size
    try:
        part = _range_of(request, variant.etag, size)
    except Unsatisfiable:
        headers = [pair for pair in variant.headers if pair[0] not in _OF_CONTENT]
        return Response(416, [*headers, ("content-range", f"bytes */{size}")])
    if part is None:
        return _send(200, list(variant.headers), variant, 0, size, request.method)
    start, stop = part
    headers = [*variant.headers, ("content-range", f"bytes {start}-{stop - 1}/{size}")]
    return _send(206, headers, variant, start, stop, request.method)


def _range_of(request: Request, etag: str, size: int) -> tuple[int, int] | None:
    """The part asked for; all of it, if the asker has the beginning of another version (If-Range)."""
    if_range = request.headers.get("if-range")
    if request.method != "GET" or (if_range is not None and if_range.strip() != etag):
        return None
    return parse_range(request.headers.get("range"), size)


def _send(status: int, headers: Headers, variant: Variant, start: int, stop: int, method: str) -> Response:
    content = variant.record.content
    if content is None and method != "HEAD":
        return Response(status, headers, FileSlice(variant.record.path, start, stop))
    headers.append(("content-length", str(stop - start)))
    if content is None or method == "HEAD":
        return Response(status, headers)
    return Response(status, headers, content if stop - start == len(content) else content[start:stop])
