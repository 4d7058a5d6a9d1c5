"""What spoils bytes, of whatever they are."""

from __future__ import annotations

import random

from cairn.core.chain import HEADER
from tests.evil.lies.catalogue import About
from tests.evil.world import Story, story


def flipped(draw: random.Random, raw: bytes) -> bytes:
    """One bit changed."""
    if not raw:
        return b"\0"
    changed = bytearray(raw)
    changed[draw.randrange(len(raw))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def damaged(draw: random.Random, raw: bytes) -> bytes:
    """Cut, lengthened, or with some bytes taken out, put in, or overwritten."""
    at = draw.randrange(len(raw)) if raw else 0
    some = draw.choice((1, 4, 32, 64))
    how = draw.randrange(5)
    if how == 0:
        return raw[:at]
    if how == 1:
        return raw + draw.randbytes(some)
    if how == 2:
        return raw[:at] + raw[at + some :]
    if how == 3:
        return raw[:at] + draw.randbytes(some) + raw[at:]
    return raw[:at] + draw.randbytes(some) + raw[at + some :]


def other_field(draw: random.Random, raw: bytes) -> bytes:
    """An entry with another value in one field of its header, and the signature that it had."""
    values = list(HEADER.unpack_from(raw))
    at = draw.choice((1, 2, 4, 5, 6, 7))
    most = {1: 4, 2: 1, 4: 2**32 - 1, 5: 2**32 - 1, 6: 2**53 - 1, 7: 2**53 - 1}[at]
    values[at] = draw.choice((0, 1, max(0, values[at] - 1), min(most, values[at] + 1), most, values[at] ^ 1))
    return HEADER.pack(*values) + raw[HEADER.size :]


def another(draw: random.Random, about: About) -> Story:
    names = [name for name in ("plain", "rotated", "trimmed", "kept", "closed") if name != about.story.name]
    return story(draw.choice(names))
