"""Every path that is not the API's: which site a host name means, and what is answered where nothing is."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Final, Self

from cairn.config import ConfigError, Site
from cairn.core.errors import NotFound
from cairn.interface.http.answers import NO_STORE, other_problem, problem_answer
from cairn.interface.http.exchange import Request, Response
from cairn.interface.routes.console import CONSOLE_HEADERS
from cairn.interface.sites.bundled import web_folder
from cairn.interface.sites.headers import DEFAULTS
from cairn.interface.sites.static import METHODS, StaticFiles, redirect_to_folder

_PATTERN: Final = re.compile(r"(\*\.)?[\w-]+(\.[\w-]+)*|\[[0-9a-f:.]+\]")
_ALLOW: Final = ("allow", ", ".join(METHODS))


def bundled_mounts() -> dict[str, StaticFiles]:
    """What comes with the program, by prefix: the SDK and the console."""
    return {
        "/sdk/": StaticFiles(web_folder("sdk"), is_compressed=True),
        "/console/": StaticFiles(web_folder("console"), headers=CONSOLE_HEADERS, is_compressed=True),
    }


class Sites:
    """The configured sites, and the folders mounted under a prefix of every host: by default `bundled_mounts`.

    An async context manager: it indexes the folders, and follows their changes while it is open.
    """

    def __init__(self, sites: Sequence[Site], mounts: Mapping[str, StaticFiles] | None = None) -> None:
        """Take over the configuration.

        Raises:
            ConfigError: a host is named twice, a pattern is malformed, or a header cannot be set.
        """
        self._files_of_host: dict[str, StaticFiles | None] = {}
        for site in sites:
            self._add(site)
        self._mounts = bundled_mounts() if mounts is None else mounts
        self._watching: list[asyncio.Task[None]] = []

    def _add(self, site: Site) -> None:
        try:
            files = _files_of(site) if site.static else None
        except ValueError as error:
            raise ConfigError(str(error)) from None
        for host in site.host or ("*",):
            pattern = _checked_pattern(host)
            if pattern in self._files_of_host:
                raise ConfigError(f'site.host: "{pattern}" belongs to two sites')
            self._files_of_host[pattern] = files

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Index every folder, then follow them."""
        folders = {files for files in (*self._files_of_host.values(), *self._mounts.values()) if files}
        await asyncio.gather(*(files.start() for files in folders))
        self._watching = [asyncio.create_task(files.watch()) for files in folders]

    async def stop(self) -> None:
        """Follow no more."""
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        self._watching = []

    async def handle(self, request: Request) -> Response:
        """The answer to a request for a site."""
        if request.path + "/" in self._mounts and request.method in METHODS:
            return redirect_to_folder(request, self._mounts[request.path + "/"].headers)
        mounted = self._mounted(request)
        files = mounted[0] if mounted else self._files_of(request.host)
        if mounted:
            request = mounted[1]
        if request.method not in METHODS:
            return _wrong_method(files is not None and files.knows(request.path))
        response = await files.handle(request) if files else None
        if response is None and files:
            response = await files.not_found(request)
        return response or _nothing_here(request, is_empty=files is None)

    def _files_of(self, host: str) -> StaticFiles | None:
        """The folder of a host: by its name, by the longest pattern that fits, or the one for all others."""
        host = host.removesuffix(".")
        if host in self._files_of_host:
            return self._files_of_host[host]
        dot = host.find(".")
        while dot >= 0:
            pattern = "*" + host[dot:]
            if pattern in self._files_of_host:
                return self._files_of_host[pattern]
            dot = host.find(".", dot + 1)
        return self._files_of_host.get("*")

    def _mounted(self, request: Request) -> tuple[StaticFiles, Request] | None:
        """The mounted folder that a path lies in, and the request as that folder sees it."""
        for prefix, files in self._mounts.items():
            if request.path.startswith(prefix):
                return files, _below(request, prefix)
        return None


def _below(request: Request, prefix: str) -> Request:
    path = "/" + request.path[len(prefix) :]
    return Request(
        request.method, path, request.query, request.headers, request.body, request.client, request.scheme, request.host
    )


def _files_of(site: Site) -> StaticFiles:
    return StaticFiles(Path(site.static), spa=site.spa, headers=site.headers, is_compressed=True)


def _checked_pattern(host: str) -> str:
    pattern = host.strip().lower().removesuffix(".")
    if pattern != "*" and not _PATTERN.fullmatch(pattern):
        raise ConfigError('site.host: expected a name such as "example.org", or a pattern such as "*.example.org"')
    return pattern


def _wrong_method(is_there: bool) -> Response:
    if is_there:
        return other_problem(405, "method", "Method not allowed", "files can only be read: see Allow", _ALLOW)
    return problem_answer(NotFound("there is nothing at this address"))


def _nothing_here(request: Request, *, is_empty: bool) -> Response:
    if "text/html" not in (request.headers.get("accept") or ""):
        return problem_answer(NotFound("there is nothing at this address"))
    page = _EMPTY if is_empty and request.path == "/" else _NOT_FOUND
    headers = [*_PAGE_HEADERS, ("content-length", str(len(page)))]
    return Response(404, headers, b"" if request.method == "HEAD" else page)


_STYLE: Final = (
    ":root{color-scheme:light dark}"
    "body{margin:0;min-height:100vh;display:grid;place-content:center;padding:1.5rem;box-sizing:border-box;"
    "font:1.0625rem/1.6 system-ui,sans-serif;background:#faf9f6;color:#22261f}"
    "main{max-width:32rem}h1{font-size:1.5rem;margin:0 0 .5rem;text-wrap:balance}p{margin:.5rem 0;color:#5b6157}"
    "code{font:.95em ui-monospace,monospace}"
    "@media(prefers-color-scheme:dark){body{background:#151714;color:#e9ebe4}p{color:#a3aa9c}}"
)


def _page(title: str, text: str) -> bytes:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style><main><h1>{escape(title)}</h1><p>{text}</p></main></html>"
    ).encode()


_NOT_FOUND: Final = _page("There is nothing at this address", "It may have moved, or the link has a mistake in it.")
_EMPTY: Final = _page(
    "This is Cairn, without a site",
    "It keeps blocks and chains under <code>/v1/</code>. To serve a front end as well, name its folder: "
    "<code>cairn serve --www DIR</code>.",
)
_PAGE_HEADERS: Final = [
    *((name, value) for name, value in DEFAULTS.items() if name != "content-security-policy"),
    ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    ("content-type", "text/html; charset=utf-8"),
    NO_STORE,
]
