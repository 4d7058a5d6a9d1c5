"""`cairn new account`: a name and a password that open a keyring on a server which never sees either."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from cairn.cli import options
from cairn.cli.client import with_session
from cairn.cli.failures import Exit, Failure
from cairn.cli.output import note, say_json, show_pairs

if TYPE_CHECKING:
    from cairn.client.session import Session


def new_account(
    username: Annotated[str, typer.Argument(metavar="NAME", help="The account's name.")],
    realm: Annotated[
        str | None, typer.Option("--realm", metavar="SITE", help="The site's name. Default: the server's host.")
    ] = None,
    server: options.Server = options.SERVER_DEFAULT,
    grant: options.Grant = None,
    state: options.State = None,
    as_json: options.Json = False,
) -> None:
    """Make an account, or sign in if this name and password have one. The password: CAIRN_PASSWORD, or asked for.

    Prints the write capability of its keyring, and a recovery text to keep on paper.
    """
    password, site = _password(), realm or urlsplit(server).hostname or "localhost"

    async def work(session: Session) -> tuple[str, str]:
        account = await session.sign_up(site, username, password)
        return str(account.capability), await account.recovery()

    cap, recovery = with_session(work, server, grant, state)
    if as_json:
        say_json({"cap": cap, "recovery": recovery, "realm": site})
        return
    show_pairs([("keyring", cap), ("recovery", recovery)])
    note("both are secrets; the recovery text opens the account without the password: keep it on paper")


def _password() -> str:
    found = os.environ.get("CAIRN_PASSWORD")
    if found:
        return found
    if not sys.stdin.isatty():
        raise Failure("no password given", "set CAIRN_PASSWORD, or run this in a terminal", Exit.USAGE)
    return str(typer.prompt("password", hide_input=True, confirmation_prompt=True, err=True))
