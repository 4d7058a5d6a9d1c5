"""A server that is asked over TLS, with a certificate of its own."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext
from typing import Any

from tests.harness import Server
from tests.integration.http.frames import certificate, client_context


@dataclass
class TlsServer(Server):
    """A server that is asked over TLS."""

    context: SSLContext | None = None

    def connection(self) -> http.client.HTTPConnection:
        """What one request by HTTP/1.1 may be made on."""
        return http.client.HTTPSConnection("localhost", self.port, timeout=30, context=self.context)


@contextmanager
def serving_tls(folder: Path, **interface: Any) -> Iterator[TlsServer]:
    """A started server; keyword arguments are settings of the interface."""
    server = TlsServer(folder, {"interface": {"tls": certificate(folder), **interface}})
    server.context = client_context(folder, "http/1.1")
    try:
        server.start()
        yield server
    finally:
        if server.process is not None:
            server.kill()
