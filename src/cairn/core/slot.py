"""Slots: the shares into which all ids are cut. Every store orders its records by them, so that a slot is one range."""

from __future__ import annotations

import struct
from typing import Final

SLOT_COUNT: Final = 27_720  # the least common multiple of 1..12
SLOT_BYTES: Final = 2

_U16: Final = struct.Struct(">H")


def slot_of(any_id: bytes, slot_count: int = SLOT_COUNT) -> int:
    """The slot that holds a block or chain, in [0, slot_count).

    The id (32 bytes, a SHA-256 digest, so uniform already) is read as one big-endian number.

    Raises:
        ValueError: slot_count is not positive.
    """
    if slot_count <= 0:
        raise ValueError("slot_count must be positive")
    return int.from_bytes(any_id, "big") % slot_count


def slot_key(any_id: bytes) -> bytes:
    """`u16 slot ‖ id`: the key of a record, 34 bytes."""
    return _U16.pack(slot_of(any_id)) + any_id
