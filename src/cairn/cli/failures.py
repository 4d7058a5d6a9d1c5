"""Errors to words: the only table of exit codes, and of what to try after each error."""

from __future__ import annotations

import errno
import os
import socket
import sys
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import typer

from cairn.cli.output import printable
from cairn.core.errors import CairnError


class Exit(IntEnum):
    """What the exit code of a command says."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    DENIED = 4
    NOT_VERIFIED = 5
    DEGRADED = 6


class Failure(Exception):
    """A command that cannot go on: what happened, what to try, and the exit code."""

    def __init__(self, message: str, hint: str, code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.hint = hint
        self.code = code


@dataclass(frozen=True, slots=True)
class Advice:
    """The exit code of an error, and what to try."""

    code: Exit
    hint: str


ADVICE: Final[dict[str, Advice]] = {
    "invalid": Advice(Exit.NOT_VERIFIED, "check the capability and --server; `cairn chain verify CAP` checks a chain"),
    "cannot_open": Advice(Exit.NOT_VERIFIED, "the capability does not fit these bytes; use the one they were made for"),
    "key_missing": Advice(Exit.DENIED, "the chain was rotated: ask its writer for a newer read capability"),
    "contradiction": Advice(Exit.NOT_VERIFIED, "do not trust this server: keep the evidence, and ask its operator"),
    "withheld": Advice(Exit.NOT_VERIFIED, "the server leaves entries out: ask another server, or its operator"),
    "forbidden": Advice(
        Exit.DENIED, "writing may need a grant: ask the operator to run `cairn grant`, then set CAIRN_GRANT to it"
    ),
    "server_changed": Advice(
        Exit.NOT_VERIFIED, "ask its operator; to trust it anew, remove its entry from servers.json in the state folder"
    ),
    "damaged_pin": Advice(Exit.NOT_VERIFIED, "without its pin a chain is read as for the first time"),
    "no_account": Advice(Exit.DENIED, "check the name, the password and the realm"),
    "not_found": Advice(Exit.FAILED, "check the capability, and that --server names the server that has it"),
    "conflict": Advice(Exit.FAILED, "another writer was faster: run the command again"),
    "closed": Advice(Exit.FAILED, "the chain has ended for good: begin another with `cairn new write`"),
    "too_large": Advice(Exit.FAILED, "store it as a file with `cairn put FILE --chain CAP`"),
    "limited": Advice(Exit.FAILED, "wait a minute and try again; a quota that is used up needs a larger grant"),
    "corrupt": Advice(
        Exit.NOT_VERIFIED, "the server's copy is damaged: its operator runs `cairn scrub`, then restores a backup"
    ),
    "unavailable": Advice(Exit.UNREACHABLE, "is the server running? `cairn status` asks it, `cairn serve` starts one"),
    "unknown": Advice(Exit.UNREACHABLE, "it may have happened: run the same command again, nothing is stored twice"),
    "full": Advice(Exit.FAILED, "the server's disk is full: free space there, or lower storage.reserve"),
    "folder": Advice(Exit.FAILED, "name another folder with --data; `cairn doctor` looks at this one"),
    "secret_file": Advice(Exit.FAILED, "`cairn serve` makes one at its first start; `cairn doctor` checks its mode"),
    "storage_failed": Advice(Exit.FAILED, "look at the kernel's log, then start again and run `cairn scrub`"),
}

_MESSAGE_CHARS_MAX: Final = 2_000

_DEFECT: Final = Advice(Exit.FAILED, "this is a defect of Cairn: run again with CAIRN_DEBUG=1 and report what it shows")


def report(error: Exception) -> int:
    """Say what happened and what to try, on standard error. The exit code."""
    if isinstance(error, BrokenPipeError):
        return _leave_the_pipe()
    if isinstance(error, typer.Abort):  # Ctrl-C or Ctrl-D, where something was asked
        typer.echo("\nnothing was done", err=True)
        return Exit.FAILED
    if type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(str(error), err=True)
        return Exit.USAGE
    message, advice = _explain(error)
    if advice is _DEFECT and os.environ.get("CAIRN_DEBUG"):
        raise error
    complain(message, advice.hint)
    return advice.code


def complain(message: str, hint: str) -> None:
    """An error and its remedy, on standard error. The message may be a server's, or hold a name from a chain."""
    shown = "\n".join(map(printable, message[:_MESSAGE_CHARS_MAX].split("\n")))
    typer.echo(f"{typer.style('error:', fg='red', bold=True)} {shown}", err=True)
    typer.echo(f"  {typer.style('try:', fg='cyan', bold=True)} {hint}", err=True)


def _explain(error: Exception) -> tuple[str, Advice]:
    if isinstance(error, Failure):
        return str(error), Advice(error.code, error.hint)
    if isinstance(error, CairnError):
        return str(error), _advice_for(error)
    if isinstance(error, OSError):
        return _explain_os(error)
    if isinstance(error, typer.TyperException):
        return _explain_usage(error)
    if type(error).__name__ == "ConfigError":
        return str(error), Advice(Exit.USAGE, "`cairn config init -` shows every setting, and what it takes")
    return f"unexpected {type(error).__name__}", _DEFECT


def _explain_usage(error: typer.TyperException) -> tuple[str, Advice]:
    """What is wrong with the words of a command, as the parser says it."""
    context = getattr(error, "ctx", None)
    message = error.format_message().rstrip(".")
    hint = f"`{context.command_path if context else 'cairn'} --help` shows what it takes"
    return message[:1].lower() + message[1:], Advice(Exit.USAGE, hint)


def _advice_for(error: CairnError) -> Advice:
    """By its class, or by the nearest class above it that has advice."""
    codes = (kind.code for kind in type(error).__mro__ if issubclass(kind, CairnError))
    return next((ADVICE[code] for code in codes if code in ADVICE), _DEFECT)


_OS_HINTS: Final = {
    socket.EAI_NONAME: "check the host name",
    errno.ENOENT: "check the path",
    errno.EEXIST: "choose another name, or move what is there",
    errno.EISDIR: "name a file, not a folder",
    errno.ENOTDIR: "check the path",
    errno.EACCES: "check who owns it, and its mode",
    errno.EPERM: "check who owns it, and its mode",
    errno.EINVAL: "check what it holds",
    errno.ENOSPC: "free space on this disk",
    errno.EADDRINUSE: "choose another port with --listen, or stop what uses this one",
    errno.EAGAIN: "wait until it is done, or name another file",
    errno.ECONNREFUSED: "is the server running? `cairn serve` starts one",
}


def _explain_os(error: OSError) -> tuple[str, Advice]:
    what = error.strerror or str(error)
    message = f"{error.filename}: {what}" if error.filename else what
    code = Exit.UNREACHABLE if isinstance(error, ConnectionError) else Exit.FAILED
    return message, Advice(code, _OS_HINTS.get(error.errno or 0, "`cairn doctor` checks this machine"))


def _leave_the_pipe() -> int:
    """The reader of our output has gone, as `head` does: nothing to say, and nobody to say it to."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.OK
