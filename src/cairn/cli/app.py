"""The tree of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from cairn.cli import caps, chains, objects, operate, options, settings
from cairn.cli.accounts import new_account
from cairn.cli.bench import bench
from cairn.cli.demo import demo
from cairn.cli.doctor import doctor
from cairn.cli.grants import grant
from cairn.cli.output import say, say_json
from cairn.cli.serve import serve
from cairn.cli.status import status

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Keeps encrypted blocks and signed chains, serves them, and can read neither.",
    epilog="Exit codes: 0 ok, 1 failure, 2 usage, 3 unreachable, 4 denied, 5 not verified, 6 degraded.",
)

for command in (serve, demo, objects.put, objects.get, objects.remove, grant, status, doctor, bench):
    app.command()(command)
for operation in (operate.backup, operate.restore, operate.scrub, operate.gc):
    app.command()(operation)
caps.new_commands.command("account")(new_account)
app.add_typer(caps.new_commands, name="new")
app.add_typer(caps.cap_commands, name="cap")
app.add_typer(chains.commands, name="chain")
app.add_typer(settings.commands, name="config")


@app.command("version")
def version(as_json: options.Json = False) -> None:
    """Print the version of this program and of the format."""
    from cairn import __version__

    if as_json:
        say_json({"name": "cairn", "version": __version__, "format": 1})
    else:
        say(f"cairn {__version__} (format 1)")


def _print_version(wanted: bool) -> None:
    if wanted:
        version()
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Keeps encrypted blocks and signed chains, serves them, and can read neither."""
