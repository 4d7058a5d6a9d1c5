"""What the tests of the applications share: people with browsers, a wiretap, and what must hold of each application."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from cairn.interface.sites.bundled import web_folder
from tests.browser.axe import findings
from tests.faults.wiretap import Wiretap, wiretap
from tests.harness import Server
from tests.leaks import leaked

LINES_MAX = 300
COLUMNS_MAX = 130
NARROW_PIXELS = 360
CAPABILITY = re.compile(rb"crn1[a-z]_[\w-]{20,}")
SOURCES = (".html", ".css", ".js", ".webmanifest")


class Visitor:
    """Somebody with a browser of their own. What fails on their pages unseen, fails the test that closes it."""

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        self.url = url
        self.context: BrowserContext = browser.new_context(viewport={"width": 900, "height": 1000}, **options)
        self.faults: list[str] = []
        self.pages: list[Page] = []

    def open(self, path: str) -> Page:
        """A new tab, with a path of the server or a whole address."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda message: self.faults.append(message.text) if is_fault(message) else None)
        page.goto(path if "://" in path else f"{self.url}/{path.lstrip('/')}")
        self.pages.append(page)
        return page

    def close(self) -> None:
        """Close the browser."""
        for page in self.context.pages:
            page.unroute_all(behavior="ignoreErrors")  # what is being altered on its way has nobody to go to
        self.context.close()
        assert self.faults == [], self.faults


def is_fault(message: Any) -> bool:
    """An error on the console, but for those that browsers write of each request that is refused or gets no answer."""
    return message.type == "error" and not message.text.startswith(
        ("Failed to load resource", "WebSocket connection to")
    )


# --- what is asserted of each application


def applications() -> list[str]:
    """The names of all."""
    return sorted(path.parent.name for path in web_folder("apps").glob("*/index.html"))


def check_sources(name: str) -> None:
    """It is small, and its lines are honest."""
    files = [path for path in (web_folder("apps") / name).rglob("*") if path.suffix in SOURCES]
    lines = [line for path in files if "vendor" not in path.parts for line in path.read_text("utf-8").splitlines()]
    assert 0 < len(lines) < LINES_MAX
    assert max(map(len, lines)) <= COLUMNS_MAX


def check_accessible(page: Page) -> None:
    """axe finds nothing serious on the page as it stands, light and dark, and it fits a phone."""
    size = page.viewport_size
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = findings(page)
        assert found == [], found
    page.set_viewport_size({"width": NARROW_PIXELS, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW_PIXELS
    found = findings(page)
    assert found == [], found
    page.emulate_media(color_scheme="light")
    if size:
        page.set_viewport_size(size)


def check_link_is_gone(page: Page) -> None:
    """No capability stands where others could find it: in the address, the tab's history, or what the page's site keeps
    as text. Where the page leads to, nothing is told of it."""
    session = page.context.new_cdp_session(page)
    history = session.send("Page.getNavigationHistory")["entries"]
    session.detach()
    kept = page.evaluate(
        "JSON.stringify([location.href, document.referrer, history.state, document.cookie, document.title,"
        " { ...localStorage }, { ...sessionStorage }])"
    )
    assert len(history) > 0
    assert [entry["url"] for entry in history if "crn1" in entry["url"]] == []
    assert "crn1" not in kept


# --- what was sent


class Tap:
    """A wiretap in front of a server, in a thread of its own. Browsers that are to be heard open `url`."""

    def __init__(self, server: Server, wire: Wiretap) -> None:
        self.server = server
        self.url = wire.url
        self._wire = wire

    @property
    def answer_bytes(self) -> int:
        """How much the server has sent, headers included."""
        return sum(len(stream) for stream in self._wire.streams if stream.startswith(b"HTTP/1.1"))

    def check_nowhere(self, secrets: dict[str, str], *, public: str) -> None:
        """Each secret was typed in or shown, and stands neither on the server's disk, nor in its logs, nor on the wire.

        `public` is what must be found in all three, so that the search is known to reach them: a chain's id in hex."""
        paths = [path for path in [*self.server.data.rglob("*"), self.server.log] if path.is_file()]
        files = [path.read_bytes() for path in paths]
        wire = [plain(stream) for stream in self._wire.streams]
        assert any(bytes.fromhex(public) in file for file in files)
        assert any(public.encode() in stream for stream in wire)
        assert any(b'"subscribe"' in stream for stream in wire)
        assert not any(b"permessage-deflate" in stream for stream in wire if stream.startswith(b"HTTP/1.1 101"))
        places = [*files, *wire]
        assert leaked({name: secret.encode() for name, secret in secrets.items()}, places) == []
        assert [found for place in places for found in CAPABILITY.findall(place)] == []


@contextmanager
def tapped(server: Server) -> Iterator[Tap]:
    """Hear all that browsers and this server say to each other."""
    loop, ready, end = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    taps: list[Wiretap] = []

    async def listen() -> None:
        async with wiretap(server.port) as tap:
            taps.append(tap)
            ready.set()
            await end.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(listen(),))
    thread.start()
    try:
        assert ready.wait(30)
        yield Tap(server, taps[0])
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join()
        loop.close()


def plain(stream: bytes) -> bytes:
    """What one side said on a connection: a WebSocket's frames without their masks (RFC 6455, 5.2)."""
    head, _, rest = stream.partition(b"\r\n\r\n")
    if b"sec-websocket-key" not in head.lower():
        return stream
    parts, at = [head], 0
    while at + 6 <= len(rest):
        short = rest[at + 1] & 0x7F
        wide = {126: 2, 127: 8}.get(short, 0)
        size = int.from_bytes(rest[at + 2 : at + 2 + wide], "big") if wide else short
        at += 2 + wide
        mask, content = rest[at : at + 4], rest[at + 4 : at + 4 + size]
        parts.append(bytes(byte ^ mask[index % 4] for index, byte in enumerate(content)))
        at += 4 + size
    return b"\n".join(parts)
