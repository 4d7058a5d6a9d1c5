"""`python -m cairn.compose.worker`: one of the further processes that serve a data folder. See `workers.py`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from typing import Final

import msgspec
import uvloop

from cairn.compose.changes import Changes
from cairn.compose.interface import serve_interface
from cairn.compose.storage import open_below_worker
from cairn.compose.workers import READY, Task
from cairn.core.clock import SystemClock
from cairn.footprint import Footprint
from cairn.interface.numbers.siblings import Sibling
from cairn.logs import log_as_json

_LINE_BYTES_MAX: Final = 16 * 1024 * 1024  # a configuration with its sites


async def run() -> None:
    """Take the task from standard input, and serve until a signal, or the end of the store process."""
    stop, changes = asyncio.Event(), Changes()
    loop = asyncio.get_running_loop()
    orders = asyncio.StreamReader(limit=_LINE_BYTES_MAX)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    task = msgspec.json.decode(await orders.readline(), type=Task)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    following = asyncio.create_task(_follow(orders, changes))
    async with open_below_worker(task.config) as below:
        assert below.report is not None
        sibling = Sibling(task.number, below.report)
        beside = [asyncio.create_task(part) for part in (sibling.report(), Footprint(below.release).keep_small())]
        await serve_interface(
            task.config, below, SystemClock(), stop=stop, on_ready=lambda _: _tell_ready(),
            port=task.port, beside=sibling, changes=changes, tell=_tell_sizes,
        )  # fmt: skip
        for each in beside:
            each.cancel()
    following.cancel()


async def _follow(orders: asyncio.StreamReader, changes: Changes) -> None:
    """Take the sizes of the cache that the store process passes on."""
    async for line in orders:
        changes.tell(msgspec.json.decode(line, type=dict[str, str]))
    os._exit(1)  # the store process has gone, and with it all that could be answered


def _tell_ready() -> None:
    _say(READY)


def _tell_sizes(sizes: Mapping[str, str]) -> None:
    _say(msgspec.json.encode(sizes) + b"\n")


def _say(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def main() -> None:
    """Run one."""
    log_as_json()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


if __name__ == "__main__":
    main()
