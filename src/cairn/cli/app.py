"""The tree of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from cairn.cli import cache, caps, chains, objects, operate, options, settings
from cairn.cli.accounts import new_account
from cairn.cli.applications import application_names, new_application
from cairn.cli.bench import bench
from cairn.cli.demo import demo
from cairn.cli.doctor import doctor
from cairn.cli.grants import grant
from cairn.cli.output import say, say_json
from cairn.cli.serve import serve
from cairn.cli.status import status
from cairn.cli.top import top
from cairn.cli.tree import APPLICATIONS, CARE, CHAINS, FILES, KEYS, RUN, Sections

app = typer.Typer(
    cls=Sections,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Keeps encrypted blocks and signed chains, serves them, and can read neither.",
    epilog="Exit codes: 0 ok, 1 failure, 2 usage, 3 unreachable, 4 denied, 5 not verified, 6 degraded.",
)

for to_run in (serve, demo, status, top, doctor, grant):
    app.command(rich_help_panel=RUN)(to_run)
app.add_typer(settings.commands, name="config", rich_help_panel=RUN)
caps.new_commands.command("account", rich_help_panel=KEYS)(new_account)
for application in application_names():
    caps.new_commands.command(application, rich_help_panel=APPLICATIONS)(new_application(application))
app.add_typer(caps.new_commands, name="new", rich_help_panel=KEYS)
app.add_typer(caps.cap_commands, name="cap", rich_help_panel=KEYS)
app.add_typer(chains.commands, name="chain", rich_help_panel=CHAINS)
app.add_typer(cache.commands, name="cache", rich_help_panel=CARE)
for with_files in (objects.put, objects.get, objects.remove):
    app.command(rich_help_panel=FILES)(with_files)
for to_care in (operate.backup, operate.restore, operate.scrub, operate.gc, bench):
    app.command(rich_help_panel=CARE)(to_care)


@app.command("version", rich_help_panel=RUN)
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
