"""`python -m cairn.compose.worker`: one of the further processes that serve a data folder. See `workers.py`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import msgspec
import uvloop

from cairn.compose.interface import serve_interface
from cairn.compose.storage import open_below_worker
from cairn.compose.workers import READY, Task
from cairn.core.clock import SystemClock
from cairn.interface.siblings import Sibling
from cairn.logs import log_as_json


async def run(task: Task) -> None:
    """Serve until a signal, or the end of the store process."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_reader(sys.stdin.fileno(), _end_at_once)
    async with open_below_worker(task.config) as below:
        assert below.report is not None
        sibling = Sibling(task.number, below.report)
        reporting = asyncio.create_task(sibling.report())
        await serve_interface(
            task.config, below, SystemClock(), stop=stop, on_ready=lambda _: _tell_ready(),
            port=task.port, beside=sibling,
        )  # fmt: skip
        reporting.cancel()


def _end_at_once() -> None:
    """The store process has gone, and with it all that could be answered."""
    os._exit(1)


def _tell_ready() -> None:
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()


def main() -> None:
    """Take the task from standard input, and do it."""
    log_as_json()
    task = msgspec.json.decode(sys.stdin.buffer.readline(), type=Task)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(task))


if __name__ == "__main__":
    main()
