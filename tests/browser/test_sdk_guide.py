"""The pages and components of docs/sdk.md, as they stand there, in Chromium."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from tests.browser.apps import Visitor
from tests.browser.known import ROOT
from tests.browser.pages import PASSWORD
from tests.harness import Server, serving

GUIDE = (ROOT / "docs" / "sdk.md").read_text("utf-8")
RECIPES = {"react": "jsx", "svelte": "svelte", "vue": "vue"}
LINES_MAX = 10
KEPT = """async () => {
    const kept = (await (await caches.open("cairn.page")).keys()).map(({ url }) => url);
    const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
    const files = loaded.filter((url) => url.startsWith(location.origin) && !url.includes("/v1/"));
    return navigator.serviceWorker.controller && [location.href, ...files].every((url) => kept.includes(url));
}"""


def code(language: str, place: int = 0) -> str:
    return str(re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)[place])


# --- from zero in ten minutes


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """`cairn serve --www site`, with the files as they stand when all is done."""
    site = tmp_path / "site"
    site.mkdir()
    share, (before, after) = code("js", 2), code("js").split("  };\n}\n\ndoor.onsubmit")
    (site / "notes.js").write_text(f"{before}  }};\n{share}}}\n\ndoor.onsubmit{after}await cairn.keepPage();\n")
    (site / "index.html").write_text(code("html") + '<a id="share">Share</a>\n')
    (site / "service_worker.js").write_text(code("js", 1))
    (site / "read.html").write_text(code("html", 1))
    (site / "read.js").write_text(code("js", 3))
    with serving(tmp_path / "server", sites=[{"static": str(site)}]) as started:
        yield started


def enter(page: Page, button: str, password: str = PASSWORD) -> None:
    page.get_by_placeholder("Name").fill("ann")
    page.get_by_placeholder("Password").fill(password)
    page.get_by_role("button", name=button).click()


def add(page: Page, text: str) -> None:
    page.locator("[name=text]").fill(text)
    page.get_by_role("button", name="Add").click()


def test_the_tutorial(browser: Browser, server: Server) -> None:
    assert 'import { connect } from "/sdk/cairn.min.js"' in code("js")
    first, second, stranger = (Visitor(browser, server.url) for _ in range(3))
    told: list[str] = []

    def answer(dialog: Dialog) -> None:
        told.append(dialog.message)
        dialog.accept()

    page = first.open("/")
    page.on("dialog", answer)
    enter(page, "Sign up")
    expect(page.get_by_role("button", name="Add")).to_be_visible()
    assert re.search(r"crn1w_[\w-]{40,}", told[0])
    add(page, "hello")
    expect(page.locator("#notes li")).to_have_text(["hello"])

    there = second.open("/")
    enter(there, "Sign in", "another one entirely")
    expect(there.locator("#status")).to_contain_text("name and password")
    enter(there, "Sign in")
    expect(there.locator("#notes li")).to_have_text(["hello"])
    add(there, "from the other")
    expect(page.locator("#notes li")).to_have_text(["hello", "from the other"])

    link = str(page.locator("#share").get_attribute("href"))
    page.wait_for_function(KEPT)
    server.stop()
    expect(page.locator("#status")).to_have_text("offline")
    add(page, "while it was away")
    expect(page.locator("#notes li").last).to_have_text("while it was away …")
    page.reload()
    expect(page.locator("#notes li")).to_have_text(["hello", "from the other", "while it was away …"])
    server.start()
    expect(there.locator("#notes li").last).to_have_text("while it was away", timeout=90_000)
    expect(page.locator("#notes li")).to_have_text(["hello", "from the other", "while it was away"])

    read = stranger.open(link)
    expect(read.locator("#notes li")).to_have_text(["hello", "from the other", "while it was away"])
    assert read.url == f"{server.url}/read.html"
    for visitor in (first, second, stranger):
        assert all(fault.startswith("WebSocket connection") for fault in visitor.faults)
        visitor.faults.clear()
        visitor.close()


# --- with a framework


@pytest.fixture(scope="module")
def recipes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose site has the three components, bundled."""
    folder = tmp_path_factory.mktemp("recipes")
    site = folder / "site"
    site.mkdir()
    (site / "index.html").write_text("<!doctype html><title>Notes</title><main></main>")
    for language in RECIPES.values():
        (site / f"Notes.{language}").write_text(code(language))
    command = ["node", "tests/browser/bundle_recipes.mjs", str(site)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    with serving(folder / "server", sites=[{"static": str(site)}]) as server:
        yield server


@pytest.mark.parametrize(("name", "language"), RECIPES.items())
def test_a_recipe(browser: Browser, recipes: Server, name: str, language: str) -> None:
    assert len(code(language).splitlines()) <= LINES_MAX
    visitor = Visitor(browser, recipes.url)
    page = visitor.open("/")
    page.evaluate(
        """async (name) => {
            const { connect } = await import("/sdk/cairn.min.js");
            const { mount } = await import(`/${name}.js`);
            const log = (window.log = await connect().newLog());
            await log.add({ text: "one" });
            window.watching = 0;
            const watch = log.watch.bind(log);
            log.watch = (...given) => {
                window.watching++;
                const end = watch(...given);
                return () => (window.watching--, end());
            };
            window.end = mount(document.querySelector("main"), log);
        }""",
        name,
    )
    items = page.locator("main li")
    expect(items).to_have_text(["one"])
    assert page.evaluate("watching") == 1
    other = Visitor(browser, recipes.url)
    elsewhere = other.open("/")
    elsewhere.evaluate(
        """async (link) => {
            const { connect } = await import("/sdk/cairn.min.js");
            const log = await connect().openLink(link);
            await log.add({ text: "two, from elsewhere" });
        }""",
        page.evaluate("log.capabilityText('write')"),
    )
    expect(items).to_have_text(["one", "two, from elsewhere"])
    page.evaluate("log.add({ text: 'three' })")
    expect(items).to_have_text(["one", "two, from elsewhere", "three"])
    page.evaluate("end()")
    expect(items).to_have_count(0)
    page.wait_for_function("watching === 0")
    page.evaluate("log.add({ text: 'four' })")
    assert page.locator("main li").count() == 0
    for one in (visitor, other):
        one.close()
