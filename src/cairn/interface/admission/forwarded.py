"""Where a request comes from: behind reverse proxies, X-Forwarded-For is believed from those that the configuration
names; and what speaks against a request that looks local."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from cairn.interface.http.exchange import RequestHeaders

_HOPS_MAX: Final = 16
_ADDRESS_CHARS_MAX: Final = 64  # so that what is remembered is bounded: a host name is what the client says
_LEFT_BY_PROXIES: Final = ("x-forwarded-for", "forwarded", "x-real-ip", "via")


class TrustedProxies:
    """The addresses and networks whose forwarded headers count."""

    def __init__(self, trusted: tuple[str, ...]) -> None:
        self._networks = [ipaddress.ip_network(network, strict=False) for network in trusted]

    def client_of(self, peer: str, headers: RequestHeaders) -> str:
        """The nearest address on the way that is not a trusted proxy."""
        if not self._networks or not self.trusts(peer):
            return peer
        hops = [hop.strip() for value in headers.get_all("x-forwarded-for") for hop in value.split(",")]
        for hop in reversed(hops[-_HOPS_MAX:]):
            if not _is_address(hop):
                return peer
            peer = hop
            if not self.trusts(hop):
                return hop
        return peer

    def trusts(self, address: str) -> bool:
        """Whether this address is a proxy of ours."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        parsed = getattr(parsed, "ipv4_mapped", None) or parsed  # as "::" sees IPv4
        return any(parsed in network for network in self._networks)


def _is_address(text: str) -> bool:
    if len(text) > _ADDRESS_CHARS_MAX:
        return False  # the scope of an IPv6 address may be as long as one likes
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_local(client: str, headers: RequestHeaders) -> bool:
    """Whether a program on this machine asks, as far as can be told: no proxy has left a header behind."""
    return is_loopback(client) and not any(headers.get(name) for name in _LEFT_BY_PROXIES)


def is_of_foreign_page(headers: RequestHeaders) -> bool:
    """Whether a browser says that a page asks which is not of this machine."""
    origin = headers.get("origin")
    if origin is None:
        return False
    try:
        host = urlsplit(origin).hostname or ""
    except ValueError:
        return True
    return not is_of_this_machine(host)


def host_name(authority: str) -> str:
    """The host of an authority, lower case, without port."""
    if authority.startswith("["):
        return authority.partition("]")[0].lower() + "]"
    return authority.partition(":")[0].lower()


def is_of_this_machine(host: str) -> bool:
    """Whether a host's name leads here and nowhere else. Another name may be one that a stranger's DNS turned here."""
    return host == "localhost" or host.endswith(".localhost") or is_loopback(host.strip("[]"))


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own, also where IPv4 is written as IPv6."""
    return len(address) <= _ADDRESS_CHARS_MAX and _is_loopback(address)


@lru_cache(maxsize=4_096)
def _is_loopback(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback
