"""The benchmarks run as a process and say what they measured; the figures themselves are nobody's business here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _run(module: str, *words: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, words)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("only", "contenders", "goal"),
    [
        ("GET 1 KiB", ["cairn", "bare"], "bare Granian"),
        ("32 chains, 1 entry", ["cairn", "ungrouped"], "one commit"),
        ("PUT 1 KiB", ["cairn", "slow", "slow-ungrouped"], "on a disk that takes 5 ms longer"),
    ],
)
def test_it_measures_and_says_so(tmp_path: Path, only: str, contenders: list[str], goal: str) -> None:
    out = tmp_path / "out.json"
    printed = _run("benchmarks", "--quick", "--only", only, "--folder", tmp_path, "--json", out,
                   "--contenders", *contenders)  # fmt: skip
    found = json.loads(out.read_text())
    assert found["machine"]["commit"] in printed
    assert {each["contender"] for each in found["results"]} > {"Cairn"}
    for each in found["results"]:
        assert only in each["test"]
        assert each["contender"] in printed
        assert each["rate"] > 0
        assert each["p50_ms"] <= each["p99_ms"]
    assert [goal in each for each in found["goals"]] == [True]
    assert list(tmp_path.iterdir()) == [out], "nothing is left behind"


def test_many_chains_are_built_once_and_read(tmp_path: Path) -> None:
    folder, out = tmp_path / "store", tmp_path / "out.json"
    assert "built" in _run("benchmarks.many_chains", folder, "--starts", 1, "--chains", 40, "--json", out)
    figures = json.loads(out.read_text())["figures"]
    assert (figures["chains"], figures["entries"]) == (40, 120)
    assert "built" not in _run("benchmarks.many_chains", folder, "--starts", 1, "--chains", 40)


def test_the_link_is_measured_beside_a_bare_echo() -> None:
    printed = _run("benchmarks.link", "--quick")
    assert printed.count("bare picows echo") == printed.count("link, block get") == 2
    assert printed.count("(goal 0.5 x)") == 2
