"""Several processes that serve one data folder from one port.

The process that holds the folder is the store process, and worker 0. It starts the others, each an interface whose
storage is the store process, asked over a link on a Unix socket in the folder. All listen on the same port
(SO_REUSEPORT); the kernel gives each connection to one of them.

A worker learns all it needs from one line of JSON on its standard input, and says on its standard output when it
serves. Further lines, both ways, are sizes of the cache that were asked for elsewhere. Its input stays open as long as
the store process lives: when it ends, so does the worker, at once. A worker that ends by itself is started again,
sooner if it had lived long.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import msgspec

from cairn.compose.changes import Changes, with_sizes
from cairn.config import Config, ConfigError
from cairn.link import Place

_SOCKET: Final = "link.sock"
_SOCKET_PATH_BYTES_MAX: Final = 107  # sun_path, unix(7)
_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 30.0
_PAUSE_SECONDS: Final = (0.1, 0.5, 2.0, 10.0)
_LONG_SECONDS: Final = 60.0
READY: Final = b"ready\n"

_log = logging.getLogger("cairn")


class Task(msgspec.Struct, frozen=True):
    """What a worker is told: the configuration, the port that all listen on, and which of how many it is."""

    config: Config
    port: int
    number: int


def worker_count(config: Config) -> int:
    """How many processes serve."""
    return config.interface.workers or len(os.sched_getaffinity(0))


def workers_place(config: Config) -> Place:
    """Where the store process answers the workers.

    Raises:
        ConfigError: the path is longer than a socket's may be.
    """
    path = str(Path(config.node.data) / _SOCKET)
    if len(os.fsencode(path)) > _SOCKET_PATH_BYTES_MAX:
        raise ConfigError(
            "node.data: the path is too long for a socket in it: shorten it, or set interface.workers = 1"
        )
    return Place(path=path)


def _of_a_worker(config: Config) -> Config:
    """The same without the listeners that the first process has for itself."""
    cache = msgspec.structs.replace(config.cache, listen="")
    storage = msgspec.structs.replace(config.storage, listen="")
    return msgspec.structs.replace(config, cache=cache, storage=storage)


class Workers:
    """The other processes. Made by `supervised`."""

    def __init__(self, config: Config, stop: asyncio.Event, on_end: Callable[[int], None], changes: Changes) -> None:
        self._config = _of_a_worker(config)
        self._changes = changes
        self._inputs: set[asyncio.StreamWriter] = set()
        self._stop = stop
        self._on_end = on_end
        self._keeping: list[asyncio.Task[None]] = []

    async def start(self, port: int) -> None:
        """Start them all; returns when each serves, or has failed to once."""
        ready = [asyncio.Event() for _ in range(1, worker_count(self._config))]
        self._keeping = [asyncio.create_task(self._keep(port, number, event)) for number, event in enumerate(ready, 1)]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_START_SECONDS):
                for event in ready:
                    await event.wait()

    async def end(self) -> None:
        """Wait until all have finished what is under way; they were told to by `stop`."""
        await asyncio.gather(*self._keeping)

    async def tell(self) -> None:
        """Pass on the sizes of the cache that are told, until cancelled."""
        with self._changes.following() as told:
            while True:
                sizes = await told.get()
                self._config = with_sizes(self._config, sizes)
                for stdin in self._inputs:
                    stdin.write(msgspec.json.encode(sizes) + b"\n")

    async def _keep(self, port: int, number: int, ready: asyncio.Event) -> None:
        """Have one worker, until `stop`."""
        failures = 0
        while not self._stop.is_set():
            began = time.monotonic()
            code = await self._run(Task(self._config, port, number), ready)
            ready.set()
            self._on_end(number)
            if self._stop.is_set():
                return
            failures = 0 if time.monotonic() - began > _LONG_SECONDS else failures + 1
            pause = _PAUSE_SECONDS[min(failures, len(_PAUSE_SECONDS)) - 1] if failures else 0.0
            _log.error("worker %d ended with code %d: another one starts in %.1f s", number, code, pause)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stop.wait()

    async def _run(self, task: Task, ready: asyncio.Event) -> int:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cairn.compose.worker",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        stopping = asyncio.create_task(self._stop.wait())
        ended = asyncio.create_task(process.wait())
        listening = asyncio.create_task(self._listen(process.stdout, ready))
        try:
            process.stdin.write(msgspec.json.encode(task) + b"\n")
            self._inputs.add(process.stdin)
            await asyncio.wait((stopping, ended), return_when=asyncio.FIRST_COMPLETED)
            return await _ended(process)
        finally:
            self._inputs.discard(process.stdin)
            stopping.cancel()
            listening.cancel()
            if process.returncode is None:
                process.kill()
            await ended

    async def _listen(self, stdout: asyncio.StreamReader, ready: asyncio.Event) -> None:
        async for line in stdout:
            if line == READY:
                ready.set()
            else:
                self._changes.tell(msgspec.json.decode(line, type=dict[str, str]))


async def _ended(process: asyncio.subprocess.Process) -> int:
    """End a process in order, or in the end at once; its exit code."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            return await process.wait()
    except TimeoutError:
        process.kill()
        return await process.wait()


@contextlib.asynccontextmanager
async def supervised(
    config: Config, stop: asyncio.Event, on_end: Callable[[int], None], changes: Changes
) -> AsyncIterator[Workers]:
    """The other workers, which end with this. `on_end` gets the number of each that ends."""
    workers = Workers(config, stop, on_end, changes)
    telling = asyncio.create_task(workers.tell())
    try:
        yield workers
    finally:
        telling.cancel()
        stop.set()
        await workers.end()
