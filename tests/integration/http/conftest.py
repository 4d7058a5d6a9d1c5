"""A server for followers, and a chain on it. Modules whose tests share a server have their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cairn.testing.chains import Writer
from tests.harness import Server
from tests.integration.http.crowds import serving_followers, standing_writer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of a test's own."""
    with serving_followers(tmp_path) as server:
        yield server


@pytest.fixture
def writer(server: Server) -> Writer:
    """The writer of a new chain that stands."""
    return standing_writer(server)
