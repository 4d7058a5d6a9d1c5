"""Every bit of every field of an entry matters, at every length: refused with the right error, and no other exception.

The expected answer is the list of rules in docs/format.md, 6, written down a second time.
"""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.client.format.secret import ChainKeys
from cairn.core.chain import BODY_BYTES_MAX, ENTRY_BYTES_MAX, Entry, Kind, accept, chain_id_of, decode_batch
from cairn.core.errors import CairnError, Closed, Conflict, Invalid, NotFound, TooLarge
from cairn.testing.chains import Writer, resigned

FIELDS = {
    "magic": (0, 4), "kind": (4, 5), "flags": (5, 6), "zero": (6, 8), "epoch": (8, 12), "length": (12, 16),
    "seq": (16, 24), "floor": (24, 32), "chain_id": (32, 64), "prev": (64, 96),
}  # fmt: skip


def flips(start: int, stop: int) -> list[int]:
    """The bits of some bytes."""
    return list(range(8 * start, 8 * stop))


def flipped(raw: bytes, bit: int) -> bytes:
    changed = bytearray(raw)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def header_with(raw: bytes, **fields: int | bytes) -> bytes:
    """The bytes with some header fields set."""
    changed = bytearray(raw)
    for name, value in fields.items():
        start, stop = FIELDS[name]
        changed[start:stop] = value if isinstance(value, bytes) else value.to_bytes(stop - start, "big")
    return bytes(changed)


def chain() -> Writer:
    writer = Writer("entry")
    writer.add_many(2)
    return writer


WRITER = chain()
NEXT = WRITER.next()
GENESIS = WRITER.entries[0]


def judge(raw: bytes) -> type[CairnError] | None:
    """What becomes of these bytes as an append to `WRITER`'s chain; None: accepted."""
    try:
        accept(WRITER.state, Entry.decode(raw))
    except CairnError as error:
        return type(error)
    return None


def judge_first(raw: bytes) -> type[CairnError] | None:
    """What becomes of these bytes as the first of a chain."""
    try:
        accept(None, Entry.decode(raw))
    except CairnError as error:
        return type(error)
    return None


def test_the_unaltered_ones_are_accepted() -> None:
    assert judge(NEXT.raw) is None
    assert judge_first(GENESIS.raw) is None


@pytest.mark.parametrize("field", [*FIELDS, "body", "signature"])
def test_every_bit_of_an_entry(field: str) -> None:
    """A conflict where the entry would be another chain's next; everything else is invalid."""
    size = len(NEXT.raw)
    start, stop = {**FIELDS, "body": (96, size - 64), "signature": (size - 64, size)}[field]
    for bit in flips(start, stop):
        raw = flipped(NEXT.raw, bit)
        is_a_place = int.from_bytes(raw[16:24], "big") < 2**53
        expected = Conflict if field == "prev" or (field == "seq" and is_a_place) else Invalid
        assert judge(raw) is expected, (field, bit)


@pytest.mark.parametrize("field", ["kind", "flags", "epoch", "seq", "floor", "chain_id", "prev"])
def test_every_bit_of_an_entry_signed_anew(field: str) -> None:
    """The writer's own key does not help."""
    for bit in flips(*FIELDS[field]):
        raw = flipped(NEXT.raw, bit)
        try:
            entry = resigned(WRITER.keys, raw)
        except Invalid:
            continue
        if field == "kind" and entry.kind == Kind.CHECKPOINT:
            assert accept(WRITER.state, entry).seq == 3
            continue
        with pytest.raises(Conflict if field in ("seq", "prev") else Invalid):
            accept(WRITER.state, entry)


def test_every_bit_of_a_genesis() -> None:
    for bit in flips(0, len(GENESIS.raw)):
        assert judge_first(flipped(GENESIS.raw, bit)) is Invalid, bit


@pytest.mark.parametrize("entry", [GENESIS, NEXT], ids=["genesis", "link"])
def test_every_shorter_length(entry: Entry) -> None:
    for size in range(len(entry.raw)):
        with pytest.raises(Invalid):
            Entry.decode(entry.raw[:size])


