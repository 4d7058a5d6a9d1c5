"""`cairn cache`: what a server's cache holds, and other sizes for it while it runs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cairn.cli import options
from cairn.cli.asking import ask, post
from cairn.cli.failures import Exit, Failure
from cairn.cli.output import counted, note, say_json, show_pairs

commands = typer.Typer(no_args_is_help=True, help="Look at a server's cache, and give it other sizes.")

Token = Annotated[
    str | None,
    typer.Option("--token", envvar="CAIRN_TOKEN", metavar="TOKEN", help="The token; @FILE reads it."),
]


@commands.command("show")
def show(server: options.Server = options.SERVER_DEFAULT, token: Token = None, as_json: options.Json = False) -> None:
    """Show what the tiers may take, take, and hold. From afar it needs the console token, or the admin's."""
    _say(*ask(server.rstrip("/"), "/v1/cache", _secret(token)), as_json=as_json)


@commands.command("resize")
def resize(
    memory: Annotated[str | None, typer.Option("--memory", metavar="SIZE", help="Such as 1GiB, 10% or 0.")] = None,
    disk: Annotated[str | None, typer.Option("--disk", metavar="SIZE", help="Such as 20GiB, 10% or 0.")] = None,
    server: options.Server = options.SERVER_DEFAULT,
    token: Token = None,
    as_json: options.Json = False,
) -> None:
    """Give the tiers other sizes, until the next start. It needs the admin token."""
    sizes = {tier: size for tier, size in (("memory", memory), ("disk", disk)) if size is not None}
    if not sizes:
        raise Failure("no size given", "--memory 1GiB, --disk 20GiB, or both", Exit.USAGE)
    _say(*post(server.rstrip("/"), "/v1/cache", sizes, _secret(token)), as_json=as_json)
    note("until the next start: set cache.memory and cache.disk in the configuration to keep it")


def _secret(token: str | None) -> str | None:
    return options.read_secret(token, "CAIRN_TOKEN") if token else None


def _say(code: int, answer: Any, *, as_json: bool) -> None:
    from cairn.config import format_size

    if code in (401, 403):
        raise Failure(str(answer.get("detail")), "give it with --token, or in CAIRN_TOKEN", Exit.DENIED)
    if code != 200:
        raise Failure(str(answer.get("detail", f"the server answered {code}")), "check the sizes", Exit.USAGE)
    if as_json:
        say_json(answer)
        return
    show_pairs([
        (tier, _tier_in_words(held, format_size(held["capacity_bytes"]), format_size(held["bytes"])))
        for tier, held in answer.items()
    ])  # fmt: skip


def _tier_in_words(held: dict[str, int], capacity: str, used: str) -> str:
    return f"{counted(held['blocks'], 'block')}, {used} of {capacity}" if held["capacity_bytes"] else "off"
