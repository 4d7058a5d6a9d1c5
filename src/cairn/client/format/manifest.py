"""Manifests: the list of a large object's chunks, in one level or two. See docs/format.md, 4.

A manifest comes from whoever made the reference, so it is judged before anything is fetched: its size must be what its
chunks add up to, and each chunk's stored length what its data would give. A few small blocks can still name terabytes;
whoever reads sets a limit on `total_bytes`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, Self

from cairn.client.format.reference import (
    MANIFEST_MAGIC,
    REFERENCE_BYTES,
    Reference,
    decode_references,
    encode_references,
    stored_bytes_of,
)  # fmt: skip
from cairn.core.errors import Invalid, TooLarge

CHUNK_BYTES: Final = 1_048_572  # with its length exactly 1 MiB: no padding
CHUNK_BYTES_MIN: Final = 4_096
CHUNK_BYTES_MAX: Final = 1_048_576
REFERENCES_MAX: Final = 10_000
OBJECT_CHUNKS_MAX: Final = REFERENCES_MAX * REFERENCES_MAX
_LAYOUT: Final = struct.Struct(">4sQII")
_UPPER: Final = 1 << 31


@dataclass(frozen=True, slots=True)
class Manifest:
    """References to chunks; or, in the upper of two levels, to manifests of 10,000 chunks each, the last fewer."""

    total_bytes: int
    chunk_bytes: int
    references: tuple[Reference, ...]
    is_upper: bool = False

    def encode(self) -> bytes:
        """`"CRM1" ‖ u64 total ‖ u32 chunk size ‖ u32 count ‖ references`: the data of a block.

        Raises:
            Invalid: the numbers contradict each other.
        """
        self._check()
        count = len(self.references) | (_UPPER if self.is_upper else 0)
        return _LAYOUT.pack(MANIFEST_MAGIC, self.total_bytes, self.chunk_bytes, count) + encode_references(
            self.references
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The manifest in a block's data, with all checks that need nothing else.

        Raises:
            Invalid: malformed, or its numbers contradict each other.
        """
        if len(data) < _LAYOUT.size:
            raise Invalid("the manifest is malformed")
        magic, total_bytes, chunk_bytes, count = _LAYOUT.unpack_from(data)
        size = len(data) - _LAYOUT.size
        if magic != MANIFEST_MAGIC or size != (count & ~_UPPER) * REFERENCE_BYTES:
            raise Invalid("the manifest is malformed")
        references = decode_references(data[_LAYOUT.size :])
        manifest = cls(total_bytes, chunk_bytes, references, bool(count & _UPPER))
        manifest._check()
        return manifest

    @property
    def chunk_count(self) -> int:
        """How many chunks the whole object has."""
        return chunk_count(self.total_bytes, self.chunk_bytes)

    def bytes_of(self, index: int) -> int:
        """The data bytes of the chunk, or of all chunks under the manifest, at `index`."""
        span = self.chunk_bytes * (REFERENCES_MAX if self.is_upper else 1)
        return min(span, self.total_bytes - index * span)

    def check_total(self, bytes_max: int) -> None:
        """Refuse an object over a limit, before its chunks are fetched.

        Raises:
            TooLarge: it is.
        """
        if self.total_bytes > bytes_max:
            raise TooLarge(f"the object says it has {self.total_bytes} bytes, more than the limit of {bytes_max}")

    def check_lower(self, index: int, lower: Manifest) -> None:
        """Check that `lower` is what the upper manifest promises at `index`.

        Raises:
            Invalid: another level, chunk size or total.
        """
        if lower.is_upper or lower.chunk_bytes != self.chunk_bytes or lower.total_bytes != self.bytes_of(index):
            raise Invalid("a manifest does not fit the one above it")

    def _check(self) -> None:
        if not CHUNK_BYTES_MIN <= self.chunk_bytes <= CHUNK_BYTES_MAX:
            raise Invalid("the manifest's chunk size is out of range")
        if self.chunk_count > (OBJECT_CHUNKS_MAX if self.is_upper else REFERENCES_MAX):
            raise Invalid("the manifest names more chunks than its levels hold")
        if self.is_upper != (self.chunk_count > REFERENCES_MAX):
            raise Invalid("the manifest has more or fewer levels than its size needs")
        expected = -(-self.chunk_count // REFERENCES_MAX) if self.is_upper else self.chunk_count
        if len(self.references) != expected:
            raise Invalid("the manifest's count is not that of its size")
        for index, reference in enumerate(self.references):
            if reference.stored_bytes != stored_bytes_of(self._data_bytes(index)):
                raise Invalid("a chunk of the manifest has another size than its place needs")

    def _data_bytes(self, index: int) -> int:
        """The data bytes of the block at `index`."""
        if not self.is_upper:
            return self.bytes_of(index)
        return _LAYOUT.size + REFERENCE_BYTES * chunk_count(self.bytes_of(index), self.chunk_bytes)

    def __repr__(self) -> str:
        return f"Manifest({self.total_bytes} bytes, {len(self.references)} references)"


def chunk_count(total_bytes: int, chunk_bytes: int) -> int:
    """How many chunks so many bytes make."""
    return -(-total_bytes // chunk_bytes)
