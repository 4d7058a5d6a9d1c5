"""The past of all numbers in /metrics, so that a chart has one at once. Pure: numbers and times in, documents out.

Theory of operation. `take` gets every number of one moment. Three rings remember: each second for ten minutes, every
tenth for two hours, every sixtieth for a day. A row of a ring holds what changed since the row before: pairs of series
and difference, 10 bytes each. A ring knows its newest values whole, and older ones follow from them by walking back. So
a server at rest remembers next to nothing, and every row that leaves at the old end leaves the others right.
Buckets of histograms are remembered without those below them, for else one observation would change nearly all.

Bounds: `SERIES_MAX` numbers are remembered, the first that came; rows by time, and `RING_BYTES_MAX` for each ring. When
the clock is set back, the past is forgotten: its rows would lie in the future.
"""

from __future__ import annotations

import re
from array import array
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final, NamedTuple

SERIES_MAX: Final = 4_096
RING_BYTES_MAX: Final = 4 * 1024 * 1024
RINGS: Final = ((1, 600), (10, 7_200), (60, 86_400))
"""Seconds from row to row, and how far they go back."""

_ROW_BYTES: Final = 256  # of the objects that make up a row, besides its numbers
_DIFFERENCE_BYTES: Final = 10
_DIGITS: Final = 9
_BOUND: Final = re.compile(r'le="[^"]*"')
_OF_THE_MOMENT: Final = ("cairn_cache_hot_requests",)  # its labels come and go


class Row(NamedTuple):
    """What had changed at a time: positions of series, and by how much each."""

    time_ms: int
    places: array[int]
    differences: array[float]

    @property
    def bytes(self) -> int:
        """What it takes in memory, about."""
        return _ROW_BYTES + _DIFFERENCE_BYTES * len(self.places)


@dataclass(frozen=True, slots=True)
class Past:
    """A part of the past at one moment, to be written out elsewhere than where it grows."""

    step_seconds: int
    series: Sequence[str]
    last: Sequence[float]
    rows: Sequence[Row]

    def document(self, prefixes: Collection[str], since_ms: int) -> dict[str, Any]:
        """As JSON values: `series` whose names begin as wanted, their values in the `last` row, and the `rows` after
        `since_ms`, oldest first: `[time_ms, place, difference, place, difference, ...]`, places in `series`."""
        wanted = [place for place in range(len(self.last)) if is_wanted(self.series[place], prefixes)]
        place_of = {place: new for new, place in enumerate(wanted)}
        return {
            "step_seconds": self.step_seconds,
            "series": [self.series[place] for place in wanted],
            "last": [self.last[place] for place in wanted],
            "rows": [_written(row, place_of) for row in self.rows if row.time_ms > since_ms],
        }


class Ring:
    """The rows of one step."""

    def __init__(self, step_seconds: int, span_seconds: int) -> None:
        self.step_seconds = step_seconds
        self._rows_max = span_seconds // step_seconds
        self._rows: deque[Row] = deque()
        self._last: array[float] = array("d")
        self._bytes = 0

    @property
    def bytes(self) -> int:
        """What the rows take in memory, about."""
        return self._bytes

    def take(self, time_ms: int, values: Sequence[float]) -> None:
        """Add a row, if one is due."""
        if self._rows and time_ms < self._rows[-1].time_ms:
            self._rows.clear()
            self._bytes = 0
        step_ms = self.step_seconds * 1_000
        if not self._rows or time_ms // step_ms > self._rows[-1].time_ms // step_ms:
            self._add(time_ms, values)

    def past(self, series: Sequence[str]) -> Past:
        """All rows, as they are now."""
        return Past(self.step_seconds, series, self._last, tuple(self._rows))

    def _add(self, time_ms: int, values: Sequence[float]) -> None:
        before = self._last + array("d", bytes(8 * (len(values) - len(self._last))))
        places = array("H", (place for place, value in enumerate(values) if value != before[place]))
        row = Row(time_ms, places, array("d", (values[place] - before[place] for place in places)))
        self._rows.append(row)
        self._last = array("d", values)
        self._bytes += row.bytes
        while len(self._rows) > self._rows_max or self._bytes > RING_BYTES_MAX:
            self._bytes -= self._rows.popleft().bytes


class History:
    """What was, and `now`: the newest of all numbers, by their names as in /metrics."""

    def __init__(self) -> None:
        self.time_ms = 0
        self.now: Mapping[str, float] = {}
        self._series: dict[str, int] = {}
        self._below: dict[str, str] = {}  # by the name of a bucket: the one whose observations it holds as well
        self._rings = {step: Ring(step, span) for step, span in RINGS}

    def take(self, time_ms: int, numbers: Mapping[str, float]) -> None:
        """Remember the numbers of a moment. One that is missing, or is no number, counts as 0 in the past."""
        self.time_ms, self.now = time_ms, numbers
        values = array("d", bytes(8 * len(self._series)))
        for name, value in numbers.items():
            place = self._place_of(name, values)
            if place is not None and isfinite(value):
                below = self._below.get(name)
                values[place] = value if below is None else value - numbers.get(below, 0.0)
        for ring in self._rings.values():
            ring.take(time_ms, values)

    def past(self, step_seconds: int) -> Past:
        """The rows of one of the steps in `RINGS`."""
        return self._rings[step_seconds].past(tuple(self._series))

    @property
    def bytes(self) -> int:
        """What the past takes in memory, about."""
        return sum(ring.bytes for ring in self._rings.values())

    def _place_of(self, name: str, values: array[float]) -> int | None:
        place = self._series.get(name)
        if place is None and len(self._series) < SERIES_MAX and not name.startswith(_OF_THE_MOMENT):
            self._note_below(name)
            place = self._series[name] = len(values)
            values.append(0.0)
        return place

    def _note_below(self, name: str) -> None:
        """Buckets come in order, so the one below came just before, and differs in its bound only."""
        last = next(reversed(self._series), "")
        if "_bucket{" in name and _BOUND.sub("", last) == _BOUND.sub("", name):
            self._below[name] = last


def is_wanted(name: str, prefixes: Collection[str]) -> bool:
    """Whether a name begins with one of `prefixes`; any does where there are none."""
    return not prefixes or name.startswith(tuple(prefixes))


def _written(row: Row, place_of: Mapping[int, int]) -> list[float]:
    return [row.time_ms, *_differences(row, place_of)]


def _differences(row: Row, place_of: Mapping[int, int]) -> Iterator[float]:
    for place, difference in zip(row.places, row.differences, strict=True):
        new = place_of.get(place)
        if new is not None:
            yield new
            yield int(difference) if difference.is_integer() else round(difference, _DIGITS)
