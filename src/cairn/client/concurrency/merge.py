"""Many asynchronous iterators as one, whose items come as they are ready."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Final, TypeVar

T = TypeVar("T")

_WAITING_MAX: Final = 64


async def merged(sources: Sequence[AsyncGenerator[T, None]]) -> AsyncGenerator[T, None]:
    """The items of all, each source's in its order, until all have ended. The first error ends the rest."""
    queue: asyncio.Queue[T | BaseException | None] = asyncio.Queue(_WAITING_MAX)
    tasks = [asyncio.create_task(_drain(source, queue)) for source in sources]
    try:
        left = len(tasks)
        while left:
            item = await queue.get()
            if isinstance(item, BaseException):
                raise item
            if item is None:
                left -= 1
            else:
                yield item
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _drain(source: AsyncGenerator[T, None], queue: asyncio.Queue[T | BaseException | None]) -> None:
    end: BaseException | None = None
    try:
        async with aclosing(source) as items:
            async for item in items:
                await queue.put(item)
    except Exception as error:
        end = error
    await queue.put(end)
