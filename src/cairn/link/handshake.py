"""How both ends of a connection prove that they know the link key; pure. See docs/protocol.md.

    asks     -> "CRL1" ‖ u8 role ‖ u8 oldest version ‖ u8 newest version ‖ u8 0 ‖ nonce[32]
    answers  -> the same, of its own
    asks     -> HMAC-SHA-256(key, D("link") ‖ "asks" ‖ both hellos ‖ channel)
    answers  -> HMAC-SHA-256(key, D("link") ‖ "answers" ‖ both hellos ‖ channel)

Both nonces are in both proofs, so a proof of another connection is worth nothing here; the roles are, so none can be
sent back to who made it; the versions are, so nobody between the ends can lower them. `channel` names what carries the
connection: with TLS the server's certificate, so that nobody ends TLS between the ends, either. The first key makes,
all verify, as with everything that derives from the secret file. The asker proves itself first.
"""

from __future__ import annotations

import hmac
import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

from cairn.core.crypto import domain
from cairn.core.errors import Forbidden, Invalid

OLDEST_VERSION: Final = 1
NEWEST_VERSION: Final = 1
ASKS: Final = 1
ANSWERS: Final = 2
NONCE_BYTES: Final = 32

_HELLO: Final = struct.Struct(">4sBBBB32s")
_MAGIC: Final = b"CRL1"
_LABEL: Final = domain("link")
_WORDS: Final = {ASKS: b"asks", ANSWERS: b"answers"}

HELLO_BYTES: Final = _HELLO.size
PROOF_BYTES: Final = 32


class Versions(NamedTuple):
    """The versions of the link that a program speaks."""

    oldest: int = OLDEST_VERSION
    newest: int = NEWEST_VERSION


OURS: Final = Versions()


class Handshake:
    """One end of one handshake. `nonce` is fresh, random and never used again."""

    def __init__(
        self, role: int, keys: Sequence[bytes], nonce: bytes, channel: bytes, versions: Versions = OURS
    ) -> None:
        self.hello = _HELLO.pack(_MAGIC, role, *versions, 0, nonce)
        self._role = role
        self._keys = keys
        self._nonce = nonce
        self._channel = channel
        self._versions = versions
        self._hellos = b""

    def meet(self, hello: bytes) -> int:
        """Take the other end's hello; returns the highest version that both speak.

        Raises:
            Invalid: it is none, or our own sent back. Forbidden: there is no such version.
        """
        if len(hello) != _HELLO.size:
            raise Invalid("the other end does not greet as a link does")
        magic, role, oldest, newest, zero, nonce = _HELLO.unpack(hello)
        if magic != _MAGIC or role != ANSWERS + ASKS - self._role or zero or nonce == self._nonce:
            raise Invalid("the other end does not greet as a link does")
        version: int = min(newest, self._versions.newest)
        if version < max(oldest, self._versions.oldest):
            raise Forbidden("the two ends speak no common version of the link: update the older one")
        self._hellos = self.hello + hello if self._role == ASKS else hello + self.hello
        return version

    def proof(self) -> bytes:
        """What shows the other end that we know the key. Only after `meet`."""
        return self._mac(self._keys[0], self._role)

    def verify(self, proof: bytes) -> None:
        """Check the other end's proof. Only after `meet`.

        Raises:
            Forbidden: it does not know any of our keys.
        """
        other = ANSWERS + ASKS - self._role
        if not any(hmac.compare_digest(proof, self._mac(key, other)) for key in self._keys):
            raise Forbidden("the other end of the link does not know the secret: give both the same secret file")

    def _mac(self, key: bytes, role: int) -> bytes:
        assert self._hellos, "the hellos come first"
        return hmac.digest(key, _LABEL + _WORDS[role] + self._hellos + self._channel, "sha256")
