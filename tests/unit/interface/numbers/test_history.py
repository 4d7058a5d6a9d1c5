"""The past gives back what was taken, as far as it reaches, and never takes more room than it may."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.interface.numbers import history
from cairn.interface.numbers.history import RINGS, History, Ring

Moments = list[tuple[int, dict[str, float]]]


def columns_of(document: Mapping[str, Any]) -> dict[int, dict[str, float]]:
    """The numbers of each row by its time, as a reader finds them."""
    values = list(document["last"])
    found = {}
    for time_ms, *changes in reversed(document["rows"]):
        found[time_ms] = dict(zip(document["series"], values, strict=True))
        for place, difference in zip(changes[::2], changes[1::2], strict=True):
            values[place] -= difference
    return found


def taken(moments: Moments) -> History:
    past = History()
    for time_ms, numbers in moments:
        past.take(time_ms, numbers)
    return past


_NAMES = ["a_total", 'b{x="1"}', 'b{x="2"}', "c"]
_NUMBERS = st.dictionaries(st.sampled_from(_NAMES), st.integers(-(2**40), 2**40).map(float))


@given(st.lists(st.tuples(st.integers(1, 30_000), _NUMBERS), max_size=30))
def test_every_row_is_what_was_taken_then(steps: list[tuple[int, dict[str, float]]]) -> None:
    time_ms, moments = 1_000_000, []
    for pause, numbers in steps:
        time_ms += pause
        moments.append((time_ms, numbers))
    past = taken(moments)
    for step, span in RINGS:
        found = columns_of(past.past(step).document((), 0))
        kept = _first_of_each(step, moments)[-(span // step) :]
        assert list(found) == [time_ms for time_ms, _ in reversed(kept)]
        for time_ms, numbers in kept:
            assert {name: value for name, value in found[time_ms].items() if value} == {
                name: value for name, value in numbers.items() if value
            }


def _first_of_each(step: int, moments: Moments) -> Moments:
    """The first moment within each step."""
    kept: Moments = []
    for time_ms, numbers in moments:
        if not kept or time_ms // (step * 1_000) > kept[-1][0] // (step * 1_000):
            kept.append((time_ms, numbers))
    return kept


def test_old_rows_go_and_leave_the_others_right() -> None:
    draw = random.Random(5)
    moments = [(second * 1_000, {"a": float(draw.randrange(9)), "b": float(second)}) for second in range(1_500)]
    found = columns_of(taken(moments).past(1).document((), 0))
    assert found == dict(reversed(moments[-600:]))


def test_what_is_asked_for_later_joins_what_was_there() -> None:
    past = taken([(second * 1_000, {"a": float(second), "b": 1.0}) for second in range(1, 20)])
    before = columns_of(past.past(1).document(("a",), 0))
    past.take(20_000, {"a": 40.0, "b": 2.0, "a_new": 7.0})
    after = past.past(1).document(("a",), max(before))
    assert after["series"] == ["a", "a_new"]
    assert columns_of(after) == {20_000: {"a": 40.0, "a_new": 7.0}}


def test_fractions_come_through() -> None:
    past = taken([(1_000, {"a": 0.1}), (2_000, {"a": 0.30000000000000004}), (3_000, {"a": 2.5e9})])
    document = past.past(1).document((), 0)
    assert document["last"] == [2.5e9]
    assert columns_of(document)[1_000]["a"] == pytest.approx(0.1, abs=1e-6)


def test_what_is_no_number_counts_as_nothing_and_is_shown_as_it_is() -> None:
    past = taken([(1_000, {"a": float("nan"), "b": float("inf")}), (2_000, {"a": 1.0, "b": 2.0})])
    found = columns_of(past.past(1).document((), 0))
    assert found == {1_000: {"a": 0.0, "b": 0.0}, 2_000: {"a": 1.0, "b": 2.0}}


def test_buckets_are_remembered_without_those_below() -> None:
    buckets = {f'h_bucket{{le="{bound}",route="{route}"}}': 0.0 for route in "ab" for bound in ("1.0", "5.0", "+Inf")}
    grown = dict(zip(buckets, [2.0, 5.0, 6.0, 0.0, 1.0, 1.0], strict=True))
    past = taken([(1_000, buckets), (2_000, grown)])
    assert past.now == grown
    found = columns_of(past.past(1).document((), 0))[2_000]
    assert list(found.values()) == [2.0, 3.0, 1.0, 0.0, 1.0, 0.0]


def test_a_clock_that_is_set_back_begins_anew() -> None:
    past = taken([(500_000, {"a": 1.0}), (501_000, {"a": 2.0}), (100_000, {"a": 3.0}), (101_000, {"a": 4.0})])
    assert columns_of(past.past(1).document((), 0)) == {100_000: {"a": 3.0}, 101_000: {"a": 4.0}}


def test_labels_that_come_and_go_are_not_remembered() -> None:
    past = taken([(second * 1_000, {f'cairn_cache_hot_requests{{block="{second:08x}"}}': 1.0}) for second in range(50)])
    assert past.past(1).document((), 0)["series"] == []
    assert list(past.now) == ['cairn_cache_hot_requests{block="00000031"}']


def test_numbers_without_end_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "SERIES_MAX", 8)
    past = taken([(second * 1_000, {f"n{second}": 1.0}) for second in range(1, 40)])
    assert past.past(1).document((), 0)["series"] == [f"n{second}" for second in range(1, 9)]


def test_a_ring_never_takes_more_room_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "RING_BYTES_MAX", 20_000)
    ring = Ring(1, 600)
    for second in range(600):
        ring.take(second * 1_000, [float(second * place) for place in range(100)])
        assert ring.bytes <= 20_000
    rows = ring.past([str(place) for place in range(100)]).document((), 0)["rows"]
    assert len(rows) == 20_000 // (256 + 99 * 10)
    assert rows[-1][0] == 599_000
