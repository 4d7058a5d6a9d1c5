"""A server that is asked over TLS, with a certificate of its own."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext
from typing import Any

from tests.harness import Answer, Server
from tests.integration.http.frames import certificate, client_context


@dataclass
class TlsServer(Server):
    """A server that is asked over TLS."""

    context: SSLContext | None = None

    def ask(self, method, path, body=None, headers=None):
        """One request by HTTP/1.1."""
        connection = http.client.HTTPSConnection("localhost", self.port, timeout=30, context=self.context)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            received = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, received, response.read())
        finally:
            connection.close()


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
