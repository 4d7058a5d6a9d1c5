"""Granian alone: what HTTP costs before anything is done."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import load as loads
from benchmarks.contenders import base

_ROOT = Path(__file__).parents[2]


class Bare(base.Contender):
    name = "bare Granian"

    def __init__(self, port: int, pid: int) -> None:
        self._port = port
        self._pid = pid

    def get(self, load: base.Get) -> base.Measure:
        connections = base.same(base.head("GET", f"/{load.size}"))
        return functools.partial(loads.run, loads.Load(self._port, self._pid, connections))

    def put(self, load: base.Put) -> base.Measure:
        head = base.head("PUT", "/", load.size)
        requests = base.shared((head, *body) for body in load.bodies)
        return functools.partial(loads.run, loads.Load(self._port, self._pid, requests))


@contextlib.contextmanager
def start(folder: Path) -> Iterator[Bare]:
    port = base.free_port()
    command = [
        sys.executable, "-m", "granian", "--interface", "rsgi", "--workers", "1", "--loop", "uvloop", "--no-ws",
        "--port", str(port), "--no-log", "benchmarks.contenders.bare_app:app",
    ]  # fmt: skip
    env = {"PYTHONPATH": str(_ROOT)}
    with base.running(command, folder, lambda: base.answers(port, "/1024"), env) as pid:
        yield Bare(port, pid)
