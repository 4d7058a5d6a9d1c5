"""Routes about the server itself: info, OpenAPI, grants, metrics, health."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from cairn import __version__
from cairn.config import Limits
from cairn.core.block import BLOCK_BYTES_MAX
from cairn.core.chain import BODY_BYTES_MAX
from cairn.core.clock import Clock
from cairn.core.errors import Invalid
from cairn.interface.admission.access import Access, Viewer
from cairn.interface.admission.grant import Grant
from cairn.interface.http.answers import COMMON, NO_STORE, json_answer
from cairn.interface.http.exchange import Request, Response
from cairn.interface.numbers.metrics import Metrics
from cairn.interface.routes.openapi import openapi_document
from cairn.wire.document import decode_document

Readiness = Callable[[], Mapping[str, str]]
"""Per layer "ok", or what is wrong."""

_GRANT_BODY_BYTES_MAX: Final = 4_096
_DAYS_DEFAULT: Final = 365
_BYTES_DEFAULT: Final = 1 << 30


class GrantWanted(msgspec.Struct, forbid_unknown_fields=True):
    """What the body of POST /v1/grants asks for. Zero: without limit."""

    bytes: int = _BYTES_DEFAULT
    days: int = _DAYS_DEFAULT
    appends_per_second: float = 0.0


class InfoRoutes:
    """The handlers that tell of the server."""

    def __init__(
        self, access: Access, limits: Limits, metrics: Metrics, clock: Clock, receipt_keys: list[bytes],
        readiness: Readiness, restored_ms: Callable[[], int],
    ) -> None:  # fmt: skip
        self._access = access
        self._limits = limits
        self._metrics = metrics
        self._clock = clock
        self._receipt_keys = receipt_keys
        self._readiness = readiness
        self._restored_ms = restored_ms
        self._openapi = msgspec.json.encode(openapi_document())

    async def get_info(self, request: Request) -> Response:
        """GET /v1/info."""
        document: dict[str, Any] = {
            "name": "cairn",
            "version": __version__,
            "format": 1,
            "receipt_key": self._receipt_keys[0].hex(),
            "receipt_keys": [key.hex() for key in self._receipt_keys],
            "admission": self._access.admission,
            "limits": self._limits_shown(),
            "time_ms": self._clock.now_ms(),
        }
        restored_ms = self._restored_ms()
        if restored_ms:
            document["restored_ms"] = restored_ms
        return json_answer(200, document, NO_STORE)

    async def get_openapi(self, request: Request) -> Response:
        """GET /v1/openapi.json."""
        return Response(200, [*COMMON, ("content-type", "application/json")], self._openapi)

    async def get_own_grant(self, request: Request) -> Response:
        """GET /v1/grants/self."""
        return json_answer(200, await self._grant_shown(self._access.grant_of(request)), NO_STORE)

    async def post_grants(self, request: Request) -> Response:
        """POST /v1/grants."""
        self._access.check_admin(request)
        body = await request.body.read(_GRANT_BODY_BYTES_MAX)
        says = 'the body is JSON such as {"bytes": 1073741824, "days": 365}'
        wanted = decode_document(body or b"{}", GrantWanted, says)
        if not 0 <= wanted.days <= 36_500:
            raise Invalid("days is a number from 0 (for ever) to 36,500")
        grant, token = self._access.issue(
            bytes_max=wanted.bytes, days=wanted.days, appends_per_second=wanted.appends_per_second
        )
        return json_answer(201, {**await self._grant_shown(grant), "token": token}, NO_STORE)

    async def get_metrics(self, request: Request) -> Response:
        """GET /metrics."""
        self._access.check_viewer(request, Viewer.METRICS)
        headers = [*COMMON, ("content-type", "text/plain; version=0.0.4; charset=utf-8"), NO_STORE]
        await self._metrics.refresh()
        return Response(200, headers, self._metrics.text())

    async def get_health(self, request: Request) -> Response:
        """GET /healthz."""
        return json_answer(200, {"status": "ok"}, NO_STORE)

    async def get_readiness(self, request: Request) -> Response:
        """GET /readyz."""
        layers = dict(self._readiness())
        is_ready = all(state == "ok" for state in layers.values())
        return json_answer(200 if is_ready else 503, {"ready": is_ready, "layers": layers}, NO_STORE)

    async def _grant_shown(self, grant: Grant) -> dict[str, Any]:
        used = await self._access.usage(grant)
        return {
            "id": grant.id.hex(),
            "bytes_max": grant.bytes_max,
            "appends_per_second": grant.appends_per_second,
            "expires": grant.expires,
            "used": {"block_bytes": used.block_bytes, "entry_bytes": used.entry_bytes},
        }

    def _limits_shown(self) -> dict[str, Any]:
        return {
            "block_bytes": BLOCK_BYTES_MAX,
            "entry_body_bytes": BODY_BYTES_MAX,
            "batch_items": self._limits.batch_items,
            "batch_bytes": self._limits.batch_bytes,
            "live_chains": self._limits.live_chains,
            "live_socket_chains": self._limits.live_socket_chains,
            "headers_bytes": self._limits.headers_bytes,
        }
