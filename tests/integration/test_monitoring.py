"""The dashboard and the alerts ask for numbers that real servers have, and every number is documented."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cairn.testing.chains import random_block
from tests.harness import Server, Split, serving
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
DASHBOARD = json.loads((ROOT / "monitoring" / "grafana.json").read_text("utf-8"))
ALERTS = (ROOT / "monitoring" / "alerts.yaml").read_text("utf-8")

_SELECTOR = re.compile(r"\b((?:cairn|process)_[a-z_0-9]+)\b(?:\{([^}]*)\})?")
_OF_PROMETHEUS = {"instance", "job"}


def panels() -> Iterator[dict[str, Any]]:
    yield from (panel for panel in DASHBOARD["panels"] if panel["type"] != "row")


EXPRESSIONS = [target["expr"] for panel in panels() for target in panel["targets"]] + [
    match[1] for match in re.finditer(r"^ +expr: (.*)$", ALERTS, re.MULTILINE)
]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The samples of real servers, one that is all and two that are apart, with the names of their labels."""
    found: dict[str, set[str]] = {}
    folder = tmp_path_factory.mktemp("monitoring")
    for deployment in ("one", "split"):
        with serving(folder / deployment, deployment=deployment, cache={"disk": "10MiB"}) as server:
            block = random_block("monitoring")
            server.ask("PUT", f"/v1/blocks/{block.id.hex()}", block.data)
            for _ in range(200):
                server.ask("GET", f"/v1/blocks/{block.id.hex()}")
            wait_for(lambda: b"cairn_cache_hot_requests{" in server.ask("GET", "/metrics").body)
            for name, labels in _samples(server):
                found.setdefault(name, set()).update(labels)
    return found


def _samples(server: Server) -> Iterator[tuple[str, list[str]]]:
    texts = [server.ask("GET", "/metrics").body.decode()]
    if isinstance(server, Split):
        texts.append(server.keeper.ask("GET", "/metrics").body.decode())
    for line in "\n".join(texts).splitlines():
        if line and not line.startswith("#"):
            yield re.split(r"[{ ]", line, maxsplit=1)[0], re.findall(r'(\w+)="', line)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_query_asks_for_what_is_there(known: dict[str, set[str]], expression: str) -> None:
    asked = _SELECTOR.findall(expression)
    assert asked or expression.startswith("up{")
    grouped = re.findall(r"by \(([\w, ]+)\)", expression)
    wanted = {label.strip() for labels in grouped for label in labels.split(",")} - _OF_PROMETHEUS
    for name, labels in asked:
        assert name in known
        assert set(re.findall(r"(\w+)=", labels)) - _OF_PROMETHEUS <= known[name]
        assert wanted <= known[name]
    assert expression.count("(") == expression.count(")")


def test_every_panel_is_whole() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids)) > 15
    for panel in panels():
        assert panel["title"]
        assert [target["refId"] for target in panel["targets"]] == list("ABCDEF"[: len(panel["targets"])])
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]]
    assert len(places) == len(set(places))


def test_every_alert_says_what_to_do() -> None:
    names = re.findall(r"- alert: (\w+)", ALERTS)
    assert len(names) == len(set(names)) == ALERTS.count("summary:") == ALERTS.count("severity:")


def test_every_number_is_documented(known: dict[str, set[str]]) -> None:
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    documented = set()
    for row in re.findall(r"^\| (`cairn_.*?) \|", text, re.MULTILINE):
        first, *others = re.findall(r"`(\w+)", row)
        area = "_".join(first.split("_")[:2])  # `_pins` beside `cairn_storage_blocks` is `cairn_storage_pins`
        documented |= {first, *(name if name.startswith("cairn_") else area + name for name in others)}
    for name in known:
        if name.startswith("cairn_"):
            assert re.sub(r"_(bucket|sum|count)$", "", name) in documented or name in documented, name
