"""All applications of the demo, on one unchanged server."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from cairn.interface.sites.bundled import web_folder
from tests.browser.apps import Visitor, applications, check_accessible, check_sources
from tests.harness import Server, serving

LARGER = "chain"  # the page of any chain is a tool, and no example to start from


@pytest.mark.parametrize("name", [name for name in applications() if name != LARGER])
def test_it_is_small(name: str) -> None:
    check_sources(name)


def test_all_run_on_one_server_with_one_configuration(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path, sites=[{"static": str(web_folder("apps"))}]) as server:
        configuration, pid = (tmp_path / "cairn.toml").read_text(), server.pid
        for name in applications():
            visitor = Visitor(browser, server.url)
            asked = asked_by(visitor)
            page = visitor.open(f"{name}/")
            expect(page.locator("h1:visible")).to_have_count(1)
            page.wait_for_load_state("networkidle")
            assert [url for url in asked if not is_own(url, server, name)] == []
            assert any("/sdk/" in url for url in asked)
            visitor.close()
        assert (tmp_path / "cairn.toml").read_text() == configuration
        assert (server.pid, server.process and server.process.poll()) == (pid, None)
        server.assert_healthy()


def asked_by(visitor: Visitor) -> list[str]:
    """A list that fills with the addresses that the browser asks, sockets too."""
    asked: list[str] = []
    visitor.context.on("request", lambda request: asked.append(request.url))
    visitor.context.on("page", lambda page: page.on("websocket", lambda socket: asked.append(socket.url)))
    return asked


def is_own(url: str, server: Server, name: str) -> bool:
    """It is of this server: its interface, the SDK, the application's folder, or what all applications share."""
    parts = urlsplit(url)
    shared = ("/v1/", "/sdk/", f"/{name}/", "/base.css", "/icon.svg")
    return parts.netloc == f"127.0.0.1:{server.port}" and parts.path.startswith(shared)


def test_the_front_page_leads_to_each(page: Page, demo: Server) -> None:
    page.goto(demo.url)
    links = page.locator("main a").evaluate_all("(links) => links.map((link) => new URL(link.href).pathname)")
    assert sorted(links) == sorted(f"/{name}/" for name in applications())
    check_accessible(page)
