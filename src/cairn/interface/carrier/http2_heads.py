"""Heads of requests in HTTP/2 (RFC 9113, 8.3): from the fields that h2 decoded to the `Head` that HTTP/1.1 has, too.

Pure. h2 has refused before what is malformed at first sight: fields of a connection, names in upper case, line breaks,
pseudo-fields that are missing, double, or not in front, a length that is no number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from cairn.interface.carrier.heads import FIELDS_MAX, Fields, Head, Refused, content_length, split_target

_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VISIBLE: Final = re.compile(rb"[!-~]*")
_VALUE: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_FIELD_OVERHEAD: Final = 32  # RFC 9113, 6.5.2


def read_head(fields: Iterable[tuple[bytes, bytes]], bytes_max: int) -> tuple[Head, int | None]:
    """The head, and what it says of the body's length: None, if nothing. Raises Refused."""
    pseudo, others, size = {}, [], 0
    for name, value in fields:
        size += len(name) + len(value) + _FIELD_OVERHEAD
        if name.startswith(b":"):
            pseudo[name] = value
        elif _TOKEN.fullmatch(name) and _VALUE.fullmatch(value):
            others.append((name.decode(), value.decode("latin-1")))
        else:
            raise Refused(400, "there is a header that is none")
    if size > bytes_max:
        raise Refused(431, f"a request's headers hold at most {bytes_max} bytes, and {_FIELD_OVERHEAD} count for each")
    if len(others) > FIELDS_MAX:
        raise Refused(431, f"a request has at most {FIELDS_MAX} headers")
    return _head(pseudo, Fields(others, size))


def _head(pseudo: dict[bytes, bytes], fields: Fields) -> tuple[Head, int | None]:
    method = pseudo.get(b":method", b"")
    target, authority = pseudo.get(b":path", b""), pseudo.get(b":authority", b"")
    if method == b"CONNECT":
        raise Refused(411, "a request's body has a Content-Length here: chunks and tunnels are refused")
    if not _TOKEN.fullmatch(method) or not _VISIBLE.fullmatch(target) or not _VISIBLE.fullmatch(authority):
        raise Refused(400, "a request's method, path and authority have no such characters")
    if not target.startswith(b"/") and (method, target) != (b"OPTIONS", b"*"):
        raise Refused(400, "a request's path begins with /")
    path, query, _ = split_target(method.decode(), target.decode())
    length = content_length(fields)
    host = authority.decode() or fields.get("host") or ""
    head = Head(method.decode(), path, query, host, fields, length, stays=True, is_old=False)
    return head, length if "content-length" in fields else None
