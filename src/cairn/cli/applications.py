"""`cairn new notes DIR` and its like: a copy of one of the demo's applications, to begin one of your own with."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import typer

from cairn.cli import options
from cairn.cli.failures import Exit, Failure
from cairn.cli.output import say, say_json, show_pairs
from cairn.interface.sites.bundled import web_folder

_SHARED: Final = ("base.css", "icon.svg")
"""What every application takes from the folder above its own; at the root of a site, that is the root itself."""


def application_names() -> list[str]:
    """Those that come with the program."""
    return sorted(page.parent.name for page in web_folder("apps").glob("*/index.html"))


def new_application(name: str) -> Callable[..., None]:
    """The command that copies this application."""

    def new(
        folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder, or an empty one.")],
        as_json: options.Json = False,
    ) -> None:
        _copy(name, folder)
        next_command = f"cairn serve --www {shlex.quote(str(folder))}"
        if as_json:
            say_json({"application": name, "folder": str(folder), "files": _names_in(folder), "next": next_command})
            return
        say(f"{typer.style(name.capitalize(), bold=True)} is yours to change, in {folder}")
        say()
        show_pairs([("  serve it", next_command), ("  its files", ", ".join(_names_in(folder)))])

    new.__doc__ = f"Begin an application of your own with a copy of the demo's `{name}`."
    return new


def _copy(name: str, folder: Path) -> None:
    """Copy an application, and what it shares with the others.

    Raises:
        Failure: the folder has something in it already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Failure(f"{folder} is there already, and not empty", "name a new folder, or an empty one", Exit.USAGE)
    apps = web_folder("apps")
    shutil.copytree(apps / name, folder, dirs_exist_ok=True, copy_function=shutil.copyfile)
    for shared in _SHARED:
        shutil.copyfile(apps / shared, folder / shared)


def _names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
