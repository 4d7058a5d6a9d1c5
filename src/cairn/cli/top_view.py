"""What `cairn top` shows of a server's numbers: as one JSON document, or drawn for a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cairn.cli.numbers import Recent
from cairn.cli.output import counted
from cairn.config import format_size

_LAYERS: Final = ("interface", "cache", "storage")
_TIERS: Final = ("memory", "disk")
_SPARKS: Final = "▁▂▃▄▅▆▇█"
_NONE: Final = "–"
_ROUTES_LEAST: Final = 3
_LINES_BESIDE_TABLES: Final = 9  # the lines of figures and tiers come on top


def document(server: str, recent: Recent) -> dict[str, Any]:
    """All of it for programs. Rates and percentiles are of the last `seconds`; None: nothing to tell from."""
    return {
        "server": server,
        "version": recent.version,
        "time_ms": recent.time_ms,
        "uptime_seconds": recent.uptime_seconds,
        "seconds": recent.seconds,
        "layers": {name: recent.value("cairn_layer_ready", layer=name) == 1 for name in _layers(recent)},
        "requests": {**_times(recent, "cairn_request_seconds"), "per_second": recent.rate("cairn_requests_total")},
        "clients": {
            "connections": recent.value("cairn_connections"),
            "streams": recent.value("cairn_live_streams"),
            "in_flight": recent.value("cairn_requests_in_flight"),
            "dropped": recent.value("cairn_connections_dropped_total"),
        },
        "cache": {tier: _tier(recent, tier) for tier in _tiers(recent)},
        "hot": dict(recent.labelled("cairn_cache_hot_requests", "block")),
        "storage": _storage(recent),
        "link": _link(recent),
        "process": {
            "resident_bytes": recent.value("process_resident_memory_bytes"),
            "cores": recent.rate("process_cpu_seconds_total"),
        },
        "routes": {route: _route(recent, route) for route in recent.label_values("cairn_requests_total", "route")},
    }


def _layers(recent: Recent) -> list[str]:
    return [name for name in _LAYERS if recent.has("cairn_layer_ready", layer=name)]


def _tiers(recent: Recent) -> list[str]:
    return [tier for tier in _TIERS if recent.value("cairn_cache_capacity_bytes", tier=tier)]


def _times(recent: Recent, histogram: str, **labels: str) -> dict[str, float | None]:
    return {
        "median_seconds": recent.quantile(0.5, histogram, **labels),
        "p99_seconds": recent.quantile(0.99, histogram, **labels),
    }


def _tier(recent: Recent, tier: str) -> dict[str, Any]:
    def share(hit: str, missed: str) -> float | None:
        hits = recent.grown(f"cairn_cache_{hit}_total", tier=tier)
        both = hits + recent.grown(f"cairn_cache_{missed}_total", tier=tier)
        return hits / both if both else None

    return {
        "bytes": recent.value("cairn_cache_bytes", tier=tier),
        "capacity_bytes": recent.value("cairn_cache_capacity_bytes", tier=tier),
        "blocks": recent.value("cairn_cache_blocks", tier=tier),
        "hits_per_second": recent.rate("cairn_cache_hits_total", tier=tier),
        "hit_ratio": share("hits", "misses"),
        "byte_hit_ratio": share("hit_bytes", "miss_bytes"),
        "evictions_per_second": recent.rate("cairn_cache_evictions_total", tier=tier),
        **_times(recent, "cairn_cache_get_seconds", tier=tier),
    }


def _storage(recent: Recent) -> dict[str, Any]:
    """What is kept here; nothing where storage is apart."""
    if not recent.has("cairn_storage_blocks"):
        return {}
    names = ("blocks", "pins", "chains", "entries", "file_bytes", "used_bytes", "free_disk_bytes", "full", "damaged")
    commits = recent.rate("cairn_storage_commit_seconds_count")
    return {
        **{name: recent.value(f"cairn_storage_{name}") for name in names},
        "commits_per_second": commits,
        "writes_per_second": recent.rate("cairn_storage_commit_jobs_sum"),
        **_times(recent, "cairn_storage_commit_seconds"),
    }


def _link(recent: Recent) -> dict[str, Any]:
    """How storage is reached, where it is apart."""
    if not recent.has("cairn_link_connections", end="asks"):
        return {}
    return {
        "connections": recent.value("cairn_link_connections", end="asks"),
        "in_flight": recent.value("cairn_link_requests_in_flight", end="asks"),
        **_times(recent, "cairn_link_round_trip_seconds", end="asks"),
    }


def _route(recent: Recent, route: str) -> dict[str, Any]:
    statuses = {
        status: recent.value("cairn_requests_total", route=route, status=status) for status in _statuses(recent)
    }
    return {
        "per_second": recent.rate("cairn_requests_total", route=route),
        **_times(recent, "cairn_request_seconds", route=route),
        "by_status": {status: count for status, count in statuses.items() if count},
    }


def _statuses(recent: Recent) -> list[str]:
    return recent.label_values("cairn_requests_total", "status")


# --- for people -------------------------------------------------------------------------------------------------------


def screen(
    server: str, recent: Recent, *, lines: int | None, age_seconds: float = 0, trouble: str = ""
) -> RenderableType:
    """As it stands in a terminal of so many lines; None: as many as it takes. `trouble`: why the numbers are old."""
    shown = document(server, recent)
    figures = _figures(shown, recent)
    head = [
        _headline(shown, age_seconds),
        Text(trouble, "bold red") if trouble else _health(shown),
        Text(),
        figures,
        Text(),
        _cache(shown),
    ]
    used = _LINES_BESIDE_TABLES + figures.row_count + len(shown["cache"])
    room = max(_ROUTES_LEAST, lines - used) if lines else len(shown["routes"])
    return Group(*head, Text(), _routes(shown, room))


def _headline(shown: dict[str, Any], age_seconds: float) -> Table:
    line = Table.grid(expand=True)
    line.add_column(overflow="ellipsis", no_wrap=True)
    line.add_column(justify="right", no_wrap=True)
    name = Text.assemble(("Cairn ", "bold"), shown["version"], " at ", (shown["server"], "cyan"))
    name.append(f", up {_span(shown['uptime_seconds'])}")
    moment = time.strftime("%H:%M:%S", time.localtime(shown["time_ms"] / 1_000))
    line.add_row(name, Text(f"{_span(age_seconds)} old", "bold red") if age_seconds else Text(moment, "dim"))
    return line


def _health(shown: dict[str, Any]) -> Text:
    text = Text()
    for layer, is_ready in shown["layers"].items():
        text.append(f"{layer} ").append(
            "ready" if is_ready else "NOT READY", "green" if is_ready else "bold red"
        ).append("   ")
    if shown["storage"].get("full"):
        text.append("disk full: writes are refused   ", "bold red")
    if shown["storage"].get("damaged"):
        text.append("damaged blocks were met: run cairn scrub", "bold red")
    return text


def _figures(shown: dict[str, Any], recent: Recent) -> Table:
    requests, clients, process = shown["requests"], shown["clients"], shown["process"]
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(no_wrap=True, overflow="ellipsis")
    spark = _spark(recent.rates("cairn_requests_total"))
    grid.add_row("requests", f"{_rate(requests['per_second'])}  {_pair(requests)}  {spark}")
    grid.add_row(
        "clients",
        f"{counted(int(clients['connections']), 'connection')}, {counted(int(clients['streams']), 'stream')}, "
        f"{clients['in_flight']:,} in flight, {clients['dropped']:,} cut off",
    )
    storage = shown["storage"]
    if storage:
        kept = f"{counted(int(storage['blocks']), 'block')}, {counted(int(storage['chains']), 'chain')}"
        grid.add_row(
            "storage", f"{kept}, {format_size(storage['used_bytes'])}; {format_size(storage['free_disk_bytes'])} free"
        )
        grid.add_row("commits", f"{_rate(storage['writes_per_second'])} writes  {_pair(storage)}")
    link = shown["link"]
    if link:
        grid.add_row(
            "link", f"{counted(link['connections'], 'connection')}, {link['in_flight']:,} in flight  {_pair(link)}"
        )
    cores = process["cores"]
    grid.add_row("process", f"{format_size(process['resident_bytes'])}, {_or_none(cores, '{:.2f}'.format)} cores")
    return grid


def _cache(shown: dict[str, Any]) -> RenderableType:
    if not shown["cache"]:
        return Text("the cache is off", "dim")
    made = _table("cache", "used>", "of>", "hits>", "ratio>", "bytes>", "99 %>", "evicted>")
    for tier, found in shown["cache"].items():
        made.add_row(
            tier, format_size(found["bytes"]), format_size(found["capacity_bytes"]), _rate(found["hits_per_second"]),
            _share(found["hit_ratio"]), _share(found["byte_hit_ratio"]), _seconds(found["p99_seconds"]),
            _rate(found["evictions_per_second"]),
        )  # fmt: skip
    return made


def _routes(shown: dict[str, Any], room: int) -> Table:
    made = _table("route", "now>", "median>", "99 %>", "done>", "refused>", "failed>")
    routes = sorted(shown["routes"].items(), key=lambda item: (-(item[1]["per_second"] or 0), item[0]))
    for route, found in routes[:room]:
        sums = [_by_first(found["by_status"], digits) for digits in ("23", "4", "5")]
        made.add_row(
            route, _rate(found["per_second"]), _seconds(found["median_seconds"]), _seconds(found["p99_seconds"]),
            *(f"{count:,.0f}" if count else "" for count in sums),
        )  # fmt: skip
    return made


def _table(*columns: str) -> Table:
    from cairn.cli.output import table

    made = table(*columns)
    for column in made.columns:
        column.no_wrap = True
    return made


def _by_first(by_status: dict[str, float], digits: str) -> float:
    return sum(count for status, count in by_status.items() if status[0] in digits)


def _pair(times: dict[str, Any]) -> str:
    return f"median {_seconds(times['median_seconds'])}, 99 % {_seconds(times['p99_seconds'])}"


def _spark(values: list[float]) -> str:
    most = max(values, default=0)
    return "".join(_SPARKS[min(7, int(value / most * 7.99))] for value in values) if most else ""


def _or_none(value: float | None, form: Callable[[float], str]) -> str:
    return _NONE if value is None else form(value)


def _rate(value: float | None) -> str:
    return _or_none(value, lambda rate: f"{rate:,.0f}/s" if rate >= 10 or rate == 0 else f"{rate:.1f}/s")


def _share(value: float | None) -> str:
    return _or_none(value, lambda share: f"{share * 100:.1f} %")


def _seconds(value: float | None) -> str:
    if value is None:
        return _NONE
    for limit, factor, unit in ((0.001, 1e6, "µs"), (1.0, 1e3, "ms")):
        if value < limit:
            return f"{value * factor:.3g} {unit}" if value * factor < 100 else f"{value * factor:.0f} {unit}"
    return f"{value:.2f} s"


def _span(seconds: float) -> str:
    minutes = int(seconds) // 60
    if minutes < 1:
        return f"{int(seconds)} s"
    hours = minutes // 60
    if hours < 1:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"
