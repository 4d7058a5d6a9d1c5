"""Chromium, a server with the applications of the demo, and chains to show on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from cairn.interface.sites.bundled import web_folder
from tests.browser.apps import Visitor
from tests.browser.pages import Device, application
from tests.browser.published import Published
from tests.harness import Server, serving

expect.set_options(timeout=60_000)  # what is waited for comes, however busy the machine is

CHROMIUM = Path("/usr/bin/chromium-headless-shell")  # without the windows of `chromium`, a sixth of its CPU
FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP cairn.test 127.0.0.1",  # an address that browsers do not take for this machine's own
)


# For one module: while it is open no other event loop can run in this thread.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed: apt-get install chromium-headless-shell")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a new profile; whatever fails in it unseen, fails the test."""
    context = browser.new_context(viewport={"width": 900, "height": 1000})
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if "Content Security" in message.text else None)
    yield page
    context.close()
    assert faults == []


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose every site is the demo."""
    with serving(tmp_path_factory.mktemp("demo"), sites=[{"static": str(web_folder("apps"))}]) as server:
        yield server


@pytest.fixture
def visitor(browser: Browser, demo: Server) -> Iterator[Callable[..., Visitor]]:
    """Makes people with browsers of their own, who open the demo, or what a given address has."""
    visitors: list[Visitor] = []

    def make(url: str = "", **options: Any) -> Visitor:
        visitors.append(Visitor(browser, url or demo.url, **options))
        return visitors[-1]

    yield make
    for one in visitors:
        one.close()


@pytest.fixture
def chain(demo: Server, request: pytest.FixtureRequest) -> Published:
    """A chain on that server, with its genesis."""
    return Published(demo, seed=request.node.name)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose site is an empty page: an application on the SDK is what tests make of it."""
    with application(tmp_path_factory.mktemp("app")) as server:
        yield server


@pytest.fixture
def device(browser: Browser, app: Server, request: pytest.FixtureRequest) -> Iterator[Callable[[], Device]]:
    """Makes browser profiles with that page. Each test has a realm, and so accounts, of its own."""
    devices: list[Device] = []
    realm = request.node.name.replace("_", "-")

    def make() -> Device:
        devices.append(Device(browser, app, realm))
        return devices[-1]

    yield make
    for one in devices:
        one.close()
