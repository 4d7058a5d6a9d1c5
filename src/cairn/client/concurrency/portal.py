"""An event loop in a thread of its own, for programs that block: what `cairn.client.sync` stands on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterable, Iterator
from concurrent.futures import CancelledError, Future, wait
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


class Portal:
    """Runs coroutines for threads that wait for them."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cairn-client", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine. An interrupt (Ctrl-C) cancels it, and is raised when it has tidied up."""
        future: Future[T] = Future()
        begun: list[asyncio.Task[T]] = []
        try:
            self._loop.call_soon_threadsafe(_begin, work, future, begun)
            return future.result()
        except BaseException:
            if not future.done():  # it is this thread that was interrupted
                self._loop.call_soon_threadsafe(_cancel, work, future, begun)
                wait([future])
            raise

    def iterate(self, items: AsyncGenerator[T, None]) -> Iterator[T]:
        """The items of an asynchronous generator, each made when it is asked for. Leaving early closes it."""
        try:
            while True:
                try:
                    item = self.run(_next(items))
                except StopAsyncIteration:
                    return
                yield item
        finally:
            self.run(items.aclose())

    @contextmanager
    def entered(self, context: AbstractAsyncContextManager[T]) -> Iterator[T]:
        """An asynchronous context, entered and left."""
        entered = self.run(_enter(context))
        try:
            yield entered
        except BaseException as error:
            if not self.run(_leave(context, error)):
                raise
        else:
            self.run(_leave(context, None))

    def close(self) -> None:
        """End the thread, and what still runs in it."""
        self.run(_end_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _begin(work: Coroutine[Any, Any, T], future: Future[T], begun: list[asyncio.Task[T]]) -> None:
    task = asyncio.get_running_loop().create_task(work)
    begun.append(task)
    task.add_done_callback(partial(_settle, future))


def _cancel(work: Coroutine[Any, Any, T], future: Future[T], begun: list[asyncio.Task[T]]) -> None:
    if begun:
        begun[0].cancel()
    elif not future.done():  # the interrupt came before it was handed over
        work.close()
        future.set_exception(CancelledError())


def _settle(future: Future[T], task: asyncio.Task[T]) -> None:
    if task.cancelled():
        future.set_exception(CancelledError())
    elif error := task.exception():
        future.set_exception(error)
    else:
        future.set_result(task.result())


async def _end_all() -> None:
    """Cancel what nobody waits for any more, as `asyncio.run` does."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()


async def each(items: Iterable[T]) -> AsyncIterator[T]:
    """A blocking iterable as an asynchronous one; its items are made in a thread."""
    iterator, end = iter(items), object()
    while (item := await asyncio.to_thread(next, iterator, end)) is not end:
        yield item  # type: ignore[misc]


async def _next(items: AsyncGenerator[T, None]) -> T:
    return await anext(items)


async def _enter(context: AbstractAsyncContextManager[T]) -> T:
    return await context.__aenter__()


async def _leave(context: AbstractAsyncContextManager[T], error: BaseException | None) -> bool | None:
    return await context.__aexit__(type(error) if error else None, error, error.__traceback__ if error else None)
