"""The wire: what is encoded comes back, and on any bytes a decoder gives a value or refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.core.block import BLOCK_BYTES_MAX, Block, BlockId, PinHash
from cairn.core.chain import ENTRY_BYTES_MAX, ChainId, Entry, Head, Receipt, Seq
from cairn.core.errors import CairnError, Conflict, Invalid, Limited, TooLarge
from cairn.testing.chains import Writer
from cairn.wire import messages as wire
from cairn.wire.status import STATUS_OF, error_of, problem

ids = st.binary(min_size=32, max_size=32)
pins = st.one_of(st.none(), ids.filter(any))
small = st.binary(max_size=200)
statuses = st.sampled_from([wire.STORED, wire.ALREADY, wire.REFUSED, wire.UNKNOWN])
naturals = st.integers(0, 2**63)
seqs = st.integers(0, 2**53 - 1)

WRITER = Writer("wire")
WRITER.add_many(8)
RAWS = [entry.raw for entry in WRITER.entries]


def items(body: bytes) -> list[tuple[ChainId, list[bytes] | int]]:
    return list(wire.decode_read_answer(body))


def got(body: bytes) -> list[tuple[BlockId, bytes | int]]:
    """A whole answer to `blocks/get`."""
    reader = wire.GotBlocksReader()
    found = list(reader.feed(body))
    reader.finish()
    return found


DECODERS: list[Callable[[bytes], Any]] = [
    wire.decode_ids, wire.decode_put, wire.decode_put_answer, wire.decode_entries, wire.decode_read, items, got,
]  # fmt: skip


@pytest.mark.parametrize("decode", DECODERS)
@given(st.binary(max_size=400))
def test_any_bytes(decode: Callable[[bytes], Any], body: bytes) -> None:
    for data in (body, bytes(35) + b"\5" + body, bytes(3) + b"\5" + body):
        with suppress(Invalid, TooLarge):
            decode(data)


# --- round trips, with every cut -------------------------------------------------------------------------------------


def refuses_every_cut(decode: Callable[[bytes], Any], body: bytes, ends: set[int]) -> None:
    """A body cut off between frames is a shorter body; cut within one it is refused."""
    for size in range(len(body)):
        if size in ends:
            decode(body[:size])
            continue
        with pytest.raises(Invalid):
            decode(body[:size])


@given(st.lists(ids, max_size=20))
def test_ids(many: list[bytes]) -> None:
    body = wire.encode_ids(many)
    assert wire.decode_ids(body) == many
    refuses_every_cut(wire.decode_ids, body, set(range(0, len(body), 32)))


@given(st.lists(st.tuples(pins, small), max_size=6))
def test_puts(pairs: list[tuple[bytes | None, bytes]]) -> None:
    puts = [wire.PutItem(None if pin is None else PinHash(pin), data) for pin, data in pairs]
    body = wire.encode_put(puts)
    assert wire.decode_put(body) == puts
    ends, at = {0}, 0
    for put in puts:
        at += 36 + len(put.data)
        ends.add(at)
    refuses_every_cut(wire.decode_put, body, ends)


@given(st.lists(st.tuples(ids, statuses), max_size=20))
def test_answers_to_puts(outcomes: list[tuple[bytes, int]]) -> None:
    pairs = [(BlockId(block_id), status) for block_id, status in outcomes]
    body = wire.encode_put_answer(pairs)
    assert wire.decode_put_answer(body) == pairs
    refuses_every_cut(wire.decode_put_answer, body, set(range(0, len(body), 33)))


def test_a_status_that_is_not_known() -> None:
    for status in range(4, 256):
        with pytest.raises(Invalid):
            wire.decode_put_answer(bytes(32) + bytes((status,)))


@given(st.lists(st.sampled_from(WRITER.entries), max_size=4))
def test_entries(entries: list[Entry]) -> None:
    body = wire.encode_entries(entries)
    assert wire.decode_entries(body) == [entry.raw for entry in entries]
    ends, at = {0}, 0
    for entry in entries:
        at += 4 + len(entry.raw)
        ends.add(at)
    refuses_every_cut(wire.decode_entries, body, ends)


@given(st.lists(st.tuples(ids, seqs, st.integers(0, 2**32 - 1)), max_size=20))
def test_reads(asked: list[tuple[bytes, int, int]]) -> None:
    reads = [wire.ReadItem(ChainId(chain_id), Seq(start), limit) for chain_id, start, limit in asked]
    body = wire.encode_read(reads)
    assert wire.decode_read(body) == reads
    refuses_every_cut(wire.decode_read, body, set(range(0, len(body), 44)))


@given(st.lists(st.one_of(st.integers(0, 8), st.sampled_from([wire.ABSENT, wire.UNAVAILABLE])), max_size=5))
def test_answers_to_reads(counts: list[int]) -> None:
    body, expected, ends = b"", [], {0}
    for number, count in enumerate(counts):
        chain_id = ChainId(bytes((number,)) * 32)
        if count > 8:
            body += wire.encode_missing_chain(chain_id, count)
            expected.append((chain_id, count))
        else:
            body += wire.encode_read_chain(chain_id, WRITER.entries[:count])
            expected.append((chain_id, RAWS[:count]))  # type: ignore[arg-type]
        ends.add(len(body))
    assert items(body) == expected
    refuses_every_cut(items, body, ends)


@given(
    st.lists(st.one_of(small, st.sampled_from([wire.ABSENT, wire.UNAVAILABLE])), max_size=6),
    st.lists(st.integers(1, 50), max_size=40),
)
def test_answers_to_gets_in_any_pieces(found: list[bytes | int], pieces: list[int]) -> None:
    body, expected, ends = b"", [], {0}
    for number, each in enumerate(found):
        if isinstance(each, int):
            block_id = BlockId(bytes((number,)) * 32)
            body += wire.encode_missing_block(block_id, each)
        else:
            block_id = Block.of(each).id
            body += wire.encode_got_block(Block.of(each))
        expected.append((block_id, each))
        ends.add(len(body))
    reader, got_so_far, at = wire.GotBlocksReader(), [], 0
    for size in [*pieces, len(body)]:
        got_so_far += list(reader.feed(body[at : at + size]))
        at += size
    reader.finish()
    assert got_so_far == expected
    refuses_every_cut(got, body, ends)


# --- bounds ----------------------------------------------------------------------------------------------------------


def test_frames_of_the_largest_size_and_one_more() -> None:
    whole = bytes(BLOCK_BYTES_MAX)
    assert wire.decode_put(wire.encode_put([wire.PutItem(None, whole)]))[0].data == whole
    assert got(wire.encode_got_block(Block.of(whole)))[0][1] == whole
    with pytest.raises(TooLarge):
        wire.decode_put(wire.encode_put([wire.PutItem(None, whole + b"\0")]))
    with pytest.raises(Invalid):
        got(bytes(32) + (BLOCK_BYTES_MAX + 1).to_bytes(4, "big"))
    assert len(wire.decode_entries(ENTRY_BYTES_MAX.to_bytes(4, "big") + bytes(ENTRY_BYTES_MAX))[0]) == ENTRY_BYTES_MAX
    with pytest.raises(TooLarge):
        wire.decode_entries((ENTRY_BYTES_MAX + 1).to_bytes(4, "big") + bytes(ENTRY_BYTES_MAX + 1))


@pytest.mark.parametrize("length", [1, 2**31, 2**32 - 3])
def test_a_frame_that_lies_about_its_length(length: int) -> None:
    """Refused by the claim alone, before its bytes are waited for or room is made."""
    claim = length.to_bytes(4, "big")
    for decode, body in ((wire.decode_put, bytes(32) + claim), (wire.decode_entries, claim), (got, bytes(32) + claim)):
        with pytest.raises((Invalid, TooLarge)):
            decode(body)


def test_no_more_items_than_a_batch_holds() -> None:
    most = wire.BATCH_ITEMS_MAX
    for decode, item in (
        (wire.decode_ids, 32),
        (wire.decode_put, 36),
        (wire.decode_entries, 4),
        (wire.decode_read, 44),
    ):
        assert len(decode(bytes(item * most))) == most
        with pytest.raises(TooLarge):
            decode(bytes(item * (most + 1)))


# --- JSON ------------------------------------------------------------------------------------------------------------

heads = st.builds(
    Head,
    chain_id=ids.map(ChainId), seq=seqs.map(Seq), hash=ids, floor=seqs.map(Seq), key_epoch=st.integers(0, 2**32 - 1),
    closed=st.booleans(), entries=naturals, bytes=naturals,
    receipt=st.one_of(st.none(), st.builds(Receipt, naturals, st.binary(min_size=64, max_size=64))),
)  # fmt: skip
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(heads)
def test_heads(head: Head) -> None:
    assert wire.head_from_json(json.loads(json.dumps(wire.head_to_json(head)))) == head


@given(anything)
def test_anything_as_a_head(document: Any) -> None:
    with suppress(Invalid):
        wire.head_from_json(document)


@given(heads, st.data())
def test_a_head_with_one_field_wrong(head: Head, data: st.DataObject) -> None:
    document = wire.head_to_json(head)
    field = data.draw(st.sampled_from(sorted(document)))
    document[field] = data.draw(anything)
    with suppress(Invalid):
        wire.head_from_json(document)
    del document[field]
    if field != "receipt":
        with pytest.raises(Invalid):
            wire.head_from_json(document)


@given(ids)
def test_an_id_in_an_address(any_id: bytes) -> None:
    assert wire.parse_id(any_id.hex()) == any_id
    for wrong in (any_id.hex()[:-1], any_id.hex() + "0", any_id.hex()[:-1] + "A", any_id.hex()[:-2] + " 0", ""):
        with pytest.raises(Invalid):
            wire.parse_id(wrong)


@given(st.text(max_size=70))
def test_any_text_as_an_id(text: str) -> None:
    with suppress(Invalid):
        assert wire.parse_id(text).hex() == text


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(STATUS_OF))
def test_errors_come_back_as_what_they_were(kind: type[CairnError]) -> None:
    head = WRITER.state.head
    error = Conflict("words", head) if kind is Conflict else kind("words")
    document = json.loads(json.dumps(problem(error)))
    back = error_of(document["status"], document)
    assert (type(back), str(back)) == (kind, "words")
    if isinstance(back, Conflict):
        assert back.head == head


def test_waiting_times_come_back() -> None:
    back = error_of(429, problem(Limited("words", 7)), 7)
    assert isinstance(back, Limited)
    assert back.retry_seconds == 7


@given(st.integers(100, 599), st.dictionaries(st.sampled_from(["code", "detail", "head", "status"]), anything))
def test_any_document_is_some_error(status: int, document: dict[str, Any]) -> None:
    with suppress(Invalid):  # a conflict whose head is malformed
        assert isinstance(error_of(status, document), CairnError)
