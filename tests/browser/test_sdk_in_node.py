"""The browser SDK in Node: the same checks as in Chromium, in a second."""

from __future__ import annotations

import json
import subprocess

from tests.browser.known import CHECKS_MIN, ROOT, known


def test_the_sdk_gives_every_known_answer() -> None:
    script = ROOT / "tests" / "browser" / "run_in_node.mjs"
    run = subprocess.run(["node", str(script)], input=json.dumps(known()), capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    results = json.loads(run.stdout)
    assert {name: result for name, result in results.items() if result != "ok"} == {}
    assert len(results) >= CHECKS_MIN
