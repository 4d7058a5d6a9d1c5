"""What cannot be undone is asked about first: ending a chain, dropping its older entries, letting go of an object.

In a terminal the user answers. Where nobody can, as in a script, `--yes` must stand there: silence is no consent.
Commands that overwrite files want `--force` instead. `chain rotate` drops nothing, so it does not ask.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from cairn.cli.failures import Exit, Failure
from cairn.cli.output import note

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask. Without a terminal, this is needed.")]


def confirm(question: str, *, yes: bool) -> None:
    """Go on only if the user wants what `question` names, or said so by `yes`.

    Raises:
        Failure: there is no terminal to ask in. Exit: the answer was no; nothing was done.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise Failure("this cannot be undone, and there is no terminal to ask", "add --yes if you mean it", Exit.USAGE)
    if not typer.confirm(f"{question} This cannot be undone.", err=True):
        note("nothing was done")
        raise typer.Exit(Exit.FAILED)
