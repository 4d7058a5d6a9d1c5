"""axe, which looks for what keeps people from using a page."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.browser.known import ROOT

NODE_MODULES = ROOT / "node_modules"


def findings(page: Page) -> list[str]:
    """What axe calls serious or critical."""
    page.evaluate((NODE_MODULES / "axe-core" / "axe.min.js").read_text("utf-8"))
    result = page.evaluate("axe.run()")
    assert len(result["passes"]) > 15
    return [
        f"{found['id']}: {node['html'][:200]} {node['failureSummary']}"
        for found in result["violations"] if found["impact"] in ("serious", "critical")
        for node in found["nodes"]
    ]  # fmt: skip
