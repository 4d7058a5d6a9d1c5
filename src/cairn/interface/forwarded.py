"""Who the client is behind reverse proxies: X-Forwarded-For is believed from those that the configuration names."""

from __future__ import annotations

import ipaddress
from typing import Final

from cairn.interface.http import RequestHeaders

_HOPS_MAX: Final = 16


class TrustedProxies:
    """The addresses and networks whose forwarded headers count."""

    def __init__(self, trusted: tuple[str, ...]) -> None:
        self._networks = [ipaddress.ip_network(network, strict=False) for network in trusted]

    def client_of(self, peer: str, headers: RequestHeaders) -> str:
        """The nearest address on the way that is not a trusted proxy."""
        if not self._networks or not self._is_trusted(peer):
            return peer
        hops = [hop.strip() for value in headers.get_all("x-forwarded-for") for hop in value.split(",")]
        for hop in reversed(hops[-_HOPS_MAX:]):
            if not _is_address(hop):
                return peer
            peer = hop
            if not self._is_trusted(hop):
                return hop
        return peer

    def _is_trusted(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
