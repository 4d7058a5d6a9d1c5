"""What the interface counts: plain numbers on the way, Prometheus families when asked."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from cairn import __version__
from cairn.core.histogram import Histogram
from cairn.interface.numbers.families import Families, Source, labelled_histogram
from cairn.interface.numbers.siblings import Report, as_metrics, merged, report_of

_NAMES_MAX: Final = 16_384
_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Answers:
    """The answers of one route. `at_once` are those with status 200 that took less time than is worth a clock."""

    __slots__ = ("at_once", "by_status", "seconds")

    def __init__(self) -> None:
        self.at_once = 0
        self.by_status: defaultdict[int, int] = defaultdict(int)
        self.seconds = Histogram(_BUCKETS)

    def gather(self) -> None:
        """Count those that came at once among the others."""
        if self.at_once:
            self.by_status[200] += self.at_once
            self.seconds.counts[0] += self.at_once
            self.at_once = 0


class Metrics(Collector):
    """Requests by route and status, and how long they took; with the numbers of the process, and of the sources."""

    def __init__(self, *sources: Source) -> None:
        self.in_flight = 0
        self.others: Callable[[], Sequence[Report]] = tuple  # the numbers of processes that serve beside this one
        self.refresh_others: Callable[[], Awaitable[None]] = _nothing_to_do  # makes them newer
        self._sources = list(sources)
        self._names: dict[tuple[str, ...], str] = {}
        self._routes: defaultdict[str, Answers] = defaultdict(Answers)
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self._process = ProcessCollector(registry=None)
        self._of_process: list[Metric] = []  # as it was when somebody looked

    async def refresh(self) -> None:
        """Make newer what is not counted on the way."""
        await self.look_at_process()
        await self.refresh_others()

    async def look_at_process(self) -> None:
        """Take the numbers of the process: in a thread, for to count thousands of descriptors takes long."""
        self._of_process = await asyncio.to_thread(lambda: list(self._process.collect()))

    def add(self, *sources: Source) -> None:
        """Show the numbers of another part of the process, too."""
        self._sources += sources

    def observe(self, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        answers = self._routes[route]
        answers.by_status[status] += 1
        answers.seconds.observe(seconds)

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
        seconds = {route: answers.seconds for route, answers in self._routes.items()}
        yield labelled_histogram("cairn_request_seconds", "Time to the answer.", "route", seconds)
        for source in self._sources:
            yield from source()
        yield from self._of_process or self._process.collect()


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
