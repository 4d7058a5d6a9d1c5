"""The acceptance rule of docs/format.md, 2, at its edges. The signatures are made from the definition of the group, and
each is first shown to satisfy, or not, the equation that a laxer verifier would check."""

from __future__ import annotations

import pytest
from nacl.signing import SigningKey

from cairn.core.crypto import verify_signature
from cairn.core.errors import Invalid
from tests.unit.core import edwards
from tests.unit.core.edwards import BASE, TORSION, L, P, Point

SECRET, NONCE = 0x1234567890ABCDEF % L, 0xFEDCBA0987654321 % L
PUBLIC = SECRET * BASE
R = NONCE * BASE

TORSION_NUMBERS = range(8)


def encodings(point: Point) -> list[bytes]:
    """All that a lenient decoder takes for this point: y or y + p, and for x = 0 either sign."""
    found = [point.encode()] + ([point.encode(excess=1)] if point.y < 19 else [])
    if point.x == 0:
        found += [encoded[:31] + bytes((encoded[31] | 0x80,)) for encoded in list(found)]
    return found


SMALL = [(number, encoded) for number in TORSION_NUMBERS for encoded in encodings(TORSION[number])]


def refused_by_rule(key: bytes, message: bytes, signature: bytes) -> None:
    with pytest.raises(Invalid, match=r"refused|not reduced"):
        verify_signature(key, message, signature)


def refused_by_equation(key: bytes, message: bytes, signature: bytes) -> None:
    with pytest.raises(Invalid, match="does not verify"):
        verify_signature(key, message, signature)


def message_where(key: bytes, r: bytes, remainder: int) -> bytes:
    """A message whose challenge is `remainder` mod 8."""
    return next(
        message
        for message in (b"message %d" % number for number in range(1_000))
        if edwards.challenge(r, key, message) % 8 == remainder
    )


def test_the_group_is_the_one_of_the_standard() -> None:
    key = SigningKey(b"k" * 32)
    signed = key.sign(b"message")
    assert edwards.holds(bytes(key.verify_key), b"message", signed.signature)
    assert L * BASE == edwards.NEUTRAL
    assert len({point.encode() for point in TORSION}) == 8
    assert len(SMALL) == 14


def test_an_honest_signature() -> None:
    key = PUBLIC.encode()
    verify_signature(key, b"m", edwards.sign(R.encode(), NONCE, key, SECRET, b"m"))


@pytest.mark.parametrize("times", range(1, 16))
def test_a_scalar_that_is_not_reduced(times: int) -> None:
    key = PUBLIC.encode()
    signature = edwards.sign(R.encode(), NONCE, key, SECRET, b"m")
    s = int.from_bytes(signature[32:], "little") + times * L
    lax = signature[:32] + s.to_bytes(32, "little")
    assert edwards.holds(key, b"m", lax)
    refused_by_rule(key, b"m", lax)


@pytest.mark.parametrize("s", [L, L + 1, 2**253, 2**255, 2**256 - 1])
def test_scalars_from_the_order_up(s: int) -> None:
    refused_by_rule(PUBLIC.encode(), b"m", R.encode() + s.to_bytes(32, "little"))


def test_scalars_below_the_order_are_judged_by_the_equation() -> None:
    for s in (0, 1, L - 1):
        refused_by_equation(PUBLIC.encode(), b"m", R.encode() + s.to_bytes(32, "little"))


@pytest.mark.parametrize(("number", "key"), SMALL)
def test_a_small_order_key(number: int, key: bytes) -> None:
    """Anybody can sign for it: where 8 divides the challenge, A drops out of the equation."""
    message = message_where(key, R.encode(), 0)
    forged = R.encode() + NONCE.to_bytes(32, "little")
    assert edwards.holds(key, message, forged)
    refused_by_rule(key, message, forged)


@pytest.mark.parametrize(("number", "r"), SMALL)
def test_a_small_order_r(number: int, r: bytes) -> None:
    """Its writer could disown it, or make it stand for several messages."""
    key = PUBLIC.encode()
    signature = edwards.sign(r, 0, key, SECRET, b"m")
    assert edwards.holds(key, b"m", signature, cofactor=8)
    assert edwards.holds(key, b"m", signature) is (number == 0)
    refused_by_rule(key, b"m", signature)


