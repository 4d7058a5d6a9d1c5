"""What can be set, called or met is documented, in the words of the code."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import typer.main

from cairn.cli.app import app
from cairn.cli.applications import application_names
from cairn.cli.failures import ADVICE, Exit
from cairn.config.document import default_of, toml_value
from cairn.config.load import OTHER_VARIABLES
from cairn.config.settings import Config, description_of, fields_of, section_in
from cairn.wire.routes import ROUTES
from cairn.wire.status import STATUS_OF

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def _read(name):
    return (DOCS / name).read_text("utf-8")


def _settings(section, place):
    for name, field in fields_of(section).items():
        inner = section_in(field.type)
        if inner is None:
            yield f"| `{place}{name}` | `{toml_value(default_of(field))}` | {description_of(field)} |"
        else:
            yield from _settings(inner, f"{place}{name}.")


def test_every_setting_is_documented_with_its_default_and_nothing_else_is():
    documented = {line for line in _read("operations.md").splitlines() if re.match(r"\| `[a-z_.]+` \| `", line)}
    assert documented == set(_settings(Config, ""))


def test_every_variable_is_documented():
    text = _read("operations.md")
    assert [name for name in OTHER_VARIABLES if f"`{name}`" not in text] == []


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_route_is_documented(route):
    assert f"| `{route.method} {route.path}` |" in _read("protocol.md")


def test_no_other_route_is_documented():
    known = {(route.method, route.path) for route in ROUTES}
    known |= {("HEAD", path) for method, path in known if method == "GET"}
    rows = re.findall(r"^\| `([A-Z]+) (/[^`]+)` \|", _read("protocol.md"), re.MULTILINE)
    assert [row for row in rows if row not in known] == []


def test_every_error_is_documented():
    text = _read("protocol.md")
    for error, (status, _) in STATUS_OF.items():
        assert re.search(rf"^\| (\d+, )*{status}(, \d+)* \| `{error.code}` \|", text, re.MULTILINE), error.code


def test_every_error_says_what_to_try_on_the_command_line():
    assert {error.code for error in STATUS_OF} <= set(ADVICE)
    assert all(advice.hint for advice in ADVICE.values())


def _commands(group, place=()):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, (*place, name))
        else:
            yield " ".join((*place, "APPLICATION" if name in application_names() else name)), command


COMMANDS = dict(_commands(typer.main.get_command(app)))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name):
    text = _read("commands.md")
    found = re.search(rf"^### cairn {re.escape(name)}\b.*?(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"docs/commands.md has no section for cairn {name}"
    shared = text[: text.index("\n### ")]
    for parameter in COMMANDS[name].params:
        for option in parameter.opts:
            if option.startswith("--") and option != "--help":
                assert f"`{option}" in found[0] or f"`{option}" in shared, f"cairn {name} {option}"


def test_no_command_is_documented_that_is_not_there():
    headings = re.findall(r"^### cairn (.+?)$", _read("commands.md"), re.MULTILINE)
    assert sorted(headings) == sorted(COMMANDS)


def test_every_exit_code_is_documented():
    text = _read("commands.md")
    for code in Exit:
        assert re.search(rf"^\| {int(code)} \|", text, re.MULTILINE)


@pytest.mark.parametrize("path", sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")]), ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    text = path.read_text("utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)(#[^)]*)?\)", text):
        if not target[0].startswith(("http://", "https://")):
            assert (path.parent / target[0]).exists(), target[0]


PLACES = ("src/cairn/", "tests/", "web/", "scripts/", "vectors/", "")
NOT_YET = {"tests/contract/test_mine.py"}  # the reader's own


@pytest.mark.parametrize("path", [ROOT / "README.md", *sorted(DOCS.glob("*.md"))], ids=lambda path: path.name)
def test_what_is_named_in_the_code_is_there(path):
    text = path.read_text("utf-8")
    tops = "|".join(folder.name for folder in (ROOT / "src" / "cairn").iterdir() if folder.is_dir())
    files = set(re.findall(rf"`((?:tests|web|scripts|vectors|{tops})/[\w./-]*)`", text)) - NOT_YET
    assert [name for name in files if not any((ROOT / f"{place}{name}").exists() for place in PLACES)] == []
    modules = {name.replace(".", "/") for name in re.findall(r"`cairn\.([a-z_.]+)`", text)} - {"toml"}
    source = ROOT / "src" / "cairn"
    assert [name for name in modules if not ((source / name).is_dir() or (source / f"{name}.py").exists())] == []


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: path.name)
def test_every_page_can_be_reached(path):
    pages = [page.read_text("utf-8") for page in [ROOT / "README.md", *DOCS.glob("*.md")]]
    assert path.parent.name == "decisions" or any(f"{path.name})" in text or f"{path.name}#" in text for text in pages)


def test_decisions_are_numbered_without_gaps_and_say_the_price():
    pages = sorted((DOCS / "decisions").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for page in pages:
        text = page.read_text("utf-8")
        assert all(f"**{part}" in text for part in ("Context.", "Choice.", "Price.")), page.name


def test_every_library_that_runs_with_it_has_a_decision():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = re.findall(r"^[\w-]+", "\n".join(project["dependencies"]), re.MULTILINE)
    decisions = " ".join(page.read_text("utf-8") for page in (DOCS / "decisions").glob("*.md")).lower()
    assert len(names) > 5
    assert [name for name in names if not re.search(rf"(?<![\w-]){name}(?![\w-])", decisions)] == []


def test_changelog_fragments_have_a_kind():
    kinds = {"added", "changed", "fixed", "removed", "security"}
    for fragment in (ROOT / "changelog.d").glob("*.md"):
        assert fragment.name == "README.md" or fragment.suffixes[-2].strip(".") in kinds
