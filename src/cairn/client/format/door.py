"""Doors: from a name and a password to the keys of a chain. Computed before any server is asked. See docs/format.md, 8.

Whoever knows a door's chain id can try passwords offline; so nothing lists, logs or counts doors.
"""

from __future__ import annotations

import re
import string
import struct
import unicodedata
from typing import Final

from argon2.low_level import Type, hash_secret_raw

from cairn.client.format.secret import ChainKeys
from cairn.core.chain import FLAG_DOOR
from cairn.core.crypto import domain, hkdf, sha256
from cairn.core.errors import Invalid

ACCOUNT_KEY_BYTES: Final = 16
_MEMORY_KIB: Final = 64 * 1024
_PASSES: Final = 3
_PASSWORD_BYTES_MAX: Final = 1_024
_REALM: Final = re.compile(r"[a-z0-9.:-]{1,255}")
_USERNAME: Final = re.compile(r"[a-z0-9._@+-]{1,64}")
_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_REFUSED_CATEGORIES: Final = frozenset(("Cc", "Cs", "Cn"))


def door_keys(realm: str, username: str, password: str, account_key: bytes | None = None) -> ChainKeys:
    """The keys of the door that a name and a password open at a realm (a site's name). Takes about a quarter second
    and 64 MiB: run it in a thread.

    Raises:
        Invalid: the realm, name, password or account key is not of the allowed form.
    """
    _check_realm(realm)
    if account_key is not None and len(account_key) != ACCOUNT_KEY_BYTES:
        raise Invalid("an account key has 16 bytes")
    name = normal_username(username).encode()
    site = realm.encode()
    salt = sha256(domain("door-salt") + struct.pack(">I", len(site)) + site + name)
    stretched = hash_secret_raw(
        normal_password(password), salt, time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=1, hash_len=32,
        type=Type.ID,
    )  # fmt: skip
    write_secret = hkdf(stretched, domain("door"), salt=sha256(domain("account-key") + (account_key or b"")))
    return ChainKeys(write_secret, FLAG_DOOR)


def normal_username(username: str) -> str:
    """Outer spaces dropped, ASCII letters lowered.

    Raises:
        Invalid: it is empty, too long, or has other characters than are allowed.
    """
    name = username.strip(" ").translate(_LOWER)
    if not _USERNAME.fullmatch(name):
        raise Invalid("a user name has 1 to 64 of: letters a to z, digits, . _ @ + -")
    return name


def normal_password(password: str) -> bytes:
    """NFKC (Unicode TR 15) as UTF-8.

    Raises:
        Invalid: it is empty or too long, or has control, surrogate or unassigned code points.
    """
    if len(password) > _PASSWORD_BYTES_MAX * 4:
        raise Invalid("a password has at most 1,024 bytes")
    if any(unicodedata.category(character) in _REFUSED_CATEGORIES for character in password):
        raise Invalid("a password has no control characters and no code points that Unicode has not assigned")
    normal = unicodedata.normalize("NFKC", password).encode()
    if not 1 <= len(normal) <= _PASSWORD_BYTES_MAX:
        raise Invalid("a password has 1 to 1,024 bytes")
    return normal


def _check_realm(realm: str) -> None:
    if not _REALM.fullmatch(realm):
        raise Invalid("a realm is a site's name: 1 to 255 of a to z, 0 to 9, . : -")


def account_secret(root: bytes) -> bytes:
    """The write secret of the account chain, from the account's root."""
    return hkdf(root, domain("account"))
