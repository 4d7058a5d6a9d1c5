"""Secrets that stand where they should not: in files, on the wire."""

from __future__ import annotations

import base64
from collections.abc import Iterable


def spellings(secret: bytes) -> list[bytes]:
    """How it could stand in a file: raw, hex, and base64 of either alphabet, at any place within something longer."""
    found = [secret, secret.hex().encode(), secret.hex().upper().encode(), secret.decode("latin-1").encode("utf-16-le")]
    for before in range(3):
        start, stop = -(-8 * before // 6), 8 * (before + len(secret)) // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            found.append(encode(bytes(before) + secret + bytes(2))[start:stop])
    return found


def leaked(secrets: dict[str, bytes], places: Iterable[bytes]) -> list[str]:
    """The names of the secrets that stand anywhere."""
    needles = {spelling: name for name, secret in secrets.items() for spelling in spellings(secret)}
    return sorted({name for place in places for needle, name in needles.items() if needle in place})
