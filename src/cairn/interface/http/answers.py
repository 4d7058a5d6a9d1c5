"""How answers look: JSON, problems, and the headers that all of them carry."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from cairn.core.errors import CairnError, Limited, Unavailable
from cairn.interface.http.exchange import Headers, Response
from cairn.wire.routes import BYTES, JSON, PROBLEM
from cairn.wire.status import problem

COMMON: Final[Headers] = [
    ("x-content-type-options", "nosniff"),
    ("access-control-allow-origin", "*"),
    ("access-control-expose-headers", "ETag, Cairn-Head, Cairn-Copies, Content-Range, Retry-After"),
    ("cross-origin-resource-policy", "cross-origin"),
]
NO_STORE: Final = ("cache-control", "no-store")

_RETRY_SECONDS: Final = 1


def bytes_answer(status: int, body: bytes, *headers: tuple[str, str]) -> Response:
    """An answer of bytes."""
    return Response(status, [*COMMON, ("content-type", BYTES), *headers], body)


def json_answer(status: int, document: Any, *headers: tuple[str, str]) -> Response:
    """An answer of JSON."""
    return Response(status, [*COMMON, ("content-type", JSON), *headers], msgspec.json.encode(document))


def empty_answer(status: int, *headers: tuple[str, str]) -> Response:
    """An answer without a body."""
    return Response(status, [*COMMON, *headers])


def problem_answer(error: CairnError, status: int | None = None) -> Response:
    """The answer to a request that failed (RFC 9457)."""
    document = problem(error)
    if status is not None:
        document["status"] = status
    headers = [*COMMON, ("content-type", PROBLEM), NO_STORE]
    if isinstance(error, Limited) and error.retry_seconds:
        headers.append(("retry-after", str(error.retry_seconds)))
    if isinstance(error, Unavailable):
        headers.append(("retry-after", str(_RETRY_SECONDS)))
    return Response(int(document["status"]), headers, msgspec.json.encode(document))


def other_problem(status: int, code: str, title: str, detail: str, *headers: tuple[str, str]) -> Response:
    """A problem of HTTP itself, which no error of ours stands for."""
    document = {
        "type": f"urn:cairn:problem:{code}", "title": title, "status": status, "code": code, "detail": detail,
    }  # fmt: skip
    return Response(status, [*COMMON, ("content-type", PROBLEM), NO_STORE, *headers], msgspec.json.encode(document))
