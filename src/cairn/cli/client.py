"""What the commands share that talk to a server as a user: the session, and how an entry is shown."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import typer

from cairn.cli import options
from cairn.cli.caps import parse
from cairn.cli.failures import Exit, Failure
from cairn.cli.output import note, printable

if TYPE_CHECKING:
    from cairn.client.chains.opened import Opened
    from cairn.client.format.capability import ChainCapability, WriteCapability
    from cairn.client.session import Session

T = TypeVar("T")

_ROTATED: Final = (
    "warning: this server signs with another key than before, and says that it rotated its secret: ask its operator"
)


def with_session(
    work: Callable[[Session], Awaitable[T]], server: str, grant: str | None = None, state: Path | None = None
) -> T:
    """Run `work` in a session with a server; Ctrl-C ends it tidily."""

    async def run() -> T:
        from cairn.client.session import connect

        token = options.read_grant(grant)
        async with connect(server, grant=token, state=options.state_folder(state)) as session:
            if session.rotated_from is not None:
                note(_ROTATED)
            return await work(session)

    try:
        return asyncio.run(run())
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def chain_cap(text: str | None) -> ChainCapability:
    """The chain capability that an argument means.

    Raises:
        Failure: it is none, or one for a block.
    """
    from cairn.client.format.capability import ChainCapability

    found = parse(options.read_cap(text))
    if not isinstance(found, ChainCapability):
        raise Failure("this capability opens an object, not a chain", "`cairn get CAP` fetches it", Exit.USAGE)
    return found


def write_cap(text: str | None) -> WriteCapability:
    """The write capability that an argument means.

    Raises:
        Failure: it is another, or none.
    """
    from cairn.client.format.capability import WriteCapability

    found = chain_cap(text)
    if not isinstance(found, WriteCapability):
        raise Failure(
            f"a {found.kind} capability does not write", "use the write capability (crn1w_...) of the chain",
            Exit.DENIED,
        )  # fmt: skip
    return found


def entry_json(entry: Opened) -> dict[str, Any]:
    """An entry as `chain read --json` prints it: seq, kind, one of text, json and base64, and references."""
    from cairn.client.format.capability import BlockCapability

    shown: dict[str, Any] = {"seq": entry.seq, "kind": entry.kind.name.lower()}
    if entry.content is None:
        return {**shown, "problem": {"code": entry.problem.code if entry.problem else "", "detail": str(entry.problem)}}
    shown |= _data_json(entry)
    shown["refs"] = [str(BlockCapability(reference)) for reference in entry.references]
    if entry.content.content_type >= 3:
        shown["content_type"] = entry.content.content_type
    return shown


def _data_json(entry: Opened) -> dict[str, Any]:
    import json

    import msgspec

    from cairn.client.format.payload import ContentType
    from cairn.core.errors import Invalid

    try:
        if entry.payload.content_type == ContentType.TEXT:
            return {"text": entry.text()}
        if entry.payload.content_type == ContentType.JSON:
            value = entry.json()
            json.dumps(value, allow_nan=False)
            msgspec.json.encode(value)
            return {"json": value}
    except (Invalid, ValueError, OverflowError, RecursionError):  # such as half a surrogate pair, or a huge number
        pass  # the content type is a hint: the bytes are shown as they are
    return {"base64": base64.b64encode(entry.data).decode()}


def entry_line(entry: Opened) -> str:
    """An entry for people: one line, without control characters."""
    found = entry_json(entry)
    seq = typer.style(f"{entry.seq:>6}", dim=True)
    kind = "" if found["kind"] == "link" else typer.style(f"{found['kind']} ", fg="yellow")
    if entry.content is None:
        return f"{seq}  {kind}{typer.style(str(entry.problem), fg='red')}"
    refs = f"  [{len(found['refs'])} attached]" if found["refs"] else ""
    return f"{seq}  {kind}{_data_line(found)}{typer.style(refs, fg='cyan')}"


def _data_line(found: dict[str, Any]) -> str:
    import json

    if "text" in found:
        return printable(found["text"])
    if "json" in found:
        return printable(json.dumps(found["json"], ensure_ascii=False))
    size = len(base64.b64decode(found["base64"]))
    return f"({size:,} bytes)" if size else ""
