"""Blocks: immutable byte strings under their SHA-256. To hold a `Block` is proof that its bytes match its id."""

from __future__ import annotations

from typing import Final, NewType, Self

from cairn.core.crypto import sha256
from cairn.core.errors import Invalid, TooLarge

BlockId = NewType("BlockId", bytes)
"""SHA-256 of a stored block: 32 bytes."""

Pin = NewType("Pin", bytes)
"""The secret, 32 bytes, that removes one upload of a block."""

PinHash = NewType("PinHash", bytes)
"""SHA-256 of a pin: 32 bytes. What an upload sets."""

GrantId = NewType("GrantId", bytes)
"""Who pays for a block or an entry: 16 bytes. `NO_GRANT` where admission is open."""

NO_GRANT: Final = GrantId(bytes(16))

BLOCK_BYTES_MAX: Final = 1_179_648
ID_BYTES: Final = 32


class Block:
    """Bytes that match their id. Made only by `of` and `verified`."""

    __slots__ = ("data", "id")

    id: BlockId
    data: bytes

    def __init__(self, block_id: BlockId, data: bytes) -> None:
        """Not for use outside this class: `of` and `verified` are what makes a block a proof."""
        self.id = block_id
        self.data = data

    @classmethod
    def of(cls, data: bytes) -> Self:
        """The block with these bytes.

        Raises:
            TooLarge: more than `BLOCK_BYTES_MAX` bytes.
        """
        if len(data) > BLOCK_BYTES_MAX:
            raise TooLarge(f"a block holds at most {BLOCK_BYTES_MAX} bytes")
        return cls(BlockId(sha256(data)), data)

    @classmethod
    def verified(cls, block_id: BlockId, data: bytes) -> Self:
        """The block with these bytes, if `block_id` is their SHA-256.

        Raises:
            Invalid: it is not.
            TooLarge: more than `BLOCK_BYTES_MAX` bytes.
        """
        block = cls.of(data)
        if block.id != block_id:
            raise Invalid("the bytes do not have this SHA-256")
        return block

    def __len__(self) -> int:
        return len(self.data)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Block) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"Block({short(self.id)}, {len(self.data)} bytes)"


def pin_hash(pin: Pin) -> PinHash:
    """What an upload sets so that `pin` can remove it."""
    return PinHash(sha256(pin))


def short(any_id: bytes) -> str:
    """The first 8 hex digits of an id: as much of it as a log may show."""
    return any_id[:4].hex() + "…"
