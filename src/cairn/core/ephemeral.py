"""Ephemeral messages: signed by a chain's writer, relayed to its subscribers, never stored. See docs/format.md, 7."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, Self

from cairn.core.chain import ChainId, ChainState
from cairn.core.crypto import SIGNATURE_BYTES, domain, verify_signature
from cairn.core.errors import Invalid, TooLarge

MAGIC: Final = b"CRX1"
HEADER: Final = struct.Struct(">4s32sIQH")
BODY_BYTES_MAX: Final = 16_464
BODY_BYTES_MIN: Final = 208
CLOCK_SKEW_MS_MAX: Final = 60_000

_LABEL: Final = domain("ephemeral")


@dataclass(frozen=True, slots=True)
class Ephemeral:
    """One message, parsed; `verify` says whether the chain's writer made it, and lately."""

    raw: bytes
    chain_id: ChainId
    key_epoch: int
    time_ms: int

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Parse a message.

        Raises:
            TooLarge: its body is over `BODY_BYTES_MAX`.
            Invalid: its magic or lengths are wrong.
        """
        if len(raw) < HEADER.size + BODY_BYTES_MIN + SIGNATURE_BYTES:
            raise Invalid("an ephemeral message has at least 322 bytes")
        magic, chain_id, key_epoch, time_ms, body_bytes = HEADER.unpack_from(raw)
        if body_bytes > BODY_BYTES_MAX or len(raw) > HEADER.size + BODY_BYTES_MAX + SIGNATURE_BYTES:
            raise TooLarge(f"an ephemeral message's body holds at most {BODY_BYTES_MAX} bytes")
        if magic != MAGIC or body_bytes != len(raw) - HEADER.size - SIGNATURE_BYTES:
            raise Invalid("the ephemeral message is malformed")
        return cls(raw, ChainId(chain_id), key_epoch, time_ms)

    @property
    def head_bytes(self) -> bytes:
        """What the seal commits to: everything before the box."""
        return self.raw[: HEADER.size]

    @property
    def box(self) -> bytes:
        """The sealed data."""
        return self.raw[HEADER.size : -SIGNATURE_BYTES]

    def verify(self, state: ChainState, now_ms: int) -> None:
        """Check the writer's signature, the key epoch and the time (within 60 s of `now_ms`).

        Raises:
            Invalid: one of them is wrong.
        """
        if self.chain_id != state.chain_id or self.key_epoch != state.key_epoch:
            raise Invalid("the ephemeral message is of another chain or key epoch")
        if abs(self.time_ms - now_ms) > CLOCK_SKEW_MS_MAX:
            raise Invalid("the ephemeral message is more than 60 s away from now")
        verify_signature(state.public_key, _LABEL + self.raw[:-SIGNATURE_BYTES], self.raw[-SIGNATURE_BYTES:])
