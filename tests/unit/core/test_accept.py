"""Random sequences of entries, right and wrong: the reference store answers as the restated rule does."""

from __future__ import annotations

import asyncio
import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from cairn.client.format.secret import ChainKeys
from cairn.core.block import NO_GRANT
from cairn.core.chain import ChainState, Entry, Kind, Seq, accept, start_at
from cairn.core.errors import CairnError, Invalid
from cairn.storage.memory import memory_store
from cairn.testing.chains import Writer
from cairn.testing.contract import read_all
from tests.unit.core.restated import RestatedChain, number

KEYS = ChainKeys(b"w" * 32)
STRANGER = ChainKeys(b"s" * 32)
BODY = bytes(208)

RIGHT: dict[str, object] = {
    "kind": 1, "flags": 0, "zero": 0, "epoch": 0, "seq": 0, "floor": 0, "prev": "head", "chain": "own",
    "signer": "own", "body": BODY,
}  # fmt: skip
WRONG: list[tuple[str, object]] = [
    ("kind", 0), ("kind", 5), ("flags", 1), ("flags", 2), ("zero", 1), ("epoch", 1), ("epoch", -1), ("seq", 1),
    ("seq", -1), ("seq", -2), ("seq", 1_000), ("floor", 1), ("floor", 2), ("floor", -1), ("floor", 1_000),
    ("prev", "before"), ("prev", "zeros"), ("chain", "other"), ("signer", "other"), ("signer", "nobody"),
    ("body", BODY[:-1]), ("body", BODY + BODY),
]  # fmt: skip
kinds = st.sampled_from([1, 2, 3, 3])
good = st.builds(lambda kind, rise: {**RIGHT, "kind": kind, "floor": rise * (kind == 3)}, kinds, st.integers(0, 2))
CLOSING: dict[str, object] = {**RIGHT, "kind": 4}
bad = st.builds(
    lambda kind, wrong: {**RIGHT, "kind": kind, **dict(wrong)},
    st.sampled_from([1, 1, 2, 3, 4]),
    st.lists(st.sampled_from(WRONG), min_size=1, max_size=2),
)
moves = st.one_of(good, good, good, bad, bad, bad, st.integers(0, 30), st.just("genesis"))


def clamp(value: int, maximum: int) -> int:
    return min(max(value, 0), maximum)


def propose(chain: RestatedChain, wish: dict[str, object]) -> bytes:
    """The entry that follows, but for what the wish changes."""
    newest = chain.entries[-1]
    before = chain.entries[-2] if len(chain.entries) > 1 else newest
    right_epoch = number(newest, 8, 12) + (wish["kind"] == 2)
    prev = {"head": Entry.decode(newest).hash, "before": Entry.decode(before).hash, "zeros": bytes(32)}
    body = wish["body"]
    assert isinstance(body, bytes)
    header = struct.pack(
        ">4sBBHIIQQ32s32s", b"CRE1", wish["kind"], wish["flags"], wish["zero"],
        clamp(right_epoch + int(str(wish["epoch"])), 2**32 - 1), len(body),
        clamp(len(chain.entries) + int(str(wish["seq"])), 2**53 - 1),
        clamp(number(newest, 24, 32) + int(str(wish["floor"])), 2**64 - 1),
        KEYS.chain_id if wish["chain"] == "own" else STRANGER.chain_id, prev[str(wish["prev"])],
    )  # fmt: skip
    signer = {"own": KEYS, "other": STRANGER}.get(str(wish["signer"]))
    return header + body + (signer.sign("entry", header + body) if signer else bytes(64))


async def play(sequence: list[object]) -> None:
    store, restated = memory_store(), RestatedChain()
    for move in ["genesis", *sequence]:
        if move == "genesis":
            raw = KEYS.genesis().raw
        elif isinstance(move, dict):
            raw = propose(restated, move)
        else:
            assert isinstance(move, int)
            raw = restated.entries[move % len(restated.entries)]
        if number(raw, 32, 64) != number(KEYS.chain_id, 0, 32):
            continue  # an entry of a chain that is another: told apart before, by its id
        expected = restated.append(raw)
        assert await outcome(store, raw) == expected, move
    kept = await read_all(store, KEYS.chain_id)
    assert [entry.raw for entry in kept] == restated.entries


async def outcome(store: object, raw: bytes) -> type[CairnError] | str:
    try:
        _, fresh = await store.chains.append([Entry.decode(raw)], NO_GRANT)  # type: ignore[attr-defined]
    except CairnError as error:
        return type(error)
    return "appended" if fresh else "already"


@settings(max_examples=400, deadline=None)
@given(st.lists(moves, min_size=5, max_size=20), st.lists(moves, max_size=5))
def test_the_rule_restated(before: list[object], after: list[object]) -> None:
    asyncio.run(play([*before, CLOSING, *after]))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([Kind.LINK, Kind.ROTATE, Kind.CHECKPOINT]), max_size=15), st.data())
def test_what_the_client_makes_is_accepted(written: list[Kind], data: st.DataObject) -> None:
    """And the state tells what stands, whatever was written."""
    writer, restated = Writer("accepted"), RestatedChain()
    for kind in written:
        last = writer.state.seq + 1
        floor = data.draw(st.integers(writer.state.floor, last)) if kind == Kind.CHECKPOINT else None
        writer.add(data.draw(st.binary(max_size=300)), kind, floor)
    for entry, state in zip(writer.entries, writer.states, strict=True):
        assert restated.append(entry.raw) == "appended"
        assert (state.seq, state.hash) == (entry.seq, entry.hash)
    rotations = sum(kind is Kind.ROTATE for kind in written)
    assert (writer.state.key_epoch, writer.state.entries) == (rotations, len(written) + 1)
    assert writer.state.bytes == sum(len(entry.raw) for entry in writer.entries)


def test_a_reader_starts_at_a_checkpoint_or_a_close() -> None:
    writer = Writer("start")
    writer.add_many(2)
    writer.add(kind=Kind.ROTATE)
    writer.add(kind=Kind.CHECKPOINT, floor=3)
    writer.add(b"more")
    writer.add(b"", kind=Kind.CLOSE)
    genesis = writer.states[0]
    state = start_at(genesis, writer.entries[4])
    assert (state.seq, state.floor, state.key_epoch, state.closed) == (4, 3, 1, False)
    state = accept(state, writer.entries[5])
    assert accept(state, writer.entries[6]).closed
    assert start_at(genesis, writer.entries[6]).closed


def refused_as_start(genesis: ChainState, entry: Entry) -> None:
    try:
        start_at(genesis, entry)
    except Invalid:
        return
    raise AssertionError("it was taken as a start")


def test_what_is_no_start() -> None:
    writer, stranger, door = Writer("start"), Writer("stranger"), Writer("start", flags=1)
    for each in (writer, stranger, door):
        each.add()
        each.add(kind=Kind.ROTATE)
        each.add(kind=Kind.CHECKPOINT, floor=Seq(1))
    genesis = writer.states[0]
    for entry in (*writer.entries[:3], stranger.entries[3], door.entries[3]):
        refused_as_start(genesis, entry)
    for offset in (8, 24, 64, 100, len(writer.entries[3].raw) - 1):
        raw = bytearray(writer.entries[3].raw)
        raw[offset] ^= 1
        try:
            altered = Entry.decode(bytes(raw))
        except Invalid:
            continue
        refused_as_start(genesis, altered)
