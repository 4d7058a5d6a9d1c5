"""One look-up per key, however many ask.

Who asks while a look-up is under way shares its outcome, with one exception: "absent" holds only for who asked before
it began, since what was put meanwhile may not be denied. Who came later looks up again. A look-up goes on as long as
one of its askers is left, and is cancelled with the last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from cairn.core.errors import NotFound

K = TypeVar("K")
V = TypeVar("V")


class _LookUp(Generic[V]):
    __slots__ = ("askers", "task")

    def __init__(self, task: asyncio.Task[V]) -> None:
        self.task = task
        self.askers = 0


class Coalescer(Generic[K, V]):
    """Shares look-ups. `joined` counts the askers that found one under way."""

    def __init__(self, look_up: Callable[[K], Coroutine[Any, Any, V]]) -> None:
        self.joined = 0
        self._look_up = look_up
        self._under_way: dict[K, _LookUp[V]] = {}

    async def get(self, key: K) -> V:
        """What the look-up of this key gives or raises."""
        running = self._under_way.get(key)
        if running is not None:
            self.joined += 1
            try:
                return await self._outcome(key, running)
            except NotFound:
                pass  # what is under way now, if anything, began after that, so after this was asked
        return await self._outcome(key, self._under_way.get(key) or self._begin(key))

    def forget(self, key: K) -> None:
        """Who asks from now on does not share what is under way."""
        self._under_way.pop(key, None)

    def _begin(self, key: K) -> _LookUp[V]:
        running = _LookUp(asyncio.get_running_loop().create_task(self._look_up(key)))
        running.task.add_done_callback(lambda _: self._leave(key, running))
        self._under_way[key] = running
        return running

    async def _outcome(self, key: K, running: _LookUp[V]) -> V:
        running.askers += 1
        try:
            return await asyncio.shield(running.task)
        finally:
            running.askers -= 1
            if running.askers == 0 and not running.task.done():
                self._leave(key, running)
                running.task.cancel()

    def _leave(self, key: K, running: _LookUp[V]) -> None:
        if self._under_way.get(key) is running:
            del self._under_way[key]
