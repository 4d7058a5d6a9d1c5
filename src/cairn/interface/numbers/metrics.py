"""What the interface counts: plain numbers on the way, Prometheus families when asked (`prometheus_client`)."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from cairn import __version__
from cairn.interface.numbers.siblings import Report, as_metrics, merged, report_of

Families = Iterable[Metric]
Source = Callable[[], Families]
"""Another part of the process that has numbers to show."""

_NAMES_MAX: Final = 16_384
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
    """Requests by route and status, and how long they took; with the numbers of the process, and of the sources."""

    def __init__(self, *sources: Source) -> None:
        self.in_flight = 0
        self.others: Callable[[], Sequence[Report]] = tuple  # the numbers of processes that serve beside this one
        self.refresh: Callable[[], Awaitable[None]] = _nothing_to_do  # makes them newer
        self._sources = list(sources)
        self._names: dict[tuple[str, ...], str] = {}
        self._routes: defaultdict[str, Answers] = defaultdict(Answers)
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def add(self, *sources: Source) -> None:
        """Show the numbers of another part of the process, too."""
        self._sources += sources

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
        whole = CollectorRegistry()
        whole.register(_Given(self._whole()))
        return bytes(generate_latest(whole))

    def report(self) -> Report:
        """The numbers of this process alone."""
        return report_of(self._registry.collect())

    def numbers(self) -> dict[str, float]:
        """All of it by name and labels, as the text has them."""
        samples = (sample for family in self._whole() for sample in family.samples)
        return {self._name_of(sample): sample.value for sample in samples}

    def _whole(self) -> Families:
        others = self.others()
        return as_metrics(merged([self.report(), *others])) if others else self._registry.collect()

    def _name_of(self, sample: Sample) -> str:
        """The name, made once: it is asked for every second."""
        key = (sample.name, *sample.labels.values())
        name = self._names.get(key)
        if name is None:
            if len(self._names) >= _NAMES_MAX:
                self._names.clear()
            name = self._names[key] = _written_name(sample)
        return name

    def describe(self) -> list[Metric]:
        """Nothing: names are known when they are collected."""
        return []

    def collect(self) -> Families:
        """The families of the interface, then those of the sources."""
        yield InfoMetricFamily("cairn_build", "What runs here.", {"version": __version__})
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


async def _nothing_to_do() -> None:
    """There are no others."""


class _Given(Collector):
    """Families that are there already."""

    def __init__(self, families: Families) -> None:
        self._families = families

    def describe(self) -> list[Metric]:
        """Nothing: names are known when they are collected."""
        return []

    def collect(self) -> Families:
        """The families."""
        return self._families


def _written_name(sample: Sample) -> str:
    """A name with its labels, as in the text; our labels hold nothing that would need an escape."""
    labels = ",".join(f'{label}="{value}"' for label, value in sorted(sample.labels.items()))
    return f"{sample.name}{{{labels}}}" if labels else sample.name


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


def plain_histogram(name: str, about: str, buckets: Sequence[tuple[str, float]], total: float) -> Metric:
    """Buckets (upper bound, how many up to there) and the sum, without a label."""
    return HistogramMetricFamily(name, about, buckets, total)


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


def gauges(values: Mapping[str, tuple[float, str]]) -> Families:
    """A gauge per name, from its value and its description: for a `Source`."""
    for name, (value, about) in values.items():
        yield GaugeMetricFamily(name, about, value)


def counters(values: Mapping[str, tuple[float, str]]) -> Families:
    """The same for numbers that only grow."""
    for name, (value, about) in values.items():
        yield CounterMetricFamily(name, about, value)
