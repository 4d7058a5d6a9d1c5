"""`cairn put` and `cairn get`: files, sealed and opened here, in chunks; broken-off work goes on where it was."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from cairn.cli import options
from cairn.cli.caps import parse
from cairn.cli.client import with_session, write_cap
from cairn.cli.consent import Yes, confirm
from cairn.cli.failures import Exit, Failure
from cairn.cli.folders import FolderFetch
from cairn.cli.output import Progress, counted, note, progress, say, say_json

if TYPE_CHECKING:
    from cairn.client.folder import FileRecord
    from cairn.client.format.capability import BlockCapability, WriteCapability
    from cairn.client.objects.objects import Put
    from cairn.client.session import Session

_FILES_AT_ONCE: Final = 4


def put(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Files, or folders with all that is in them.")],
    chain: Annotated[
        str | None, typer.Option("--chain", metavar="CAP", help="Append an entry for each file to this chain.")
    ] = None,
    server: options.Server = options.SERVER_DEFAULT,
    grant: options.Grant = None,
    state: options.State = None,
    as_json: options.Json = False,
) -> None:
    """Encrypt files here and keep them on a server. Prints the capability that opens each.

    If it is broken off, run it again: what the server has is not sent again.
    """
    writer = write_cap(chain) if chain else None
    wanted = _wanted(files, is_for_chain=writer is not None)
    putting = _Putting(writer, sum(record.bytes for _, record in wanted))
    try:
        done = with_session(lambda session: putting.run(session, wanted), server, grant, state)
    except BaseException:
        if putting.done:  # what is kept is paid for: its capabilities must not be lost with a later file
            _show_put(putting.done, len(wanted), as_json)
        raise
    _show_put(done, len(wanted), as_json)
    if writer is not None:
        note(
            f"{counted(len(done), 'file')} in the chain; by its read capability, `cairn get CAP -o FOLDER` fetches all"
        )


def get(
    cap: options.Cap = None,
    dest: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Where to write: a file, or a chain's folder."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over other files of a chain's folder.")] = False,
    server: options.Server = options.SERVER_DEFAULT,
    state: options.State = None,
    as_json: options.Json = False,
) -> None:
    """Fetch an object, or all files of a chain, and decrypt them here. Without -o an object goes to standard output.

    If it is broken off, run it again: what was written is not fetched again.
    """
    from cairn.client.format.capability import BlockCapability, ChainCapability

    found = parse(options.read_cap(cap))
    if found.kind == "verify":
        raise Failure("a verify capability opens no files", "use a read capability (crn1r_...)", Exit.DENIED)
    if isinstance(found, ChainCapability):
        getting = FolderFetch(dest or Path(), force=force)
        with_session(lambda session: getting.run(session, found), server, None, state)
        say_json({"files": getting.done}) if as_json else note(f"{counted(len(getting.done), 'file')} in {dest or '.'}")
        getting.check()
        return
    assert isinstance(found, BlockCapability)
    if dest is None or str(dest) == "-":
        _refuse_terminal(dest)
        with_session(lambda session: _get_to_output(session, found), server, None, state)
        return
    size = with_session(lambda session: _get_file(session, found, dest), server, None, state)
    say_json({"file": str(dest), "bytes": size}) if as_json else note(f"{size:,} bytes in {dest}")


def remove(
    cap: options.Cap = None,
    pin: Annotated[str | None, typer.Option("--pin", metavar="HEX", help="The pin that `put --json` told.")] = None,
    chain: Annotated[
        str | None, typer.Option("--chain", metavar="CAP", help="Or the write capability that it was put with.")
    ] = None,
    yes: Yes = False,
    server: options.Server = options.SERVER_DEFAULT,
    state: options.State = None,
) -> None:
    """Let go of an object: its blocks go when nobody else keeps them."""
    from cairn.client.format.capability import BlockCapability
    from cairn.client.objects.objects import Put
    from cairn.core.block import Pin

    found, owner = parse(options.read_cap(cap)), write_cap(chain) if chain else None
    if not isinstance(found, BlockCapability) or (pin is None) == (owner is None):
        raise Failure("an object and either its pin or its chain are needed", "cairn remove CAP --pin HEX", Exit.USAGE)
    if pin is not None and not re.fullmatch("[0-9a-fA-F]{64}", pin):
        raise Failure("a pin is 64 hex digits", "`cairn put --json` told it", Exit.USAGE)
    own_pin = Pin(bytes.fromhex(pin)) if pin else None
    confirm("Remove this object?", yes=yes)
    removed = Put(found, 0, own_pin)
    with_session(lambda session: session.objects.remove(removed, owner=owner), server, None, state)
    note("removed")


class _Putting:
    """Puts several files, some at a time, and adds up their progress."""

    def __init__(self, writer: WriteCapability | None, total_bytes: int) -> None:
        self._writer = writer
        self._told: Progress = lambda done, total: None
        self._total_bytes = total_bytes
        self._bytes: dict[str, int] = {}
        self.done: list[dict[str, Any]] = []
        """What is kept by now, in the order in which it was done."""

    async def run(self, session: Session, wanted: list[tuple[Path, FileRecord]]) -> list[dict[str, Any]]:
        """Put the files; what is told of each, in their order."""
        with progress("putting") as self._told:
            self._told(0, self._total_bytes)
            return await self._run(session, wanted)

    async def _run(self, session: Session, wanted: list[tuple[Path, FileRecord]]) -> list[dict[str, Any]]:
        from cairn.client.concurrency.pipeline import in_order
        from cairn.client.folder import files_in

        chain = session.chain(self._writer) if self._writer else None
        there = (await files_in(chain)).by_name if chain else {}

        async def each() -> AsyncIterator[tuple[Path, FileRecord]]:
            for one in wanted:
                yield one

        async def put_one(one: tuple[Path, FileRecord]) -> dict[str, Any]:
            shown = await put_or_find(one)
            self.done.append(shown)
            return shown

        async def put_or_find(one: tuple[Path, FileRecord]) -> dict[str, Any]:
            path, record = one
            stored = there.get(record.name)
            if stored is not None and stored.record == record:
                self._progressed(record.name, record.bytes)
                return _shown(record, stored.capability, None)
            done = await session.objects.put_file(
                path, owner=self._writer, progress=lambda count, _: self._progressed(record.name, count)
            )
            if chain is not None:
                await chain.append_json(record.to_json(), [done.capability.reference])
            return _shown(record, done.capability, done)

        async with aclosing(in_order(each(), put_one, _FILES_AT_ONCE)) as results:
            return [shown async for shown in results]

    def _progressed(self, name: str, count: int) -> None:
        self._bytes[name] = count
        self._told(sum(self._bytes.values()), self._total_bytes)


def _shown(record: FileRecord, capability: BlockCapability, put: Put | None) -> dict[str, Any]:
    shown = {"cap": str(capability), "name": record.name, "bytes": record.bytes}
    if put is not None and put.pin is not None:
        shown["pin"] = put.pin.hex()
    return shown


def _is_utf8(name: str) -> bool:
    """Whether a file's name can stand in JSON; others come as halves of surrogate pairs."""
    return not any("\ud800" <= char <= "\udfff" for char in name)


