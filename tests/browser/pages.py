"""Pages of an application on the SDK: an empty one, on which tests call it as an application would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Route

from tests.harness import Server, serving

PASSWORD = "correct horse battery staple"
_INDEX = "<!doctype html><meta charset=utf-8><title>App</title><link rel=icon href=data:,>"
_START = """async (options) => {
    const sdk = await import('/sdk/cairn.js');
    window.sdk = sdk;
    window.cairn = sdk.connect(options);
    window.attempt = async (work) => {
        try { return { value: await work() }; } catch (error) {
            if (!(error instanceof sdk.CairnError)) throw error;
            return { code: error.code, message: error.message, hint: error.hint };
        }
    };
    window.values = async (log) => {
        const all = [];
        for await (const { value } of log.entries()) all.push(value);
        return all;
    };
    window.until = async (test) => {
        for (let n = 0; !(await test()); n++) {
            if (n > 1500) throw new Error(`it does not come: ${test}`);
            await new Promise((done) => setTimeout(done, 20));
        }
    };
}"""


@contextmanager
def application(folder: Path, **settings: Any) -> Iterator[Server]:
    """A server whose site is the empty page."""
    site = folder / "site"
    site.mkdir(parents=True)
    (site / "index.html").write_text(_INDEX)
    (site / "worker.js").write_text('importScripts("/sdk/streaming_worker.js");\n')
    with serving(folder / "server", sites=[{"static": str(site)}], **settings) as server:
        yield server


class Device:
    """One browser profile with a page of the application: `run` evaluates the body of an async function on it."""

    def __init__(self, browser: Browser, server: Server, realm: str = "test") -> None:
        self.server = server
        self.realm = realm
        self.context: BrowserContext = browser.new_context()
        self.faults: list[str] = []
        self.page = self.open()

    def open(self, fragment: str = "") -> Page:
        """Another tab, with the SDK connected."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.goto(f"{self.server.url}/{fragment}")
        self.start(page)
        return page

    def start(self, page: Page) -> None:
        """Connect the SDK on a page that was loaded anew."""
        page.evaluate(_START, {"realm": self.realm})

    def run(self, body: str, argument: Any = None, page: Page | None = None) -> Any:
        """What the function with this body returns. `me`, `cairn` and all that was put on `window` are there."""
        return (page or self.page).evaluate(f"async (given) => {{ {body} }}", argument)

    def close(self) -> None:
        """Close the profile; what failed on a page unseen, fails the test."""
        self.context.close()
        assert self.faults == []


class Gate:
    """Lets so many bytes of blocks through that a page puts, a request more or less, and holds what follows."""

    def __init__(self, page: Page) -> None:
        self._passing_bytes = 0
        self._held: list[Route] = []
        page.route("**/v1/blocks/put", self._came)

    def close_after(self, size: int) -> None:
        """Let so many bytes through from now on."""
        self._passing_bytes = size

    def open(self) -> None:
        """Let all through, also what is held."""
        self._passing_bytes = 1 << 40
        while self._held:
            self._held.pop().continue_()

    def _came(self, route: Route) -> None:
        if self._passing_bytes > 0:
            self._passing_bytes -= len(route.request.post_data_buffer or b"")
            route.continue_()
        else:
            self._held.append(route)
