"""Waiting for something to be so, rather than for a time."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_for(is_so: Callable[[], object], seconds: float = 30.0) -> None:
    """Ask again and again until it is so; fails when it takes much too long."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < seconds, "it did not come about"
        time.sleep(0.05)
