"""`cairn chain`: write, read, follow and check one chain. Keys stay here; the server sees what is sealed and signed."""

from __future__ import annotations

import json
import sys
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cairn.cli import options
from cairn.cli.client import chain_cap, entry_json, entry_line, with_session, write_cap
from cairn.cli.consent import Yes, confirm
from cairn.cli.failures import Exit, Failure
from cairn.cli.output import note, say, say_json, say_json_line, show_pairs
from cairn.cli.tree import Sections

if TYPE_CHECKING:
    from cairn.client.format.payload import Payload
    from cairn.client.session import Session

commands = typer.Typer(cls=Sections, no_args_is_help=True, help="Write, read, follow and check a chain.")

Cap = Annotated[str, typer.Argument(metavar="CAP", help="The chain's capability; @FILE reads it, `env` is CAIRN_CAP.")]
Text = Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="Text; - takes standard input.")]
AsJsonValue = Annotated[bool, typer.Option("--json-value", help="TEXT is a JSON value.")]
FromFile = Annotated[Path | None, typer.Option("--file", metavar="FILE", help="Take the bytes of a file instead.")]


@commands.command("append")
def append(
    cap: Cap,
    text: Text = None,
    json_value: AsJsonValue = False,
    file: FromFile = None,
    server: options.Server = options.SERVER_DEFAULT,
    grant: options.Grant = None,
    state: options.State = None,
    as_json: options.Json = False,
) -> None:
    """Append an entry. The chain begins with its first one. Several TEXTs become one, with spaces between."""
    writer, payload = write_cap(cap), _payload(text, is_json=json_value, file=file)

    async def work(session: Session) -> int:
        return (await session.chain(writer).append(payload)).seq

    seq = with_session(work, server, grant, state)
    if as_json:
        say_json({"seq": seq, "chain": writer.chain_id.hex()})
    else:
        say(f"appended: seq {seq}")


@commands.command("read")
def read(
    cap: Cap,
    start: Annotated[int, typer.Option("--from", min=0, metavar="SEQ", help="Begin here.")] = 0,
    limit: Annotated[int | None, typer.Option("--limit", min=0, metavar="N", help="At most so many.")] = None,
    server: options.Server = options.SERVER_DEFAULT,
    state: options.State = None,
    as_json: options.Json = False,
) -> None:
    """Read and verify the entries of a chain."""
    reader = chain_cap(cap)
    stop = {} if limit is None else {"stop": start + limit}

    async def work(session: Session) -> list[dict[str, Any]]:
        found = []
        async with aclosing(session.chain(reader).entries(start, **stop)) as entries:
            async for entry in entries:
                _tell_skipped(entry.skipped)
                found.append(entry_json(entry)) if as_json else say(entry_line(entry))
        return found

    found = with_session(work, server, None, state)
    if as_json:
        say_json(found)


@commands.command("tail")
def tail(
    cap: Cap,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with each new entry, until Ctrl-C.")] = False,
    count: Annotated[int, typer.Option("-n", "--lines", min=0, metavar="N", help="Begin with the last N.")] = 10,
    server: options.Server = options.SERVER_DEFAULT,
    state: options.State = None,
    as_json: options.Json = False,
) -> None:
    """Show the newest entries, and with -f each new one as it comes. With --json: one object a line."""
    reader = chain_cap(cap)

    async def work(session: Session) -> None:
        chain = session.chain(reader)
        start = max(0, (await chain.head()).seq - count + 1)
        async with aclosing(chain.follow(start) if follow else chain.entries(start)) as entries:
            async for entry in entries:
                _tell_skipped(entry.skipped)
                say_json_line(entry_json(entry)) if as_json else say(entry_line(entry))
                sys.stdout.flush()

    with_session(work, server, None, state)


@commands.command("head")
def head(
    cap: Cap,
    server: options.Server = options.SERVER_DEFAULT,
    state: options.State = None,
    as_json: options.Json = False,
) -> None:
    """Ask for the newest entry's seq and hash, without reading it."""
    reader = chain_cap(cap)

    async def work(session: Session) -> Any:
        from cairn.wire.messages import head_to_json

        return head_to_json(await session.chain(reader).head())

    found = with_session(work, server, None, state)
    if as_json:
        say_json(found)
        return
    shown = ("seq", "hash", "floor", "key_epoch", "closed", "entries", "bytes")
    show_pairs([(name.replace("_", " "), str(found[name]).lower()) for name in shown])


