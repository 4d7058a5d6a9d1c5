"""Which content encoding a request likes best (RFC 9110, 12.5.3). Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final

IDENTITY: Final = "identity"

_WEIGHT: Final = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?", re.ASCII)
_UNSAID: Final = 0.0005  # below any weight that can be said: it has three digits


def best_of(accept_encoding: str | None, sizes: dict[str, int]) -> str:
    """The most welcome of the encodings that are there, the smallest of equals.

    Plain bytes are the answer also where they are refused and nothing else is there: better that than none.

    Args:
        accept_encoding: the header, if there is one.
        sizes: bytes by encoding.
    """
    if not accept_encoding or len(sizes) == 1:
        return IDENTITY
    weights = _weights(accept_encoding)
    welcome = _welcome(weights, sizes)
    return max(welcome, key=lambda name: (welcome[name], -sizes[name]), default=IDENTITY)


def _welcome(weights: dict[str, float], encodings: Collection[str]) -> dict[str, float]:
    return {name: weight for name in encodings if (weight := _weight_of(name, weights)) > 0}


def _weight_of(encoding: str, weights: dict[str, float]) -> float:
    """Plain bytes need not be named: then they come last, unless "*" refuses them."""
    if encoding in weights:
        return weights[encoding]
    if encoding == IDENTITY:
        return min(weights.get("*", _UNSAID), _UNSAID)
    return weights.get("*", 0.0)


def _weights(accept_encoding: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weights["gzip" if name == "x-gzip" else name] = _weight(parameters)
    return weights


def _weight(parameters: Iterable[str]) -> float:
    """The weight in "q=0.5"; 1 if none is there, 0 if it is malformed."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return float(value) if _WEIGHT.fullmatch(value.strip()) else 0.0
    return 1.0
