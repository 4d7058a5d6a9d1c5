"""What waits for one listener: a sender never waits, and a listener that lags loses the oldest."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """The newest `items_max` of what was put and not yet taken."""

    __slots__ = ("_changed", "_waiting")

    def __init__(self, items_max: int) -> None:
        self._waiting: deque[T] = deque(maxlen=items_max)
        self._changed = asyncio.Event()

    def put(self, item: T) -> None:
        """Add one, in place of the oldest where there is no room."""
        self._waiting.append(item)
        self._changed.set()

    async def take(self) -> T:
        """The oldest, once there is any."""
        while not self._waiting:
            self._changed.clear()
            await self._changed.wait()
        return self._waiting.popleft()
