"""A record of the ring: a block behind a header that says which it is. Pure.

    magic[4] ‖ u32 length ‖ id[32] ‖ u64 admitted, ms ‖ u32 boot ‖ u32 crc of these ‖ block, padded to 8 bytes

The header is for whoever walks the ring. Who reads a block trusts nothing but its SHA-256.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final, NamedTuple, Self

from cairn.core.block import BLOCK_BYTES_MAX, BlockId

MAGIC: Final = b"\xc5crn"
ALIGN: Final = 8

_FIELDS: Final = struct.Struct("<4sI32sQI")
_SUM: Final = struct.Struct("<I")

RECORD_HEADER_BYTES: Final = _FIELDS.size + _SUM.size


class Record(NamedTuple):
    """What a record's header says. `admitted_ms` is monotonic, and means something in the same boot only."""

    block_id: BlockId
    length: int
    admitted_ms: int
    boot: int

    @property
    def size(self) -> int:
        """What the whole record takes."""
        return record_size(self.length)

    def encode(self) -> bytes:
        """The header."""
        fields = _FIELDS.pack(MAGIC, self.length, self.block_id, self.admitted_ms, self.boot)
        return fields + _SUM.pack(zlib.crc32(fields))

    @classmethod
    def decode(cls, data: bytes) -> Self | None:
        """The header in the first of these bytes; None if there is none."""
        if len(data) < RECORD_HEADER_BYTES or not data.startswith(MAGIC):
            return None
        _, length, block_id, admitted_ms, boot = _FIELDS.unpack_from(data)
        (checksum,) = _SUM.unpack_from(data, _FIELDS.size)
        if checksum != zlib.crc32(data[: _FIELDS.size]) or length > BLOCK_BYTES_MAX:
            return None
        return cls(BlockId(block_id), length, admitted_ms, boot)


def record_size(length: int) -> int:
    """What the record of a block with `length` bytes takes."""
    return RECORD_HEADER_BYTES + (length + ALIGN - 1) // ALIGN * ALIGN
