"""Blocks, ids and slots."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.core.block import BLOCK_BYTES_MAX, Block, BlockId, Pin, pin_hash, short
from cairn.core.errors import Invalid, TooLarge
from cairn.core.slot import SLOT_COUNT, slot_key, slot_of


@given(st.binary(max_size=2_000))
def test_a_block_is_its_bytes_under_their_digest(data: bytes) -> None:
    block = Block.of(data)
    assert block.id == hashlib.sha256(data).digest()
    assert Block.verified(block.id, data) == block
    assert len(block) == len(data)


def test_every_bit_of_id_and_bytes_counts() -> None:
    data = bytes(range(64))
    block = Block.of(data)
    for bit in range(8 * 64):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Invalid):
            Block.verified(block.id, bytes(changed))
    for bit in range(8 * 32):
        wrong = bytearray(block.id)
        wrong[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Invalid):
            Block.verified(BlockId(bytes(wrong)), data)


@pytest.mark.parametrize("wrong", [b"", bytes(31), bytes(33), bytes(64)])
def test_an_id_of_another_length(wrong: bytes) -> None:
    with pytest.raises(Invalid):
        Block.verified(BlockId(wrong), b"")


def test_truncated_and_extended() -> None:
    data = b"some bytes of a block"
    block_id = Block.of(data).id
    for size in range(len(data)):
        with pytest.raises(Invalid):
            Block.verified(block_id, data[:size])
    with pytest.raises(Invalid):
        Block.verified(block_id, data + b"\0")


def test_sizes() -> None:
    assert len(Block.of(bytes(BLOCK_BYTES_MAX))) == 1_179_648
    for size in (BLOCK_BYTES_MAX + 1, 2 * BLOCK_BYTES_MAX):
        with pytest.raises(TooLarge):
            Block.of(bytes(size))
        with pytest.raises(TooLarge):
            Block.verified(BlockId(hashlib.sha256(bytes(size)).digest()), bytes(size))


def test_a_pin_shows_only_its_hash() -> None:
    assert pin_hash(Pin(b"p" * 32)) == hashlib.sha256(b"p" * 32).digest()


def test_ids_are_shown_short() -> None:
    block = Block.of(b"logged")
    assert short(block.id) == block.id.hex()[:8] + "…"
    assert block.id.hex()[8:] not in repr(block)


@given(st.binary(min_size=32, max_size=32))
def test_a_slot_is_the_id_modulo_their_number(any_id: bytes) -> None:
    assert slot_of(any_id) == int(any_id.hex(), 16) % 27_720
    assert slot_of(any_id, 1) == 0
    assert slot_key(any_id) == slot_of(any_id).to_bytes(2, "big") + any_id


@pytest.mark.parametrize("count", [0, -1])
def test_slots_must_be_some(count: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        slot_of(bytes(32), count)


def test_slots_divide_among_up_to_twelve() -> None:
    assert all(SLOT_COUNT % nodes == 0 for nodes in range(1, 13))
