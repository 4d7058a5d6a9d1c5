"""The event loop behind the blocking face: interrupts, early ends and what is left behind."""

import asyncio
import os
import signal
import threading
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import CancelledError

import pytest

from cairn.client.concurrency.portal import Portal


@pytest.fixture
def portal() -> Iterator[Portal]:
    made = Portal()
    yield made
    made.close()


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


class Numbers:
    """0, then nothing more: Ctrl-C comes instead. To end takes some turns of the loop, as giving back a connection."""

    def __init__(self) -> None:
        self.is_tidy = False

    async def __call__(self) -> AsyncGenerator[int, None]:
        try:
            yield 0
            asyncio.get_running_loop().call_soon(interrupt)
            await asyncio.Event().wait()
        finally:
            for _ in range(20):
                await asyncio.sleep(0)
            self.is_tidy = True


def test_ctrl_c_while_waiting_for_the_next_item(portal: Portal) -> None:
    numbers = Numbers()
    with pytest.raises(KeyboardInterrupt):
        list(iter_into(portal, numbers))
    assert numbers.is_tidy


def iter_into(portal: Portal, numbers: Numbers) -> Iterator[int]:
    yield from portal.iterate(numbers())


def test_ctrl_c_while_waiting_for_a_result(portal: Portal) -> None:
    ends = []

    async def work() -> None:
        try:
            asyncio.get_running_loop().call_soon(interrupt)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ends.append("tidy")

    with pytest.raises(KeyboardInterrupt):
        portal.run(work())
    assert ends == ["tidy"]
    assert portal.run(asyncio.sleep(0, "goes on")) == "goes on"


def test_what_a_coroutine_raises(portal: Portal) -> None:
    async def work(error: BaseException) -> None:
        raise error

    with pytest.raises(LookupError):
        portal.run(work(LookupError()))
    with pytest.raises(CancelledError):
        portal.run(work(asyncio.CancelledError()))
    assert portal.run(asyncio.sleep(0, 1)) == 1


def test_nothing_is_left_behind(recwarn: pytest.WarningsRecorder, capsys: pytest.CaptureFixture[str]) -> None:
    portal, ended, threads = Portal(), [], threading.active_count()
    left: list[asyncio.Task[None]] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(1)

    async def leave() -> None:
        left.append(asyncio.create_task(work()))
        await asyncio.sleep(0)

    portal.run(leave())
    portal.close()
    assert (ended, left[0].cancelled(), threading.active_count()) == ([1], True, threads - 1)
