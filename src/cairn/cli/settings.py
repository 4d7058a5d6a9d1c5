"""`cairn config`: what is configured, and whether it is right. No secret is ever shown: settings hold none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cairn.cli import options
from cairn.cli.failures import Exit, Failure
from cairn.cli.output import note, say, say_json
from cairn.cli.tree import Sections

if TYPE_CHECKING:
    from cairn.config import Config

commands = typer.Typer(cls=Sections, no_args_is_help=True, help="Show, check or begin a configuration.")


def load(path: Path | None, flags: dict[str, dict[str, object]] | None = None) -> Config:
    """The configuration in force: of `path`, or of ./cairn.toml if there is one.

    Raises:
        ConfigError: it is wrong.
    """
    from cairn import config

    if path is None and Path(config.FILE_NAME).is_file():
        path = Path(config.FILE_NAME)
    return config.load(path, flags=flags)


@commands.command("check")
def check(path: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """Check the configuration: file, environment and whether this version can run it."""
    from cairn.compose import check_supported

    config = load(path)
    check_supported(config)
    if as_json:
        say_json({"ok": True})
    else:
        say(f"the configuration is right: node {config.node.name} listens on {config.interface.listen}")


@commands.command("show")
def show(path: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """Show every setting in force: flags, environment, file and defaults as one."""
    from cairn.config.document import as_toml

    config = load(path)
    if as_json:
        say_json(config)
    else:
        say(as_toml(config).rstrip())


@commands.command("init")
def init(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; - prints it.")] = Path("cairn.toml"),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a commented configuration with every setting and its default."""
    from cairn.config.document import example

    if str(path) == "-":
        say(example().rstrip())
        return
    if path.exists() and not force:
        raise Failure(f"{path} is there already", "name another file, or replace it with --force", Exit.USAGE)
    path.write_text(example(), "utf-8")
    note(f"wrote {path}: every setting is in it, commented out; `cairn config check` checks your changes")