def _show_put(done: list[dict[str, Any]], count: int, as_json: bool) -> None:
    if as_json:
        say_json({**(done[0] if count == 1 else {}), "files": done})
        return
    for file in done:
        say(file["cap"] if count == 1 else f"{file['cap']}  {file['name']}")


def _wanted(paths: list[Path], *, is_for_chain: bool) -> list[tuple[Path, FileRecord]]:
    """The files to put. What cannot be kept is refused before anything is sent.

    Raises:
        Failure: a name or a kind of file that cannot be kept. OSError.
    """
    from cairn.client.folder import FileRecord, files_under

    wanted = [(found, FileRecord.of(found, name)) for path in paths for found, name in files_under(path)]
    names = set()
    for path, record in wanted:
        if not path.is_file():
            raise Failure(f"{path} is no file with a size", "copy what it gives to a file first", Exit.USAGE)
        if not _is_utf8(record.name):
            raise Failure(f"{path} has a name that is not UTF-8", "give it another name first", Exit.USAGE)
        if is_for_chain and record.name in names:
            raise Failure(f"two files would be {record.name} in the chain", "put the folder above them", Exit.USAGE)
        names.add(record.name)
    return wanted


async def _get_file(session: Session, capability: BlockCapability, dest: Path) -> int:
    with progress("getting") as told:
        return await session.objects.get_file(capability, dest, progress=lambda done, all_: told(done, all_ or done))


async def _get_to_output(session: Session, capability: BlockCapability) -> None:
    async with aclosing(session.objects.stream(capability)) as pieces:
        async for piece in pieces:
            sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def _refuse_terminal(dest: Path | None) -> None:
    if dest is None and sys.stdout.isatty():
        raise Failure("an object may hold any bytes", "-o FILE writes it there, -o - to this terminal", Exit.USAGE)
