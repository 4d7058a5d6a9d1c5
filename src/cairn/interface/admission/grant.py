"""Grants: the right to write, as a token that any node with the secret can check.

token = "crn1g_" ‖ base64url(body ‖ HMAC-SHA-256(key, D("grant") ‖ body)) without "="
body  = id[16] ‖ u64 bytes ‖ u32 appends per second × 1000 ‖ u64 expiry (unix seconds)
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import struct
from dataclasses import dataclass
from typing import Final

from cairn.core.block import GrantId
from cairn.core.crypto import domain
from cairn.core.errors import Forbidden, Invalid

PREFIX: Final = "crn1g_"
TOKEN_CHARS_MAX: Final = 256

_BODY: Final = struct.Struct(">16sQIQ")
_MAC_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Grant:
    """Who may store how much, how fast, until when. Zero means without limit."""

    id: GrantId
    bytes_max: int
    appends_per_second: float
    expires: int  # unix seconds

    @classmethod
    def issue(cls, *, bytes_max: int, appends_per_second: float, expires: int) -> Grant:
        """A new grant with a random id.

        Raises:
            Invalid: a number is out of range.
        """
        in_range = 0 <= bytes_max < 2**63 and 0 <= appends_per_second <= 1_000_000 and 0 <= expires < 2**53
        if not in_range:
            raise Invalid("a grant's bytes, rate or expiry is out of range")
        return cls(GrantId(os.urandom(16)), bytes_max, appends_per_second, expires)

    def token(self, keys: list[bytes]) -> str:
        """The grant as its holder carries it."""
        body = _BODY.pack(self.id, self.bytes_max, round(self.appends_per_second * 1000), self.expires)
        return PREFIX + base64.urlsafe_b64encode(body + _mac(keys[0], body)).decode().rstrip("=")


def read_grant(token: str, keys: list[bytes], now_seconds: int) -> Grant:
    """The grant in a token.

    Raises:
        Forbidden: it is not one of ours, or has expired.
    """
    raw = _decode(token)
    body, mac = raw[: _BODY.size], raw[_BODY.size :]
    if not any(hmac.compare_digest(mac, _mac(key, body)) for key in keys):
        raise Forbidden("the grant was not issued by this server: ask its operator for one")
    grant_id, bytes_max, milliappends, expires = _BODY.unpack(body)
    if expires and expires <= now_seconds:
        raise Forbidden("the grant has expired: ask the operator for a new one")
    return Grant(GrantId(grant_id), bytes_max, milliappends / 1000, expires)


def _decode(token: str) -> bytes:
    encoded = token.removeprefix(PREFIX)
    try:
        raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    is_canonical = base64.urlsafe_b64encode(raw).decode().rstrip("=") == encoded
    if not (token.startswith(PREFIX) and is_canonical and len(raw) == _BODY.size + _MAC_BYTES):
        raise Forbidden("the grant is malformed: pass it as it was issued, beginning with crn1g_")
    return raw


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, domain("grant") + body, "sha256")
