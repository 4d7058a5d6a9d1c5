"""The load generator: HTTP/1.1 over kept connections, in a process of its own.

Requests are made before the clock starts. Each connection has one request under way: concurrency is the number of
connections. A request is a tuple of buffers, so that great bodies are shared and never copied here. The process is a
fork of the caller's, which waits meanwhile; the forked child sees the requests without their being sent to it.
"""

from __future__ import annotations

import gc
import multiprocessing
import re
import resource
import select
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from benchmarks.machine import cpu_seconds

Buffers = tuple[bytes | memoryview, ...]

_SCRATCH_BYTES: Final = 1 << 20
_LENGTH: Final = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: *(\d+)")
_CHUNKED: Final = re.compile(rb"\r\n[Tt]ransfer-[Ee]ncoding: *chunked")
_LAST_CHUNK: Final = b"0\r\n\r\n"
_STATUS: Final = slice(9, 12)
_NS: Final = 1e9


@dataclass(frozen=True)
class Load:
    """Requests for each connection. One iterator may stand for several connections, which then share it."""

    port: int
    server_pid: int
    connections: Sequence[Iterator[Buffers]]
    operations_per_request: int = 1
    other_pids: tuple[int, ...] = ()  # of servers behind that one


@dataclass(frozen=True)
class Outcome:
    """What one run of a load gave."""

    operations: int
    seconds: float
    latencies_ms: list[float] = field(repr=False)  # sorted
    server_cpu_seconds: float = 0.0
    generator_share: float = 0.0  # of one core

    @property
    def rate(self) -> float:
        return self.operations / self.seconds


class RefusedError(Exception):
    """The server answered with an error."""


def run(load: Load, seconds: float) -> Outcome:
    """Send the load for so long, or until its requests run out."""
    pids = (load.server_pid, *load.other_pids)
    before = sum(map(cpu_seconds, pids))
    outcome = in_own_process(lambda: _Generator(load).run(seconds))
    return replace(outcome, server_cpu_seconds=sum(map(cpu_seconds, pids)) - before)


def in_own_process(measure: Callable[[], Outcome]) -> Outcome:
    """What `measure` gives in a fork of this process."""
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_report, args=(sending, measure))
    process.start()
    sending.close()
    try:
        outcome = receiving.recv()
    finally:
        process.join()
    if isinstance(outcome, Exception):
        raise outcome
    assert isinstance(outcome, Outcome)
    return outcome


def _report(sending: Any, measure: Callable[[], Outcome]) -> None:
    gc.disable()
    try:
        sending.send(measure())
    except Exception as error:
        sending.send(RefusedError(f"{type(error).__name__}: {error}"))


class _Connection:
    """One kept connection: sends a request, takes its answer, notes the time between."""

    def __init__(self, port: int, requests: Iterator[Buffers]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.latencies: list[int] = []
        self._requests = requests
        self._unsent: list[memoryview] = []
        self._missing = -1  # bytes of the answer; -1: its head is not whole yet, -2: chunked
        self._head = b""
        self._started = 0

    def send_next(self) -> bool:
        """Begin the next request; False if there is none."""
        request = next(self._requests, None)
        if request is None:
            return False
        self._started = time.perf_counter_ns()
        if len(request) == 1:
            sent = self.socket.send(request[0])
            if sent < len(request[0]):
                self._unsent = [memoryview(request[0])[sent:]]
        else:
            self._unsent = [memoryview(buffer) for buffer in request]
            self.send_rest()
        return True

    @property
    def is_sending(self) -> bool:
        return bool(self._unsent)

    def send_rest(self) -> None:
        """Send as much as the socket takes."""
        while self._unsent:
            try:
                sent = self.socket.sendmsg(self._unsent)
            except BlockingIOError:
                return
            while self._unsent and sent >= len(self._unsent[0]):
                sent -= len(self._unsent.pop(0))
            if sent:
                self._unsent[0] = self._unsent[0][sent:]

    def receive(self, scratch: bytearray) -> bool:
        """Take what came; True when the answer is whole."""
        try:
            size = self.socket.recv_into(scratch)
        except BlockingIOError:
            return False
        if size == 0:
            raise RefusedError("the server closed the connection")
        if self._missing >= 0:
            self._missing -= size
        elif self._missing == -2:
            self._missing = 0 if scratch[:size].endswith(_LAST_CHUNK) else -2
        else:
            self._take_head(bytes(memoryview(scratch)[:size]))
        if self._missing != 0:
            return False
        self._missing = -1
        self.latencies.append(time.perf_counter_ns() - self._started)
        return True

    def _take_head(self, data: bytes) -> None:
        data = self._head + data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._head = data
            return
        self._head = b""
        if data[_STATUS] not in (b"200", b"201", b"204"):
            raise RefusedError(f"status {data[_STATUS].decode()}: {data[end + 4 : end + 300]!r}")
        length = _LENGTH.search(data, 0, end)
        if length is not None:
            self._missing = int(length[1]) - (len(data) - end - 4)
        elif _CHUNKED.search(data, 0, end) is not None:
            self._missing = 0 if data.endswith(_LAST_CHUNK) else -2
        else:
            self._missing = 0


class _Generator:
    """All connections on one epoll."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._poll = select.epoll()
        self._connections = {c.socket.fileno(): c for c in (_Connection(load.port, r) for r in load.connections)}

    def run(self, seconds: float) -> Outcome:
        """Send for so long; answers that are still to come are waited for."""
        started = time.perf_counter_ns()
        stop = started + int(seconds * _NS)
        busy = resource.getrusage(resource.RUSAGE_SELF)
        self._loop(stop)
        elapsed = (time.perf_counter_ns() - started) / _NS
        done = resource.getrusage(resource.RUSAGE_SELF)
        latencies = sorted(ns / 1e6 for c in self._connections.values() for ns in c.latencies)
        return Outcome(
            len(latencies) * self._load.operations_per_request, elapsed, latencies,
            generator_share=(done.ru_utime + done.ru_stime - busy.ru_utime - busy.ru_stime) / elapsed,
        )  # fmt: skip

    def _loop(self, stop: int) -> None:
        scratch = bytearray(_SCRATCH_BYTES)
        running = 0
        for number, connection in self._connections.items():
            self._poll.register(number, select.EPOLLIN)
            running += self._begin(number, connection)
        while running:
            for number, events in self._poll.poll(10.0) or _stuck():
                connection = self._connections[number]
                if events & select.EPOLLOUT:
                    connection.send_rest()
                    if not connection.is_sending:
                        self._poll.modify(number, select.EPOLLIN)
                elif connection.receive(scratch):
                    is_over = time.perf_counter_ns() >= stop
                    running -= is_over or not self._begin(number, connection)

    def _begin(self, number: int, connection: _Connection) -> bool:
        if not connection.send_next():
            return False
        if connection.is_sending:
            self._poll.modify(number, select.EPOLLIN | select.EPOLLOUT)
        return True


def _stuck() -> list[tuple[int, int]]:
    raise RefusedError("no answer for ten seconds")
