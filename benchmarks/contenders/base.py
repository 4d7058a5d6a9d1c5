"""What a contender is: a running server, and the loads that it can take."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.load import Buffers, Outcome

CONCURRENCY: Final = 32
CACHED_SIZE: Final = 16_384
GET_SIZES: Final = (1_024, CACHED_SIZE, 65_536, 1_048_576)
BATCH: Final = 32
_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 30.0

Measure = Callable[[float], Outcome]
"""Runs a prepared load for so many seconds."""


class MissingError(Exception):
    """The contender is not installed. Says what to install."""


@dataclass(frozen=True)
class Get:
    """GET of one body that was asked for before."""

    size: int


@dataclass(frozen=True)
class Scan:
    """GET of many bodies in turn, so many that no two requests share a look-up and no cache of memory has them all."""

    bodies: Sequence[bytes]


@dataclass(frozen=True)
class Put:
    """Durable PUT of ever new bodies; `bodies` are distinct and of `size` bytes."""

    size: int
    bodies: Sequence[Buffers]


@dataclass(frozen=True)
class Append:
    """Durable append of small entries to `chains` chains, `batch` entries a request, `requests` of them a chain."""

    chains: int
    batch: int
    requests: int


class Contender:
    """A server that runs. A load that it cannot take is None."""

    name = ""

    def get(self, load: Get) -> Measure | None:
        return None

    def scan(self, load: Scan) -> Measure | None:
        return None

    def put(self, load: Put) -> Measure | None:
        return None

    def append(self, load: Append) -> Measure | None:
        return None


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextlib.contextmanager
def running(
    command: Sequence[object], folder: Path, is_ready: Callable[[], bool], env: Mapping[str, str] | None = None
) -> Iterator[int]:
    """A process from its readiness on, by its pid; stopped at the end. Its output is in `log` in `folder`."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(part) for part in command], cwd=folder, stdout=log, stderr=log, env={**os.environ, **(env or {})}
        )
        try:
            deadline = time.monotonic() + _START_SECONDS
            while not is_ready():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{command[0]} did not start: {(folder / 'log').read_text()[-2_000:]}")
                time.sleep(0.05)
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def answers(port: int, path: str = "/") -> bool:
    """Whether an HTTP server answers there without an error of its own."""
    try:
        return ask(port, "GET", path)[0] < 500
    except OSError:
        return False


def ask(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Status and body of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def put_or_fail(port: int, path: str, body: bytes) -> None:
    status, answer = ask(port, "PUT", path, body)
    if status not in (200, 201):
        raise RuntimeError(f"PUT gave {status}: {answer[:300]!r}")


def head(method: str, path: str, length: int | None = None, media_type: str = "application/octet-stream") -> bytes:
    """A request up to its body."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if length is not None:
        lines += [f"Content-Type: {media_type}", f"Content-Length: {length}"]
    return "\r\n".join([*lines, "", ""]).encode()


def shared(requests: Iterator[Buffers]) -> list[Iterator[Buffers]]:
    """All connections take from one source."""
    return [requests] * CONCURRENCY


def same(request: bytes) -> list[Iterator[Buffers]]:
    """All connections send one request for ever."""
    return shared(itertools.repeat((request,)))


def body_of(size: int) -> bytes:
    """The body that GETs ask for: the same for every contender."""
    return (b"%d bytes, " % size * size)[:size]
