"""`cairn new` and `cairn cap`: keys and capabilities, made and looked at without any server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cairn.cli import options
from cairn.cli.failures import Exit, Failure
from cairn.cli.output import note, say, say_json, show_pairs
from cairn.cli.tree import KEYS, Sections

if TYPE_CHECKING:
    from cairn.client.format.capability import Capability

new_commands = typer.Typer(
    cls=Sections, no_args_is_help=True, help="Make a chain's keys, an account, or an application."
)
cap_commands = typer.Typer(cls=Sections, no_args_is_help=True, help="Look at a capability, or derive a weaker one.")

_MAY = {
    "write": "write, read and verify a chain",
    "read": "read and verify a chain",
    "verify": "verify a chain's signatures, without reading it",
    "block": "read one block, or one object",
}


def parse(text: str) -> Capability:
    """The capability in a text.

    Raises:
        Failure: it is none.
    """
    from cairn.client.format.capability import parse_capability
    from cairn.core.errors import Invalid

    try:
        return parse_capability(text)
    except Invalid as error:
        raise Failure(
            str(error), "it begins with crn1w_, crn1r_, crn1v_ or crn1b_; `cairn new write` makes one", Exit.USAGE
        ) from None


@new_commands.command("write", rich_help_panel=KEYS)
def new_write(as_json: options.Json = False) -> None:
    """Make the write capability of a new chain. The chain begins with its first entry."""
    from cairn.client.format.capability import WriteCapability

    cap = WriteCapability.new()
    if as_json:
        say_json({"cap": str(cap), **_described(cap)})
        return
    say(str(cap))
    note("this is a secret: whoever has it writes to the chain; `cairn cap diminish CAP --to read` makes a reader's")


@cap_commands.command("show")
def show(cap: options.Cap = None, as_json: options.Json = False) -> None:
    """Say what a capability allows. Shows no secret."""
    found = _described(parse(options.read_cap(cap)))
    if as_json:
        say_json(found)
    else:
        names = {"kind": "kind", "may": "may", "chain": "chain", "door": "door", "key_epoch": "key epoch",
                 "block": "block", "bytes": "bytes"}  # fmt: skip
        show_pairs([(names[key], _in_words(value)) for key, value in found.items()])


@cap_commands.command("diminish")
def diminish(
    cap: options.Cap = None,
    to: Annotated[str, typer.Option("--to", metavar="read|verify", help="What is to remain.")] = "read",
    as_json: options.Json = False,
) -> None:
    """Derive a weaker capability: write -> read -> verify. Nobody is asked, and there is no way back."""
    from cairn.client.format import capability
    from cairn.core.errors import Forbidden

    if to not in ("read", "verify"):
        raise Failure("a capability becomes a read or a verify one", "--to read, or --to verify", Exit.USAGE)
    found = parse(options.read_cap(cap))
    if isinstance(found, capability.BlockCapability):
        raise Failure("this capability opens one object: there is none weaker", "pass it on as it is", Exit.USAGE)
    try:
        weaker = capability.diminish(found, to)
    except Forbidden as error:
        raise Failure(str(error), "ask whoever has a stronger capability", Exit.DENIED) from None
    if as_json:
        say_json({"cap": str(weaker), **_described(weaker)})
    else:
        say(str(weaker))


def _described(cap: Capability) -> dict[str, Any]:
    from cairn.client.format.capability import BlockCapability, ChainCapability, ReadCapability, WriteCapability

    found: dict[str, Any] = {"kind": cap.kind, "may": _MAY[cap.kind]}
    if isinstance(cap, ChainCapability):
        found["chain"] = cap.chain_id.hex()
    if isinstance(cap, WriteCapability) and cap.keys.flags:
        found["door"] = True
    if isinstance(cap, ReadCapability):
        found["key_epoch"] = cap.key_epoch
    if isinstance(cap, BlockCapability):
        found |= {"block": cap.reference.block_id.hex(), "bytes": cap.reference.stored_bytes}
    return found


def _in_words(value: object) -> str:
    return "yes" if value is True else str(value)
