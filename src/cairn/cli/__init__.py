"""The command line: parse, compose, print. One module per noun; whatever is slow to import is imported by the command
that needs it, so that `cairn version` stays quick."""

from __future__ import annotations

import sys


def main() -> None:
    """Run one command, and end the process with its exit code."""
    from cairn.cli.app import app
    from cairn.cli.failures import report

    try:
        code = app(prog_name="cairn", standalone_mode=False)
    except Exception as error:  # the last place that can explain it
        code = report(error)
    sys.exit(code)
