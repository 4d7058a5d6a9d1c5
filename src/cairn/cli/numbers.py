"""The numbers of a server over the last seconds, from what it remembers: for `cairn top`. Pure.

The console reckons in the same way (`web/console/past.js`): a rate, a share or a percentile is one of what came in
between the first and the last row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

_LABEL: Final = re.compile(r'(\w+)="([^"]*)"')

Values = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Name:
    """A name of /metrics, taken apart."""

    metric: str
    labels: Mapping[str, str]

    @classmethod
    def of(cls, text: str) -> Name:
        """Parse `metric{label="value"}`."""
        return cls(text.partition("{")[0], dict(_LABEL.findall(text)))

    def fits(self, metric: str, labels: Mapping[str, str]) -> bool:
        """Whether it is of this metric, and has these labels among its own."""
        return self.metric == metric and labels.items() <= self.labels.items()


class Recent:
    """What a server told: `now`, and how it came there over `seconds`."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self.version = str(answer["version"])
        self.time_ms = int(answer["time_ms"])
        self.uptime_seconds = (self.time_ms - int(answer["started_ms"])) / 1_000
        rows = answer["rows"]
        self.seconds = (rows[-1][0] - rows[0][0]) / 1_000 if rows else 0.0
        self._now = [(Name.of(name), float(value or 0)) for name, value in answer["now"].items()]
        self._names = [Name.of(name) for name in answer["series"]]
        self._columns = _walk_back(answer["last"], rows)

    def value(self, metric: str, **labels: str) -> float:
        """The number now, summed over other labels; an `int` where it is whole."""
        total = sum((value for name, value in self._now if name.fits(metric, labels)), 0.0)
        return int(total) if total.is_integer() else total

    def has(self, metric: str, **labels: str) -> bool:
        """Whether there is such a number."""
        return any(name.fits(metric, labels) for name, _ in self._now)

    def label_values(self, metric: str, label: str) -> list[str]:
        """What a label is, sorted."""
        return sorted({name.labels[label] for name, _ in self._now if name.metric == metric and label in name.labels})

    def labelled(self, metric: str, label: str) -> list[tuple[str, float]]:
        """Each value of a label and its number, the largest first."""
        found = [(name.labels[label], value) for name, value in self._now if name.metric == metric]
        return sorted(found, key=lambda item: -item[1])

    def grown(self, metric: str, **labels: str) -> float:
        """By how much a counter grew."""
        sums = self._sums(metric, labels)
        return max(0.0, sums[-1] - sums[0]) if sums else 0.0

    def rate(self, metric: str, **labels: str) -> float | None:
        """The same per second; None where there is no past yet."""
        return self.grown(metric, **labels) / self.seconds if self.seconds else None

    def rates(self, metric: str, **labels: str) -> list[float]:
        """The growth from row to row."""
        sums = self._sums(metric, labels)
        return [max(0.0, after - before) for before, after in pairwise(sums)]

    def quantile(self, q: float, histogram: str, **labels: str) -> float | None:
        """Below which a share of what was observed lies; None if nothing was."""
        metric = f"{histogram}_bucket"
        bounds = {float(bound) for bound in self.label_values(metric, "le")}
        counts = {bound: self.grown(metric, le=_le(bound), **labels) for bound in sorted(bounds)}
        return quantile_of(q, counts)

    def _sums(self, metric: str, labels: Mapping[str, str]) -> list[float]:
        wanted = [place for place, name in enumerate(self._names) if name.fits(metric, labels)]
        return [sum(row[place] for place in wanted) for row in self._columns]


def quantile_of(q: float, counts: Mapping[float, float]) -> float | None:
    """The quantile of what was counted per bucket, by upper bound in ascending order, the last one infinite."""
    wanted, lower, below = q * sum(counts.values()), 0.0, 0.0
    if not wanted:
        return None
    for bound, count in counts.items():
        if below + count >= wanted:
            return lower if bound == float("inf") else lower + (bound - lower) * (wanted - below) / (count or 1)
        lower, below = bound, below + count
    return lower


def _le(bound: float) -> str:
    return "+Inf" if bound == float("inf") else str(bound)


def _walk_back(last: list[float], rows: list[list[float]]) -> list[list[float]]:
    """The values of each row, oldest first."""
    values, found = list(last), []
    for row in reversed(rows):
        found.append(list(values))
        for place, difference in zip(row[1::2], row[2::2], strict=True):
            values[int(place)] -= difference
    return found[::-1]
