"""The headers that every file of a site carries: strict by default, each replaceable by the site's configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from cairn.interface.http.exchange import Headers

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

DEFAULTS: Final = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

# These say what is in the answer; another value would be a lie.
_OURS: Final = frozenset(
    [
        "accept-ranges",
        "connection",
        "content-encoding",
        "content-length",
        "content-range",
        "content-type",
        "date",
        "etag",
        "location",
        "transfer-encoding",
        "vary",
    ]
)
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]{1,64}")
_VALUE: Final = re.compile(r"[\x20-\x7e]{0,8192}")


def headers_of_site(configured: Mapping[str, str]) -> Headers:
    """The defaults, with what the configuration replaces, adds, or (by an empty value) removes.

    Raises:
        ValueError: a name or value that no header can have, or a header that is not the site's to set.
    """
    headers = dict(DEFAULTS)
    for name, value in configured.items():
        headers[_checked_name(name)] = _checked_value(name, value)
    return [(name, value) for name, value in headers.items() if value]


def _checked_name(name: str) -> str:
    lower = name.lower()
    if not _NAME.fullmatch(lower):
        raise ValueError(f"site.headers: {name!r} is no name of a header")
    if lower in _OURS:
        raise ValueError(f"site.headers: {lower} is set by the server")
    return lower


def _checked_value(name: str, value: str) -> str:
    if not _VALUE.fullmatch(value):
        raise ValueError(f"site.headers: the value of {name} is not printable ASCII")
    return value.strip()
