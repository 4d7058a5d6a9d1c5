"""JSON of others as values: whatever the bytes are, it is a value of the type asked for, or `Invalid`."""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec

from cairn.core.errors import Invalid

T = TypeVar("T")

_NO_DOCUMENT: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)


def decode_document(text: bytes | str, kind: type[T], says: str) -> T:
    """The value in a JSON document.

    Raises:
        Invalid: it is none of this type; it says so in the words of `says`.
    """
    try:
        return msgspec.json.decode(text, type=kind)
    except _NO_DOCUMENT:
        raise Invalid(says) from None


def decode_any(text: bytes | str, says: str) -> Any:
    """The same for a document of any type."""
    return decode_document(text, Any, says)
