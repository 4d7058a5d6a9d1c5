"""A file that is sent is closed, whenever its client leaves."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cairn.interface.carrier import answering
from cairn.interface.http.exchange import FileSlice

_SIZE = 3 * answering._PIECE_BYTES + 5


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(os.urandom(_SIZE))
    return path


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


async def test_the_bytes_that_are_wanted(path: Path) -> None:
    pieces = [piece async for piece in answering._pieces_of_file(FileSlice(path, 7, _SIZE - 1))]
    assert b"".join(pieces) == path.read_bytes()[7:-1]


async def test_a_file_that_is_not_there_or_became_shorter(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await anext(answering._pieces_of_file(FileSlice(path.with_name("none"), 0, 1)))
    with pytest.raises(OSError, match="shorter"):
        [piece async for piece in answering._pieces_of_file(FileSlice(path, 0, _SIZE + 1))]


@pytest.mark.parametrize("what", ["open", "pread"])
async def test_who_leaves_while_a_thread_works(path: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    has_begun, may_go_on = threading.Event(), threading.Event()

    def held_up(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def work(*arguments: Any) -> Any:
            if name == what:
                has_begun.set()
                may_go_on.wait(30)
            done = call(*arguments)
            if name == "open":
                opened.append(done)
            return done

        return work

    monkeypatch.setattr(os, "open", held_up("open", os.open))
    monkeypatch.setattr(os, "pread", held_up("pread", os.pread))

    async def read() -> None:
        async for _ in answering._pieces_of_file(FileSlice(path, 0, _SIZE)):
            pass

    reading = asyncio.create_task(read())
    assert await asyncio.to_thread(has_begun.wait, 30)
    reading.cancel()
    await asyncio.sleep(0)
    may_go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert len(opened) == 1
    assert not _is_open(opened[0])
