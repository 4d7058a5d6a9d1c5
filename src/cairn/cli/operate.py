"""What an operator does to a data folder: back it up, bring it back, check every byte, drop what is due."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cairn.cli import options
from cairn.cli.failures import Exit, Failure
from cairn.cli.output import note, progress, say, say_json
from cairn.cli.settings import load

if TYPE_CHECKING:
    from cairn.config import Config
    from cairn.storage.embedded import Swept


def backup(
    dest: Annotated[Path, typer.Argument(metavar="DEST", help="The file to write; it must not be there yet.")],
    path: options.ConfigFile = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Copy the whole store into one file, while it serves or not."""
    from cairn.config import format_size
    from cairn.storage.embedded import backup

    folder = Path(_config(path, data).node.data)
    with _plain_errors("name a new file, in a folder that is there"), progress("backing up", unit="records") as told:
        backup(folder, dest, told)
    size = dest.stat().st_size
    if as_json:
        say_json({"backup": str(dest), "bytes": size})
    else:
        say(f"backed up to {dest}, {format_size(size)}: `cairn restore {dest}` brings it back")
        note("the node's secret file is not in it: keep a copy of that apart")


def restore(
    src: Annotated[Path, typer.Argument(metavar="SRC", help="A backup's file.")],
    path: options.ConfigFile = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Bring a backup back, into a data folder that is empty."""
    from cairn.storage.embedded import restore

    config = _config(path, data)
    folder = Path(config.node.data)
    src.open("rb").close()  # before anything is made
    with _plain_errors("name an empty folder with --data, and check the file"), progress("restoring") as told:
        restore(src, folder, told, shards=config.storage.shards)
    if as_json:
        say_json({"data": str(folder)})
    else:
        say(f"restored into {folder}, with a store id of its own: `cairn serve --data {folder}` serves it")


def scrub(path: options.ConfigFile = None, data: options.Data = None, as_json: options.Json = False) -> None:
    """Read every record and check every hash and link, while it serves or not."""
    from cairn.config import format_size
    from cairn.storage.embedded import scrub

    folder = Path(_config(path, data).node.data)
    with progress("scrubbing", unit="records") as told:
        report = scrub(folder, told)
    if as_json:
        say_json({"ok": not report.damaged, **dataclasses.asdict(report)})
    else:
        for finding in report.damaged:
            say(f"damaged: {finding}")
        say(f"{report.records:,} records, {format_size(report.bytes)}: {len(report.damaged) or 'none'} damaged")
    if report.damaged:
        raise Failure(
            "the store is damaged", "restore a backup; a client may also put its blocks again", Exit.NOT_VERIFIED
        )


def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    path: options.ConfigFile = None,
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Drop what is due now: trimmed entries, blocks without a pin. A running server does this by itself."""
    from cairn.storage.embedded import FolderError

    config = _config(path, data)
    if not Path(config.node.data).is_dir():
        raise FolderError(f"there is no data folder {config.node.data}")
    swept = asyncio.run(_collect(config, dry_run=dry_run))
    if as_json:
        say_json({"dry_run": dry_run, "entries": swept.entries, "blocks": swept.blocks})
        return
    what = f"{swept.entries:,} entries and {swept.blocks:,} blocks"
    say(f"would drop {what}" if dry_run else f"dropped {what}")
    if swept.tasks and not dry_run:
        note("their space is used again; the files keep their size")


async def _collect(config: Config, *, dry_run: bool) -> Swept:
    from cairn.compose import storage_settings
    from cairn.storage.embedded import InUse, open_embedded

    try:
        async with open_embedded(Path(config.node.data), storage_settings(config), sweeps=False) as embedded:
            return await embedded.collect(dry_run=dry_run)
    except InUse as error:
        raise Failure(str(error), "leave it: a running server drops what is due by itself") from None


def _config(path: Path | None, data: Path | None) -> Config:
    return load(path, {"node": {"data": str(data)}} if data else None)


@contextmanager
def _plain_errors(hint: str) -> Iterator[None]:
    """What a tool refuses is about files here, not about what a server sent."""
    from cairn.core.errors import Corrupt, Invalid

    try:
        yield
    except Invalid as error:
        raise Failure(str(error), hint, Exit.USAGE) from None
    except Corrupt as error:
        raise Failure(str(error), "`cairn scrub` names every damaged record", Exit.NOT_VERIFIED) from None
