"""Cache routes: what the tiers hold, and other sizes for them. The cache itself is another layer's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from cairn.core.errors import Invalid, Unavailable
from cairn.interface.admission.access import Access, Viewer
from cairn.interface.http.answers import NO_STORE, json_answer
from cairn.interface.http.exchange import Request, Response
from cairn.wire.document import decode_document

_BODY_BYTES_MAX: Final = 4_096


class TierShown(msgspec.Struct, frozen=True):
    """What a tier may take, takes, and holds."""

    capacity_bytes: int
    bytes: int
    blocks: int


class CacheSizes(msgspec.Struct, forbid_unknown_fields=True):
    """What the body of POST /v1/cache asks for: sizes as the settings have them. Absent: as it is."""

    memory: str | int | None = None
    disk: str | int | None = None


class CacheControl(NamedTuple):
    """The cache, as far as an operator handles it. `resize` takes sizes by tier, and raises Invalid for one that is
    none, OSError when the disk's folder cannot be had."""

    show: Callable[[], Mapping[str, TierShown]]
    resize: Callable[[Mapping[str, str]], Awaitable[None]]


async def _resize_nothing(sizes: Mapping[str, str]) -> None:
    raise Invalid("this server has no cache")


NO_CACHE: Final = CacheControl(dict, _resize_nothing)


class CacheRoutes:
    """The handlers of /v1/cache."""

    def __init__(self, access: Access, control: CacheControl) -> None:
        self._access = access
        self._control = control

    async def get_cache(self, request: Request) -> Response:
        """GET /v1/cache."""
        self._access.check_viewer(request, Viewer.CONSOLE)
        return self._shown()

    async def post_cache(self, request: Request) -> Response:
        """POST /v1/cache."""
        self._access.check_admin(request)
        body = await request.body.read(_BODY_BYTES_MAX)
        wanted = decode_document(body, CacheSizes, 'the body is JSON such as {"memory": "1GiB", "disk": "20GiB"}')
        sizes = {tier: str(size) for tier, size in msgspec.structs.asdict(wanted).items() if size is not None}
        try:
            await self._control.resize(sizes)
        except OSError:
            raise Unavailable("the folder of the disk cache cannot be had: see the server's log") from None
        return self._shown()

    def _shown(self) -> Response:
        shown: dict[str, Any] = {tier: msgspec.structs.asdict(each) for tier, each in self._control.show().items()}
        return json_answer(200, shown, NO_STORE)
