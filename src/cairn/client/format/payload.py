"""Payloads: what an entry holds inside its seal. See docs/format.md, 6."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, Self

from cairn.client.format.reference import REFERENCE_BYTES, Reference, decode_references, encode_references
from cairn.core.errors import Invalid, TooLarge

PAYLOAD_BYTES_MAX: Final = 63_484
REFERENCES_MAX: Final = 933
READ_KEY_BYTES: Final = 32
_VERSION: Final = 1
_HEADER: Final = struct.Struct(">BBH")
_APPLICATION_CODES: Final = range(16, 256)


class ContentType(IntEnum):
    """What the data is: a hint. Codes 16 to 255 are the application's."""

    BYTES = 0
    TEXT = 1
    JSON = 2
    CBOR = 3


@dataclass(frozen=True, slots=True)
class Payload:
    """Data of one content type, and references to the blocks that the entry adds."""

    data: bytes = b""
    content_type: int = ContentType.BYTES
    references: tuple[Reference, ...] = ()

    @classmethod
    def of_text(cls, text: str, references: tuple[Reference, ...] = ()) -> Self:
        """UTF-8 text.

        Raises:
            Invalid: it holds surrogates.
        """
        try:
            return cls(text.encode(), ContentType.TEXT, references)
        except UnicodeEncodeError:
            raise Invalid("the text holds half a surrogate pair: it is not valid Unicode") from None

    @classmethod
    def of_json(cls, value: Any, references: tuple[Reference, ...] = ()) -> Self:
        """A JSON value (RFC 8259), without spaces.

        Raises:
            Invalid: it has no JSON form.
        """
        try:
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
            return cls(text.encode(), ContentType.JSON, references)
        except (TypeError, ValueError, RecursionError):
            raise Invalid("the value has no JSON form") from None

    def encode(self) -> bytes:
        """`version ‖ content type code ‖ u16 count ‖ references ‖ data`.

        Raises:
            TooLarge: more than an entry holds. Invalid: a content type code that is refused.
        """
        _check_code(self.content_type)
        if len(self.references) > REFERENCES_MAX or self.size_bytes > PAYLOAD_BYTES_MAX:
            raise TooLarge("an entry's payload holds at most 63,484 bytes: put more into blocks, and refer to them")
        head = _HEADER.pack(_VERSION, self.content_type, len(self.references))
        return head + encode_references(self.references) + self.data

    @property
    def size_bytes(self) -> int:
        """The length of the encoded form."""
        return _HEADER.size + REFERENCE_BYTES * len(self.references) + len(self.data)

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """The payload in these bytes.

        Raises:
            Invalid: another version, a refused code, or references cut short.
        """
        if len(raw) < _HEADER.size:
            raise Invalid("the payload is malformed")
        version, code, count = _HEADER.unpack_from(raw)
        start = _HEADER.size + count * REFERENCE_BYTES
        if version != _VERSION or count > REFERENCES_MAX or len(raw) < start:
            raise Invalid("the payload is malformed")
        _check_code(code)
        return cls(raw[start:], code, decode_references(raw[_HEADER.size : start]))

    def text(self) -> str:
        """The data as UTF-8 text.

        Raises:
            Invalid: it is not.
        """
        try:
            return self.data.decode()
        except UnicodeDecodeError:
            raise Invalid("the entry's text is not UTF-8") from None

    def json(self) -> Any:
        """The data as a JSON value (RFC 8259): UTF-8 without a mark before it, and numbers that JSON has.

        Raises:
            Invalid: it is not.
        """
        try:
            return json.loads(self.data.decode(), parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise Invalid("the entry's JSON is malformed") from None

    def __repr__(self) -> str:
        return f"Payload({len(self.data)} bytes, {len(self.references)} references)"


def _check_code(code: int) -> None:
    if code not in _APPLICATION_CODES and code not in tuple(ContentType):
        raise Invalid("the payload's content type code is refused")


def _refuse_constant(name: str) -> None:
    """NaN and the infinities, which Python reads and JSON does not have."""
    raise ValueError(name)
