"""The link beside a bare picows echo: blocks from a Store in memory, 64 under way, against messages of the same size.

Both ends are processes of their own, on one connection. `python -m benchmarks.link [--quick]`
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

import picows
import uvloop

from benchmarks import machine
from cairn.core.block import NO_GRANT, Block
from cairn.interface.peers.link import StoreResponder
from cairn.link import Place, open_answering, open_link
from cairn.storage.memory import memory_store
from cairn.storage.remote import remote_store
from cairn.wire.link import About

_KEYS: Final = [b"benchmark" + bytes(23)]
_UNDER_WAY: Final = 64
_SIZES: Final = (1024, 64 * 1024)
_GOAL: Final = 0.5
_HOST: Final = "127.0.0.1"


class _Run(NamedTuple):
    rate: float
    cpu_us: float  # of both ends, per operation


def main() -> None:
    """Measure in turn, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one short round, to see that it works")
    quick = parser.parse_args().quick
    rounds, seconds = (1, 0.2) if quick else (9, 1.5)
    for name, value in machine.describe(Path(tempfile.gettempdir())).items():
        print(f"{name:8} {value}")
    for size in _SIZES:
        runs = [(_measure(_echo_server, _echo, size, seconds), _measure(_link_server, _link, size, seconds))
                for _ in range(rounds)]  # fmt: skip
        _report(size, [bare for bare, _ in runs], [link for _, link in runs])


def _report(size: int, bare: list[_Run], link: list[_Run]) -> None:
    print(f"\n{size // 1024} KiB, {_UNDER_WAY} under way, one connection")
    for name, runs in (("bare picows echo", bare), ("link, block get", link)):
        rate, cpu = median(run.rate for run in runs), median(run.cpu_us for run in runs)
        print(f"  {name:18} {rate:8,.0f} op/s {cpu:8.1f} us CPU/op")
    ratio = median(ours.rate / theirs.rate for ours, theirs in zip(link, bare, strict=True))
    print(f"  link / bare        {ratio:8.2f} x (goal {_GOAL} x)")


Server = Callable[[Connection, int], Coroutine[Any, Any, None]]
Client = Callable[[int, int, float], Coroutine[Any, Any, int]]


def _measure(server: Server, client: Client, size: int, seconds: float) -> _Run:
    with _running(server, size) as (pid, port):
        before = machine.cpu_seconds(pid) + time.process_time()
        began = time.perf_counter()
        count = uvloop.run(client(port, size, seconds))
        passed = time.perf_counter() - began
        cpu = machine.cpu_seconds(pid) + time.process_time() - before
    return _Run(count / passed, cpu / count * 1e6)


@contextlib.contextmanager
def _running(server: Server, size: int) -> Iterator[tuple[int, int]]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_serve, args=(server, theirs, size), daemon=True)
    process.start()
    assert process.pid is not None
    try:
        yield process.pid, ours.recv()
    finally:
        process.kill()
        process.join()


def _serve(server: Server, told: Connection, size: int) -> None:
    uvloop.run(server(told, size))


# --- bare ------------------------------------------------------------------------------------------------------------


class _Echo(picows.WSListener):
    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        transport.send(picows.WSMsgType.BINARY, frame.get_payload_as_bytes())

    def pause_writing(self) -> None: ...

    def resume_writing(self) -> None: ...


class _Counting(_Echo):
    """Sends a message again when it comes back, until its time is over."""

    def __init__(self, until: float) -> None:
        super().__init__()
        self.count = 0
        self.done = asyncio.Event()
        self._until = until

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        self.count += 1
        if time.perf_counter() < self._until:
            transport.send(picows.WSMsgType.BINARY, frame.get_payload_as_bytes())
        else:
            self.done.set()


async def _echo_server(told: Connection, size: int) -> None:
    server = await picows.ws_create_server(lambda _: _Echo(), _HOST, 0, use_aiofastnet=False)
    told.send(server.sockets[0].getsockname()[1])
    await asyncio.Event().wait()


async def _echo(port: int, size: int, seconds: float) -> int:
    until = time.perf_counter() + seconds
    transport, counting = await picows.ws_connect(
        lambda: _Counting(until), f"ws://{_HOST}:{port}/", use_aiofastnet=False
    )
    message = os.urandom(size)
    for _ in range(_UNDER_WAY):
        transport.send(picows.WSMsgType.BINARY, message)
    assert isinstance(counting, _Counting)
    await counting.done.wait()
    transport.disconnect()
    return counting.count


# --- the link --------------------------------------------------------------------------------------------------------


async def _link_server(told: Connection, size: int) -> None:
    store = memory_store()
    await store.blocks.put(_block(size), None, NO_GRANT)
    async with open_answering(Place(_HOST), _KEYS, StoreResponder(store, About)) as answering:
        told.send(answering.port)
        await asyncio.Event().wait()


async def _link(port: int, size: int, seconds: float) -> int:
    async with open_link(Place(_HOST, port), _KEYS, connections=1) as link:
        blocks, wanted = remote_store(link).blocks, _block(size).id
        await blocks.get(wanted)
        until = time.perf_counter() + seconds

        async def get() -> int:
            count = 0
            while time.perf_counter() < until:
                await blocks.get(wanted)
                count += 1
            return count

        return sum(await asyncio.gather(*(get() for _ in range(_UNDER_WAY))))


def _block(size: int) -> Block:
    return Block.of(bytes(size))


if __name__ == "__main__":
    main()
