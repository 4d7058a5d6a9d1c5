"""Prometheus families (`prometheus_client`) from plain numbers: what a `Source` gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from cairn.core.histogram import Histogram

Families = Iterable[Metric]
Source = Callable[[], Families]
"""A part of the process that has numbers to show."""


def layers(readiness: Mapping[str, str]) -> Families:
    """For each layer whether it can serve: for a `Source`."""
    family = GaugeMetricFamily("cairn_layer_ready", "1 while the layer can serve.", labels=["layer"])
    for layer, state in readiness.items():
        family.add_metric([layer], state == "ok")
    yield family


class Labelled(NamedTuple):
    """Numbers of one name: what they are, the names of their labels, and each number by the labels' values."""

    about: str
    labels: tuple[str, ...]
    values: Mapping[tuple[str, ...], float]


def labelled_gauges(families: Mapping[str, Labelled]) -> Families:
    """A gauge per name, with labels: for a `Source`."""
    for name, family in families.items():
        yield _filled(GaugeMetricFamily(name, family.about, labels=family.labels), family)


def labelled_counters(families: Mapping[str, Labelled]) -> Families:
    """The same for numbers that only grow."""
    for name, family in families.items():
        yield _filled(CounterMetricFamily(name, family.about, labels=family.labels), family)


def histogram(name: str, about: str, counted: Histogram) -> Metric:
    """A histogram without a label."""
    return HistogramMetricFamily(name, about, *_cumulated(counted))


def labelled_histogram(name: str, about: str, label: str, values: Mapping[str, Histogram]) -> Metric:
    """A histogram for each value of one label."""
    family = HistogramMetricFamily(name, about, labels=[label])
    for value, counted in values.items():
        family.add_metric([value], *_cumulated(counted))
    return family


def _cumulated(counted: Histogram) -> tuple[list[tuple[str, float]], float]:
    """Buckets as Prometheus has them, each with all below it, and the sum."""
    buckets, total = [], 0
    for bound, count in zip((*map(str, counted.bounds), "+Inf"), counted.counts, strict=True):
        total += count
        buckets.append((bound, float(total)))
    return buckets, counted.sum


def _filled(metric: GaugeMetricFamily | CounterMetricFamily, family: Labelled) -> Metric:
    for values, number in family.values.items():
        metric.add_metric(values, number)
    return metric


def gauges(values: Mapping[str, tuple[float, str]]) -> Families:
    """A gauge per name, from its value and its description: for a `Source`."""
    for name, (value, about) in values.items():
        yield GaugeMetricFamily(name, about, value)


def counters(values: Mapping[str, tuple[float, str]]) -> Families:
    """The same for numbers that only grow."""
    for name, (value, about) in values.items():
        yield CounterMetricFamily(name, about, value)
