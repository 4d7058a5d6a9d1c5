"""A real server as a process of its own, and simple ways to talk to it.

CAIRN_TEST_DEPLOYMENT says what `serving` starts: "one" process (unless it is set), "split": a storage process, and an
interface process, which is the one that is asked, or "workers": two processes on one data folder.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from ssl import SSLContext
from typing import Any, Final

import pytest

_START_SECONDS = 60.0
_TABLES = ("node", "interface", "cache", "storage", "cluster")


@dataclass
class Answer:
    """What a server answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a problem document."""
        return str(self.json["code"])


@dataclass
class Server:
    """One `cairn serve`. Its log is in `log`; it is ended by its own pid."""

    folder: Path
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    sites: list[dict[str, Any]] = field(default_factory=list)
    command: list[str] = field(default_factory=lambda: [sys.executable, "-m", "cairn"])
    environ: dict[str, str] = field(default_factory=dict)
    context: SSLContext | None = None  # to ask it over TLS
    process: subprocess.Popen[bytes] | None = None
    port: int = 0
    start_seconds: float = 0.0

    @property
    def data(self) -> Path:
        """The data folder."""
        return Path(self.settings.get("node", {}).get("data", self.folder / "data"))

    @property
    def keeper(self) -> Server:
        """The process that keeps the data."""
        return self

    @property
    def log(self) -> Path:
        """What it wrote to standard error, over all its starts."""
        return self.folder / "server.log"

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self.process is not None
        return self.process.pid

    def start(self) -> Server:
        """Start, on the same port as before, and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        ready = self.folder / "ready.json"
        ready.unlink(missing_ok=True)
        config = self.folder / "cairn.toml"
        config.write_text(self._toml())
        words = [*self.command, "serve", "--config", str(config), "--json", "--ready-file", str(ready)]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("CAIRN_")}
        began = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                words, stdout=subprocess.DEVNULL, stderr=log, env={**environ, **self.environ}, cwd=self.folder
            )
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() - began > _START_SECONDS:
                self.kill()
                raise AssertionError(f"the server did not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.005)
        self.start_seconds = time.monotonic() - began
        self.port = json.loads(ready.read_text())["port"]
        return self

    def stop(self) -> int:
        """End it as an operator would; returns its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def kill(self) -> None:
        """End it as a power cut would, but for what the kernel still writes."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(60)

    def connection(self) -> http.client.HTTPConnection:
        """What one request may be made on."""
        if self.context is not None:
            return http.client.HTTPSConnection("localhost", self.port, timeout=30, context=self.context)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        """One request on a connection of its own."""
        connection = self.connection()
        try:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            received = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, received, response.read())
        finally:
            connection.close()

    def rss_bytes(self) -> int:
        """Resident memory of the process."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))

    def assert_healthy(self) -> None:
        """It still answers, and has logged no traceback."""
        assert self.ask("GET", "/healthz").status == 200
        assert b"Traceback" not in self.log.read_bytes(), self.log.read_text()[-4000:]

    def _toml(self) -> str:
        lines = []
        for name, table in self._tables().items():
            lines += [f"[{name}]", *(f"{key} = {_value(value)}" for key, value in table.items())]
        for site in self.sites:
            lines += ["[[site]]", *(f"{key} = {_value(value)}" for key, value in site.items())]
        return "\n".join(lines) + "\n"

    def _tables(self) -> dict[str, dict[str, Any]]:
        node = {"data": str(self.folder / "data"), **self.settings.get("node", {})}
        interface = {"listen": f"127.0.0.1:{self.port}", **self.settings.get("interface", {})}
        if self.port:
            host = str(interface["listen"]).rpartition(":")[0]
            interface["listen"] = f"{host}:{self.port}"
        return {**self.settings, "node": node, "interface": interface}


class Split(Server):
    """The same from two processes. What is asked, and ended by `stop` and `kill`, is the interface; `keeper` is the
    other, and starts first, on the same port each time."""

    def start(self) -> Server:
        """Start what is not running yet."""
        keeper = self._keeper()
        if keeper.process is None or keeper.process.poll() is not None:
            keeper.start()
        self.start_interface()
        deadline = time.monotonic() + _START_SECONDS
        while self.ask("GET", "/readyz").status != 200:
            assert time.monotonic() < deadline, self.log.read_text()[-2000:]
            time.sleep(0.01)
        return self

    def start_interface(self) -> None:
        """Start the interface alone, whether there is a storage or not."""
        super().start()

    @property
    def keeper(self) -> Server:
        """The storage process."""
        return self._keeper()

    def stop(self) -> int:
        """End both; the exit code of the interface."""
        code = super().stop()
        assert self._keeper().stop() == 0, self._keeper().log.read_text()[-2000:]
        return code

    def kill(self) -> None:
        """End both."""
        super().kill()
        if self._keeper().process is not None:
            self._keeper().kill()

    def assert_healthy(self) -> None:
        """Both still answer, and have logged no traceback."""
        super().assert_healthy()
        self._keeper().assert_healthy()

    def _keeper(self) -> Server:
        if not hasattr(self, "_storage"):
            storage = {"listen": "127.0.0.1:0", **self.settings.get("storage", {})}
            node = {"roles": ["storage"], "data": str(self.data)}
            self._storage = Storage(self.folder / "storage", {"node": node, "storage": storage}, environ=self.environ)
        return self._storage

    def _tables(self) -> dict[str, dict[str, Any]]:
        keeper = self._keeper()
        return {
            **super()._tables(),
            "node": {"roles": ["interface"], "secret_file": str(keeper.data / "secret"), "data": str(self.folder)},
            "storage": {"engine": "remote", "servers": [f"127.0.0.1:{keeper.port}"]},
        }


class Storage(Server):
    """A storage process alone."""

    def _tables(self) -> dict[str, dict[str, Any]]:
        tables = {name: table for name, table in super()._tables().items() if name != "interface"}
        tables["storage"]["listen"] = f"127.0.0.1:{self.port}"
        return tables


_named_ports = itertools.count(20_000 + os.getpid() % 10_000)


def free_port() -> int:
    """A port that nobody listens on now, for what must be named before it is started; below those that the kernel
    gives to who names none."""
    for port in _named_ports:
        with socket.socket() as listening, suppress(OSError):
            listening.bind(("127.0.0.1", port))
            return port
    raise AssertionError


class TwoWorkers(Server):
    """Two processes on one data folder and one port."""

    @property
    def workers(self) -> list[int]:
        """The ids of the processes that the first one has started."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def _tables(self) -> dict[str, dict[str, Any]]:
        tables = super()._tables()
        return {**tables, "interface": {"workers": 2, **tables["interface"]}}


DEPLOYMENT: Final = os.environ.get("CAIRN_TEST_DEPLOYMENT", "one")
DEPLOYMENTS: Final = {"one": Server, "split": Split, "workers": TwoWorkers}


counts_alone = pytest.mark.skipif(DEPLOYMENT == "workers", reason="each worker counts for itself")
"""For tests that know at which request a limit is reached."""


@contextmanager
def serving(folder: Path, **settings: Any) -> Iterator[Server]:
    """A started server; keyword arguments are tables of the configuration, and `sites`, `environ`, `context` and
    `deployment`."""
    sites, environ = settings.pop("sites", []), settings.pop("environ", {})
    context, deployment = settings.pop("context", None), settings.pop("deployment", DEPLOYMENT)
    server = DEPLOYMENTS[deployment](folder, settings, sites, environ=environ, context=context)
    try:
        server.start()
        yield server
    finally:
        if server.process is not None:
            server.kill()


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)