@pytest.mark.parametrize("entry", [GENESIS, NEXT], ids=["genesis", "link"])
@pytest.mark.parametrize("more", [1, 2, 64, 160, 65_536])
def test_longer(entry: Entry, more: int) -> None:
    is_over = len(entry.raw) + more > ENTRY_BYTES_MAX
    with pytest.raises(TooLarge if is_over else Invalid):
        Entry.decode(entry.raw + bytes(more))


@pytest.mark.parametrize("entry", [GENESIS, NEXT], ids=["genesis", "link"])
def test_lying_lengths(entry: Entry) -> None:
    for length in (0, 1, 67, 69, 207, 209, 65_535, 65_536, 65_537, 2**31, 2**32 - 1):
        with pytest.raises(Invalid):
            Entry.decode(header_with(entry.raw, length=length))


def body_of_size(size: int) -> bytes:
    return header_with(NEXT.raw, length=size)[:96] + bytes(size) + bytes(64)


@pytest.mark.parametrize("size", [0, 67, 68, 69, 144, 207])
def test_a_body_that_is_too_small(size: int) -> None:
    with pytest.raises(Invalid):
        Entry.decode(body_of_size(size))


@pytest.mark.parametrize("size", [208, 209, BODY_BYTES_MAX])
def test_a_body_of_a_right_size(size: int) -> None:
    assert len(Entry.decode(body_of_size(size)).body) == size


def test_a_body_that_is_too_large() -> None:
    for size in (BODY_BYTES_MAX + 1, 100_000, 1_000_000):
        with pytest.raises(TooLarge):
            Entry.decode(body_of_size(size))


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": 5}, {"kind": 255}, {"flags": 2}, {"flags": 0x81}, {"flags": 0xFF}, {"zero": 1}, {"zero": 0x0100},
        {"magic": b"CRE2"}, {"magic": b"CRB1"}, {"magic": bytes(4)}, {"seq": 2**53}, {"seq": 2**64 - 1},
        {"floor": 4}, {"floor": 2**64 - 1}, {"seq": 0},
    ],
)  # fmt: skip
def test_fields_out_of_range(fields: dict[str, int | bytes]) -> None:
    with pytest.raises(Invalid):
        Entry.decode(header_with(NEXT.raw, **fields))


def test_the_last_seq() -> None:
    assert Entry.decode(header_with(NEXT.raw, seq=2**53 - 1, floor=2**53 - 1)).seq == 2**53 - 1


# --- genesis bodies --------------------------------------------------------------------------------------------------


def genesis(body: bytes, keys: ChainKeys, **fields: int | bytes) -> bytes:
    """A genesis with this body, right in all else and signed."""
    header = struct.pack(">4sBBHIIQQ32s32s", b"CRE1", 0, 0, 0, 0, len(body), 0, 0, chain_id_of(body), bytes(32))
    unsigned = header_with(header, **fields) + body
    return unsigned + keys.sign("entry", unsigned)


BODY = WRITER.keys.genesis_body


def test_the_genesis_made_here_is_right() -> None:
    assert judge_first(genesis(BODY, WRITER.keys)) is None


@pytest.mark.parametrize(
    "body",
    [
        BODY[:64] + bytes((0, 0, 0, 0)), BODY[:64] + bytes((2, 0, 0, 0)), BODY[:64] + bytes((255, 0, 0, 0)),
        BODY[:64] + bytes((1, 1, 0, 0)), BODY[:64] + bytes((1, 0, 1, 0)), BODY[:64] + bytes((1, 0, 0, 1)),
        BODY[:-1], BODY + b"\0", BODY[:-4] + bytes(148), bytes(32) + BODY[32:], bytes((1,)) + bytes(31) + BODY[32:],
        b"\xff" * 32 + BODY[32:],
    ],
    ids=[
        "suite 0", "suite 2", "suite 255", "flags of a door", "third byte", "fourth byte", "short", "long",
        "as long as a link", "key of order 4", "neutral key", "key that is not reduced",
    ],
)  # fmt: skip
def test_genesis_bodies_that_are_refused(body: bytes) -> None:
    assert judge_first(genesis(body, WRITER.keys)) is Invalid


