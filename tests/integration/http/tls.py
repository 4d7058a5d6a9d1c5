"""A server that is asked over TLS, with a certificate of its own."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from tests.harness import Server, serving
from tests.integration.http.frames import certificate, client_context


def serving_tls(folder: Path, **interface: Any) -> AbstractContextManager[Server]:
    """A started server; keyword arguments are settings of the interface."""
    tls = certificate(folder)
    return serving(folder, interface={"tls": tls, **interface}, context=client_context(folder, "http/1.1"))
