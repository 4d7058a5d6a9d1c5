"""Whose forwarded headers are believed."""

from __future__ import annotations

import pytest

from cairn.interface.admission.forwarded import TrustedProxies
from tests.asking import GivenHeaders


@pytest.mark.parametrize("peer", ["192.0.2.1", "::ffff:192.0.2.1"])  # the second where "::" is listened on
def test_a_proxy_by_whichever_listener(peer: str) -> None:
    proxies = TrustedProxies(("192.0.2.0/24", "2001:db8::1"))
    assert proxies.trusts(peer)
    assert proxies.client_of(peer, GivenHeaders({"x-forwarded-for": "198.51.100.7"})) == "198.51.100.7"


@pytest.mark.parametrize("peer", ["198.51.100.7", "::ffff:198.51.100.7", "2001:db8::2", "", "nonsense"])
def test_others_are_not_believed(peer: str) -> None:
    proxies = TrustedProxies(("192.0.2.0/24", "2001:db8::1"))
    assert not proxies.trusts(peer)
    assert proxies.client_of(peer, GivenHeaders({"x-forwarded-for": "203.0.113.9"})) == peer
