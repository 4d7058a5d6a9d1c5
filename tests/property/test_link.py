"""The link's bytes: what is encoded comes back, on any bytes a decoder gives a value or refuses, and a handshake that
is replayed, reflected, cut off or altered proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.core.block import BlockId, GrantId, Pin, PinHash
from cairn.core.chain import ChainId, Head, Receipt, Seq
from cairn.core.errors import CairnError, Conflict, Forbidden, Invalid, Limited, TooLarge
from cairn.core.store import Usage
from cairn.link.ages import FIRST_MS, WINDOW_MS, Ages
from cairn.link.handshake import ANSWERS, ASKS, HELLO_BYTES, Handshake, Versions
from cairn.link.outbox import Outbox
from cairn.testing.chains import Writer
from cairn.wire import link as wire
from cairn.wire.link import Assembler, Frame, Operation
from cairn.wire.messages import PutItem, encode_read_chain
from cairn.wire.status import STATUS_OF

ids = st.binary(min_size=32, max_size=32)
grants = st.binary(min_size=16, max_size=16).map(GrantId)
u32 = st.integers(0, 2**32 - 1)
u64 = st.integers(0, 2**64 - 1)
operations = st.sampled_from([one for one in Operation if one not in (Operation.PART, Operation.BUNDLE)])
payloads = st.one_of(
    st.binary(max_size=100),
    st.sampled_from([-1, 0, 1, wire.PIECE_BYTES_MAX, wire.PIECE_BYTES_MAX + 1]).map(
        lambda more: bytes(wire.PIECE_BYTES_MAX + more)
    ),
)

WRITER = Writer("link")
WRITER.add_many(5)
CHAIN = WRITER.keys.chain_id
HEAD = Head(CHAIN, Seq(5), b"h" * 32, Seq(0), 0, False, 6, 600, door=True, receipt=Receipt(7, b"s" * 64))


def page(body: bytes) -> Any:
    return wire.decode_page(body, CHAIN)


def message(body: bytes) -> Any:
    return wire.decode_message(body, CHAIN)


DECODERS: list[Callable[[bytes], Any]] = [
    wire.decode_request, wire.decode_paid_put, wire.decode_unpin, wire.decode_id, wire.decode_head, wire.decode_append,
    wire.decode_appended, page, message, wire.decode_credit, wire.decode_usage, wire.decode_grant, wire.decode_about,
    wire.decode_error, wire.decode_keeps, wire.decode_truth,
]  # fmt: skip
EXAMPLES: list[bytes] = [
    wire.encode_request(1, 2, b"body"),
    wire.encode_paid_put(PutItem(PinHash(b"p" * 32), b"data"), GrantId(b"g" * 16)),
    wire.encode_unpin(BlockId(b"b" * 32), Pin(b"p" * 32)),
    wire.encode_head(HEAD),
    wire.encode_append(WRITER.entries, GrantId(b"g" * 16)),
    wire.encode_appended(HEAD, 3),
    encode_read_chain(CHAIN, WRITER.entries),
    wire.encode_credit(9),
    wire.encode_usage(Usage(1, 2)),
    wire.encode_about(wire.About(5, "full")),
    wire.encode_error(Conflict("moved", HEAD)),
]


@pytest.mark.parametrize("decode", DECODERS)
@given(st.data())
def test_any_bytes_and_every_alteration(decode: Callable[[bytes], Any], data: st.DataObject) -> None:
    body = data.draw(st.binary(max_size=200))
    example = bytearray(data.draw(st.sampled_from(EXAMPLES)))
    at = data.draw(st.integers(0, len(example) - 1))
    example[at] ^= data.draw(st.integers(1, 255))
    for tried in (body, bytes(example), bytes(example[:at])):
        with suppress(Invalid, TooLarge):
            decode(tried)


# --- frames ----------------------------------------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_an_assembler_takes_any_messages_or_refuses(messages: list[bytes]) -> None:
    assembler = Assembler()
    with suppress(Invalid, TooLarge):
        for one in messages:
            list(assembler.feed(one))
    with suppress(Invalid, TooLarge):
        list(assembler.feed(wire.encode_bundle(messages)[: len(messages) * 30]))


@given(u32, operations, payloads)
def test_frames(request_id: int, operation: Operation, payload: bytes) -> None:
    assembler = Assembler()
    *parts, last = wire.encode_frame(request_id, operation, payload)
    assert all(len(one) <= wire.FRAME_BYTES_MAX for one in (*parts, last))
    assert [frame for part in parts for frame in assembler.feed(part)] == []
    whole = list(assembler.feed(last))
    if operation is not Operation.CANCEL or not parts:
        assert whole == [Frame(request_id, operation, payload)]


@given(st.lists(st.tuples(u32, operations, st.binary(max_size=100)), min_size=1, max_size=9))
def test_bundles(frames: list[tuple[int, Operation, bytes]]) -> None:
    messages = [wire.encode_frame(*frame)[0] for frame in frames]
    bundle = wire.encode_bundle(messages)
    assert len(bundle) == 5 + sum(map(wire.bundled_bytes, messages))
    assert list(Assembler().feed(bundle)) == frames
    with pytest.raises(Invalid):
        list(Assembler().feed(bundle[:-1]))
    with pytest.raises(Invalid):
        list(Assembler().feed(wire.encode_bundle([bundle])))


def test_no_frame_is_larger_than_its_bound() -> None:
    most = bytes(wire.PAYLOAD_BYTES_MAX)
    assembler = Assembler()
    frames = [frame for one in wire.encode_frame(1, Operation.APPEND, most) for frame in assembler.feed(one)]
    assert frames == [Frame(1, Operation.APPEND, most)]
    with pytest.raises(TooLarge):
        wire.encode_frame(1, Operation.APPEND, most + b"x")
    endless = wire.encode_frame(1, Operation.APPEND, most)[0]
    with pytest.raises(TooLarge):
        for _ in range(wire.PAYLOAD_BYTES_MAX // wire.PIECE_BYTES_MAX + 1):
            list(assembler.feed(endless))


def test_few_frames_may_be_begun_at_once() -> None:
    assembler = Assembler()
    piece = bytes(wire.PIECE_BYTES_MAX + 1)
    for request_id in range(wire.PARTS_AT_ONCE_MAX):
        list(assembler.feed(wire.encode_frame(request_id, Operation.APPEND, piece)[0]))
    with pytest.raises(TooLarge):
        list(assembler.feed(wire.encode_frame(99, Operation.APPEND, piece)[0]))


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 5)), min_size=1, max_size=12), st.data())
def test_an_outbox_loses_nothing_and_lets_short_ones_first(sizes: list[tuple[bool, int]], data: st.DataObject) -> None:
    outbox, assembler = Outbox(), Assembler()
    sent = {}
    got: list[Frame] = []

    def step() -> None:
        had_short = bool(outbox._short)
        popped = outbox.pop()
        assert not had_short or len(popped) < 200
        got.extend(assembler.feed(popped))

    for request_id, (is_long, size) in enumerate(sizes):
        payload = bytes([request_id]) * (size * wire.PIECE_BYTES_MAX + 1 if is_long else size)
        sent[request_id] = payload
        outbox.push(request_id, wire.encode_frame(request_id, Operation.ANSWER, payload))
        for _ in range(data.draw(st.integers(0, 3))):
            if outbox:
                step()
    while outbox:
        step()
    assert outbox.bytes == 0
    assert {frame.request_id: frame.payload for frame in got} == sent


@given(st.lists(st.integers(0, 5), min_size=1, max_size=8), st.integers(0, 7), st.integers(0, 20))
def test_what_is_dropped_from_an_outbox_never_completes(pieces: list[int], which: int, popped: int) -> None:
    outbox, assembler = Outbox(), Assembler()
    for request_id, size in enumerate(pieces):
        payload = bytes(size * wire.PIECE_BYTES_MAX + 1)
        outbox.push(request_id, wire.encode_frame(request_id, Operation.ANSWER, payload))
    done: set[int] = set()

    def step() -> None:
        done.update(frame.request_id for frame in assembler.feed(outbox.pop()))

    for _ in range(popped):
        if outbox:
            step()
    which %= len(pieces)
    was_whole = which in done
    assert outbox.drop(which) is not was_whole
    assembler.drop(which)
    while outbox:
        step()
    assert done == set(range(len(pieces))) - (set() if was_whole else {which})


# --- what is in them -------------------------------------------------------------------------------------------------


@given(u64, u32, st.binary(max_size=50))
def test_requests(sent_ms: int, left_ms: int, body: bytes) -> None:
    assert wire.decode_request(wire.encode_request(sent_ms, left_ms, body)) == (sent_ms, left_ms, body)


@given(st.one_of(st.none(), ids.filter(any).map(PinHash)), st.binary(max_size=50), grants)
def test_puts(pin: PinHash | None, data: bytes, grant: GrantId) -> None:
    item = PutItem(pin, data)
    assert wire.decode_paid_put(wire.encode_paid_put(item, grant)) == (item, grant)


@given(ids, ids, grants, u64, u64)
def test_small_bodies(one: bytes, other: bytes, grant: GrantId, size: int, more: int) -> None:
    assert wire.decode_unpin(wire.encode_unpin(BlockId(one), Pin(other))) == (one, other)
    assert wire.decode_usage(wire.encode_usage(Usage(size, more))) == Usage(size, more)
    assert wire.decode_grant(grant) == grant
    for pin in (PinHash(other), None):
        assert wire.decode_keeps(wire.encode_keeps(BlockId(one), pin)) == (one, None if other == bytes(32) else pin)


@given(ids, st.booleans(), st.booleans(), st.integers(0, 2**53 - 1), st.booleans(), u32)
def test_heads(one: bytes, closed: bool, door: bool, seq: int, signed: bool, fresh: int) -> None:
    receipt = Receipt(seq, one + one) if signed else None
    head = Head(ChainId(one), Seq(seq), one, Seq(0), 3, closed, seq, seq, door=door, receipt=receipt)
    assert wire.decode_head(wire.encode_head(head)) == head
    assert wire.decode_appended(wire.encode_appended(head, fresh)) == (head, fresh)


def test_entries_of_a_page_are_of_its_chain_and_in_order() -> None:
    other = Writer("other")
    other.add()
    assert page(encode_read_chain(CHAIN, WRITER.entries)) == WRITER.entries
    for wrong in (WRITER.entries[::-1], [*WRITER.entries, WRITER.entries[-1]], other.entries):
        with pytest.raises(Invalid):
            page(encode_read_chain(CHAIN, wrong))
    with pytest.raises(Invalid):
        page(encode_read_chain(other.keys.chain_id, other.entries))


@pytest.mark.parametrize("kind", STATUS_OF)
@given(st.text(max_size=50))
def test_errors_come_back_as_they_were(kind: type[CairnError], text: str) -> None:
    error = kind(text, HEAD) if kind is Conflict else kind(text)
    found = wire.decode_error(wire.encode_error(error))
    assert (type(found), str(found)) == (kind, text)
    assert not isinstance(found, Conflict) or found.head == HEAD


@given(st.one_of(st.none(), st.integers(1, 10**6)))
def test_a_limit_says_when_to_try_again(seconds: int | None) -> None:
    found = wire.decode_error(wire.encode_error(Limited("slowly", seconds)))
    assert isinstance(found, Limited)
    assert found.retry_seconds == seconds


# --- the handshake ---------------------------------------------------------------------------------------------------

OLD, NEW, OTHER = b"o" * 32, b"n" * 32, b"x" * 32
nonces = st.binary(min_size=32, max_size=32)


def shake(asks: Handshake, answers: Handshake) -> int:
    """A whole handshake; the version."""
    answers.meet(asks.hello)
    version = asks.meet(answers.hello)
    answers.verify(asks.proof())
    asks.verify(answers.proof())
    return version


@given(nonces, nonces)
def test_who_knows_a_key_is_believed(one: bytes, other: bytes) -> None:
    if one == other:
        return
    for ours, theirs in (([OLD], [OLD]), ([OLD, NEW], [NEW, OLD]), ([OLD], [OLD, NEW]), ([NEW, OLD], [OLD, NEW])):
        assert shake(Handshake(ASKS, ours, one, b"c"), Handshake(ANSWERS, theirs, other, b"c")) == 1


def test_a_wrong_key_is_refused_by_either_end() -> None:
    asks, answers = Handshake(ASKS, [OTHER], b"1" * 32, b"c"), Handshake(ANSWERS, [OLD, NEW], b"2" * 32, b"c")
    answers.meet(asks.hello)
    asks.meet(answers.hello)
    with pytest.raises(Forbidden):
        answers.verify(asks.proof())
    with pytest.raises(Forbidden):
        asks.verify(answers.proof())


@given(nonces, nonces, nonces)
def test_a_replay_proves_nothing(one: bytes, two: bytes, three: bytes) -> None:
    """All that an asker once sent, sent again to the same answering end, which greets with a nonce of its own."""
    if len({one, two, three}) < 3:
        return
    asks, answers = Handshake(ASKS, [OLD], one, b"c"), Handshake(ANSWERS, [OLD], two, b"c")
    shake(asks, answers)
    later = Handshake(ANSWERS, [OLD], three, b"c")
    later.meet(asks.hello)
    with pytest.raises(Forbidden):
        later.verify(asks.proof())


def test_a_reflection_proves_nothing() -> None:
    """What an end sent is not taken back from a stranger who has nothing else to send."""
    asks = Handshake(ASKS, [OLD], b"1" * 32, b"c")
    with pytest.raises(Invalid):
        asks.meet(asks.hello)
    turned = bytes([*asks.hello[:4], ANSWERS, *asks.hello[5:]])
    with pytest.raises(Invalid):
        asks.meet(turned)
    answers = Handshake(ANSWERS, [OLD], b"2" * 32, b"c")
    answers.meet(asks.hello)
    asks.meet(answers.hello)
    for end in (asks, answers):
        with pytest.raises(Forbidden):
            end.verify(end.proof())


def test_another_channel_is_refused() -> None:
    """Somebody who ends TLS between the two shows another certificate than the one that the server has."""
    asks, answers = Handshake(ASKS, [OLD], b"1" * 32, b"tls one"), Handshake(ANSWERS, [OLD], b"2" * 32, b"tls two")
    with pytest.raises(Forbidden):
        shake(asks, answers)


@given(st.data())
def test_whatever_is_altered_is_noticed(data: st.DataObject) -> None:
    asks, answers = Handshake(ASKS, [OLD], b"1" * 32, b"c"), Handshake(ANSWERS, [OLD], b"2" * 32, b"c")
    hello = bytearray(asks.hello)
    hello[data.draw(st.integers(0, HELLO_BYTES - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises((Invalid, Forbidden)):
        answers.meet(bytes(hello))
        asks.meet(answers.hello)
        answers.verify(asks.proof())
    answers.meet(asks.hello)
    proof = bytearray(asks.proof()) if asks._hellos else bytearray(32)
    proof[data.draw(st.integers(0, 31))] ^= 1
    with pytest.raises(Forbidden):
        answers.verify(bytes(proof))


@given(st.binary(max_size=60))
def test_any_greeting(text: bytes) -> None:
    asks = Handshake(ASKS, [OLD], b"1" * 32, b"c")
    for tried in (text, asks.hello[: len(text) % HELLO_BYTES]):
        with pytest.raises((Invalid, Forbidden)):
            asks.meet(tried)
    asks.meet(Handshake(ANSWERS, [OLD], b"2" * 32, b"c").hello)
    with pytest.raises(Forbidden):
        asks.verify(text)


@pytest.mark.parametrize(
    ("ours", "theirs", "version"),
    [((1, 1), (1, 1), 1), ((1, 2), (1, 1), 1), ((1, 3), (2, 5), 3), ((2, 3), (1, 2), 2), ((1, 1), (2, 2), 0)],
)
def test_the_highest_common_version(ours: tuple[int, int], theirs: tuple[int, int], version: int) -> None:
    asks = Handshake(ASKS, [OLD], b"1" * 32, b"c", Versions(*ours))
    answers = Handshake(ANSWERS, [OLD], b"2" * 32, b"c", Versions(*theirs))
    if version:
        assert shake(asks, answers) == version
    else:
        with pytest.raises(Forbidden, match="update the older one"):
            shake(asks, answers)


# --- ages ------------------------------------------------------------------------------------------------------------


def test_a_request_that_was_held_up_is_old() -> None:
    ages = Ages()
    assert [ages.of(sent, sent + 3) for sent in (0, 10, 20)] == [0, 0, 0]
    assert ages.of(30, 30 + 3 + 9_000) == 9_000
    assert ages.of(9_050, 9_050 + 1) == 0


def test_the_first_request_may_be_old_already() -> None:
    assert Ages().of(5, 5 + FIRST_MS) == 0
    assert Ages().of(5, 5 + FIRST_MS + 4_000) == 4_000


def test_a_process_that_stood_still_for_long_knows_it() -> None:
    ages = Ages()
    ages.of(0, 1)
    assert ages.of(10, 11 + 2 * WINDOW_MS) == 2 * WINDOW_MS
    assert ages.of(20, 31 + 2 * WINDOW_MS) == 2 * WINDOW_MS + 10


@given(st.integers(-300, 300))
def test_clocks_that_drift_apart_are_followed(per_million: int) -> None:
    ages = Ages()
    for sent in range(0, 40 * WINDOW_MS, 1_000):
        assert ages.of(sent, 77 + sent + sent * per_million // 1_000_000) <= 2 * WINDOW_MS * 300 // 1_000_000 + 1
