"""The examples of the pages for people are run as they stand there, against a real server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import Server, serving

DOCS = Path(__file__).parents[2] / "docs"
DEFAULT = "http://127.0.0.1:8420"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "server") as started:
        yield started


def _run(script: str, server: Server, folder: Path) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(folder)}
    script = script.replace(DEFAULT, server.url).replace("./cairn-data", str(server.data))
    words = ["bash", "-eu", "-o", "pipefail", "-c", script]
    return subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, timeout=60)


def test_the_protocol_by_curl(server: Server, tmp_path: Path) -> None:
    page = (DOCS / "protocol.md").read_text("utf-8")
    script = "".join(re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL))
    assert script.count("curl ") > 15
    done = _run(script, server, tmp_path)
    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert said.startswith("any bytesbytes00000000: 0100 "), "a block, a part of it, and that the other is removed"
    assert re.search(r'^event: entry\nid: 2\ndata: \{"chain":"[0-9a-f]{64}","seq":1,"entry":', said, re.MULTILINE)
    assert re.search(r'"token":"crn1g_[\w-]+"', said)
    assert "cairn_requests_total" in said
