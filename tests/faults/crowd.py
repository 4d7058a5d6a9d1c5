"""Two thousand subscribers who never read, a thousand sockets that do, and a storage that fails, all at once: what a
good client notices of it, and what memory it takes.

python -m tests.faults.crowd            all on one machine, and so in one another's way
python -m tests.faults.crowd --apart    the crowd gets what the server and the good client leave, as if it were far away
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

from cairn.core.block import Block
from cairn.core.chain import Entry
from cairn.testing.chains import Writer, random_block
from tests.harness import Server, Split
from tests.integration.http.api import FREE_OF_RATES, Holder
from tests.integration.http.sockets import Front, Fronts, fronts

_BLOCKS = 50
_BLOCK_BYTES = 16_384
_PROBES = 8
_PROBE_PAUSE_SECONDS = 0.02
_MIB = 1 << 20


@dataclass
class Probe:
    """What a good client saw, who asks for blocks that the cache has."""

    milliseconds: list[float]
    refused: int
    server_share: float = 0.0  # of a core, that the interface took meanwhile
    crowd_share: float = 0.0  # and the process that plays the crowd: all share the machine

    def __str__(self) -> str:
        return (
            f"p50 {median(self.milliseconds):6.2f}, p99 {self.p99:6.2f} ms of {len(self.milliseconds)} answers, "
            f"{self.refused} refused; CPU: server {self.server_share:.0%}, crowd {self.crowd_share:.0%}"
        )

    @property
    def p99(self) -> float:
        """The time in ms by which 99 of 100 requests were answered."""
        return quantiles(self.milliseconds, n=100)[98]


@dataclass
class Outcome:
    """What came of it."""

    probes: dict[str, Probe] = field(default_factory=dict)
    rss_bytes_max: int = 0
    received: int = 0
    sockets: int = 0
    stuck_dropped: int = 0
    appended: int = 0

    def __str__(self) -> str:
        lines = [f"{name:15} {probe}" for name, probe in self.probes.items()]
        return "\n".join([
            *lines,
            f"memory of the interface at most {self.rss_bytes_max / _MIB:.0f} MiB",
            f"{self.received} of {self.sockets} sockets got all of {self.appended} entries",
            f"{self.stuck_dropped} who never read were dropped",
        ])  # fmt: skip


async def crowd(folder: Path, *, stuck: int, sockets: int, seconds: float, apart: bool = False) -> Outcome:
    """Run it: a good client alone, then in the crowd, then with a storage that is frozen, then gone, then back.

    Raises:
        PermissionError: `apart` is not for everyone (sched(7)).
    """
    _allow_descriptors()
    limits = {**FREE_OF_RATES, "connections": 16_384, "send_seconds": 5}
    server = Split(folder, {"interface": {"admission": "open", "limits": limits}})
    await asyncio.to_thread(server.start)
    try:
        if apart:
            _prefer(server.pid)
        return await _run(server, stuck, sockets, seconds, apart)
    finally:
        server.kill()


async def _run(server: Server, stuck: int, sockets: int, seconds: float, apart: bool) -> Outcome:
    outcome = Outcome(sockets=sockets)
    writer, paths = await asyncio.to_thread(_fill, server)

    async def probe(name: str) -> None:
        began, before = time.monotonic(), (_cpu_seconds(server.pid), _cpu_seconds(os.getpid()))
        found = outcome.probes[name] = await _probe(server, paths, seconds, apart)
        passed, after = time.monotonic() - began, (_cpu_seconds(server.pid), _cpu_seconds(os.getpid()))
        found.server_share, found.crowd_share = ((now - then) / passed for now, then in zip(after, before, strict=True))
        outcome.rss_bytes_max = max(outcome.rss_bytes_max, server.rss_bytes())

    await probe("alone")
    with _stuck(server, writer, stuck):
        async with fronts() as session, _following(session, server, writer, sockets) as following:
            async with _appending(server, writer):
                await probe("in the crowd")
                os.kill(server.keeper.pid, signal.SIGSTOP)
                await probe("storage frozen")
                os.kill(server.keeper.pid, signal.SIGCONT)
                await asyncio.to_thread(server.keeper.kill)
                await probe("storage gone")
                await asyncio.to_thread(server.keeper.start)
                await probe("storage back")
            outcome.appended = len(writer.entries)
            outcome.received = await following.count_complete()
        outcome.stuck_dropped = _metric(server, "cairn_connections_dropped_total")
    return outcome


def _fill(server: Server) -> tuple[Writer, list[str]]:
    writer = Writer("crowd")
    assert Holder(server).append(writer.entries).status == 201
    blocks: list[Block] = [random_block(f"crowd {number}", _BLOCK_BYTES) for number in range(_BLOCKS)]
    for block in blocks:
        assert Holder(server).put(block).status == 201
    return writer, [f"/v1/blocks/{block.id.hex()}" for block in blocks]


# --- who never reads -------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _stuck(server: Server, writer: Writer, count: int) -> Iterator[None]:
    """Subscribers to event streams who take nothing."""
    asked = f"GET /v1/live?chain={writer.keys.chain_id.hex()}@0 HTTP/1.1\r\nHost: a.test\r\n\r\n".encode()
    opened = []
    try:
        for _ in range(count):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            connection.connect(("127.0.0.1", server.port))
            connection.sendall(asked)
            opened.append(connection)
        yield
    finally:
        for connection in opened:
            connection.close()


# --- who follows -----------------------------------------------------------------------------------------------------


class _Following:
    """Sockets on one chain, each of which opens anew at what it lacks when it is cut off."""

    def __init__(self, session: Fronts, server: Server, writer: Writer) -> None:
        self._session = session
        self._server = server
        self._writer = writer
        self._next: list[int] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def open(self, count: int) -> None:
        """Open so many."""
        self._next = [0] * count
        self.tasks = [asyncio.create_task(self._follow(number)) for number in range(count)]
        while not all(self._next):
            await asyncio.sleep(0.1)

    async def count_complete(self) -> int:
        """How many have all entries, without gap or repeat, in a while."""
        deadline = time.monotonic() + 60
        wanted = len(self._writer.entries)
        while time.monotonic() < deadline and any(following < wanted for following in self._next):
            await asyncio.sleep(0.1)
        return sum(following == wanted for following in self._next)

    async def _follow(self, number: int) -> None:
        while True:
            with contextlib.suppress(OSError, EOFError, AssertionError):
                front = await self._session.open(self._server)
                await front.subscribe({self._writer: self._next[number]})
                await self._take(front, number)
            await asyncio.sleep(1)

    async def _take(self, front: Front, number: int) -> None:
        while (got := await front.next()) is not None:
            if isinstance(got, Entry):
                if got.seq != self._next[number]:
                    self._next[number] = -1_000_000  # a gap or a repeat: it will never be complete
                self._next[number] += 1
            elif isinstance(got, dict) and "problem" in got:
                return


@contextlib.asynccontextmanager
async def _following(session: Fronts, server: Server, writer: Writer, count: int) -> AsyncIterator[_Following]:
    following = _Following(session, server, writer)
    try:
        await following.open(count)
        yield following
    finally:
        for task in following.tasks:
            task.cancel()
        await asyncio.gather(*following.tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def _appending(server: Server, writer: Writer) -> AsyncIterator[None]:
    """An entry twice a second; one whose outcome is not known is sent again until it is."""
    stopping = asyncio.Event()
    task = asyncio.create_task(_append_until(stopping, server, writer))
    try:
        yield
    finally:
        stopping.set()
        await task


async def _append_until(stopping: asyncio.Event, server: Server, writer: Writer) -> None:
    while not stopping.is_set():
        entry = writer.add(os.urandom(2_000))
        while (await asyncio.to_thread(_try_append, server, entry)) not in (200, 201):
            await asyncio.sleep(0.2)
        await asyncio.sleep(0.5)


def _try_append(server: Server, entry: Entry) -> int:
    try:
        return Holder(server).append([entry]).status
    except OSError:
        return 0


# --- the good client, a process of its own ---------------------------------------------------------------------------


async def _probe(server: Server, paths: list[str], seconds: float, apart: bool) -> Probe:
    words = [sys.executable, "-m", "tests.faults.crowd", "--probe", str(server.port), "--seconds", str(seconds), *paths]
    process = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE)
    if apart:
        _prefer(process.pid)
    told, _ = await process.communicate()
    assert process.returncode == 0
    return Probe(**json.loads(told))


async def _ask_for_a_while(port: int, paths: list[str], seconds: float) -> Probe:
    probe = Probe([], 0)
    stop = time.monotonic() + seconds
    await asyncio.gather(*(_ask_in_turn(probe, port, paths[number:], stop) for number in range(_PROBES)))
    return probe


async def _ask_in_turn(probe: Probe, port: int, paths: list[str], stop: float) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    number = 0
    while time.monotonic() < stop:
        began = time.perf_counter()
        writer.write(f"GET {paths[number % len(paths)]} HTTP/1.1\r\nHost: a.test\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].split("\r\n")[0])
        await reader.readexactly(length)
        if head.startswith("http/1.1 200"):
            probe.milliseconds.append((time.perf_counter() - began) * 1_000)
        else:
            probe.refused += 1
        number += 1
        await asyncio.sleep(_PROBE_PAUSE_SECONDS)
    writer.close()


# --- the rest --------------------------------------------------------------------------------------------------------


def _metric(server: Server, name: str) -> int:
    lines = server.ask("GET", "/metrics").body.decode().splitlines()
    return round(sum(float(line.split()[-1]) for line in lines if line.startswith(name)))


def _prefer(pid: int) -> None:
    """Let a process run before all that has no such precedence."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setscheduler(int(thread.name), os.SCHED_RR, os.sched_param(1))


def _cpu_seconds(pid: int) -> float:
    """What all threads of a process took so far (proc_pid_stat(5))."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _allow_descriptors() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> None:
    """Run it, or be the good client of a run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stuck", type=int, default=2_000)
    parser.add_argument("--sockets", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=10.0, help="for each part")
    parser.add_argument("--apart", action="store_true", help="the server first; for root")
    parser.add_argument("--probe", type=int, help=argparse.SUPPRESS)
    parser.add_argument("paths", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.probe:
        probe = asyncio.run(_ask_for_a_while(options.probe, options.paths, options.seconds))
        print(json.dumps({"milliseconds": probe.milliseconds, "refused": probe.refused}))
        return
    with tempfile.TemporaryDirectory() as folder:
        outcome = asyncio.run(
            crowd(
                Path(folder), stuck=options.stuck, sockets=options.sockets, seconds=options.seconds, apart=options.apart
            )
        )
    print(outcome)


if __name__ == "__main__":
    main()
