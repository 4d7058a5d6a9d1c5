"""`cairn` with a storage that breaks its word in one way, to show that the tests of faults would see it.

python broken.py (no-sync | no-meta-sync | early | no-names | ignore-errors | try-again) serve ...
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

import lmdb

from cairn.cli import main
from cairn.storage.embedded import engine
from cairn.storage.embedded import folder as folders
from cairn.storage.embedded.transaction import Writing

_open = lmdb.open


def open_without(**settings: bool) -> None:
    """Commits that LMDB does not make durable."""
    lmdb.open = lambda *words, **others: _open(*words, **{**others, **settings})  # type: ignore[assignment]


def acknowledge_early() -> None:
    """Askers hear when their writes are in the transaction, before it is committed."""
    run = engine._run

    def run_and_tell(job: engine._Job[Any], writing: Writing) -> None:
        run(job, writing)
        job.future.get_loop().call_soon_threadsafe(engine._settle, [job])

    engine._run = run_and_tell


def sync_no_names() -> None:
    """Names of files are left to the file system."""
    folders.sync_folder = lambda folder: None


def ignore_errors() -> None:
    """A commit that failed is acknowledged."""
    commit_once = engine.Shard._commit_once

    def commit_or_not(shard: engine.Shard, jobs: Sequence[engine._Job[Any]]) -> None:
        with contextlib.suppress(lmdb.Error):
            commit_once(shard, jobs)

    engine.Shard._commit_once = commit_or_not  # type: ignore[assignment,method-assign]


def try_again() -> None:
    """A commit that failed is tried once more."""
    commit_once = engine.Shard._commit_once

    def commit_twice(shard: engine.Shard, jobs: Sequence[engine._Job[Any]]) -> None:
        try:
            commit_once(shard, jobs)
        except lmdb.Error:
            commit_once(shard, jobs)

    engine.Shard._commit_once = commit_twice  # type: ignore[assignment,method-assign]


WAYS: dict[str, Callable[[], None]] = {
    "no-sync": lambda: open_without(sync=False, metasync=False),
    "no-meta-sync": lambda: open_without(metasync=False),
    "early": acknowledge_early,
    "no-names": sync_no_names,
    "ignore-errors": ignore_errors,
    "try-again": try_again,
}

if __name__ == "__main__":
    WAYS[sys.argv.pop(1)]()
    main()
