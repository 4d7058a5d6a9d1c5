"""What a command prints: JSON or lines on standard output, tables and progress for people."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table

Progress = Callable[[int, int], None]
"""Told now and then: how much is done, of how much in all."""


def say(text: str = "") -> None:
    """A line of the answer, on standard output."""
    typer.echo(text)


def note(text: str) -> None:
    """A line beside the answer, on standard error."""
    typer.echo(text, err=True)


def printable(text: str) -> str:
    """No control characters: what somebody else wrote must not steer the terminal."""
    return "".join(char if char.isprintable() or char == "\t" else "\N{REPLACEMENT CHARACTER}" for char in text)


def say_json(document: Any) -> None:
    """The answer as one JSON document: indented for a terminal, one line for a program."""
    import msgspec

    data = msgspec.json.encode(document)
    say(_escaped((msgspec.json.format(data, indent=2) if sys.stdout.isatty() else data).decode()))


def say_json_line(document: Any) -> None:
    """One of several JSON documents, each on a line of its own, at once."""
    import msgspec

    say(_escaped(msgspec.json.encode(document).decode()))
    sys.stdout.flush()


def _escaped(text: str) -> str:
    """The same JSON without what steers a terminal: JSON itself escapes only the lower control characters."""
    if text.isascii() and "\x7f" not in text:
        return text
    return "".join(char if char.isprintable() or char == "\n" else _json_escape(char) for char in text)


def _json_escape(char: str) -> str:
    import json

    return "\\u007f" if char == "\x7f" else json.dumps(char)[1:-1]


def counted(count: int, one: str, many: str | None = None) -> str:
    """A number of things in words: "1 chain", "2 chains"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def table(*columns: str) -> Table:
    """A table in the one style of this program; add rows, then `show` it."""
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        name = column.removesuffix(">")
        made.add_column(name, justify="right" if name != column else "left", overflow="fold")
    return made


def show(what: Any) -> None:
    """Something of rich, on standard output."""
    from rich.console import Console

    Console(highlight=False, soft_wrap=False).print(what)


def show_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    """Names and values, aligned."""
    width = max(len(name) for name, _ in pairs)
    for name, value in pairs:
        say(f"{typer.style(name.ljust(width), bold=True)}  {value}")


@contextmanager
def progress(label: str, *, unit: str = "bytes") -> Iterator[Progress]:
    """A progress bar on standard error; nothing at all where that is no terminal."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    with _bar(unit) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _bar(unit: str) -> Any:
    from rich import progress as parts
    from rich.console import Console
    from rich.text import Text

    from cairn.config import format_size

    class Speed(parts.ProgressColumn):
        def render(self, task: parts.Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text(f"{format_size(int(speed))}/s" if speed else "", style="progress.data.speed")

    measure = [parts.DownloadColumn(binary_units=True), Speed()]
    columns = measure if unit == "bytes" else [parts.MofNCompleteColumn()]
    return parts.Progress(
        parts.TextColumn("{task.description}", table_column=None),
        parts.BarColumn(bar_width=None),
        *columns,
        parts.TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        console=Console(stderr=True),
    )
