"""The least that a Granian application can do: answer from memory; take a body, hash it and forget it."""

from __future__ import annotations

import hashlib
from typing import Any

from benchmarks.contenders.base import GET_SIZES, body_of

_BODIES = {f"/{size}": body_of(size) for size in GET_SIZES}
_HEADERS = [("content-type", "application/octet-stream")]


async def app(scope: Any, protocol: Any) -> None:
    if scope.method == "GET":
        protocol.response_bytes(200, _HEADERS, _BODIES.get(scope.path, b""))
        return
    hashlib.sha256(await protocol()).digest()
    protocol.response_empty(201, [])
