"""The group of Ed25519 from its definition (RFC 8032, 5.1), slow and plain: makes signatures that no library makes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

P: Final = 2**255 - 19
L: Final = 2**252 + 27742317777372353535851937790883648493
D: Final = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_ONE: Final = pow(2, (P - 1) // 4, P)


@dataclass(frozen=True)
class Point:
    """A point in affine coordinates."""

    x: int
    y: int

    def __add__(self, other: Point) -> Point:
        cross = D * self.x * other.x * self.y * other.y % P
        x = (self.x * other.y + self.y * other.x) * pow(1 + cross, -1, P)
        y = (self.y * other.y + self.x * other.x) * pow(1 - cross, -1, P)
        return Point(x % P, y % P)

    def __neg__(self) -> Point:
        return Point(-self.x % P, self.y)

    def __rmul__(self, scalar: int) -> Point:
        total, power = NEUTRAL, self
        while scalar:
            if scalar & 1:
                total += power
            power += power
            scalar >>= 1
        return total

    def encode(self, *, excess: int = 0) -> bytes:
        """32 bytes; with `excess` 1 the y-coordinate is written as y + p, which fits only below 19."""
        y = self.y + excess * P
        assert y < 2**255
        return (y | (self.x & 1) << 255).to_bytes(32, "little")


NEUTRAL: Final = Point(0, 1)


def lift(y: int) -> Point | None:
    """The point with this y-coordinate and an even x, if there is one."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT_OF_MINUS_ONE % P
    if x * x % P != square:
        return None
    return Point(P - x if x & 1 else x, y)


def _base() -> Point:
    base = lift(4 * pow(5, -1, P) % P)
    assert base is not None
    return base


def _torsion() -> list[Point]:
    """The eight points of order 1, 2, 4 and 8, in the order of their multiples of one of order 8."""
    for y in range(2, 100):
        point = lift(y)
        if point is not None:
            small = L * point
            if 4 * small != NEUTRAL:
                return [times * small for times in range(8)]
    raise AssertionError


BASE: Final = _base()
TORSION: Final = _torsion()


def challenge(r: bytes, a: bytes, message: bytes) -> int:
    """SHA-512(R ‖ A ‖ M) mod L."""
    return int.from_bytes(hashlib.sha512(r + a + message).digest(), "little") % L


def decode(encoded: bytes) -> Point:
    """The point that a lenient decoder sees: y is taken mod p."""
    number = int.from_bytes(encoded, "little")
    point = lift((number & (2**255 - 1)) % P)
    assert point is not None
    return -point if number >> 255 else point


def holds(public_key: bytes, message: bytes, signature: bytes, *, cofactor: int = 1) -> bool:
    """Whether cofactor × (S·B) = cofactor × (R + k·A), encodings aside."""
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    difference = s * BASE + -(decode(r) + challenge(r, public_key, message) * decode(public_key))
    return cofactor * difference == NEUTRAL


def sign(r: bytes, nonce: int, a: bytes, secret: int, message: bytes) -> bytes:
    """R ‖ (nonce + k × secret): right if R and A are the multiples of the base that they should be."""
    s = (nonce + challenge(r, a, message) * secret) % L
    return r + s.to_bytes(32, "little")
