"""The numbers of several processes as if they were one."""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from cairn.core.errors import Invalid
from cairn.interface.numbers.metrics import Metrics
from cairn.interface.numbers.siblings import Siblings, decode_report, encode_report, merged, report_of


def numbers(count: float, ratio: float = 0.5, disk: float = 7.0) -> Iterable[Metric]:
    requests = CounterMetricFamily("cairn_some", "Some.", labels=["route"])
    requests.add_metric(["a"], count)
    ratios = GaugeMetricFamily("cairn_cache_whatif_hit_ratio", "A ratio.", labels=["tier"])
    ratios.add_metric(["memory"], ratio)
    size = GaugeMetricFamily("cairn_cache_bytes", "Bytes.", labels=["tier"])
    size.add_metric(["memory"], 100.0)
    size.add_metric(["disk"], disk)
    seconds = HistogramMetricFamily("cairn_seconds", "Seconds.", [("1.0", count), ("+Inf", count)], count / 2)
    return requests, ratios, size, seconds, GaugeMetricFamily("cairn_in_flight", "Now.", 3.0)


def values(report: object) -> dict[str, float | None]:
    return {
        f"{name}{dict(labels)}": value
        for family in report  # type: ignore[attr-defined]
        for name, labels, value in family.samples
    }


def test_what_is_added_and_what_is_not() -> None:
    whole = values(merged([report_of(numbers(2)), report_of(numbers(5, 0.25, 9.0))]))
    assert whole["cairn_some_total{'route': 'a'}"] == 7
    assert whole["cairn_in_flight{}"] == 6
    assert whole["cairn_cache_whatif_hit_ratio{'tier': 'memory'}"] == 0.375
    assert whole["cairn_cache_bytes{'tier': 'memory'}"] == 200
    assert whole["cairn_cache_bytes{'tier': 'disk'}"] == 9, "the folder is shared"
    assert whole["cairn_seconds_bucket{'le': '1.0'}"] == 7
    assert whole["cairn_seconds_sum{}"] == 3.5


def test_what_is_no_number_does_not_spoil_the_rest() -> None:
    whole = values(merged([report_of(numbers(1, math.nan)), report_of(numbers(1, 0.5))]))
    assert whole["cairn_cache_whatif_hit_ratio{'tier': 'memory'}"] == 0.5
    whole = values(merged([report_of(numbers(1, math.nan))]))
    assert whole["cairn_cache_whatif_hit_ratio{'tier': 'memory'}"] is None


def test_a_report_comes_back_as_it_was() -> None:
    report = report_of([*numbers(3, math.nan), GaugeMetricFamily("cairn_truth", "Is it?", True)])
    assert decode_report(encode_report(4, report)) == (4, report)


@given(st.binary(max_size=100))
def test_any_bytes(body: bytes) -> None:
    for tried in (body, encode_report(1, report_of(numbers(1)))[: len(body) * 5]):
        with suppress(Invalid):
            decode_report(tried)


def test_what_only_grows_outlives_its_process() -> None:
    siblings = Siblings()
    siblings.own = lambda: report_of(numbers(1))
    siblings.answer(encode_report(1, report_of(numbers(10))))
    told = decode_report(siblings.answer(encode_report(2, report_of(numbers(100)))))[1]
    assert values(told)["cairn_some_total{'route': 'a'}"] == 11
    siblings.leave(1)
    siblings.leave(1)
    told = decode_report(siblings.answer(encode_report(1, report_of(numbers(0)))))[1]
    assert values(told)["cairn_some_total{'route': 'a'}"] == 1 + 100 + 10
    assert values(told)["cairn_in_flight{}"] == 6


def test_the_text_is_of_all() -> None:
    one, other = Metrics(), Metrics()
    one.observe("get_block", 200, 0.1)
    other.observe("get_block", 200, 0.1)
    one.others = lambda: [other.report()]
    assert b'cairn_requests_total{route="get_block",status="200"} 2.0' in one.text()
    assert one.numbers()['cairn_requests_total{route="get_block",status="200"}'] == 2
    assert b'cairn_requests_total{route="get_block",status="200"} 1.0' in other.text()


def test_a_report_of_another_form_is_refused() -> None:
    with pytest.raises(Invalid):
        Siblings().answer(b"[]")
