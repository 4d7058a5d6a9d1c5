"""What a request's conditions ask for: entity tags, one range, encodings. Pure. See RFC 9110, 12 to 14."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_TAG: Final = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_RANGE: Final = re.compile(r"bytes[ \t]*=[ \t]*(\d{0,18})[ \t]*-[ \t]*(\d{0,18})[ \t]*", re.IGNORECASE)
_WEIGHT: Final = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")
_UNSAID: Final = 0.0005  # below any weight that can be said (three digits)


class Unsatisfiable(Exception):
    """The range begins beyond the end: 416."""


def is_unchanged(if_none_match: str | None, etag: str) -> bool:
    """The asker has this representation already: 304. Tags compare weakly (RFC 9110, 13.1.2)."""
    if if_none_match is None:
        return False
    if if_none_match.strip() == "*":
        return True
    return any(match[2] == etag for match in _TAG.finditer(if_none_match))


def range_of(text: str | None, if_range: str | None, etag: str, size: int) -> tuple[int, int] | None:
    """The bytes [start, stop) asked for; None for all of them.

    A range that is malformed, of another unit, or one of several is ignored, as RFC 9110, 14.2 allows; so is any range
    of another representation than the present one.

    Raises:
        Unsatisfiable: it begins beyond the end.
    """
    match = _RANGE.fullmatch(text) if text is not None else None
    if match is None or (if_range is not None and if_range.strip() != etag):
        return None
    first, last = match[1], match[2]
    if not first:
        return _suffix(last, size)
    start, stop = int(first), min(int(last) + 1 if last else size, size)
    if last and int(last) < int(first):
        return None
    if start >= size:
        raise Unsatisfiable
    return start, stop


def _suffix(length: str, size: int) -> tuple[int, int] | None:
    if not length:
        return None
    if int(length) == 0 or size == 0:
        raise Unsatisfiable
    return max(0, size - int(length)), size


def weights_of(accept_encoding: str | None) -> dict[str, float]:
    """Each encoding that an `Accept-Encoding` names, with its weight; a weight that is malformed counts as 0."""
    weights: dict[str, float] = {}
    for part in (accept_encoding or "").split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if name:
            weights["gzip" if name == "x-gzip" else name] = _weight(parameters)
    return weights


def _weight(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return float(value) if _WEIGHT.fullmatch(value.strip()) else 0.0
    return 1.0


def weight_of(encoding: str, weights: dict[str, float]) -> float:
    """How welcome an encoding is; 0: not at all. Plain bytes, unless refused, are less so than what is named."""
    if encoding in weights:
        return weights[encoding]
    if encoding == "identity":
        return min(weights.get("*", _UNSAID), _UNSAID)
    return weights.get("*", 0.0)
