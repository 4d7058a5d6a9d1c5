"""`cairn top`: what the console shows, in a terminal."""

from __future__ import annotations

import sys
import time
from typing import Annotated, Any, Final

import typer

from cairn.cli import options
from cairn.cli.asking import ask
from cairn.cli.failures import Exit, Failure
from cairn.cli.numbers import Recent
from cairn.cli.output import say_json, say_json_line

_ROWS_MS: Final = 11_000
_NO_ROWS: Final = 2**53 - 1
_INTERVAL_SECONDS: Final = 2.0

Token = Annotated[
    str | None,
    typer.Option("--token", envvar="CAIRN_TOKEN", metavar="TOKEN", help="The console token; @FILE reads it."),
]


def top(
    server: options.Server = options.SERVER_DEFAULT,
    token: Token = None,
    once: Annotated[bool, typer.Option("--once", help="Show it once, and end.")] = False,
    interval: Annotated[
        float | None, typer.Option("--interval", min=0.5, max=3_600, metavar="SECONDS", help="How often. Default: 2.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Show a server's numbers as they change: requests, cache, storage. Ctrl-C ends it."""
    watch = _Watch(server.rstrip("/"), options.read_secret(token, "CAIRN_TOKEN") if token else None)
    is_once = once or (interval is None and not as_json and not sys.stdout.isatty())
    pause_seconds = interval or _INTERVAL_SECONDS
    try:
        if as_json:
            _print_json(watch, pause_seconds, is_once=is_once)
        elif is_once or not sys.stdout.isatty():
            _print(watch, pause_seconds, is_once=is_once)
        else:
            _follow(watch, pause_seconds)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


class _Watch:
    """One server, asked again and again."""

    def __init__(self, server: str, token: str | None) -> None:
        self.server = server
        self._token = token
        self._time_ms = 0

    def look(self) -> Recent:
        """Its numbers over the last ten seconds.

        Raises:
            Failure: there is no answer, or the token is missing or wrong.
        """
        if not self._time_ms:
            self._time_ms = int(self._ask(_NO_ROWS)["time_ms"])
        recent = Recent(self._ask(max(0, self._time_ms - _ROWS_MS)))
        self._time_ms = recent.time_ms
        return recent

    def _ask(self, since_ms: int) -> Any:
        code, answer = ask(self.server, f"/console/data?step=1&since={since_ms}", self._token)
        if code == 403:
            raise Failure(
                str(answer.get("detail")), "set CAIRN_TOKEN to what `cairn grant --console-token` prints", Exit.DENIED
            )
        if code != 200 or "rows" not in answer:
            raise Failure("this server has no numbers to show", "check --server, and its version", Exit.UNREACHABLE)
        return answer


def _print_json(watch: _Watch, pause_seconds: float, *, is_once: bool) -> None:
    from cairn.cli.top_view import document

    if is_once:
        say_json(document(watch.server, watch.look()))
        return
    while True:
        say_json_line(document(watch.server, watch.look()))
        time.sleep(pause_seconds)


def _print(watch: _Watch, pause_seconds: float, *, is_once: bool) -> None:
    from rich.console import Console

    from cairn.cli.top_view import screen

    console = Console(highlight=False)
    while True:
        console.print(screen(watch.server, watch.look(), lines=None))
        if is_once:
            return
        sys.stdout.flush()
        time.sleep(pause_seconds)


def _follow(watch: _Watch, pause_seconds: float) -> None:
    """Fill the terminal, until Ctrl-C. A server that does not answer any more leaves its last numbers, marked so."""
    from rich.console import Console
    from rich.live import Live

    from cairn.cli.top_view import screen

    console = Console(highlight=False)
    recent, answered_at, trouble = watch.look(), time.monotonic(), ""
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            age_seconds = time.monotonic() - answered_at if trouble else 0
            shown = screen(
                watch.server, recent, lines=console.size.height, age_seconds=age_seconds, trouble=trouble
            )  # fmt: skip
            live.update(shown, refresh=True)
            time.sleep(pause_seconds)
            try:
                recent, answered_at, trouble = watch.look(), time.monotonic(), ""
            except Failure as failure:
                if failure.code != Exit.UNREACHABLE:
                    raise
                trouble = str(failure)
