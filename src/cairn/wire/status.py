"""Errors and their HTTP status: the only table, read in both directions. See RFC 9457 for the documents."""

from __future__ import annotations

from typing import Any, Final

from cairn.core.chain import Head
from cairn.core.errors import (
    CairnError,
    Closed,
    Conflict,
    Corrupt,
    Forbidden,
    Full,
    Invalid,
    Limited,
    NotFound,
    TooLarge,
    Unavailable,
    Unknown,
)  # fmt: skip
from cairn.wire.messages import head_from_json, head_to_json

STATUS_OF: Final[dict[type[CairnError], tuple[int, str]]] = {
    Invalid: (400, "Invalid"),
    Forbidden: (403, "Forbidden"),
    NotFound: (404, "Not found"),
    Conflict: (409, "Conflict"),
    Closed: (410, "Closed"),
    TooLarge: (413, "Too large"),
    Limited: (429, "Limited"),
    Corrupt: (500, "Corrupt"),
    Unavailable: (503, "Unavailable"),
    Unknown: (504, "Unknown outcome"),
    Full: (507, "Full"),
}

_CLASS_OF_CODE: Final = {error.code: error for error in STATUS_OF}


def problem(error: CairnError) -> dict[str, Any]:
    """The problem document of an error."""
    status, title = STATUS_OF.get(type(error), (500, "Failed"))
    document: dict[str, Any] = {
        "type": f"urn:cairn:problem:{error.code}",
        "title": title,
        "status": status,
        "code": error.code,
        "detail": str(error),
    }
    if isinstance(error, Conflict):
        document["head"] = head_to_json(error.head)
    return document


def error_of(status: int, document: dict[str, Any], retry_seconds: int | None = None) -> CairnError:
    """The error that an answer means; what is not ours (a proxy's page, say) is `Unavailable`."""
    detail = str(document.get("detail", f"the server answered {status}"))
    kind = _CLASS_OF_CODE.get(str(document.get("code", "")))
    if kind is Conflict:
        return Conflict(detail, _head_of(document))
    if kind is Limited:
        return Limited(detail, retry_seconds)
    return kind(detail) if kind else Unavailable(detail)


def _head_of(document: dict[str, Any]) -> Head:
    return head_from_json(document.get("head"))
