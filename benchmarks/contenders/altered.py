"""`cairn serve`, altered by the environment: what it would be without group commit, or on a disk that syncs slowly."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any, Final

from cairn.cli import main
from cairn.storage.embedded import engine, shards

UNGROUPED: Final = "BENCHMARK_UNGROUPED"
SYNC_SECONDS: Final = "BENCHMARK_SYNC_SECONDS"


class _SlowShard(engine.Shard):
    """Each commit takes longer by what a slow disk would take for its sync."""

    def _commit_once(self, jobs: Sequence[Any]) -> None:
        super()._commit_once(jobs)
        time.sleep(float(os.environ[SYNC_SECONDS]))


if __name__ == "__main__":
    if UNGROUPED in os.environ:
        engine.BATCH_JOBS_MAX = 1  # type: ignore[misc]
    if SYNC_SECONDS in os.environ:
        shards.Shard = _SlowShard  # type: ignore[attr-defined]
    main()
