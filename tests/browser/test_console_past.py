"""The console's arithmetic in Node: what it makes of the server's answers, against what the server was told."""

from __future__ import annotations

import json
import random
import subprocess
from typing import Any

import pytest

from cairn.cli.numbers import Recent, quantile_of
from cairn.interface.numbers.history import History
from tests.browser.known import ROOT

BOUNDS = ("0.1", "1.0", "10.0", "+Inf")


def test_the_page_finds_what_the_server_was_told() -> None:
    draw = random.Random(7)
    history, told = History(), []
    numbers = {"a_total": 0.0, "gauge": 0.5, **{f'h_bucket{{le="{bound}"}}': 0.0 for bound in BOUNDS}}
    answers: list[dict[str, Any]] = []
    for second in range(1, 91):
        numbers = {**numbers, "a_total": numbers["a_total"] + draw.randrange(5), "gauge": draw.random()}
        if second > 30:
            numbers["late_total"] = second / 4
        for bound in BOUNDS[draw.randrange(4) :]:
            numbers[f'h_bucket{{le="{bound}"}}'] += 1
        history.take(second * 1_000, numbers)
        told.append(numbers)
        if second in (20, 21, 55, 90):
            answers.append(_answer(history, since_ms=(second_of(answers)) * 1_000))
    found = _ask_node(answers, step=1, span=60, histogram="h", quantiles=[])
    assert found["times"] == list(range(31, 91))
    for name in ("a_total", "gauge", "late_total"):
        assert found["columns"][name] == pytest.approx([row[name] for row in told[30:]])
    assert found["medians"][-1] == pytest.approx(_median(told[-1], told[-11]))
    recent = Recent(_answer(history, since_ms=79_000))
    assert recent.quantile(0.5, "h") == pytest.approx(found["medians"][-1])
    assert recent.rate("a_total") == pytest.approx((told[-1]["a_total"] - told[-11]["a_total"]) / 10)
    assert found["ever"] == pytest.approx(_median(told[-1], dict.fromkeys(told[-1], 0.0)))


def test_answers_of_two_processes_go_together() -> None:
    """The second one has not heard yet of what the first had."""
    one, other = History(), History()
    for second in range(1, 6):
        one.take(second * 1_000, {"a_total": second * 2.0, "b_total": second * 3.0})
        other.take(second * 1_000 + 400, {"a_total": second * 2.0 + 1})
    answers = [_answer(one, 0), _answer(other, 3_000)]
    answers[0]["rows"] = answers[0]["rows"][:3]
    answers[0]["last"] = [6.0, 9.0]
    found = _ask_node(answers, step=1, span=60, histogram="h", quantiles=[])
    assert found["times"] == [1, 2, 3, 3.4, 4.4, 5.4]
    assert found["columns"] == {"a_total": [2, 4, 6, 7, 9, 11], "b_total": [3, 6, 9, 9, 9, 9]}


def second_of(answers: list[dict[str, Any]]) -> int:
    """Up to when the page knows already."""
    return answers[-1]["rows"][-1][0] // 1_000 if answers else 0


def _answer(history: History, since_ms: int) -> dict[str, Any]:
    about = {"version": "1", "started_ms": 1, "time_ms": history.time_ms, "now": dict(history.now)}
    return about | history.past(1).document((), since_ms)


def _median(after: dict[str, float], before: dict[str, float]) -> float:
    """By the rule of Prometheus: straight within the bucket that has it."""
    counts = [(bound, after[name] - before[name]) for bound in BOUNDS for name in [f'h_bucket{{le="{bound}"}}']]
    wanted, lower, below = counts[-1][1] / 2, 0.0, 0.0
    for bound, count in counts:
        if count >= wanted:
            return lower if bound == "+Inf" else lower + (float(bound) - lower) * (wanted - below) / (count - below)
        lower, below = float(bound), count
    raise AssertionError


@pytest.mark.parametrize(
    ("q", "buckets", "expected"),
    [
        (0.5, [], None),
        (0.5, [(1, 0), (None, 0)], None),
        (0.5, [(1, 10), (None, 10)], 0.5),
        (0.99, [(1, 0), (2, 100), (None, 100)], 1.99),
        (0.99, [(1, 50), (2, 50), (None, 100)], 2),
        (1.0, [(1, 50), (4, 100), (None, 100)], 4),
        (0.25, [(None, 4), (2, 4), (1, 2)], 0.5),
    ],
)
def test_quantiles(q: float, buckets: list[Any], expected: float | None) -> None:
    found = _ask_node([], step=1, span=60, histogram="h", quantiles=[(q, buckets)])["quantiles"]
    ascending = sorted((bound or float("inf"), count) for bound, count in buckets)
    alone = {bound: count - (ascending[place - 1][1] if place else 0) for place, (bound, count) in enumerate(ascending)}
    assert quantile_of(q, alone) == (expected if expected is None else pytest.approx(expected))
    assert found == [expected if expected is None else pytest.approx(expected)]


def _ask_node(answers: list[dict[str, Any]], **words: Any) -> Any:
    script = ROOT / "tests" / "browser" / "past_checks.mjs"
    given = json.dumps({"answers": answers, **words})
    run = subprocess.run(["node", str(script)], input=given, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)
