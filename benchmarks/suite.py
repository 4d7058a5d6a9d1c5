"""The loads, and how they are run: all contenders in turn within each round, in another order each time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from benchmarks.contenders.base import BATCH, CACHED_SIZE, Append, Contender, Get, Measure, Put, Scan
from benchmarks.load import Outcome

_SALT_BYTES: Final = 16
_WARM_UP_SECONDS: Final = 0.5
_SCANNED: Final = 3_000  # with 16 KiB each: half as much again as the default cache

# More than any contender does in a second, so that requests do not run out.
_PUTS_PER_SECOND: Final = {1_024: 30_000, 65_536: 10_000, 1_048_576: 1_500}
_APPENDS_PER_SECOND: Final = {(1, 1): 4_000, (1, BATCH): 600, (32, 1): 600, (32, BATCH): 25}


@dataclass(frozen=True)
class Test:
    """One load by name. `prepare` makes it for one round, for so many seconds, and then for each contender."""

    name: str
    prepare: Callable[[float], Callable[[Contender], Measure | None]]


@dataclass(frozen=True)
class Result:
    """The rounds of one contender at one test. The figures are medians over rounds."""

    contender: str
    rounds: Sequence[Outcome]

    @property
    def rate(self) -> float:
        """Operations a second."""
        return median(each.rate for each in self.rounds)

    @property
    def spread(self) -> float:
        """Between the best and the worst round, as a share of the rate."""
        rates = [each.rate for each in self.rounds]
        return (max(rates) - min(rates)) / self.rate

    @property
    def cpu_seconds_per_1000(self) -> float:
        """CPU seconds of the server for 1,000 operations."""
        return median(each.server_cpu_seconds / each.operations for each in self.rounds) * 1_000

    @property
    def generator_share(self) -> float:
        """How busy the load generator was, of one core."""
        return max(each.generator_share for each in self.rounds)

    def latency_ms(self, share: float) -> float:
        """The time by which this share of the requests was answered."""
        return median(each.latencies_ms[int(share * (len(each.latencies_ms) - 1))] for each in self.rounds)


def rate_ratio(one: Result, other: Result) -> float:
    """How many times the rate of another: the median over rounds, as what disturbs a round disturbs both."""
    return median(a.rate / b.rate for a, b in zip(one.rounds, other.rounds, strict=True))


def cpu_ratio(one: Result, other: Result) -> float:
    """How many times the operations of another per CPU second of the server; likewise."""
    costs = [(a.server_cpu_seconds / a.operations, b.server_cpu_seconds / b.operations)
             for a, b in zip(one.rounds, other.rounds, strict=True)]  # fmt: skip
    return median(theirs / ours if ours else 0.0 for ours, theirs in costs)


def tests() -> Iterator[Test]:
    """All of them, in the order in which they are run."""
    for size, name in ((1_024, "1 KiB"), (16_384, "16 KiB"), (65_536, "64 KiB"), (1_048_576, "1 MiB")):
        yield Test(f"GET {name}", _get(size))
    yield Test("GET 16 KiB, many in turn", _scan)
    for size, name in ((1_024, "1 KiB"), (65_536, "64 KiB"), (1_048_576, "1 MiB")):
        yield Test(f"PUT {name}", _put(size))
    for chains, batch in _APPENDS_PER_SECOND:
        many = "1 chain" if chains == 1 else f"{chains} chains"
        each = "1 entry" if batch == 1 else f"{batch} entries"
        yield Test(f"append, {many}, {each} a request", _append(chains, batch))


def run(test: Test, contenders: Sequence[Contender], rounds: int, seconds: float) -> list[Result]:
    """Measure everyone who can take the load. The first, short round warms up and does not count."""
    outcomes: dict[str, list[Outcome]] = {}
    for number in range(rounds + 1):
        duration = seconds if number else min(seconds, _WARM_UP_SECONDS)
        measure_of = test.prepare(duration)
        turn = number % len(contenders)
        for contender in (*contenders[turn:], *contenders[:turn]):
            measure = measure_of(contender)
            if measure is not None:
                outcomes.setdefault(contender.name, []).append(measure(duration))
    return [Result(each.name, outcomes[each.name][1:]) for each in contenders if each.name in outcomes]


def _get(size: int) -> Callable[[float], Callable[[Contender], Measure | None]]:
    return lambda _: lambda contender: contender.get(Get(size))


def _scan(_: float) -> Callable[[Contender], Measure | None]:
    load = Scan([os.urandom(CACHED_SIZE) for _ in range(_SCANNED)])
    return lambda contender: contender.scan(load)


def _put(size: int) -> Callable[[float], Callable[[Contender], Measure | None]]:
    def prepare(seconds: float) -> Callable[[Contender], Measure | None]:
        rest = memoryview(os.urandom(size - _SALT_BYTES))
        count = int(_PUTS_PER_SECOND[size] * seconds)
        load = Put(size, [(os.urandom(_SALT_BYTES), rest) for _ in range(count)])
        return lambda contender: contender.put(load)

    return prepare


def _append(chains: int, batch: int) -> Callable[[float], Callable[[Contender], Measure | None]]:
    def prepare(seconds: float) -> Callable[[Contender], Measure | None]:
        load = Append(chains, batch, max(1, int(_APPENDS_PER_SECOND[chains, batch] * seconds)))
        return lambda contender: contender.append(load)

    return prepare
