"""References: what names and opens one block, and the sealing of blocks. See docs/format.md, 4."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from typing import Final, Self

from cairn.client.format.secret import SEAL_OVERHEAD_BYTES, open_seal, pad, padme, seal, unpad
from cairn.core.block import BLOCK_BYTES_MAX, Block, BlockId, short
from cairn.core.crypto import domain, hkdf, sha256
from cairn.core.errors import Invalid, TooLarge

BLOCK_MAGIC: Final = b"CRB1"
MANIFEST_MAGIC: Final = b"CRM1"
DATA_BYTES_MAX: Final = 1_048_576
_LAYOUT: Final = struct.Struct(">32s32sI")
REFERENCE_BYTES: Final = _LAYOUT.size  # 68


@dataclass(frozen=True, slots=True)
class Reference:
    """A block's id, its key (secret) and the length of the stored block in bytes."""

    block_id: BlockId
    block_key: bytes = field(repr=False)
    stored_bytes: int

    def encode(self) -> bytes:
        """`block_id[32] ‖ block_key[32] ‖ u32 stored length`."""
        return _LAYOUT.pack(self.block_id, self.block_key, self.stored_bytes)

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """The reference in 68 bytes.

        Raises:
            Invalid: not 68 bytes, or a length that no block has.
        """
        if len(raw) != REFERENCE_BYTES:
            raise Invalid("a reference has 68 bytes")
        block_id, block_key, stored_bytes = _LAYOUT.unpack(raw)
        if not stored_bytes_of(0) <= stored_bytes <= BLOCK_BYTES_MAX:
            raise Invalid("a reference names a length that no block has")
        return cls(BlockId(block_id), block_key, stored_bytes)

    def __repr__(self) -> str:
        return f"Reference({short(self.block_id)}, {self.stored_bytes} bytes)"


def encode_references(references: tuple[Reference, ...]) -> bytes:
    """References in a row."""
    return b"".join(reference.encode() for reference in references)


def decode_references(raw: bytes) -> tuple[Reference, ...]:
    """The references in a row of them.

    Raises:
        Invalid: not whole references, or a wrong one.
    """
    return tuple(Reference.decode(raw[at : at + REFERENCE_BYTES]) for at in range(0, len(raw), REFERENCE_BYTES))


def stored_bytes_of(data_bytes: int) -> int:
    """The length of the stored block that holds so many bytes of data."""
    return len(BLOCK_MAGIC) + SEAL_OVERHEAD_BYTES + padme(4 + data_bytes)


def seal_block(
    data: bytes, *, head: bytes = BLOCK_MAGIC, block_key: bytes | None = None, salt: bytes | None = None
) -> tuple[Block, Reference]:
    """The block that holds `data`, under a fresh key, and its reference. `head` is `MANIFEST_MAGIC` for a manifest.

    Raises:
        TooLarge: more than `DATA_BYTES_MAX` bytes.
    """
    if len(data) > DATA_BYTES_MAX:
        raise TooLarge("a block holds at most 1,048,576 bytes of data: put more as an object, in chunks")
    block_key = os.urandom(32) if block_key is None else block_key
    block = Block.of(BLOCK_MAGIC + seal(block_key, head, pad(data), salt=salt))
    return block, Reference(block.id, block_key, len(block))


def open_block(reference: Reference, block: Block, *, head: bytes = BLOCK_MAGIC) -> bytes:
    """The data in the block that `reference` names.

    Raises:
        Invalid: another block, length, magic or padding.
        CannotOpen: it does not open with this key and head.
    """
    if block.id != reference.block_id or len(block) != reference.stored_bytes:
        raise Invalid("the block is not the one that its reference names")
    if not block.data.startswith(BLOCK_MAGIC):
        raise Invalid("the block is not of format 1")
    return unpad(open_seal(reference.block_key, head, block.data[len(BLOCK_MAGIC) :]))


def convergence_secret(root: bytes) -> bytes:
    """What makes equal data of one account equal blocks, from the account's root."""
    return hkdf(root, domain("convergence"))


def seal_convergent_block(data: bytes, secret: bytes) -> tuple[Block, Reference]:
    """Like `seal_block`, but the same for the same data and `secret` (`convergence_secret`).

    Raises:
        TooLarge: more than `DATA_BYTES_MAX` bytes.
    """
    okm = hkdf(secret, domain("convergence") + sha256(data), length=64)
    return seal_block(data, block_key=okm[:32], salt=okm[32:])