@pytest.mark.parametrize("y", [y for y in range(2, 19) if edwards.lift(y) is not None])
def test_a_y_that_is_not_reduced(y: int) -> None:
    """For the key and for R, with either sign; the reduced encoding of the same point passes the rule."""
    point = edwards.lift(y)
    assert point is not None
    for each in (point, -point):
        lax, strict = each.encode(excess=1), each.encode()
        refused_by_rule(lax, b"m", R.encode() + bytes(32))
        refused_by_rule(PUBLIC.encode(), b"m", lax + bytes(32))
        refused_by_equation(strict, b"m", R.encode() + bytes(32))
        refused_by_equation(PUBLIC.encode(), b"m", strict + bytes(32))


@pytest.mark.parametrize("y", [P, P + 1, P + 18, 2**255 - 1])
def test_every_y_from_the_prime_up(y: int) -> None:
    for sign in (0, 1 << 255):
        encoded = (y | sign).to_bytes(32, "little")
        refused_by_rule(encoded, b"m", R.encode() + bytes(32))
        refused_by_rule(PUBLIC.encode(), b"m", encoded + bytes(32))


def test_bytes_that_are_no_point() -> None:
    y = next(y for y in range(2, 100) if edwards.lift(y) is None)
    encoded = y.to_bytes(32, "little")
    refused_by_equation(encoded, b"m", R.encode() + bytes(32))
    refused_by_equation(PUBLIC.encode(), b"m", encoded + bytes(32))


@pytest.mark.parametrize("number", TORSION_NUMBERS[1:])
def test_a_key_of_mixed_order(number: int) -> None:
    """The cofactorless equation decides: it holds exactly where the key's small part drops out."""
    key = (PUBLIC + TORSION[number]).encode()
    for remainder in TORSION_NUMBERS:
        message = message_where(key, R.encode(), remainder)
        signature = edwards.sign(R.encode(), NONCE, key, SECRET, message)
        assert edwards.holds(key, message, signature, cofactor=8)
        if edwards.holds(key, message, signature):
            verify_signature(key, message, signature)
        else:
            refused_by_equation(key, message, signature)


@pytest.mark.parametrize("number", TORSION_NUMBERS[1:])
def test_an_r_of_mixed_order(number: int) -> None:
    """Passes a cofactored verifier, and is refused here."""
    key, r = PUBLIC.encode(), (R + TORSION[number]).encode()
    signature = edwards.sign(r, NONCE, key, SECRET, b"m")
    assert edwards.holds(key, b"m", signature, cofactor=8)
    assert not edwards.holds(key, b"m", signature)
    refused_by_equation(key, b"m", signature)


def test_key_and_r_of_mixed_order() -> None:
    """Where their small parts cancel, the equation holds."""
    key, r = (PUBLIC + TORSION[1]).encode(), (R + TORSION[3]).encode()
    message = message_where(key, r, 5)
    signature = edwards.sign(r, NONCE, key, SECRET, message)
    assert edwards.holds(key, message, signature)
    verify_signature(key, message, signature)


def test_every_bit_counts() -> None:
    key = SigningKey(b"k" * 32)
    public, signature = bytes(key.verify_key), key.sign(b"message").signature
    verify_signature(public, b"message", signature)
    for bit in range(8 * 64):
        with pytest.raises(Invalid):
            verify_signature(public, b"message", _flipped(signature, bit))
    for bit in range(8 * 32):
        with pytest.raises(Invalid):
            verify_signature(_flipped(public, bit), b"message", signature)
    for bit in range(8 * 7):
        with pytest.raises(Invalid):
            verify_signature(public, _flipped(b"message", bit), signature)


@pytest.mark.parametrize("size", [0, 1, 31, 63, 65, 96, 128])
def test_lengths(size: int) -> None:
    for key, signature in ((PUBLIC.encode(), bytes(size)), (bytes(size), bytes(64))):
        with pytest.raises(Invalid):
            verify_signature(key, b"m", signature)


def _flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
