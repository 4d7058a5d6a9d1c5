"""What the interface counts: plain numbers on the way, Prometheus families when asked (`prometheus_client`)."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

Source = Callable[[], Iterable[Metric]]
"""Another part of the process that has numbers to show."""

_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Answers:
    """The answers of one route. `at_once` are those with status 200 that took less time than is worth a clock."""

    __slots__ = ("at_once", "by_status", "by_time", "seconds")

    def __init__(self) -> None:
        self.at_once = 0
        self.by_status: defaultdict[int, int] = defaultdict(int)
        self.by_time = [0] * (len(_BUCKETS) + 1)
        self.seconds = 0.0

    def gather(self) -> None:
        """Count those that came at once among the others."""
        if self.at_once:
            self.by_status[200] += self.at_once
            self.by_time[0] += self.at_once
            self.at_once = 0


class Metrics(Collector):
    """Requests by route and status, and how long they took."""

    def __init__(self, *sources: Source) -> None:
        self.in_flight = 0
        self._sources = sources
        self._routes: defaultdict[str, Answers] = defaultdict(Answers)
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def observe(self, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        answers = self._routes[route]
        answers.by_status[status] += 1
        answers.by_time[bisect_left(_BUCKETS, seconds)] += 1
        answers.seconds += seconds

    def answers(self, route: str) -> Answers:
        """The counts of one route."""
        return self._routes[route]

    def text(self) -> bytes:
        """All of it as Prometheus text."""
        return bytes(generate_latest(self._registry))

    def describe(self) -> list[Metric]:
        """Nothing: names are known when they are collected."""
        return []

    def collect(self) -> Iterable[Metric]:
        """The families of the interface, then those of the sources."""
        for answers in self._routes.values():
            answers.gather()
        requests = CounterMetricFamily("cairn_requests", "Answered requests.", labels=["route", "status"])
        for route, answers in self._routes.items():
            for status, count in answers.by_status.items():
                requests.add_metric([route, str(status)], count)
        yield requests
        yield GaugeMetricFamily("cairn_requests_in_flight", "Requests being answered.", self.in_flight)
        yield self._histogram()
        for source in self._sources:
            yield from source()

    def _histogram(self) -> HistogramMetricFamily:
        family = HistogramMetricFamily("cairn_request_seconds", "Time to the answer.", labels=["route"])
        for route, answers in self._routes.items():
            buckets, total = [], 0
            for bound, count in zip((*map(str, _BUCKETS), "+Inf"), answers.by_time, strict=True):
                total += count
                buckets.append((bound, float(total)))
            family.add_metric([route], buckets, answers.seconds)
        return family


class Labelled(NamedTuple):
    """Numbers of one name: what they are, the names of their labels, and each number by the labels' values."""

    about: str
    labels: tuple[str, ...]
    values: Mapping[tuple[str, ...], float]


def labelled_gauges(families: Mapping[str, Labelled]) -> Iterable[Metric]:
    """A gauge per name, with labels: for a `Source`."""
    for name, family in families.items():
        yield _filled(GaugeMetricFamily(name, family.about, labels=family.labels), family)


def labelled_counters(families: Mapping[str, Labelled]) -> Iterable[Metric]:
    """The same for numbers that only grow."""
    for name, family in families.items():
        yield _filled(CounterMetricFamily(name, family.about, labels=family.labels), family)


def histogram(
    name: str, about: str, label: str, values: Mapping[str, tuple[Sequence[tuple[str, float]], float]]
) -> Metric:
    """Buckets (upper bound, how many up to there) and the sum, by the value of one label."""
    family = HistogramMetricFamily(name, about, labels=[label])
    for value, (buckets, total) in values.items():
        family.add_metric([value], buckets, total)
    return family


def _filled(metric: GaugeMetricFamily | CounterMetricFamily, family: Labelled) -> Metric:
    for values, number in family.values.items():
        metric.add_metric(values, number)
    return metric


def gauges(values: Mapping[str, tuple[float, str]]) -> Iterable[Metric]:
    """A gauge per name, from its value and its description: for a `Source`."""
    for name, (value, about) in values.items():
        yield GaugeMetricFamily(name, about, value)


def counters(values: Mapping[str, tuple[float, str]]) -> Iterable[Metric]:
    """The same for numbers that only grow."""
    for name, (value, about) in values.items():
        yield CounterMetricFamily(name, about, value)
