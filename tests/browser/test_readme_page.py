"""The README's page, as it stands there, in Chromium."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from cairn.client.format.payload import Payload
from tests.browser.published import Published
from tests.harness import serving

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def test_it_shows_a_chain_and_follows_it(page: Page, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    for language, name in (("html", "index.html"), ("js", "page.js")):
        (code,) = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
        (site / name).write_text(code)
    with serving(tmp_path / "server", sites=[{"static": str(site)}]) as server:
        chain = Published(server, seed="readme", page="/")
        chain.add("hello")
        chain.add(Payload.of_json({"done": False}))
        page.goto(chain.read_link())
        entries = page.locator("#entries li")
        expect(entries).to_have_text(["hello", '{"done":false}'])
        chain.add("later")
        expect(entries).to_have_text(["hello", '{"done":false}', "later"])
