"""Fetching all files of a chain into a folder: what can be had is fetched, and what cannot is named at the end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cairn.cli.failures import Exit, Failure
from cairn.cli.output import Progress, note, printable, progress

if TYPE_CHECKING:
    from cairn.client.folder import Files, StoredFile
    from cairn.client.format.capability import ChainCapability
    from cairn.client.session import Session

_NAMED_MAX: Final = 20


class FolderFetch:
    """Fetches a chain's files, one after the other."""

    def __init__(self, folder: Path, *, force: bool) -> None:
        """`force`: write over files that are there and differ."""
        self._folder = folder
        self._force = force
        self._missing: list[str] = []
        self._unsafe = 0
        self._unopened = 0
        self.done: list[dict[str, Any]] = []
        """What is in the folder now: name and bytes of each."""

    async def run(self, session: Session, capability: ChainCapability) -> None:
        """Fetch what can be had.

        Raises:
            Failure: there are no files, or one would be written over. Others as `Chain.entries`.
        """
        from cairn.client.folder import files_in

        files = await files_in(session.chain(capability))
        self._unopened = files.unopened
        wanted = self._places(files)
        total, before = sum(file.record.bytes for file, _ in wanted), 0
        with progress("getting") as told:
            for file, path in wanted:
                if path is not None:
                    await self._fetch(session, file, path, _shifted(told, before, total))
                else:
                    self._tell_done(file)
                before += file.record.bytes
                told(before, total)

    def check(self) -> None:
        """Say what could not be had.

        Raises:
            Failure: anything.
        """
        if self._unsafe:
            raise Failure(
                f"{self._unsafe:,} of the chain's files left out: their names lead out of the folder",
                "`cairn chain read CAP` shows them: do not trust their writer", Exit.NOT_VERIFIED,
            )  # fmt: skip
        if self._missing:
            raise Failure(
                f"{len(self._missing):,} of the chain's files are not on the server any more",
                "ask whoever put them to put them again",
            )
        if self._unopened:
            raise Failure(
                f"some entries do not open with this capability ({self._unopened:,}): there may be files among them",
                "ask the writer for a newer read capability", Exit.DENIED,
            )  # fmt: skip

    def _places(self, files: Files) -> list[tuple[StoredFile, Path | None]]:
        safe = [file for file in files.by_name.values() if file.record.is_safe_in(self._folder)]
        self._unsafe = len(files.by_name) - len(safe)
        if not files.by_name and not files.unopened:
            raise Failure("this chain keeps no files", "`cairn chain read CAP` shows its entries")
        return [(file, _place(file, self._folder, self._force)) for file in safe]

    async def _fetch(self, session: Session, file: StoredFile, path: Path, told: Progress) -> None:
        from cairn.core.errors import NotFound

        try:
            await session.objects.get_file(file.capability, path, progress=lambda done, all_: told(done, all_ or done))
        except NotFound:
            self._missing.append(file.record.name)
            if len(self._missing) <= _NAMED_MAX:
                note(f"not there any more: {printable(file.record.name)}")
            return
        os.utime(path, ns=(file.record.modified_ms * 1_000_000,) * 2)
        self._tell_done(file)

    def _tell_done(self, file: StoredFile) -> None:
        self.done.append({"name": file.record.name, "bytes": file.record.bytes})


def _shifted(told: Progress, before: int, total: int) -> Progress:
    return lambda done, _: told(before + done, total)


def _place(file: StoredFile, folder: Path, force: bool) -> Path | None:
    """Where a file is written; None if it is there already."""
    path = file.record.path_in(folder)
    if path.exists():
        status = path.stat()
        if (status.st_size, status.st_mtime_ns // 1_000_000) == (file.record.bytes, file.record.modified_ms):
            return None
        if not force:
            raise Failure(
                f"{printable(str(path))} is there already, and is another",
                "name another folder with -o, or use --force",
            )
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
