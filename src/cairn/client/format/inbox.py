"""Inbox messages: sealed to whoever holds a chain's write secret, by anyone who knows its public inbox key.

Nothing in a message proves who sent it: the data must, by a signature, say. See docs/format.md, 7.
"""

from __future__ import annotations

import os
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from cairn.client.format.secret import SEAL_OVERHEAD_BYTES, CannotOpen, ChainKeys, open_seal, pad, seal, unpad
from cairn.core.crypto import domain, hkdf
from cairn.core.errors import Invalid

MAGIC: Final = b"CRI1"
_KEY_BYTES: Final = 32
_OVERHEAD_BYTES: Final = _KEY_BYTES + SEAL_OVERHEAD_BYTES


def inbox_key(keys: ChainKeys) -> bytes:
    """The public inbox key (X25519, 32 bytes) of a chain: for its writer to publish inside an entry."""
    return _private_key(keys).public_key().public_bytes_raw()


def seal_message(
    public_key: bytes, data: bytes, *, ephemeral_seed: bytes | None = None, salt: bytes | None = None
) -> bytes:
    """A message with `data` that only the holder of the inbox opens: to send as a block or in an entry.

    Raises:
        Invalid: the public key is none, or of small order.
    """
    if len(public_key) != _KEY_BYTES:
        raise Invalid("an inbox key has 32 bytes")
    own = X25519PrivateKey.from_private_bytes(os.urandom(32) if ephemeral_seed is None else ephemeral_seed)
    own_public = own.public_key().public_bytes_raw()
    key = _shared_key(own, public_key, own_public, public_key)
    return own_public + seal(key, _head(own_public, public_key), pad(data), salt=salt)


def open_message(keys: ChainKeys, message: bytes) -> bytes:
    """The data of a message to this chain's inbox.

    Raises:
        CannotOpen: it is to another, or altered. Invalid: malformed.
    """
    if len(message) < _OVERHEAD_BYTES:
        raise Invalid("an inbox message has at least 112 bytes")
    sender, box = message[:_KEY_BYTES], message[_KEY_BYTES:]
    own = _private_key(keys)
    own_public = own.public_key().public_bytes_raw()
    key = _shared_key(own, sender, sender, own_public)
    return unpad(open_seal(key, _head(sender, own_public), box))


def _private_key(keys: ChainKeys) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(hkdf(keys.write_secret, domain("inbox-key")))


def _shared_key(own: X25519PrivateKey, other: bytes, sender: bytes, receiver: bytes) -> bytes:
    try:
        shared = own.exchange(X25519PublicKey.from_public_bytes(other))  # refuses an all-zero result
    except ValueError:
        raise CannotOpen from None
    return hkdf(shared, domain("inbox") + sender + receiver)


def _head(sender: bytes, receiver: bytes) -> bytes:
    return MAGIC + sender + receiver