@pytest.mark.parametrize(
    "fields",
    [{"seq": 1}, {"epoch": 1}, {"seq": 1, "floor": 1}, {"prev": b"\1" * 32}, {"chain_id": bytes(32)}, {"flags": 1}],
)
def test_genesis_headers_that_are_refused(fields: dict[str, int | bytes]) -> None:
    assert judge_first(genesis(BODY, WRITER.keys, **fields)) is Invalid


def test_a_genesis_by_another_key() -> None:
    assert judge_first(genesis(BODY, Writer("stranger").keys)) is Invalid


def test_a_door_is_another_chain() -> None:
    door = ChainKeys(WRITER.keys.write_secret, flags=1)
    assert door.chain_id != WRITER.keys.chain_id
    assert accept(None, door.genesis()).head.door


# --- signatures are bound to their place -----------------------------------------------------------------------------


def test_a_signature_of_another_label() -> None:
    for label in ("ephemeral", "receipt", "chain", "seal"):
        raw = NEXT.raw[:-64] + WRITER.keys.sign(label, NEXT.raw[:-64])
        assert judge(raw) is Invalid


def test_an_entry_of_another_chain_of_the_same_key() -> None:
    """A door and a chain share their key: the chain id under the signature tells them apart."""
    door = Writer("entry", flags=1)
    door.add_many(2)
    moved = header_with(door.next().raw, chain_id=bytes(WRITER.keys.chain_id), prev=WRITER.state.hash, flags=0)
    assert judge(moved) is Invalid


# --- batches ---------------------------------------------------------------------------------------------------------


def test_a_batch_belongs_together() -> None:
    raws = [entry.raw for entry in WRITER.entries]
    assert decode_batch(raws) == WRITER.entries
    stranger = Writer("stranger").entries[0].raw
    for bad in ([], raws[::-1], [raws[0], raws[2]], [raws[0], raws[0]], [stranger, *raws[1:]], [*raws, b""]):
        with pytest.raises(Invalid):
            decode_batch(bad)


# --- anything --------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=700))
def test_any_bytes(raw: bytes) -> None:
    for data in (raw, b"CRE1" + raw, NEXT.raw[:96] + raw, NEXT.raw[: len(raw)] + raw, raw + NEXT.raw[len(raw) :]):
        with contextlib.suppress(Invalid, TooLarge):
            assert Entry.decode(data).raw == data


@given(st.data())
def test_any_header(data: st.DataObject) -> None:
    """What decodes has just the fields that were written, and obeys the rules that need no head."""
    fields = {name: data.draw(st.binary(min_size=stop - start, max_size=stop - start)) for name, (start, stop)
              in FIELDS.items() if data.draw(st.booleans())}  # fmt: skip
    raw = header_with(NEXT.raw, **fields)
    try:
        entry = Entry.decode(raw)
    except Invalid:
        return
    assert (entry.seq, entry.floor, entry.key_epoch) == (
        *struct.unpack_from(">QQ", raw, 16),
        struct.unpack_from(">I", raw, 8)[0],
    )
    assert 0 < entry.seq < 2**53
    assert entry.floor <= entry.seq
    assert (entry.chain_id, entry.prev, entry.flags) == (raw[32:64], raw[64:96], raw[5])


def test_what_follows_an_end_or_a_nothing() -> None:
    closed = chain()
    closed.add(b"", kind=Kind.CLOSE)
    with pytest.raises(Closed):
        accept(closed.state, NEXT)
    with pytest.raises(NotFound):
        accept(None, NEXT)
    with pytest.raises(Conflict):
        accept(WRITER.state, GENESIS)
