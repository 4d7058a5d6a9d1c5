"""`cairn serve` with a commit for each write, one after the other: what it would be without group commit."""

from __future__ import annotations

from cairn.cli import main
from cairn.storage.embedded import engine

if __name__ == "__main__":
    engine.BATCH_JOBS_MAX = 1  # type: ignore[misc]
    main()
