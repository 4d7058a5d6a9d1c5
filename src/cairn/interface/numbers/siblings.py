"""The numbers of processes that serve together, as if they were one: pure, but for who told what last.

Each process tells the first of them all of its numbers every second, and gets those of the others in return. So any
of them can show the whole: its own numbers of now, and the others' of a second ago at most. What only grows is kept
when a process has gone, or the sums would fall.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, Protocol

import msgspec
from prometheus_client.core import Metric

from cairn.core.errors import CairnError
from cairn.wire.document import decode_document

REPORT_SECONDS: Final = 1.0

_RULES: Final[dict[str, Callable[[Sequence[float]], float]]] = {
    "process_start_time_seconds": min,
    "process_max_fds": max,
    "cairn_build_info": max,
    "cairn_layer_ready": min,
    "cairn_cache_whatif_hit_ratio": lambda values: sum(values) / len(values),
}
_OF_THE_FOLDER: Final = {"cairn_cache_blocks", "cairn_cache_bytes", "cairn_cache_capacity_bytes"}
_GROWS: Final = ("counter", "histogram")

Labels = tuple[tuple[str, str], ...]
Sample = tuple[str, Labels, float | None]  # None: not a number, as of a ratio of nothing


class Family(msgspec.Struct, frozen=True):
    """Numbers of one name."""

    name: str
    about: str
    kind: str
    samples: list[Sample]


Report = list[Family]

Ask = Callable[[bytes], Awaitable[bytes]]
"""Tells a report to the first process; gives that of all others."""


def report_of(families: Iterable[Metric]) -> Report:
    """All numbers of a process."""
    return [
        Family(
            family.name, family.documentation, family.type,
            [(sample.name, tuple(sample.labels.items()), _number(sample.value)) for sample in family.samples],
        )
        for family in families
    ]  # fmt: skip


def encode_report(number: int, report: Report) -> bytes:
    """What a process tells, and which it is."""
    return msgspec.json.encode((number, report))


def decode_report(body: bytes) -> tuple[int, Report]:
    """Which process tells, and what. Raises Invalid."""
    return decode_document(body, tuple[int, Report], "the numbers of a process are malformed")


def merged(reports: Sequence[Report]) -> Report:
    """The numbers of several processes as if they were one: sums, unless the name says otherwise."""
    families: dict[str, Family] = {}
    found: dict[str, dict[tuple[str, Labels], list[float | None]]] = {}
    for report in reports:
        for family in report:
            families.setdefault(family.name, family)
            values = found.setdefault(family.name, {})
            for name, labels, value in family.samples:
                values.setdefault((name, labels), []).append(value)
    return [
        msgspec.structs.replace(
            family,
            samples=[
                (sample, labels, _together(sample, labels, each)) for (sample, labels), each in found[name].items()
            ],
        )
        for name, family in families.items()
    ]


def as_metrics(report: Report) -> Iterable[Metric]:
    """A report as Prometheus families."""
    for family in report:
        metric = Metric(family.name, family.about, family.kind)
        for name, labels, value in family.samples:
            metric.add_sample(name, dict(labels), math.nan if value is None else value)
        yield metric


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)  # a truth is a number, too


def _together(name: str, labels: Labels, values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return _rule(name, labels)(known) if known else None


def _rule(name: str, labels: Labels) -> Callable[[Sequence[float]], float]:
    if name in _OF_THE_FOLDER and ("tier", "disk") in labels:
        return max  # all processes share that folder
    return _RULES.get(name, sum)


class Beside(Protocol):
    """The processes that serve beside this one."""

    own: Callable[[], Report]
    """The numbers of this one."""

    @property
    def others(self) -> list[Report]:
        """Theirs, as far as they are known."""
        ...

    async def refresh(self) -> None:
        """Know more of them, as far as that can be."""
        ...


class Siblings:
    """What the first process knows of the others."""

    def __init__(self) -> None:
        self.own: Callable[[], Report] = list
        self._reports: dict[int, Report] = {}
        self._gone: Report = []

    @property
    def others(self) -> list[Report]:
        """The numbers of the other processes, and of those that were."""
        return [*self._reports.values(), self._gone]

    async def refresh(self) -> None:
        """They tell by themselves, every second."""

    def answer(self, body: bytes) -> bytes:
        """Take the numbers of a process; returns those of all others. Raises Invalid."""
        number, report = decode_report(body)
        self._reports[number] = report
        rest = [each for one, each in self._reports.items() if one != number]
        return encode_report(0, merged([self.own(), *rest, self._gone]))

    def leave(self, number: int) -> None:
        """A process has ended: only what grows is kept."""
        report = self._reports.pop(number, [])
        grown = [family for family in report if family.kind in _GROWS]
        self._gone = merged([self._gone, grown])


class Sibling:
    """What a further process knows of the others, through the first."""

    def __init__(self, number: int, ask: Ask) -> None:
        self.own: Callable[[], Report] = list
        self.others: list[Report] = []
        self._number = number
        self._ask = ask

    async def refresh(self) -> None:
        """Tell and be told."""
        with contextlib.suppress(CairnError):  # there is no first process now: this one ends soon
            body = encode_report(self._number, self.own())
            self.others = [decode_report(await self._ask(body))[1]]

    async def report(self) -> None:
        """Tell and be told every second, until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(REPORT_SECONDS)
