"""The reference of the browser SDK is made from its types, and nothing public is without a word."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What the script reads, to be changed."""
    for name in ("web/sdk", "scripts", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def run(tree: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["node", "scripts/sdk_reference.mjs", *words]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)


def change(tree: Path, module: str, before: str, after: str) -> None:
    path = tree / "web" / "sdk" / "types" / module
    text = path.read_text("utf-8")
    assert text.count(before) == 1
    path.write_text(text.replace(before, after), "utf-8")


def test_it_is_current() -> None:
    assert run(ROOT, "--check").returncode == 0


def test_another_word_makes_it_stale(tree: Path) -> None:
    change(tree, "chains/log.d.ts", "Ends the log for ever.", "Ends it.")
    checked = run(tree, "--check")
    assert checked.returncode == 1
    assert "docs/sdk-reference.md is not current" in checked.stderr
    assert run(tree).returncode == 0
    assert run(tree, "--check").returncode == 0
    assert "Ends it." in (tree / "docs" / "sdk-reference.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("    close(): void;\n", "    close(): void;\n    shut(): void;\n", "Log.shut has no word on it"),
        ("export declare class Log {", "export declare class Book {", "chains/log.d.ts has no Log"),
        ("    keyring: Keyring;\n", "", "Log has no member keyring"),
        ("export declare class Log {", "declare module x;\nexport declare class Log {", "what is not known"),
    ],
)
def test_what_is_not_understood_is_refused(tree: Path, before: str, after: str, problem: str) -> None:
    change(tree, "chains/log.d.ts", before, after)
    made = run(tree)
    assert made.returncode == 1
    assert problem in made.stderr
