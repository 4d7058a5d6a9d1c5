"""`cairn doctor`: what on this machine would make Cairn slow, unsafe or unable to start."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import typer

from cairn.cli import options
from cairn.cli.failures import Exit
from cairn.cli.output import say, say_json

if TYPE_CHECKING:
    from cairn.cli.checks import Finding

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def doctor(path: options.ConfigFile = None, data: options.Data = None, as_json: options.Json = False) -> None:
    """Examine this machine: Python, disk, fsync, clock, port, limits. Each finding comes with its remedy."""
    from cairn.cli.checks import examine
    from cairn.cli.settings import load

    config = load(path, {"node": {"data": str(data)}} if data else None)
    findings = []
    for finding in examine(config):
        findings.append(finding)
        if not as_json:
            _say(finding)
    if as_json:
        say_json([dataclasses.asdict(finding) for finding in findings])
    else:
        _conclude(findings)
    if any(finding.level == "fail" for finding in findings):
        raise typer.Exit(Exit.FAILED)


def _say(finding: Finding) -> None:
    level = typer.style(finding.level.ljust(4), fg=_COLOURS[finding.level], bold=True)
    say(f"{level}  {finding.name.ljust(14)}  {finding.found}")
    if finding.remedy:
        say(f"{'':22}{typer.style('try:', fg='cyan')} {finding.remedy}")


def _conclude(findings: list[Finding]) -> None:
    failed, warned = (sum(finding.level == level for finding in findings) for level in ("fail", "warn"))
    if failed:
        say(f"\n{failed} must be mended before Cairn can run well here")
    elif warned:
        say(f"\nfit to run; {warned} worth a look")
    else:
        say("\nall is well")
