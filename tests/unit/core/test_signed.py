"""Ephemeral messages and receipts: every bit, every length, every bound."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from cairn.client.format.ephemeral import seal_ephemeral
from cairn.core.chain import ChainId, Kind, Receipt, Seq
from cairn.core.ephemeral import BODY_BYTES_MAX, BODY_BYTES_MIN, HEADER, Ephemeral
from cairn.core.errors import Invalid, TooLarge
from cairn.core.receipt import receipt_message, verify_receipt
from cairn.testing.chains import Writer

NOW_MS = 1_700_000_000_000
WRITER = Writer("ephemeral")
WRITER.add(kind=Kind.ROTATE)
MESSAGE = seal_ephemeral(WRITER.keys, 1, b"cursor", NOW_MS, salt=bytes(32))


def flipped(raw: bytes, bit: int) -> bytes:
    changed = bytearray(raw)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def accepted(raw: bytes, now_ms: int = NOW_MS) -> Ephemeral:
    message = Ephemeral.decode(raw)
    message.verify(WRITER.state, now_ms)
    return message


def test_an_ephemeral_message_is_taken_apart() -> None:
    message = accepted(MESSAGE.raw)
    assert (message.chain_id, message.key_epoch, message.time_ms) == (WRITER.keys.chain_id, 1, NOW_MS)
    assert MESSAGE.raw == message.head_bytes + message.box + MESSAGE.raw[-64:]


def test_every_bit_of_an_ephemeral_message() -> None:
    for bit in range(8 * len(MESSAGE.raw)):
        is_length = 48 <= bit // 8 < 50
        with pytest.raises((Invalid, TooLarge) if is_length else Invalid):
            accepted(flipped(MESSAGE.raw, bit))


def test_every_length_of_an_ephemeral_message() -> None:
    for size in range(len(MESSAGE.raw)):
        with pytest.raises(Invalid):
            Ephemeral.decode(MESSAGE.raw[:size])
    for more in (1, 2, 64, 1_000):
        with pytest.raises(Invalid):
            Ephemeral.decode(MESSAGE.raw + bytes(more))
    with pytest.raises(TooLarge):
        Ephemeral.decode(MESSAGE.raw + bytes(20_000))


def sized(size: int) -> bytes:
    header = HEADER.pack(b"CRX1", WRITER.keys.chain_id, 1, NOW_MS, size) + bytes(size)
    return header + WRITER.keys.sign("ephemeral", header)


def test_sizes_of_an_ephemeral_message() -> None:
    for size in (BODY_BYTES_MIN, BODY_BYTES_MAX):
        assert len(accepted(sized(size)).box) == size
    for size in (0, 1, BODY_BYTES_MIN - 1):
        with pytest.raises(Invalid):
            Ephemeral.decode(sized(size))
    for size in (BODY_BYTES_MAX + 1, 65_535):
        with pytest.raises(TooLarge):
            Ephemeral.decode(sized(size))


@pytest.mark.parametrize("away_ms", [-60_000, -1, 0, 1, 60_000])
def test_an_ephemeral_message_of_about_now(away_ms: int) -> None:
    accepted(MESSAGE.raw, NOW_MS + away_ms)


@pytest.mark.parametrize("away_ms", [-(2**40), -60_001, 60_001, 2**40])
def test_an_ephemeral_message_of_another_time(away_ms: int) -> None:
    with pytest.raises(Invalid):
        accepted(MESSAGE.raw, NOW_MS + away_ms)


def test_an_ephemeral_message_of_another_chain_or_epoch() -> None:
    stranger = Writer("stranger")
    for state in (stranger.state, WRITER.states[0], replace(WRITER.state, key_epoch=2)):
        with pytest.raises(Invalid):
            MESSAGE.verify(state, NOW_MS)


def test_an_entry_is_no_ephemeral_message() -> None:
    with pytest.raises((Invalid, TooLarge)):  # where a message has its length, an entry has other bytes
        Ephemeral.decode(WRITER.next().raw)
    raw = MESSAGE.raw[:-64] + WRITER.keys.sign("entry", MESSAGE.raw[:-64])
    with pytest.raises(Invalid):
        accepted(raw)


@given(st.binary(max_size=500))
def test_any_bytes_as_an_ephemeral_message(raw: bytes) -> None:
    for data in (raw, MESSAGE.raw[: len(raw)] + raw, raw + MESSAGE.raw[len(raw) :], MESSAGE.raw[:-64] + raw):
        try:
            assert Ephemeral.decode(data).raw == data
        except (Invalid, TooLarge):
            continue


# --- receipts --------------------------------------------------------------------------------------------------------

SERVER = SigningKey(b"s" * 32)
KEY = bytes(SERVER.verify_key)


def test_a_receipt_vouches_for_one_head() -> None:
    head = WRITER.state.head
    message = receipt_message(head.chain_id, head.seq, head.hash, NOW_MS)
    signed = replace(head, receipt=Receipt(NOW_MS, SERVER.sign(message).signature))
    verify_receipt(signed, KEY)
    receipt = signed.receipt
    assert receipt is not None
    others = [
        replace(signed, seq=Seq(head.seq + 1)),
        replace(signed, receipt=Receipt(NOW_MS + 1, receipt.signature)),
        head,
        *(replace(signed, chain_id=ChainId(flipped(head.chain_id, bit))) for bit in range(256)),
        *(replace(signed, hash=flipped(head.hash, bit)) for bit in range(256)),
        *(replace(signed, receipt=Receipt(NOW_MS, flipped(receipt.signature, bit))) for bit in range(512)),
        replace(signed, receipt=Receipt(NOW_MS, receipt.signature[:-1])),
        replace(signed, receipt=Receipt(NOW_MS, receipt.signature + b"\0")),
    ]
    for other in others:
        with pytest.raises(Invalid):
            verify_receipt(other, KEY)
    with pytest.raises(Invalid):
        verify_receipt(signed, bytes(SigningKey(b"t" * 32).verify_key))


def test_the_fields_of_a_receipt_cannot_slide() -> None:
    """All are of fixed length, so no two receipts have the same bytes."""
    message = receipt_message(b"c" * 32, 1, b"h" * 32, 2)
    assert message == b"cairn/v1/receipt\0" + b"c" * 32 + (1).to_bytes(8, "big") + b"h" * 32 + (2).to_bytes(8, "big")
