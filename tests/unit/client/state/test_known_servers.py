"""Servers' receipt keys, remembered by address."""

import asyncio
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from cairn.client.state.known_servers import KnownServers, ReceiptKeys, ServerChanged, receipt_keys_of
from cairn.core.errors import Invalid

OLD, NEW, NEWER, STRANGE = (bytes([number]) * 32 for number in range(1, 5))
HERE, ELSEWHERE, THIRD = (f"https://{name}.example" for name in ("here", "elsewhere", "third"))


def says(current: bytes, *former: bytes) -> ReceiptKeys:
    return ReceiptKeys(current, frozenset((current, *former)))


@pytest.fixture
def known(tmp_path: Path) -> KnownServers:
    return KnownServers(tmp_path)


async def test_servers_that_are_met_at_once_are_all_remembered(tmp_path: Path) -> None:
    urls = {f"http://server{number}.example": says(bytes([number]) * 32) for number in range(40)}
    await asyncio.gather(*(asyncio.to_thread(KnownServers(tmp_path).check, url, urls[url]) for url in urls))
    for url in urls:
        with pytest.raises(ServerChanged):
            KnownServers(tmp_path).check(url, says(bytes(32)[:31] + b"x"))
    (tmp_path / "servers.json").write_text('{"http://server1.example": [5]}')
    with pytest.raises(Invalid):
        KnownServers(tmp_path).check("http://server1.example", says(bytes(32)))


def test_a_rotation_as_operators_do_it_is_told_once(known: KnownServers) -> None:
    assert known.check(HERE, says(OLD)) is None
    assert known.check(HERE, says(OLD, NEW)) is None
    assert known.check(HERE, says(NEW, OLD)) == OLD
    assert known.check(HERE, says(NEW, OLD)) is None
    assert known.check(HERE, says(NEW)) is None
    assert known.check(HERE, says(NEWER, NEW)) == NEW


def test_a_key_that_was_only_named_proves_nothing(known: KnownServers) -> None:
    known.check(HERE, says(NEW, OLD, STRANGE))
    for stranger in (says(OLD), says(STRANGE), says(OLD, STRANGE)):
        with pytest.raises(ServerChanged):
            known.check(HERE, stranger)
    assert known.check(HERE, says(NEW)) is None


def test_a_key_that_was_given_up_does_not_come_back(known: KnownServers) -> None:
    known.check(HERE, says(OLD))
    known.check(HERE, says(NEW, OLD))
    with pytest.raises(ServerChanged):
        known.check(HERE, says(OLD))


def test_nodes_of_one_address_that_rotate_one_after_the_other(known: KnownServers) -> None:
    known.check(HERE, says(OLD))
    assert known.check(HERE, says(NEW, OLD)) == OLD
    assert known.check(HERE, says(OLD, NEW)) == NEW
    assert known.check(HERE, says(NEW, OLD)) == OLD


def test_a_known_server_does_not_pass_as_another_by_naming_its_key(known: KnownServers) -> None:
    known.check(HERE, says(OLD))
    known.check(ELSEWHERE, says(STRANGE))
    with pytest.raises(ServerChanged, match="another address"):
        known.check(HERE, says(STRANGE, OLD))
    assert known.check(ELSEWHERE, says(STRANGE, OLD)) is None
    with pytest.raises(ServerChanged, match="another address"):
        known.check(HERE, says(STRANGE, OLD))
    with pytest.raises(ServerChanged):
        known.check(ELSEWHERE, says(OLD))


def test_a_server_with_several_addresses_rotates_at_all_of_them(known: KnownServers) -> None:
    for url in (HERE, ELSEWHERE, THIRD):
        known.check(url, says(OLD))
    for url in (HERE, ELSEWHERE, THIRD):
        assert known.check(url, says(NEW, OLD)) == OLD


def test_the_history_of_an_address_is_bounded(known: KnownServers, tmp_path: Path) -> None:
    keys = [number.to_bytes(32, "big") for number in range(40)]
    known.check(HERE, says(keys[0]))
    for before, now in itertools.pairwise(keys):
        assert known.check(HERE, says(now, before)) == before
    (kept,) = json.loads((tmp_path / "servers.json").read_text()).values()
    assert kept == [key.hex() for key in reversed(keys)][:16]


def test_nothing_is_remembered_of_this_machine(known: KnownServers) -> None:
    for url in ("http://127.0.0.1:8420", "http://[::1]:8420", "http://localhost"):
        assert known.check(url, says(OLD)) is None
        assert known.check(url, says(STRANGE)) is None


INFO = {"name": "cairn", "format": 1, "receipt_key": OLD.hex()}


def test_what_a_server_says_of_its_keys() -> None:
    assert receipt_keys_of(INFO) == says(OLD)
    assert receipt_keys_of({**INFO, "receipt_keys": [NEW.hex(), OLD.hex()]}) == says(OLD, NEW)
    many = [number.to_bytes(32, "big").hex() for number in range(10_000)]
    assert len(receipt_keys_of({**INFO, "receipt_keys": many}).named) == 64


@pytest.mark.parametrize(
    "info",
    [{}, [], None, {**INFO, "format": 2}, {**INFO, "receipt_key": 5}, {**INFO, "receipt_key": "00"},
     {**INFO, "receipt_key": "x" * 64}, {**INFO, "receipt_keys": 5}, {**INFO, "receipt_keys": ["00"]}],
)  # fmt: skip
def test_what_is_no_answer_of_a_server(info: Any) -> None:
    with pytest.raises(Invalid):
        receipt_keys_of(info)