@commands.command("verify")
def verify(
    cap: Cap,
    server: options.Server = options.SERVER_DEFAULT,
    state: options.State = None,
    as_json: options.Json = False,
) -> None:
    """Check every signature and link of a chain, and what the capability opens. Any capability will do."""
    from cairn.client.format.capability import VerifyCapability

    reader = chain_cap(cap)

    async def work(session: Session) -> dict[str, Any]:
        found = await session.chain(reader).verify()
        state = found.state
        return {
            "ok": True, "seq": state.seq, "hash": state.hash.hex(), "entries": found.entries, "skipped": found.skipped,
            "unreadable": found.unreadable, "key_epoch": state.key_epoch, "closed": state.closed,
        }  # fmt: skip

    found = with_session(work, server, None, state)
    if as_json:
        say_json(found)
        return
    say(f"verified: {found['entries']:,} entries up to seq {found['seq']}{', closed' if found['closed'] else ''}")
    _tell_skipped(found["skipped"])
    if found["unreadable"] and not isinstance(reader, VerifyCapability):
        note(f"{found['unreadable']:,} of them do not open with this capability")


@commands.command("checkpoint")
def checkpoint(
    cap: Cap,
    text: Text = None,
    json_value: AsJsonValue = False,
    file: FromFile = None,
    trim: Annotated[bool, typer.Option("--trim", help="Let the server drop what lies before it, a day later.")] = False,
    yes: Yes = False,
    server: options.Server = options.SERVER_DEFAULT,
    grant: options.Grant = None,
    state: options.State = None,
    as_json: options.Json = False,
) -> None:
    """Append the application's whole state, from which new readers can start."""
    writer, payload = write_cap(cap), _payload(text, is_json=json_value, file=file)
    if trim:
        confirm("Let the server drop all entries before this one?", yes=yes)

    async def work(session: Session) -> int:
        return (await session.chain(writer).checkpoint(payload, trims=trim)).seq

    seq = with_session(work, server, grant, state)
    if as_json:
        say_json({"seq": seq})
    else:
        say(f"checkpoint: seq {seq}" + (", what lies before it may go" if trim else ""))


@commands.command("rotate")
def rotate(
    cap: Cap,
    server: options.Server = options.SERVER_DEFAULT,
    grant: options.Grant = None,
    state: options.State = None,
    as_json: options.Json = False,
) -> None:
    """Change the read key: prints a read capability for all up to now and on; older ones open nothing new."""
    writer = write_cap(cap)

    async def work(session: Session) -> dict[str, Any]:
        reader = await session.chain(writer).rotate()
        return {"cap": str(reader), "key_epoch": reader.key_epoch}

    found = with_session(work, server, grant, state)
    if as_json:
        say_json(found)
        return
    say(found["cap"])
    note(f"key epoch {found['key_epoch']}: give this to those who may go on reading")


@commands.command("close")
def close(
    cap: Cap,
    text: Text = None,
    json_value: AsJsonValue = False,
    file: FromFile = None,
    yes: Yes = False,
    server: options.Server = options.SERVER_DEFAULT,
    grant: options.Grant = None,
    state: options.State = None,
    as_json: options.Json = False,
) -> None:
    """End a chain for ever: nothing can follow, and the server drops all but its first and last entry."""
    writer, payload = write_cap(cap), _payload(text, is_json=json_value, file=file)
    confirm("End this chain for ever?", yes=yes)

    async def work(session: Session) -> int:
        return (await session.chain(writer).close(payload)).seq

    seq = with_session(work, server, grant, state)
    if as_json:
        say_json({"seq": seq})
    else:
        say(f"closed: seq {seq}")


def _payload(text: list[str] | None, *, is_json: bool, file: Path | None) -> Payload:
    from cairn.client.format.payload import Payload

    if file is not None:
        if text or is_json:
            raise Failure("--file stands in place of a text", "leave one of them out", Exit.USAGE)
        return Payload(_read_file(file))
    joined = _standard_input() if text == ["-"] else " ".join(text or [])
    if not is_json:
        return Payload.of_text(joined) if joined else Payload()
    try:
        return Payload.of_json(json.loads(joined))
    except ValueError as error:
        raise Failure(
            f"this is not a JSON value: {error}", "quote it for the shell: '{\"a\": 1}'", Exit.USAGE
        ) from None


def _read_file(path: Path) -> bytes:
    from cairn.client.format.payload import PAYLOAD_BYTES_MAX

    with path.open("rb") as file:
        data = file.read(PAYLOAD_BYTES_MAX)
    return _bounded(data)


def _standard_input() -> str:
    from cairn.client.format.payload import PAYLOAD_BYTES_MAX

    data = _bounded(sys.stdin.buffer.read(PAYLOAD_BYTES_MAX))
    try:
        return data.decode().removesuffix("\n")
    except UnicodeDecodeError:
        raise Failure("standard input is not UTF-8 text", "`--file FILE` takes any bytes", Exit.USAGE) from None


def _bounded(data: bytes) -> bytes:
    from cairn.client.format.payload import PAYLOAD_BYTES_MAX
    from cairn.core.errors import TooLarge

    if len(data) >= PAYLOAD_BYTES_MAX:
        raise TooLarge("an entry holds less than 62 KiB")
    return data


def _tell_skipped(count: int) -> None:
    if count:
        note(f"{count:,} older entries were dropped, by leave of the writer")
