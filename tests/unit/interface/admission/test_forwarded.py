"""Whose forwarded headers are believed, and what counts as this machine."""

from __future__ import annotations

import pytest

from cairn.interface.admission.forwarded import TrustedProxies, _is_loopback, is_loopback, is_of_this_machine
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


def test_an_address_that_is_too_long_is_none() -> None:
    """IPv6 lets the name of an interface follow, of any length: what is kept by address would be as long."""
    proxies, long = TrustedProxies(("192.0.2.1",)), "2001:db8::1%" + "x" * 60_000
    assert proxies.client_of("192.0.2.1", GivenHeaders({"x-forwarded-for": long})) == "192.0.2.1"
    assert proxies.client_of("192.0.2.1", GivenHeaders({"x-forwarded-for": "2001:db8::1%eth0"})) == "2001:db8::1%eth0"


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "::1%lo"])
def test_addresses_of_this_machine(address: str) -> None:
    assert is_loopback(address)
    assert is_of_this_machine(address)


@pytest.mark.parametrize("address", ["192.0.2.1", "::2", "", "nonsense", "127.0.0.1.example.org"])
def test_addresses_of_others(address: str) -> None:
    assert not is_loopback(address)
    assert not is_of_this_machine(address)


def test_host_names_without_end_are_not_remembered() -> None:
    before = _is_loopback.cache_info()
    for number in range(100):
        assert not is_of_this_machine(f"{number}" + "x" * 60_000)
        assert not is_loopback(f"::1%{number}" + "x" * 60_000)
    assert _is_loopback.cache_info() == before
