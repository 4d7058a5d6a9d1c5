"""A Store with faults still keeps its word: what it acknowledged stands, and sending the same again is safe."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from cairn.core.block import NO_GRANT, GrantId, Pin, pin_hash
from cairn.core.chain import Entry, Seq
from cairn.core.errors import NotFound, Unavailable, Unknown
from cairn.core.store import Store
from cairn.storage.memory import memory_store
from cairn.testing.chains import Writer, random_block
from cairn.testing.contract import read_all
from cairn.testing.faults import Faults, with_faults

ANN = GrantId(b"a" * 16)


async def insist(call: Callable[[], Awaitable[object]]) -> int:
    """Call until it succeeds; how often it failed."""
    failures = 0
    while True:
        try:
            await call()
        except (Unavailable, Unknown):
            failures += 1
        else:
            return failures


def _faulty(seed: int) -> tuple[Store, Store, Faults]:
    faults = Faults(seed, refuse=0.2, lose_call=0.2, lose_answer=0.2, break_off=0.1)
    below = memory_store()
    return below, with_faults(below, faults), faults


@pytest.mark.parametrize("seed", range(10))
async def test_who_insists_gets_everything_once(seed: int) -> None:
    below, store, faults = _faulty(seed)
    writer = Writer(seed)
    writer.add_many(30)
    failures = 0
    for entry in writer.entries:
        failures += await insist(lambda entry=entry: store.chains.append([entry], ANN))  # type: ignore[misc]
    block = random_block(seed)
    failures += await insist(lambda: store.blocks.put(block, pin_hash(Pin(bytes(32))), ANN))
    assert failures == faults.injected > 0
    assert await read_all(below, writer.keys.chain_id) == writer.entries
    usage = await below.ledger.usage(ANN)
    assert usage.bytes == len(block) + sum(len(entry.raw) for entry in writer.entries)


async def test_each_fault_is_what_it_says() -> None:
    block = random_block("one")
    for faults, error, is_done in (
        (Faults(refuse=1), Unavailable, False),
        (Faults(lose_call=1), Unknown, False),
        (Faults(lose_answer=1), Unknown, True),
    ):
        below = memory_store()
        with pytest.raises(error):
            await with_faults(below, faults).blocks.put(block, None, NO_GRANT)
        assert (block.id in await below.blocks.has([block.id])) is is_done


async def test_reads_fail_as_unavailable_and_never_as_absent() -> None:
    below, store, _ = _faulty(1)
    block, writer = random_block("here"), Writer("here")
    await below.blocks.put(block, None, NO_GRANT)
    await below.chains.append(writer.entries, NO_GRANT)
    for _ in range(50):
        with suppress(Unavailable):
            assert (await store.blocks.get(block.id)).data == block.data
        with suppress(Unavailable):
            assert (await store.chains.head(writer.keys.chain_id)).seq == 0
        with suppress(Unavailable), pytest.raises(NotFound):
            await store.blocks.get(random_block("absent").id)


async def test_a_stream_that_breaks_off_has_no_gap() -> None:
    below, store, faults = _faulty(2)
    writer = Writer("stream")
    writer.add_many(100)
    await below.chains.append(writer.entries, NO_GRANT)
    seen: list[Entry] = []
    while len(seen) < len(writer.entries):
        with suppress(Unavailable):
            async for entry in store.chains.read(writer.keys.chain_id, Seq(len(seen)), Seq(1_000)):
                seen.append(entry)
    assert seen == writer.entries
    assert faults.injected


async def test_the_same_seed_gives_the_same_faults() -> None:
    async def outcomes(seed: int) -> list[str]:
        _, store, _ = _faulty(seed)
        kinds = []
        for number in range(40):
            try:
                await store.blocks.put(random_block(number), None, NO_GRANT)
                kinds.append("done")
            except (Unavailable, Unknown) as error:
                kinds.append(error.code)
        return kinds

    assert await outcomes(5) == await outcomes(5) != await outcomes(6)
