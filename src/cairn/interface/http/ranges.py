"""Range and If-None-Match (RFC 9110, 13 and 14): one range of bytes, or all."""

from __future__ import annotations

import re
from typing import Final

_RANGE: Final = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII | re.IGNORECASE)


class Unsatisfiable(Exception):
    """The range lies behind the end: 416."""


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """The bytes start <= i < stop that a Range header asks for; None: all of them.

    Several ranges, other units and malformed headers are ignored, as the standard allows.

    Raises:
        Unsatisfiable: the range has no byte of the representation.
    """
    match = _RANGE.fullmatch(header) if header else None
    if match is None or match.group(0).strip() == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1 if last else size)
        if last and int(last) < int(first):
            return None
    if start >= size or start >= stop:
        raise Unsatisfiable
    return start, stop


def etag_matches(header: str | None, etag: str) -> bool:
    """Whether an If-None-Match header names this ETag (quotes included), or any."""
    if header is None:
        return False
    if header.strip() == "*":
        return True
    return any(candidate.strip().removeprefix("W/") == etag for candidate in header.split(","))
