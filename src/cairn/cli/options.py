"""Arguments that several commands share, and how a secret reaches a command without standing in the process list."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from cairn.cli.failures import Exit, Failure

SERVER_DEFAULT: Final = "http://127.0.0.1:8420"


def _url(text: str) -> str:
    """The address of a server, as it was given.

    Raises:
        Failure: it is none.
    """
    try:
        url = urlsplit(text)
        if url.scheme in ("http", "https") and url.hostname and url.port != 0:
            return text
    except ValueError:
        pass
    raise Failure(f"{text!r} is not the URL of a server", f"--server {SERVER_DEFAULT}, for example", Exit.USAGE)


Server = Annotated[
    str,
    typer.Option("--server", envvar="CAIRN_SERVER", metavar="URL", help="The server to ask.", callback=_url),
]
Grant = Annotated[
    str | None,
    typer.Option("--grant", envvar="CAIRN_GRANT", metavar="GRANT", help="What pays for writing; @FILE reads it."),
]
State = Annotated[
    Path | None,
    typer.Option("--state", envvar="CAIRN_STATE", metavar="DIR", help="Where seen heads and half-done work are kept."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", envvar="CAIRN_CONFIG", metavar="FILE", help="The configuration file.")
]
Data = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="The data folder.")]
Cap = Annotated[
    str | None,
    typer.Argument(metavar="CAP", help="A capability; @FILE reads it, - takes standard input. Default: CAIRN_CAP."),
]

_SECRET_BYTES_MAX: Final = 4_096


def read_secret(text: str | None, variable: str) -> str:
    """A secret from an argument: itself, `@FILE`, `-` for a line of standard input, `env` or nothing for `variable`.

    Raises:
        Failure: there is none.
    """
    if text in (None, "env"):
        text = os.environ.get(variable)
        if not text:
            raise Failure("no capability given", f"name one, or set {variable}", Exit.USAGE)
    assert text is not None, "it was filled in above"
    if text == "-":
        return sys.stdin.readline(_SECRET_BYTES_MAX).strip()
    if text.startswith("@"):
        with Path(text[1:]).open() as file:
            return file.read(_SECRET_BYTES_MAX).strip()
    return text.strip()


def read_cap(text: str | None) -> str:
    """The text of the capability that an argument means."""
    return read_secret(text, "CAIRN_CAP")


def read_grant(text: str | None) -> str | None:
    """The grant that an option means; None if none is given."""
    return read_secret(text, "CAIRN_GRANT") if text else None


def state_folder(chosen: Path | None) -> Path:
    """Where this user's clients keep seen heads and half-done transfers."""
    if chosen is not None:
        return chosen
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "cairn"
