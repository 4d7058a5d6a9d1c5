"""Rates per client address, in bounded memory: token buckets, of which the least used are forgotten."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from functools import lru_cache
from typing import Final

from cairn.core.clock import Clock
from cairn.core.errors import Limited

ADDRESSES_MAX: Final = 65_536
_BURST_SECONDS: Final = 2.0


@lru_cache(maxsize=4_096)
def address_group(address: str) -> str:
    """Who counts as one client: an IPv4 address, or the /64 that one IPv6 host usually has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)


class Rate:
    """A token bucket per key. `per_second` 0: no limit."""

    def __init__(self, per_second: float, clock: Clock, what: str, burst: float | None = None) -> None:
        self._per_second = per_second
        self._burst = max(1.0, per_second * _BURST_SECONDS if burst is None else burst)
        self._clock = clock
        self._what = what
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, when

    def take(self, key: str, tokens: float = 1.0, per_second: float | None = None) -> None:
        """Use tokens; `per_second` overrides the rate, for keys that have their own.

        Raises:
            Limited: there are not enough; it says when there will be.
        """
        rate = self._per_second if per_second is None else per_second
        if not rate:
            return
        burst = self._burst if per_second is None else max(tokens, rate * _BURST_SECONDS, 1.0)
        now = self._clock.monotonic()
        left, since = self._buckets.pop(key, (burst, now))
        left = min(burst, left + (now - since) * rate)
        is_enough = left >= tokens
        self._buckets[key] = (left - tokens if is_enough else left, now)
        if len(self._buckets) > ADDRESSES_MAX:
            self._buckets.popitem(last=False)
        if not is_enough:
            wait = max(1, round((tokens - left) / rate + 0.5))
            raise Limited(f"{self._what}: try again in {wait} s", wait)

    def is_spent(self, key: str) -> bool:
        """Whether no whole token is left; takes none."""
        if not self._per_second or key not in self._buckets:
            return False
        left, since = self._buckets[key]
        return left + (self._clock.monotonic() - since) * self._per_second < 1.0


class Places:
    """How many of something a client may have at once. `each` 0: no limit."""

    def __init__(self, each: int, what: str) -> None:
        self._each = each
        self._what = what
        self._taken: dict[str, int] = {}

    def is_full(self, key: str) -> bool:
        """Whether `enter` would refuse."""
        return self._each > 0 and self._taken.get(key, 0) >= self._each

    def enter(self, key: str) -> None:
        """Take a place; `leave` gives it back.

        Raises:
            Limited: the client has all of its places.
        """
        if self.is_full(key):
            raise Limited(f"{self._what}: wait for one to end", 1)
        self._taken[key] = self._taken.get(key, 0) + 1

    def leave(self, key: str) -> None:
        """Give a place back."""
        left = self._taken[key] - 1
        if left:
            self._taken[key] = left
        else:
            del self._taken[key]
