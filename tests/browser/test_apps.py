"""All applications of the demo, on one unchanged server."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from cairn.interface.sites.bundled import web_folder
from tests.browser.apps import Visitor, applications, check_accessible, check_sources
from tests.browser.test_app_notes import add, shows, sign_up
from tests.command import Cairn
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
    links = page.locator(".apps a").evaluate_all("(links) => links.map((link) => new URL(link.href).pathname)")
    assert sorted(links) == sorted(f"/{name}/" for name in applications())
    expect(page.locator("#sample")).to_be_hidden()
    check_accessible(page)


def test_the_demo_has_something_to_look_at(page: Page, tmp_path: Path) -> None:
    cairn = Cairn(tmp_path)
    demo = cairn.start("demo", "--listen", "127.0.0.1:0", "--json")
    try:
        assert demo.stdout is not None
        told = json.loads(demo.stdout.readline())
        page.goto(told["page"])
        assert page.url == f"{told['url']}/"
        page.reload()
        for name, words in (("Read it", "sealed it and signed it"), ("See it as a chain", "A stream to look at")):
            page.get_by_role("link", name=name).click()
            expect(page.locator("main")).to_contain_text(words)
            expect(page.get_by_text(re.compile("^(5 entries verified|Verified)$"))).to_be_visible()
            page.goto(told["page"])
        page.get_by_role("link", name="Read it").click()
        cairn("chain", "append", "--server", told["url"], told["cap"], "from another terminal")
        expect(page.locator("#posts .text").first).to_have_text("from another terminal")
    finally:
        demo.terminate()
        demo.communicate()


@pytest.mark.parametrize("name", applications())
def test_one_that_was_begun_works_at_the_root_of_a_site(browser: Browser, tmp_path: Path, name: str) -> None:
    Cairn(tmp_path)("new", name, "mine")
    with serving(tmp_path / "server", sites=[{"static": str(tmp_path / "mine")}]) as server:
        visitor = Visitor(browser, server.url)
        asked = asked_by(visitor)
        page = visitor.open("")
        expect(page.locator("h1:visible")).to_have_count(1)
        page.wait_for_load_state("networkidle")
        answers = {url: server.ask("GET", urlsplit(url).path).status for url in asked if "/v1/" not in url}
        assert len(answers) > 4
        assert {url: status for url, status in answers.items() if status != 200} == {}
        if name == "notes":
            sign_up(page, "ann")
            add(page, "mine")
            page.reload()
            shows(page, "mine")
        visitor.close()
