"""Pinned heads: what is saved when saving fails, waits or meets another process."""

import asyncio
import errno
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from cairn.client import WriteCapability
from cairn.client.format.reader import Seen
from cairn.client.state import pins
from cairn.client.state.pins import DamagedPin, Pins
from cairn.core.chain import ChainState, Receipt, begin


def state() -> ChainState:
    return begin(WriteCapability.new().keys.genesis())


async def test_pins_that_could_not_be_saved_are_saved_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins, "_SAVE_SECONDS", 0.0)
    replace_file, tries = pins.replace_file, 0
    failed = asyncio.Event()
    loop = asyncio.get_running_loop()
    lost: list[object] = []
    loop.set_exception_handler(lambda _, context: lost.append(context))

    def full(path: Path, content: bytes) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            loop.call_soon_threadsafe(failed.set)
            raise OSError(errno.ENOSPC, "no space left")
        replace_file(path, content)

    monkeypatch.setattr(pins, "replace_file", full)
    kept, seen = Pins(tmp_path), Seen(state())
    kept.keep(seen)
    saver = kept._saver
    await failed.wait()
    assert saver is not None
    await asyncio.wait([saver])
    assert saver.exception() is None
    await kept.close()
    assert lost == []
    assert (await Pins(tmp_path).seen(seen.state.chain_id)).state.hash == seen.state.hash  # type: ignore[union-attr]


async def test_what_cannot_be_saved_is_told_at_the_end(tmp_path: Path) -> None:
    kept, seen = Pins(tmp_path), Seen(state())
    kept.keep(seen)
    (tmp_path / f"{seen.state.chain_id.hex()}.json").write_text("{}")
    with pytest.raises(DamagedPin):
        await kept.close()


async def test_closing_waits_for_a_save_that_is_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins, "_SAVE_SECONDS", 0.0)
    begun, go_on, replace_file = asyncio.Event(), threading.Event(), pins.replace_file
    loop = asyncio.get_running_loop()

    def slow(path: Path, content: bytes) -> None:
        loop.call_soon_threadsafe(begun.set)
        assert go_on.wait(30)
        replace_file(path, content)

    monkeypatch.setattr(pins, "replace_file", slow)
    kept, seen = Pins(tmp_path), Seen(state())
    kept.keep(seen)
    await begun.wait()
    closing = asyncio.create_task(kept.close())
    for _ in range(5):
        await asyncio.sleep(0)
    go_on.set()
    await closing
    assert (tmp_path / f"{seen.state.chain_id.hex()}.json").exists()


async def test_of_two_entries_at_one_seq_the_first_stays_pinned(tmp_path: Path) -> None:
    first = state()
    other = replace(first, hash=bytes(32))
    one, two = Pins(tmp_path), Pins(tmp_path)
    one.keep(Seen(first))
    one.keep(Seen(other, Receipt(1, bytes(64)), bytes(32)))
    assert (await one.seen(first.chain_id)).state.hash == first.hash  # type: ignore[union-attr]
    await one.close()
    two.keep(Seen(other))
    await two.close()
    assert (await Pins(tmp_path).seen(first.chain_id)).state.hash == first.hash  # type: ignore[union-attr]
