"""The engine: LMDB environments ("shards"), and one thread each that commits.

A write is a function that gets a `Writing` and first decides, then writes: it may raise a `CairnError` as long as it
has changed nothing. Functions queue up per shard; the shard's thread takes what is there, runs all of it in one
transaction and commits once, durably, for all (group commit). Only then do their askers hear. A function whose asker
is gone runs all the same.

LMDB orders the disk: data pages, fdatasync, then the meta page through an O_DSYNC descriptor. So a crash at any point
leaves the last commit or the one before it. What goes wrong in a commit:

- disk full, and the disk itself says so: the transaction is dropped as if it never was; its askers get `Full`. No
  later commit counts on pages that this one wrote: it writes its own, and syncs those.
- anything else (a failed fdatasync above all): the outcome is `Unknown`, and the engine is dead. It is never retried,
  since the kernel may have dropped the pages that it could not write (Rebello et al., USENIX ATC 2020). `failed` is
  set, and the process must end.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import lmdb

from cairn.core.errors import CairnError, Corrupt, Full, Unavailable, Unknown
from cairn.core.histogram import Histogram
from cairn.core.slot import SLOT_COUNT
from cairn.storage.embedded.environment import MAP_GROWTH, open_environment, open_tables
from cairn.storage.embedded.mapping import release
from cairn.storage.embedded.space import Space
from cairn.storage.embedded.transaction import Reading, Writing

T = TypeVar("T")

BATCH_JOBS_MAX: Final = 1_024
BATCH_BYTES_MAX: Final = 2 * 1024 * 1024  # of more than that the sync is the lesser part, and large commits cost more
QUEUE_JOBS_MAX: Final = 16_384
QUEUE_BYTES_MAX: Final = 128 * 1024 * 1024
COMMIT_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
COMMIT_JOBS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, BATCH_JOBS_MAX)

_DAMAGE: Final = (lmdb.CorruptedError, lmdb.PageNotFoundError)

_log = logging.getLogger("cairn.storage")


@dataclass(slots=True)
class _Job(Generic[T]):
    run: Callable[[Writing], T]
    size: int
    future: asyncio.Future[T]
    after_commit: Callable[[T], None] | None
    result: T | None = None
    error: BaseException | None = None

    def settle(self) -> None:
        """Tell the asker; on the event loop. What must follow a commit follows it even when the asker is gone."""
        if self.error is None and self.after_commit is not None:
            self.after_commit(self.result)  # type: ignore[arg-type]
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)  # type: ignore[arg-type]
        else:
            self.future.set_exception(self.error)


class _SpoiltError(Exception):
    """A job failed in a way it should not, perhaps after a write: its batch is run again without it."""

    def __init__(self, job: _Job[Any]) -> None:
        self.job = job


class Shard:
    """One environment and its committing thread."""

    def __init__(self, folder: Path, space: Space, on_failure: Callable[[BaseException], None]) -> None:
        self._folder = folder
        self._space = space
        self.commit_seconds = Histogram(COMMIT_SECONDS)
        self.commit_jobs = Histogram(COMMIT_JOBS)
        self._on_failure = on_failure
        self._environment = open_environment(folder)
        self._environment.reader_check()
        self._tables = open_tables(self._environment)
        self._page_bytes = self._environment.stat()["psize"]
        self._gate = threading.Lock()  # while it is held, nobody begins to read, and the map stays where it is
        self._readers = 0
        self._readers_gone = threading.Condition(self._gate)
        self._queue: deque[_Job[Any]] = deque()
        self._pending_bytes = 0  # of jobs that are not yet committed
        self._wake = threading.Condition()
        self._is_stopping = False
        self._is_dead = self._is_closed = False
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._commit_forever, name=folder.name, daemon=True)
        self._thread.start()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Reading]:
        """A snapshot. Keep it under a second: old pages are not reused while it lasts.

        Raises:
            Corrupt: LMDB finds the environment damaged. Unavailable: the engine has stopped.
        """
        with self._looking() as transaction:
            yield Reading(transaction, self._tables)

    @contextlib.contextmanager
    def _looking(self) -> Iterator[lmdb.Transaction]:
        self._enter()
        try:
            with self._environment.begin(buffers=True) as transaction:
                yield transaction
        except lmdb.PanicError:
            raise Unavailable("the store has stopped after a disk error") from None
        except lmdb.Error as error:
            raise Corrupt(f"the store is damaged ({error}): run `cairn scrub`") from error
        finally:
            self._leave()

    async def write(self, run: Callable[[Writing], T], size: int, after_commit: Callable[[T], None] | None = None) -> T:
        """Run `run` in the next commit, which is durable when this returns. `after_commit` gets its result, on the
        event loop, before any asker hears, and even when this one is cancelled.

        Raises:
            Unavailable: the queue is full, or the engine has stopped; nothing was done.
            Full: the disk was full; nothing was done. Unknown: the commit failed.
        """
        job: _Job[T] = _Job(run, size, self._loop.create_future(), after_commit)
        with self._wake:
            if self._is_dead or self._is_stopping:
                raise Unavailable("the store has stopped")
            if len(self._queue) >= QUEUE_JOBS_MAX or self._pending_bytes + size > QUEUE_BYTES_MAX:
                raise Unavailable("too many writes are waiting for the disk: try again in a second")
            self._queue.append(job)
            self._pending_bytes += size
            self._wake.notify()
        return await job.future

    def stop(self) -> None:
        """Commit what is queued, then end the thread and close. Blocks."""
        with self._wake:
            self._is_stopping = True
            self._wake.notify()
        self._thread.join()
        with self._gate:
            self._is_closed = True
            self._environment.close()

    def release(self) -> None:
        """Give back the pages of the map: they are counted as this process's once they were read."""
        with self._gate:
            if not self._is_closed:
                release(self._folder / "data.mdb")

    @property
    def file_bytes(self) -> tuple[int, int]:
        """The size of the file, and how much of it the tables hold; the rest is free for what is written next."""
        with self._looking() as transaction:
            stats = [transaction.stat(table) for table in self._tables.values()]
            pages = self._environment.info()["last_pgno"] + 1
        used = sum(stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"] for stat in stats)
        return pages * self._page_bytes, used * self._page_bytes

    @property
    def reusable_bytes(self) -> int:
        """How much of the file is free for what is written next."""
        size, used = self.file_bytes
        return size - used

    @property
    def pending_bytes(self) -> int:
        """How much waits to be committed, or is being so."""
        return self._pending_bytes

    def count(self, table: str) -> int:
        """How many records a table has."""
        with self._looking() as transaction:
            return int(transaction.stat(self._tables[table])["entries"])

    # --- the thread --------------------------------------------------------------------------------------------------

    def _commit_forever(self) -> None:
        while batch := self._take():
            try:
                self._commit(batch)
            except BaseException as error:
                self._die(batch, error)
            with self._wake:
                self._pending_bytes -= sum(job.size for job in batch)
            self._loop.call_soon_threadsafe(_settle, batch)

    def _take(self) -> list[_Job[Any]]:
        """The next batch; empty when the shard is to stop."""
        with self._wake:
            while not self._queue and not self._is_stopping:
                self._wake.wait()
            batch: list[_Job[Any]] = []
            size = 0
            while self._queue and len(batch) < BATCH_JOBS_MAX and (not batch or size < BATCH_BYTES_MAX):
                job = self._queue.popleft()
                size += job.size
                batch.append(job)
            return batch

    def _commit(self, batch: Sequence[_Job[Any]]) -> None:
        if self._is_dead:
            _fail(batch, Unavailable("the store has stopped after a disk error"))
            return
        live = list(batch)
        while live:
            size = sum(job.size for job in live)
            try:
                with self._space.committing(size, len(live), lambda: self.reusable_bytes):
                    self._commit_once(live)
            except Full as full:
                _fail(live, full)
                return
            except _SpoiltError as spoilt:
                live.remove(spoilt.job)
            except lmdb.MapFullError:
                self._grow_map()
            except lmdb.DiskError:
                if not self._is_only_full(size):
                    raise
                _fail(live, Full("the disk is full: writes stop until there is space; reading and deleting go on"))
                return
            else:
                return

    def _is_only_full(self, size: int) -> bool:
        """Whether a commit met ENOSPC because the disk is full: a failed sync may say that, too."""
        self._environment.begin(write=True).abort()  # raises if it was the meta page: then the outcome is unknown
        return self._space.confirms_full(size)

    def _commit_once(self, jobs: Sequence[_Job[Any]]) -> None:
        begun = time.perf_counter()
        self._enter()
        try:
            with self._environment.begin(write=True, buffers=True) as transaction:
                writing = Writing(transaction, self._tables)
                for job in jobs:
                    _run(job, writing)
                if writing.changes:
                    writing.seal()
        finally:
            self._leave()
        self.commit_seconds.observe(time.perf_counter() - begun)
        self.commit_jobs.observe(len(jobs))

    def _grow_map(self) -> None:
        with self._readers_gone:
            self._readers_gone.wait_for(lambda: self._readers == 0)
            self._environment.set_mapsize(self._environment.info()["map_size"] * MAP_GROWTH)

    def _die(self, batch: Sequence[_Job[Any]], error: BaseException) -> None:
        self._is_dead = True
        _fail(batch, Unknown("the disk failed during the write: it may or may not have been kept"))
        _log.critical("commit failed in %s, the store stops: %s", self._folder.name, type(error).__name__)
        self._loop.call_soon_threadsafe(self._on_failure, error)

    # --- the map -----------------------------------------------------------------------------------------------------

    def _enter(self) -> None:
        with self._gate:
            self._readers += 1

    def _leave(self) -> None:
        with self._readers_gone:
            self._readers -= 1
            if self._readers == 0:
                self._readers_gone.notify_all()


def shard_number(slot: int, shard_count: int) -> int:
    """Which shard holds a slot: contiguous ranges, so that keys in the order of shards are in the order of slots."""
    return slot * shard_count // SLOT_COUNT


def _run(job: _Job[Any], writing: Writing) -> None:
    """Run one job in the batch's transaction. Raises _SpoiltError when that must be begun again without it."""
    job.error = None
    before = writing.changes
    try:
        job.result = job.run(writing)
    except CairnError as error:
        job.error = error
        if writing.changes != before:
            raise _SpoiltError(job) from error
    except _DAMAGE as error:
        job.error = Corrupt(f"the store is damaged ({error}): run `cairn scrub`")
        raise _SpoiltError(job) from error
    except lmdb.Error:
        raise
    except Exception as error:
        _log.exception("a write failed in an unexpected way")
        job.error = error
        raise _SpoiltError(job) from error


def _settle(batch: Sequence[_Job[Any]]) -> None:
    for job in batch:
        job.settle()


def _fail(jobs: Sequence[_Job[Any]], error: CairnError) -> None:
    for job in jobs:
        job.error = error
