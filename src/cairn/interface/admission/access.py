"""Who may write, who pays for it, and who may look at what the server tells of itself.

Reading needs no account, for an id of 256 bits is the permission. Writing needs a grant, or, where admission is open,
gets a small free one by address. Quotas are checked against the ledger at most every `_USAGE_SECONDS` plus what was
admitted since, so one interface overruns them by what is in flight at most.
"""

from __future__ import annotations

import asyncio
import hmac
from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

from cairn.config import Limits
from cairn.core.block import GrantId
from cairn.core.clock import Clock
from cairn.core.errors import Forbidden, Limited
from cairn.core.store import Ledger, Usage
from cairn.interface.admission.forwarded import is_local, is_of_foreign_page, is_of_this_machine
from cairn.interface.admission.grant import TOKEN_CHARS_MAX, Grant, read_grant
from cairn.interface.admission.rates import Rate, address_group
from cairn.interface.admission.secret import NodeSecret
from cairn.interface.http.exchange import Request

_USAGE_SECONDS: Final = 10.0
_ACCOUNTS_MAX: Final = 65_536
_BEARER: Final = "bearer "


class Viewer(Enum):
    """What somebody may look at from afar, who has the token of that name or the admin's."""

    CONSOLE = "console"
    METRICS = "metrics"


@dataclass(slots=True)
class _Account:
    usage: Usage
    since: float
    admitted: int = 0


class Access:
    """Decides what a request may do, and counts what its grant pays for.

    `is_free` is the developer's own machine: open admission without quota or rate. `processes` serve together: each has
    its share of a grant's rate.
    """

    def __init__(
        self, secret: NodeSecret, ledger: Ledger, limits: Limits, clock: Clock, *, admission: str, is_free: bool,
        processes: int = 1,
    ) -> None:  # fmt: skip
        self.admission = admission
        self.is_free = is_free
        self._processes = processes
        self._ledger = ledger
        self._limits = limits
        self._clock = clock
        self._grant_keys = secret.keys("grant")
        self._admin_token = secret.admin_token
        self._view_tokens = {viewer: [*secret.tokens(viewer.value), self._admin_token] for viewer in Viewer}
        self._accounts: OrderedDict[GrantId, _Account] = OrderedDict()
        self._asking: dict[GrantId, asyncio.Task[_Account]] = {}
        self._free_grants = lru_cache(maxsize=4_096)(self._free_grant)
        self._appends = Rate(0, clock, "this grant appends too fast")

    def grant_of(self, request: Request) -> Grant:
        """The grant that pays for a write.

        Raises:
            Forbidden: there is none where one is needed, or it is not ours, or has expired.
        """
        token = _bearer(request)
        if token is not None:
            return read_grant(token, self._grant_keys, self._clock.now_ms() // 1000)
        if self.admission == "open":
            if self.is_free:
                _check_local(request)
            return self._free_grants(address_group(request.client))
        raise Forbidden("writing here needs a grant: ask the operator, and send it as `Authorization: Bearer crn1g_…`")

    def check_admin(self, request: Request) -> None:
        """Raises Forbidden unless the admin token is presented."""
        token = _bearer(request) or ""
        if not hmac.compare_digest(token.encode(), self._admin_token.encode()):
            raise Forbidden("this needs the admin token: `cairn grant --admin-token` shows it on the server")

    def check_viewer(self, request: Request, viewer: Viewer) -> None:
        """Let look who asks from this machine, or presents the token.

        Raises:
            Forbidden: neither.
        """
        is_near = is_local(request.client, request.headers) and is_of_this_machine(request.host)
        if is_near and not is_of_foreign_page(request.headers):
            return
        token = (_bearer(request) or "").encode()
        if not any(hmac.compare_digest(token, known.encode()) for known in self._view_tokens[viewer]):
            name = viewer.value
            raise Forbidden(f"this needs the {name} token: `cairn grant --{name}-token` shows it on the server")

    def issue(self, *, bytes_max: int, days: int, appends_per_second: float) -> tuple[Grant, str]:
        """A new grant and its token. `days` 0: for ever. Raises Invalid."""
        expires = self._clock.now_ms() // 1000 + days * 86_400 if days else 0
        grant = Grant.issue(bytes_max=bytes_max, appends_per_second=appends_per_second, expires=expires)
        return grant, grant.token(self._grant_keys)

    async def usage(self, grant: Grant) -> Usage:
        """What a grant pays for, from the ledger."""
        return await self._ledger.usage(grant.id)

    async def check_quota(self, grant: Grant, size: int) -> None:
        """Count `size` bytes that are about to be written.

        Raises:
            Limited: the grant's bytes would not suffice.
        """
        if not grant.bytes_max:
            return
        account = await self._account(grant.id)
        if account.usage.bytes + account.admitted + size > grant.bytes_max:
            raise Limited("the grant's bytes are used up: remove blocks, close chains, or ask for a larger grant")
        account.admitted += size

    def check_appends(self, grant: Grant, count: int) -> None:
        """Count entries that are about to be appended. Raises Limited."""
        self._appends.take(grant.id.hex(), count, grant.appends_per_second / self._processes)

    async def _account(self, grant_id: GrantId) -> _Account:
        account = self._accounts.get(grant_id)
        if account is not None and self._clock.monotonic() - account.since <= _USAGE_SECONDS:
            return account
        asking = self._asking.get(grant_id)
        if asking is None:
            asking = self._asking[grant_id] = asyncio.create_task(self._ask_account(grant_id))
            asking.add_done_callback(lambda _: self._asking.pop(grant_id))
        return await asyncio.shield(asking)

    async def _ask_account(self, grant_id: GrantId) -> _Account:
        """Ask the ledger. Whoever needs it meanwhile waits for this answer, so that all count in one account."""
        now = self._clock.monotonic()
        account = self._accounts[grant_id] = _Account(await self._ledger.usage(grant_id), now)
        if len(self._accounts) > _ACCOUNTS_MAX:
            self._accounts.popitem(last=False)
        return account

    def _free_grant(self, group: str) -> Grant:
        """The grant that an address has by itself."""
        grant_id = GrantId(hmac.digest(self._grant_keys[0], group.encode(), "sha256")[:16])
        if self.is_free:
            return Grant(grant_id, 0, 0, 0)
        return Grant(grant_id, self._limits.free_grant_bytes, self._limits.free_grant_appends_per_second, 0)


def _check_local(request: Request) -> None:
    """Where a developer's own programs write without a grant, keep those of others out.

    Raises:
        Forbidden: it came through a proxy, so from anywhere; or from a page of another site, in a browser here.
    """
    if not is_local(request.client, request.headers):
        raise Forbidden("this came through a proxy: its operator sets interface.trusted_proxies or .admission")
    if is_of_foreign_page(request.headers):
        raise Forbidden("a page of another site writes here only with a grant")


def _bearer(request: Request) -> str | None:
    """The token presented; None if there is none.

    Raises:
        Forbidden: the header is something else.
    """
    header = request.headers.get("authorization")
    if header is None:
        return None
    if not header.lower().startswith(_BEARER) or len(header) > TOKEN_CHARS_MAX or not header.isascii():
        raise Forbidden("the Authorization header is not `Bearer` and a token")
    return header[len(_BEARER) :].strip()
