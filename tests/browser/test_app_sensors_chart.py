"""What the sensor dashboard draws: pauses in the readings, also short ones, and what a checkpoint tells."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from examples.sensors import Record
from tests.browser.apps import Visitor

MINUTE, TEN_MINUTES, HOUR = 60_000, 600_000, 3_600_000
START = 1_700_000_006_000  # eleven seconds into a step of fifteen
PACE_MS = 100
PIXELS = 600

# Gives each column of pixels as a letter: "s" shade, "l" the line, "b" its band alone, "." nothing; what the chart is
# made of, bucket by bucket; and what is told of all readings. All times are given: no clock is asked.
DRAW = """async ({ steps, span, to }) => {
    const { Readings, total } = await import("/sensors/readings.js");
    const { draw } = await import("/sensors/chart.js");
    const readings = new Readings();
    for (const step of steps) "buckets" in step ? readings.goOn(step) : readings.add(step);
    const buckets = readings.spans.get(span).filter(({ start, width }) => start + width > to - span && start <= to);
    document.querySelector("#canvas")?.remove();
    const canvas = Object.assign(document.createElement("canvas"), { id: "canvas" });
    Object.assign(canvas.style, { position: "fixed", top: 0, left: 0, width: "600px", height: "100px" });
    document.body.append(canvas);
    draw(canvas, buckets, "level", { from: to - span, to, low: -1, high: 1, limits: [] });
    const rows = canvas.height - 18;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, rows);
    const columns = Array.from({ length: canvas.width }, (_, x) =>
        Array.from({ length: rows }, (_, y) => [...data.subarray(4 * (y * canvas.width + x)).subarray(0, 4)]));
    const letter = (column) => {
        if (column.some(([red, , , alpha]) => alpha > 128 && red < 128)) return "l";
        return column[0][3] > 64 ? "s" : column.some(([, , , alpha]) => alpha > 0) ? "b" : ".";
    };
    const [low, high, sum, count] = total(readings.spans.get(3_600_000), "level");
    const made = readings.spans.get(span).map(({ start, width, folds }) => [start, start + width, folds.get("level")]);
    return { letters: columns.map(letter).join(""), made, told: [low, high, count, sum / count] };
}"""

Draw = Callable[..., Any]


@pytest.fixture
def draw(visitor: Callable[..., Visitor]) -> Draw:
    """Draws the last span of time up to the newest of some steps: readings and checkpoints, in order."""
    page: Page = visitor(color_scheme="light").open("sensors/")

    def drawn(steps: list[dict[str, Any]], span: int) -> Any:
        return page.evaluate(DRAW, {"steps": steps, "span": span, "to": steps[-1]["at"]})

    return drawn


def readings(*stretches: tuple[int, int], pace_ms: int = PACE_MS) -> list[dict[str, Any]]:
    """One at each pace of some stretches of time, given from START on in milliseconds."""
    times = [at for first, last in stretches for at in range(first, last + 1, pace_ms)]
    return [
        {"n": n + 1, "at": START + at, "values": {"level": round(math.sin(at / 3_000), 2)}}
        for n, at in enumerate(times)
    ]


def checkpoint(before: list[dict[str, Any]], pace_ms: int = PACE_MS) -> dict[str, Any]:
    """What the program of examples/ tells of some readings."""
    record = Record(pace_ms)
    for reading in before:
        record.add(reading)
    state: dict[str, Any] = json.loads(record.checkpoint().data)
    return state


def old(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """As it was before a bucket told how long it is, and ended before a pause."""
    buckets: list[tuple[int, dict[str, list[float]]]] = []
    for start, values, _ in checkpoint["buckets"]:
        if buckets and buckets[-1][0] == start - start % 15_000:
            (low, high, total, count), others = buckets[-1][1]["level"], values["level"]
            low, high = min(low, others[0]), max(high, others[1])
            buckets[-1][1]["level"] = [low, high, total + others[2], count + others[3]]
        else:
            buckets.append((start - start % 15_000, values))
    return {**checkpoint, "buckets": buckets}


def runs(letters: str) -> list[tuple[str, int, int]]:
    """Each stretch of columns that are alike: its letter, its first column, and how many they are."""
    found, at = [], 0
    for letter, group in itertools.groupby(letters):
        size = len(list(group))
        found.append((letter, at, size))
        at += size
    return found


def column(at: int, span: int, to: int) -> float:
    """Where a time is drawn, both from START on."""
    return (at - (to - span)) / span * PIXELS


def check_shades(letters: str, gaps: list[tuple[int, int]], span: int, to: int) -> None:
    """There is shade from the last reading before each gap to the first one after it, and no line across."""
    shades = [(at, at + size) for letter, at, size in runs(letters) if letter == "s"]
    wanted = [(column(first, span, to), column(last, span, to)) for first, last in gaps]
    assert len(shades) == len(wanted), (runs(letters), wanted)
    for told, exact in zip(shades, wanted, strict=True):
        assert told == pytest.approx(exact, abs=2), (runs(letters), wanted)


def check_gaps(letters: str, gaps: list[tuple[int, int]], span: int, to: int) -> None:
    """So it is, and the line is everywhere else: from the middle of the first bucket to that of the last."""
    check_shades(letters, gaps, span, to)
    half = PIXELS / 240 / 2 + 2  # of a bucket, and of the line's width
    places = [(column(first, span, to), column(last, span, to)) for first, last in [(to - span,) * 2, *gaps, (to, to)]]
    for x, letter in enumerate(letters):
        if all(x < first - half or x > last + half for first, last in places):
            assert letter == "l", (x, runs(letters))


def made_until(drawn: Any, until: int) -> list[Any]:
    """The buckets that were whole by then, but for the oldest, which go."""
    return [bucket for bucket in drawn["made"] if bucket[0] >= START + 12_000 and bucket[1] <= START + until]


@pytest.mark.parametrize(
    ("span", "gap"), [(MINUTE, 2_100), (MINUTE, 6_000), (TEN_MINUTES, 6_000), (TEN_MINUTES, 14_000)]
)
def test_a_gap_is_drawn_as_a_gap(draw: Draw, span: int, gap: int) -> None:
    """Wherever in a step it begins."""
    for first in range(span // 2, span // 2 + 3_000, 400):
        steps = readings((0, first), (first + gap, span + 7_000))
        to = steps[-1]["at"] - START
        check_gaps(draw(steps, span)["letters"], [(first, first + gap)], span, to)


def test_what_is_no_gap_is_drawn_through(draw: Draw) -> None:
    check_gaps(draw(readings((0, 30_000), (31_900, 70_000)), MINUTE)["letters"], [], MINUTE, 70_000)
    check_gaps(draw(readings((0, 300_000), (302_400, 610_000)), TEN_MINUTES)["letters"], [], TEN_MINUTES, 610_000)


def test_an_hour_shows_the_gaps_that_are_longer_than_its_steps(draw: Draw) -> None:
    steps = readings((0, 1_800_000), (1_810_000, 2_400_000), (2_440_000, 3_700_000), pace_ms=1_000)
    check_gaps(draw(steps, HOUR)["letters"], [(2_400_000, 2_440_000)], HOUR, 3_700_000)


@pytest.mark.parametrize("span", [MINUTE, TEN_MINUTES])
@pytest.mark.parametrize("seen_until", [20_000, 31_400, 36_000, 40_000, 40_700, 44_000])
def test_who_was_there_sees_no_less_when_a_checkpoint_stands_for_the_rest(
    draw: Draw, span: int, seen_until: int
) -> None:
    """The page has seen readings up to some moment, and is told of those up to 48,000 by a checkpoint."""
    steps = readings((0, 28_000), (31_000, 40_000), (46_000, 70_000))
    seen, after = (sum(step["at"] <= START + until for step in steps) for until in (seen_until, 48_000))
    state = checkpoint(steps[:after])
    whole, pieced = draw(steps, span), draw([*steps[:seen], state, *steps[after:]], span)
    assert pieced["told"] == pytest.approx(whole["told"])
    assert made_until(pieced, seen_until) == made_until(whole, seen_until)
    until = int(column(seen_until, span, 70_000)) - 4  # before the line begins to lead to what was not seen
    assert pieced["letters"][:until] == whole["letters"][:until]
    before_all = [(70_000 - TEN_MINUTES, 0)] if span == TEN_MINUTES else []
    check_shades(pieced["letters"], [*before_all, (28_000, 31_000), (40_000, 46_000)], span, 70_000)


def test_who_was_there_may_miss_several_stretches(draw: Draw) -> None:
    steps = readings((0, 28_000), (31_000, 40_000), (46_000, 70_000))
    pieced: list[dict[str, Any]] = []
    for first, missed, last in [(0, 60, 75), (75, 80, 90), (90, 200, 203), (203, 210, 400), (400, 500, len(steps))]:
        pieced += [*steps[first:missed], checkpoint(steps[:last])]
    assert draw(pieced, MINUTE)["told"] == pytest.approx(draw(steps, MINUTE)["told"])


def test_a_checkpoint_says_nothing_new_to_who_saw_all(draw: Draw) -> None:
    steps = readings((0, 28_000), (31_000, 70_000))
    checked = [*steps[:250], checkpoint(steps[:250]), *steps[250:], checkpoint(steps)]
    assert draw(checked, MINUTE) == draw(steps, MINUTE)


@pytest.mark.parametrize("span", [MINUTE, TEN_MINUTES])
def test_who_comes_later_sees_the_gap_too(draw: Draw, span: int) -> None:
    steps = readings((0, 36_000), (42_000, span + 10_000))  # within one step
    count = len(steps) - 100
    told = draw([checkpoint(steps[:count]), *steps[count:]], span)
    assert told["told"] == pytest.approx(draw(steps, span)["told"])
    check_shades(told["letters"], [(36_000, 42_000)], span, span + 10_000)


def test_a_slow_sensor_has_no_pauses_in_its_checkpoint() -> None:
    steps = readings((0, 100_000), pace_ms=3_000)
    assert [start // 15_000 for start, *_ in checkpoint(steps, pace_ms=3_000)["buckets"]] == [
        START // 15_000 + n for n in range(8)
    ]


def test_a_checkpoint_that_tells_no_lengths(draw: Draw) -> None:
    """Of a chain that was begun before they were told: what was seen stays, and nothing is counted twice."""
    steps = readings((0, 28_000), (34_000, 70_000))
    whole = draw(steps, MINUTE)
    pieced = draw([*steps[:500], old(checkpoint(steps[:580])), *steps[580:]], MINUTE)
    assert pieced["told"] == pytest.approx(whole["told"])
    assert made_until(pieced, 50_000) == made_until(whole, 50_000)
    alone = draw([old(checkpoint(steps[:580])), *steps[580:]], MINUTE)
    assert alone["told"] == pytest.approx(whole["told"])
