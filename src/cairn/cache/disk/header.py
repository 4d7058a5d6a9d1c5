"""The first page of the index file: how the folder is laid out, and where the ring of records begins and ends.

Whoever holds the folder's lock may change it. It is read again under every lock, as another process may have.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Final, Self

HEADER_BYTES: Final = 4_096

_MAGIC: Final = b"crncach1"
_FIELDS: Final = struct.Struct("<8sI?3xQQQQQQQ")
_SUM: Final = struct.Struct("<I")

BUCKETS_AT: Final = 8
"""Where the number of buckets is: what tells that the folder was laid out anew."""


@dataclass(slots=True)
class Header:
    """`capacity` is what all files together may take; the ring is what of it records may take.

    Records stand in `[tail, head)`, or, while `wrap` is not 0, in `[tail, wrap)` and `[0, head)`, oldest first.
    `is_filled` says that the ring came to its end once. `seen` counts the bytes of all that was offered, which is
    what a ghost's age is measured in; `blocks` counts the entries that stand for a record.
    """

    buckets: int
    is_filled: bool = False
    capacity: int = 0
    ring: int = 0
    head: int = 0
    tail: int = 0
    wrap: int = 0
    seen: int = 0
    blocks: int = 0

    def encode(self) -> bytes:
        """The bytes that `decode` reads."""
        fields = _FIELDS.pack(
            _MAGIC, self.buckets, self.is_filled, self.capacity, self.ring, self.head, self.tail, self.wrap,
            self.seen, max(self.blocks, 0),
        )  # fmt: skip
        return fields + _SUM.pack(zlib.crc32(fields))

    @classmethod
    def decode(cls, data: bytes) -> Self | None:
        """The header in these bytes; None if they are none of ours, or damaged."""
        if len(data) < _FIELDS.size + _SUM.size:
            return None
        magic, *fields = _FIELDS.unpack_from(data)
        (checksum,) = _SUM.unpack_from(data, _FIELDS.size)
        if magic != _MAGIC or checksum != zlib.crc32(data[: _FIELDS.size]):
            return None
        return cls(*fields)

    def set_ring(self, ring: int) -> None:
        """Have a ring of another size from now on. What lies beyond a smaller one is given up."""
        self.is_filled = self.is_filled and ring <= self.ring
        self.ring = ring
        if self.wrap and self.tail >= ring:
            self.tail = self.wrap = 0
        if self.wrap:
            self.wrap = min(self.wrap, ring)
        elif self.head > ring:
            self.wrap, self.head = ring, 0
        self.is_filled = self.is_filled or self.wrap > 0
