"""Many small calls as few requests: what is asked for while a request is under way goes together in the next."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from cairn.core.errors import Unavailable

K = TypeVar("K")
R = TypeVar("R")


@dataclass(slots=True)
class Call(Generic[K, R]):
    """One call that waits for its answer."""

    item: K
    size: int
    future: asyncio.Future[R]

    def succeed(self, result: R) -> None:
        """Answer it, unless its asker is gone."""
        if not self.future.done():
            self.future.set_result(result)

    def fail(self, error: BaseException) -> None:
        """Refuse it, unless its asker is gone."""
        if not self.future.done():
            self.future.set_exception(error)


class Batcher(Generic[K, R]):
    """Collects calls and hands them to `send`, in order, at most `requests_max` batches at once.

    `send` settles each call of its batch; what it leaves or fails to settle fails with its error.
    """

    def __init__(
        self,
        send: Callable[[Sequence[Call[K, R]]], Awaitable[None]],
        *,
        items_max: int,
        bytes_max: int,
        requests_max: int,
    ) -> None:
        self._send = send
        self._items_max = items_max
        self._bytes_max = bytes_max
        self._requests_max = requests_max
        self._waiting: deque[Call[K, R]] = deque()
        self._running = 0
        self._sending: set[asyncio.Task[None]] = set()

    async def call(self, item: K, size: int) -> R:
        """The answer to one item, which adds `size` bytes to a batch."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append(Call(item, size, future))
        if self._running < self._requests_max:
            self._start()
        return await future

    def _start(self) -> None:
        self._running += 1
        task = asyncio.create_task(self._run())
        self._sending.add(task)  # the event loop's own hold on a task is weak
        task.add_done_callback(self._sending.discard)

    async def _run(self) -> None:
        try:
            await self._send_all()
        finally:  # at once, and not in a callback: the next call may come before that
            self._running -= 1

    async def _send_all(self) -> None:
        await asyncio.sleep(0)  # let those who call in the same moment come along
        while batch := self._take():
            error: BaseException = Unavailable("the server left this out of its answer: try again")
            try:
                await self._send(batch)
            except Exception as failed:
                error = failed
            except asyncio.CancelledError:
                for call in batch:
                    call.future.cancel()
                raise
            for call in batch:
                call.fail(error)

    def _take(self) -> list[Call[K, R]]:
        batch: list[Call[K, R]] = []
        size = 0
        while self._waiting and len(batch) < self._items_max:
            if batch and size + self._waiting[0].size > self._bytes_max:
                break
            call = self._waiting.popleft()
            if not call.future.done():
                size += call.size
                batch.append(call)
        return batch
