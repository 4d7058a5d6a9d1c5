"""`python -m benchmarks`: choose, run, print."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks import machine, suite
from benchmarks.contenders import bare, caches, cairn, disk, etcd, nginx, seaweedfs
from benchmarks.contenders.base import BATCH, Contender, MissingError

Start = Callable[[Path], contextlib.AbstractContextManager[Contender]]

_STARTS: Final[dict[str, Start]] = {
    "cairn": cairn.start,
    "uncached": cairn.start_uncached,
    "apart": cairn.start_apart,
    "ungrouped": cairn.start_ungrouped,
    "slow": cairn.start_slow,
    "slow-ungrouped": cairn.start_slow_ungrouped,
    "bare": bare.start,
    "nginx": nginx.start,
    "varnish": caches.start_varnish,
    "nginx-cache": caches.start_nginx,
    "seaweedfs": seaweedfs.start,
    "etcd": etcd.start,
    "file": disk.start_file,
    "lmdb": disk.start_lmdb,
}
_GROUPINGS: Final = (
    (cairn.NAME, cairn.UNGROUPED, ""),
    (cairn.SLOW, cairn.SLOW_UNGROUPED, ", on a disk that takes 5 ms longer"),
)
_BUSY: Final = 0.85
_HEADINGS: Final = ("", "op/s", "spread", "p50 ms", "p99 ms", "CPU s / 1,000", "Cairn: rate", "per CPU s")


def main() -> None:
    """Run what is asked for."""
    arguments = _arguments()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cairn-bench-", dir=arguments.folder)))
        about = machine.describe(folder)
        for name, value in about.items():
            print(f"{name:8} {value}")
        rounds = "1 round" if arguments.rounds == 1 else f"{arguments.rounds} rounds"
        print(f"{'runs':8} {rounds} of {arguments.seconds:g} s, 32 connections; figures are medians")
        if about["disk"] in machine.NOT_DURABLE:
            print(f"\nThe folder is on {about['disk']}: durable writes cost nothing there. Choose another by --folder.")
        contenders = list(_started(stack, folder, arguments.contenders))
        tests = [test for test in suite.tests() if arguments.only in test.name]
        results = {test.name: _run(test, contenders, arguments) for test in tests}
    goals = list(_goals(results))
    if goals:
        print("\ngoals")
        for goal in goals:
            print(f"  {goal}")
    if arguments.json is not None:
        rows = [_as_json(name, each) for name, found in results.items() for each in found]
        arguments.json.write_text(json.dumps({"machine": about, "results": rows, "goals": goals}, indent=2) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", default="", help='tests with this in their name, such as "GET" or "PUT 64"')
    parser.add_argument("--contenders", nargs="+", choices=_STARTS, default=list(_STARTS), metavar="NAME",
                        help=", ".join(_STARTS))  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="one round of half a second: whether it runs, no more")
    parser.add_argument("--rounds", type=int, help="3 unless told")
    parser.add_argument("--seconds", type=float, help="for each round of each contender: 2 unless told")
    parser.add_argument("--folder", type=Path, help="where the servers keep their data, some 20 GB")
    parser.add_argument("--json", type=Path, help="write the results there, too")
    arguments = parser.parse_args()
    rounds, seconds = (1, 0.5) if arguments.quick else (3, 2.0)
    arguments.rounds = arguments.rounds or rounds
    arguments.seconds = arguments.seconds or seconds
    return arguments


def _started(stack: contextlib.ExitStack, folder: Path, names: Sequence[str]) -> Iterator[Contender]:
    """All contenders that are installed, running until the stack ends."""
    for name in names:
        own = folder / name
        own.mkdir()
        try:
            yield stack.enter_context(_STARTS[name](own))
        except MissingError as missing:
            print(f"without {name}: {missing}", file=sys.stderr)


def _run(test: suite.Test, contenders: Sequence[Contender], arguments: argparse.Namespace) -> list[suite.Result]:
    results = suite.run(test, contenders, arguments.rounds, arguments.seconds)
    ours = next((result for result in results if result.contender == cairn.NAME), None)
    print(f"\n{test.name}")
    _print_row(_HEADINGS)
    for result in results:
        _print_row(_cells(result, ours))
        if result.generator_share > _BUSY:
            print("    the load generator was the bottleneck: it used", f"{result.generator_share:.0%} of a core")
    return results


def _goals(results: Mapping[str, Sequence[suite.Result]]) -> Iterator[str]:
    """What the project wants of itself, beside what came out."""
    for name, found in results.items():
        by_name = {result.contender: result for result in found}
        ours = by_name.get(cairn.NAME)
        if ours is None:
            continue
        for cache, goal in (("Varnish", "120%"), ("nginx proxy_cache", "100%")):
            if cache in by_name:
                yield f"{name}: {suite.cpu_ratio(ours, by_name[cache]):.0%} of {cache} per CPU second (goal: {goal})"
        bare_server = by_name.get("bare Granian")
        if name.startswith("GET") and bare_server is not None:
            yield f"{name}: {suite.cpu_ratio(ours, bare_server):.0%} of bare Granian per CPU second (goal: 75%)"
        if name.endswith(f"{BATCH} entries a request") or "1 chain" in name:
            continue
        for grouped, ungrouped, where in _GROUPINGS:
            if grouped in by_name and ungrouped in by_name:
                times = suite.rate_ratio(by_name[grouped], by_name[ungrouped])
                yield f"{name}: {times:.1f} times one commit for each operation{where} (goal: 8)"


def _cells(result: suite.Result, ours: suite.Result | None) -> tuple[str, ...]:
    cells = (
        result.contender,
        f"{result.rate:,.0f}",
        f"{result.spread:.0%}",
        f"{result.latency_ms(0.5):.2f}",
        f"{result.latency_ms(0.99):.2f}",
        f"{result.cpu_seconds_per_1000:.3f}",
    )
    if ours is None or ours is result:
        return (*cells, "", "")
    return (*cells, f"{suite.rate_ratio(ours, result):.2f} x", f"{suite.cpu_ratio(ours, result):.2f} x")


def _print_row(cells: Sequence[str]) -> None:
    print("  " + cells[0].ljust(22) + "".join(cell.rjust(15) for cell in cells[1:]), flush=True)


def _as_json(test: str, result: suite.Result) -> dict[str, Any]:
    return {
        "test": test,
        "contender": result.contender,
        "rate": result.rate,
        "rates": [each.rate for each in result.rounds],
        "p50_ms": result.latency_ms(0.5),
        "p99_ms": result.latency_ms(0.99),
        "cpu_seconds_per_1000": result.cpu_seconds_per_1000,
        "generator_share": result.generator_share,
    }


if __name__ == "__main__":
    main()
