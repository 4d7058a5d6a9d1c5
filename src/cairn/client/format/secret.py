"""The secret half: derive keys, pad, seal, open, sign. No server layer may import this module or its package.

See docs/format.md, 3 to 6. Every function takes its randomness as an optional argument, for test vectors and for
convergent blocks alone; left out, it is fresh.
"""

from __future__ import annotations

import hmac
import os
import struct
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl.signing import SigningKey

from cairn.core.block import BlockId, Pin
from cairn.core.chain import HEADER, MAGIC, NO_PREV, SUITE, ChainId, ChainState, Entry, Kind, Seq, chain_id_of
from cairn.core.crypto import domain, hkdf, sha256
from cairn.core.errors import Invalid, TooLarge

SEAL_OVERHEAD_BYTES: Final = 80
_SALT_BYTES: Final = 32
_NONCE: Final = bytes(12)  # safe: the key of every seal is fresh
_U32: Final = struct.Struct(">I")


class CannotOpen(Invalid):
    """A sealed box does not open with this key. Why is not said."""

    code = "cannot_open"

    def __init__(self) -> None:
        super().__init__("cannot open")


def padme(size: int) -> int:
    """The padded size for `size` bytes: at most 12 % more (Nikitin et al., PURBs, PoPETs 2019, 4)."""
    size = max(size, 128)
    exponent = size.bit_length() - 1
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (size + mask) & ~mask


def pad(data: bytes) -> bytes:
    """`u32 length ‖ data ‖ zeros`, so that only a size bucket shows."""
    return (_U32.pack(len(data)) + data).ljust(padme(4 + len(data)), b"\0")


def unpad(padded: bytes) -> bytes:
    """The data in a padded box.

    Raises:
        Invalid: any other length or padding than `pad` makes.
    """
    if len(padded) < 4:
        raise Invalid("the padding is malformed")
    (length,) = _U32.unpack_from(padded)
    if padme(4 + length) != len(padded) or any(padded[4 + length :]):
        raise Invalid("the padding is malformed")
    return padded[4 : 4 + length]


def seal(key: bytes, head: bytes, plaintext: bytes, *, salt: bytes | None = None) -> bytes:
    """Encrypt `plaintext` under `key` (32 bytes) and commit to `head`: 80 bytes longer."""
    salt = os.urandom(_SALT_BYTES) if salt is None else salt
    box_key, commitment = _seal_keys(key, head, salt)
    return salt + commitment + AESGCM(box_key).encrypt(_NONCE, plaintext, b"")


def open_seal(key: bytes, head: bytes, box: bytes) -> bytes:
    """The plaintext of a box.

    Raises:
        CannotOpen: another key, another head, or altered bytes.
    """
    if len(box) < SEAL_OVERHEAD_BYTES:
        raise CannotOpen
    box_key, commitment = _seal_keys(key, head, box[:_SALT_BYTES])
    if not hmac.compare_digest(commitment, box[_SALT_BYTES:64]):
        raise CannotOpen
    try:
        return AESGCM(box_key).decrypt(_NONCE, box[64:], b"")
    except InvalidTag:
        raise CannotOpen from None


def _seal_keys(key: bytes, head: bytes, salt: bytes) -> tuple[bytes, bytes]:
    okm = hkdf(key, domain("seal") + sha256(head), salt=salt, length=64)
    return okm[:32], okm[32:]


@dataclass(frozen=True)
class ChainKeys:
    """All that a write secret (32 bytes) and a chain's flags derive."""

    write_secret: bytes
    flags: int = 0

    def __post_init__(self) -> None:
        if len(self.write_secret) != 32 or self.flags not in (0, 1):
            raise Invalid("a write secret is 32 bytes, and the flags 0 or 1")

    def __repr__(self) -> str:
        return "ChainKeys(…)"

    @cached_property
    def _signing_key(self) -> SigningKey:
        return SigningKey(hkdf(self.write_secret, domain("sign")))

    @cached_property
    def public_key(self) -> bytes:
        """The Ed25519 key that verifies the chain's entries."""
        return bytes(self._signing_key.verify_key)

    def sign(self, label: str, message: bytes) -> bytes:
        """Ed25519 over D(label) ‖ message."""
        return self._signing_key.sign(domain(label) + message).signature

    def read_key(self, key_epoch: int = 0) -> bytes:
        """rk[e]: opens the entries of one key epoch."""
        return hkdf(self.write_secret, domain("read") + _U32.pack(key_epoch))

    def pin(self, block_id: BlockId) -> Pin:
        """The right to remove this chain's upload of a block."""
        return Pin(hkdf(self.write_secret, domain("pin") + block_id))

    @cached_property
    def genesis_body(self) -> bytes:
        """`pk ‖ rkc ‖ suite ‖ flags ‖ 00 00`."""
        return self.public_key + read_commitment(self.read_key()) + bytes((SUITE, self.flags, 0, 0))

    @cached_property
    def chain_id(self) -> ChainId:
        """The id that these keys' chain has on every server."""
        return chain_id_of(self.genesis_body)

    def genesis(self) -> Entry:
        """The chain's first entry."""
        return self._entry(Kind.GENESIS, 0, Seq(0), Seq(0), NO_PREV, self.genesis_body)

    def follow(
        self,
        state: ChainState,
        kind: Kind,
        payload: bytes,
        *,
        floor: Seq | None = None,
        salt: bytes | None = None,
    ) -> Entry:
        """The entry that follows `state`, with `payload` (an encoded payload, or bytes of the same role) sealed in it.

        Raises:
            TooLarge: the payload does not fit an entry.
        """
        key_epoch = state.key_epoch + (kind == Kind.ROTATE)
        seq = Seq(state.seq + 1)
        floor = state.floor if floor is None else floor
        padded = pad(payload)
        if len(padded) + SEAL_OVERHEAD_BYTES > 65_536:
            raise TooLarge("an entry's payload holds at most 63,484 bytes: put more into blocks, and refer to them")
        header = self._header(kind, key_epoch, len(padded) + SEAL_OVERHEAD_BYTES, seq, floor, state.hash)
        return self._signed(header + seal(self.read_key(key_epoch), header, padded, salt=salt))

    def _entry(self, kind: Kind, key_epoch: int, seq: Seq, floor: Seq, prev: bytes, body: bytes) -> Entry:
        return self._signed(self._header(kind, key_epoch, len(body), seq, floor, prev) + body)

    def _header(self, kind: Kind, key_epoch: int, body_bytes: int, seq: Seq, floor: Seq, prev: bytes) -> bytes:
        return HEADER.pack(MAGIC, kind, self.flags, 0, key_epoch, body_bytes, seq, floor, self.chain_id, prev)

    def _signed(self, unsigned: bytes) -> Entry:
        return Entry.decode(unsigned + self.sign("entry", unsigned))


def read_commitment(first_read_key: bytes) -> bytes:
    """rkc: what a genesis publishes of rk[0]."""
    return hkdf(first_read_key, domain("read-commit"))
