"""What the README tells a newcomer to do works as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import Server, serving

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
DEFAULT = "http://127.0.0.1:8420"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "server") as started:
        yield started


def test_the_first_five_minutes(server: Server, tmp_path: Path) -> None:
    section = README.partition("## The first five minutes")[2].partition("\n## ")[0]
    lines = [line.strip() for line in re.findall(r"^    (.+)$", section, re.MULTILINE)]
    assert len(lines) > 7
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(os.urandom(10_000))
    script = "\n".join(line for line in lines if "activate" not in line and "serve" not in line).replace(
        "tail -f", "tail"
    )
    folder = Path(sys.executable).parent
    environ = {
        **os.environ,
        "PATH": f"{folder}:{os.environ['PATH']}",
        "CAIRN_SERVER": server.url,
        "HOME": str(tmp_path),
    }
    done = subprocess.run(
        ["bash", "-euc", script], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("hello") == 2
    assert (tmp_path / "mine/index.html").is_file()
    assert (tmp_path / "copy/photos/a.jpg").read_bytes() == (tmp_path / "photos/a.jpg").read_bytes()


def test_the_program(server: Server, tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert DEFAULT in program
    words = [sys.executable, "-c", program.replace(DEFAULT, server.url)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1 b'hello'\n2 b'{\"done\":false}'\n"
