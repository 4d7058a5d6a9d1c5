"""`cairn grant`: make a grant from the node's secret. No server is asked; every server with that secret takes it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from cairn.cli import options
from cairn.cli.failures import Exit, Failure
from cairn.cli.output import note, say, say_json

if TYPE_CHECKING:
    from cairn.interface.admission.secret import NodeSecret

_DAY_SECONDS = 86_400


def grant(
    size: Annotated[str, typer.Option("--bytes", metavar="SIZE", help="How much it may store; 0: any.")] = "1GiB",
    days: Annotated[int, typer.Option("--days", min=0, max=36_500, help="How long it lasts; 0: for ever.")] = 365,
    rate: Annotated[float, typer.Option("--appends", min=0, help="Appends per second; 0: any.")] = 0,
    admin_token: Annotated[
        bool, typer.Option("--admin-token", help="Print the token that lets a program ask POST /v1/grants instead.")
    ] = False,
    console_token: Annotated[
        bool,
        typer.Option("--console-token", help="Print the token that opens /console/ and `cairn top` from afar instead."),
    ] = False,
    metrics_token: Annotated[
        bool, typer.Option("--metrics-token", help="Print the token that opens /metrics from afar instead.")
    ] = False,
    path: options.ConfigFile = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Make a grant: whoever holds it may write, within its quota, rate and time."""
    from cairn.cli.settings import load
    from cairn.config import format_size
    from cairn.interface.admission.grant import Grant
    from cairn.interface.admission.secret import NodeSecret

    bytes_max = _bytes(size)
    config = load(path, {"node": {"data": str(data)}} if data else None)
    secret = NodeSecret.load(config.node.secret_path)
    wanted = {"admin": admin_token, "console": console_token, "metrics": metrics_token}
    if any(wanted.values()):
        _say_token(secret, [right for right, is_wanted in wanted.items() if is_wanted], as_json=as_json)
        return
    expires = int(time.time()) + days * _DAY_SECONDS if days else 0
    made = Grant.issue(bytes_max=bytes_max, appends_per_second=rate, expires=expires)
    token = made.token(secret.keys("grant"))
    if as_json:
        say_json({"grant": token, "bytes": made.bytes_max, "appends_per_second": rate, "expires": made.expires})
        return
    say(token)
    quota = format_size(made.bytes_max) if made.bytes_max else "any amount"
    until = time.strftime("until %Y-%m-%d", time.gmtime(expires)) if expires else "for ever"
    note(f"stores {quota}, {until}; give it to the writer as CAIRN_GRANT")


def _say_token(secret: NodeSecret, rights: list[str], *, as_json: bool) -> None:
    if len(rights) > 1:
        raise Failure("one token at a time", f"--{rights[0]}-token", Exit.USAGE)
    token = secret.tokens(rights[0])[0]
    say_json({f"{rights[0]}_token": token}) if as_json else say(token)


def _bytes(size: str) -> int:
    from cairn.config import ConfigError, parse_size

    try:
        return parse_size(size)
    except ConfigError as error:
        raise Failure(f"--bytes: {error}", "--bytes 10GiB", Exit.USAGE) from None
