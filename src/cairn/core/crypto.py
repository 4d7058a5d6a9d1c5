"""Hashes, key derivation and signature verification: the public half of the cryptography.

Encryption and signing with users' keys live in `cairn.client.format.secret`, which no server layer may import.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

import nacl.bindings
import nacl.exceptions

from cairn.core.errors import Invalid

SIGNATURE_BYTES: Final = 64
KEY_BYTES: Final = 32

_GROUP_ORDER: Final = 2**252 + 27742317777372353535851937790883648493
_FIELD_PRIME: Final = 2**255 - 19
_SMALL_ORDER_Y: Final = frozenset(
    (
        0,
        1,
        _FIELD_PRIME - 1,
        int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"),
        int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"),
    )
)
_Y_MASK: Final = 2**255 - 1


def sha256(data: bytes | memoryview) -> bytes:
    """SHA-256 (FIPS 180-4): 32 bytes."""
    return hashlib.sha256(data).digest()


def domain(label: str) -> bytes:
    """The domain label `D(label)` of docs/format.md, 1."""
    return b"cairn/v1/" + label.encode("ascii") + b"\0"


def hkdf(key: bytes, info: bytes, *, salt: bytes = b"", length: int = 32) -> bytes:
    """HKDF-SHA-256 (RFC 5869), at most 8,160 bytes."""
    prk = hmac.digest(salt or bytes(32), key, "sha256")
    okm = block = b""
    counter = 1
    while len(okm) < length:
        block = hmac.digest(prk, block + info + bytes((counter,)), "sha256")
        okm += block
        counter += 1
    return okm[:length]


def verify_signature(public_key: bytes, message: bytes, signature: bytes) -> None:
    """Verify an Ed25519 signature (RFC 8032) under the acceptance rule of docs/format.md, 2.

    The rule comes first, because libraries disagree about the encodings that it refuses.

    Raises:
        Invalid: the rule or the signature equation does not hold.
    """
    if len(signature) != SIGNATURE_BYTES or len(public_key) != KEY_BYTES:
        raise Invalid("a signature is 64 bytes and a public key 32")
    if int.from_bytes(signature[32:], "little") >= _GROUP_ORDER:
        raise Invalid("the signature's scalar is not reduced")
    if not (_is_acceptable_point(public_key) and _is_acceptable_point(signature[:32])):
        raise Invalid("the key or signature holds a point that is refused")
    try:
        nacl.bindings.crypto_sign_open(signature + message, public_key)
    except nacl.exceptions.BadSignatureError:
        raise Invalid("the signature does not verify") from None


def _is_acceptable_point(encoded: bytes) -> bool:
    y = int.from_bytes(encoded, "little") & _Y_MASK
    return y < _FIELD_PRIME and y not in _SMALL_ORDER_Y
