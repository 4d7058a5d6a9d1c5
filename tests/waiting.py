"""Waiting for something to be so, rather than for a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


def wait_for(is_so: Callable[[], object], seconds: float = 30.0) -> None:
    """Ask again and again until it is so; fails when it takes much too long."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < seconds, "it did not come about"
        time.sleep(0.05)


async def until(is_so: Callable[[], object], seconds: float = 30.0) -> None:
    """The same within this event loop, where what is waited for goes on, too."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < seconds, "it did not come about"
        await asyncio.sleep(0.005)
