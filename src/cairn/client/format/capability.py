"""Capabilities: the right to write, read or verify a chain, or to read one block or object. See docs/format.md, 5.

`str(capability)` is the text form, a secret; `repr` hides it. `parse_capability` and each class's `parse` read it back.
A weaker capability derives from a stronger one without asking anyone: write -> read -> verify.
"""

from __future__ import annotations

import base64
import binascii
import os
import struct
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Final, Self

from cairn.client.format.reference import REFERENCE_BYTES, Reference
from cairn.client.format.secret import ChainKeys
from cairn.core.block import short
from cairn.core.chain import ChainId
from cairn.core.crypto import domain, sha256
from cairn.core.errors import Forbidden, Invalid

_PREFIX: Final = "crn1"
_CHECK_BYTES: Final = 4
_READ: Final = struct.Struct(">32sI32s")
_TEXT_CHARS_MAX: Final = 256
_MALFORMED: Final = "this is not a capability: copy the whole text, from crn1 on"


class Capability:
    """What all kinds have in common. `kind` is "write", "read", "verify" or "block"."""

    kind: ClassVar[str]
    type_letter: ClassVar[str]

    def body(self) -> bytes:
        """The bytes that the text form holds, without their check."""
        raise NotImplementedError

    @classmethod
    def of_body(cls, body: bytes) -> Self:
        """The capability with this body; see `body`."""
        raise NotImplementedError

    @classmethod
    def parse(cls, text: str) -> Self:
        """The capability of this kind in its text form.

        Raises:
            Invalid: malformed. Forbidden: a capability of another kind.
        """
        found = parse_capability(text)
        if not isinstance(found, cls):
            raise Forbidden(f"this needs a {cls.kind} capability, not a {found.kind} one")
        return found

    def __str__(self) -> str:
        return _encode(self.type_letter, self.body())

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class ChainCapability(Capability):
    """A capability for a chain."""

    chain_id: ChainId

    def to_verify(self) -> VerifyCapability:
        """The right to check signatures and links, and no more."""
        return VerifyCapability(self.chain_id)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({short(self.chain_id)})"


@dataclass(frozen=True, repr=False)
class WriteCapability(ChainCapability):
    """May do everything with a chain."""

    keys: ChainKeys
    kind: ClassVar[str] = "write"
    type_letter: ClassVar[str] = "w"

    @classmethod
    def new(cls, *, flags: int = 0) -> Self:
        """For a chain that does not exist yet, with a fresh secret."""
        return cls(ChainKeys(os.urandom(32), flags))

    @cached_property
    def chain_id(self) -> ChainId:  # type: ignore[override]
        """The id of the chain."""
        return self.keys.chain_id

    def to_read(self, key_epoch: int = 0) -> ReadCapability:
        """The right to read all entries up to key epoch `key_epoch`: the chain's newest, to share all of it."""
        return ReadCapability(self.chain_id, key_epoch, self.keys.read_key(key_epoch))

    def body(self) -> bytes:
        """`flags ‖ ws`."""
        return bytes((self.keys.flags,)) + self.keys.write_secret

    @classmethod
    def of_body(cls, body: bytes) -> Self:
        """See `body`."""
        if len(body) != 33:
            raise Invalid(_MALFORMED)
        return cls(ChainKeys(body[1:], body[0]))


@dataclass(frozen=True, repr=False)
class ReadCapability(ChainCapability):
    """May decrypt and verify a chain up to a key epoch."""

    chain_id: ChainId
    key_epoch: int
    read_key: bytes = field(repr=False)
    kind: ClassVar[str] = "read"
    type_letter: ClassVar[str] = "r"

    def body(self) -> bytes:
        """`chain_id ‖ u32 epoch ‖ rk[epoch]`."""
        return _READ.pack(self.chain_id, self.key_epoch, self.read_key)

    @classmethod
    def of_body(cls, body: bytes) -> Self:
        """See `body`."""
        if len(body) != _READ.size:
            raise Invalid(_MALFORMED)
        chain_id, key_epoch, read_key = _READ.unpack(body)
        return cls(ChainId(chain_id), key_epoch, read_key)


@dataclass(frozen=True, repr=False)
class VerifyCapability(ChainCapability):
    """May check a chain's signatures and links."""

    chain_id: ChainId
    kind: ClassVar[str] = "verify"
    type_letter: ClassVar[str] = "v"

    def body(self) -> bytes:
        """`chain_id`."""
        return self.chain_id

    @classmethod
    def of_body(cls, body: bytes) -> Self:
        """See `body`."""
        if len(body) != 32:
            raise Invalid(_MALFORMED)
        return cls(ChainId(body))


@dataclass(frozen=True, repr=False)
class BlockCapability(Capability):
    """May read one block, or by its manifest one object."""

    reference: Reference
    kind: ClassVar[str] = "block"
    type_letter: ClassVar[str] = "b"

    def body(self) -> bytes:
        """The reference."""
        return self.reference.encode()

    @classmethod
    def of_body(cls, body: bytes) -> Self:
        """See `body`."""
        if len(body) != REFERENCE_BYTES:
            raise Invalid(_MALFORMED)
        return cls(Reference.decode(body))


_KINDS: Final[dict[str, type[Capability]]] = {
    kind.type_letter: kind for kind in (WriteCapability, ReadCapability, VerifyCapability, BlockCapability)
}


def parse_capability(text: str) -> Capability:
    """The capability in its text form, of whatever kind.

    Raises:
        Invalid: anything but exactly what `str` of a capability gives. The message never repeats the text.
    """
    prefix, _, encoded = text.partition("_")
    kind = _KINDS.get(prefix.removeprefix(_PREFIX)) if prefix.startswith(_PREFIX) else None
    if kind is None or len(text) > _TEXT_CHARS_MAX:
        raise Invalid(_MALFORMED)
    try:
        raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Invalid(_MALFORMED) from None
    found = kind.of_body(raw[:-_CHECK_BYTES])
    if str(found) != text:
        raise Invalid("this capability has a typing error: copy the whole text again")
    return found


def diminish(capability: Capability, to: str) -> Capability:
    """The weaker capability of kind `to` ("read" or "verify").

    Raises:
        Forbidden: it would be stronger, or is none for a chain.
    """
    if to == capability.kind:
        return capability
    if to == ReadCapability.kind and isinstance(capability, WriteCapability):
        return capability.to_read()
    if to == VerifyCapability.kind and isinstance(capability, ChainCapability):
        return capability.to_verify()
    raise Forbidden(f"a {capability.kind} capability cannot become a {to} one: only write -> read -> verify")


def _encode(type_letter: str, body: bytes) -> str:
    check = sha256(domain("cap") + type_letter.encode() + body)[:_CHECK_BYTES]
    return f"{_PREFIX}{type_letter}_" + base64.urlsafe_b64encode(body + check).rstrip(b"=").decode()
