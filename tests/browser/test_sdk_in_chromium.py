"""The browser SDK in Chromium: every known answer, as in Node."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import Page

from cairn.interface.sites.bundled import web_folder
from tests.browser.known import CHECKS_MIN, ROOT, known
from tests.harness import serving


def test_the_sdk_gives_every_known_answer(page: Page, tmp_path: Path) -> None:
    www = tmp_path / "www"
    shutil.copytree(web_folder("sdk"), www / "web" / "sdk")
    (www / "tests" / "browser").mkdir(parents=True)
    for name in ("checks.js", "refused.js"):
        shutil.copy(ROOT / "tests" / "browser" / name, www / "tests" / "browser")
    (www / "index.html").write_text("<!doctype html><title>checks</title>")
    with serving(tmp_path / "server", sites=[{"static": str(www)}]) as server:
        page.goto(server.url)
        run = """async (known) => ({
            ...await (await import('/tests/browser/checks.js')).runChecks(known),
            ...await (await import('/tests/browser/refused.js')).runRefused(known),
        })"""
        results = page.evaluate(run, known())
    assert {name: result for name, result in results.items() if result != "ok"} == {}
    assert len(results) >= CHECKS_MIN
