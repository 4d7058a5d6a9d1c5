"""Who pays, and who may: replayed pins are counted once, and no grant but a good one opens the door to writing."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import time

import pytest

from cairn.interface.admission.grant import Grant
from cairn.interface.admission.secret import NodeSecret
from cairn.testing.chains import Writer, random_block
from cairn.wire.messages import PutItem, decode_put_answer, encode_put
from tests.command import Cairn
from tests.harness import counts_alone, serving
from tests.integration.http.api import FREE_OF_RATES, Holder, has, head, mint, stored


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    interface = {"admission": "grant", "limits": FREE_OF_RATES}
    with serving(tmp_path_factory.mktemp("grants"), interface=interface) as server:
        yield server
        server.assert_healthy()


@pytest.fixture
def holder(server):
    return Holder(server, mint(server))


def _hash(pin):
    return hashlib.sha256(pin).digest()


def _refused(answer, status, code):
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json"), answer
    assert (answer.json["status"], answer.code) == (status, code)


# --- pins ------------------------------------------------------------------------------------------------------------


def test_a_pin_set_twice_is_paid_once(server, holder):
    block, pin = random_block(os.urandom(8).hex(), 1_000), os.urandom(32)
    assert holder.put(block, _hash(pin)).status == 201
    paid, kept = holder.used(), stored(server)
    assert paid["block_bytes"] >= 1_000
    for _ in range(3):
        assert holder.put(block, _hash(pin)).status == 200
    assert (holder.used(), stored(server)) == (paid, kept)


def test_a_pin_that_stands_is_not_paid_by_who_sets_it_again(server, holder):
    block, pin = random_block(os.urandom(8).hex(), 1_000), os.urandom(32)
    other = Holder(server, mint(server))
    assert holder.put(block, _hash(pin)).status == 201
    assert other.put(block, _hash(pin)).status == 200
    assert other.used()["block_bytes"] == 0
    assert holder.used()["block_bytes"] >= 1_000


def test_unpinning_twice_gives_back_once(server, holder):
    block, first, second = random_block(os.urandom(8).hex(), 1_000), os.urandom(32), os.urandom(32)
    assert holder.put(block, _hash(first)).status == 201
    one_paid = holder.used()
    assert holder.put(block, _hash(second)).status == 200
    assert holder.used()["block_bytes"] == 2 * one_paid["block_bytes"]
    for _ in range(3):
        assert holder.unpin(block, first).status == 204
        assert (holder.used(), has(server, block)) == (one_paid, [True])
    for _ in range(3):
        assert holder.unpin(block, second).status == 204
        assert (holder.used()["block_bytes"], has(server, block)) == (0, [False])


def test_no_pin_but_ones_own_removes(server, holder):
    """Not another block's pin, not the hash that travels at upload, not a guess."""
    block, pin = random_block(os.urandom(8).hex()), os.urandom(32)
    other_block, other_pin = random_block(os.urandom(8).hex()), os.urandom(32)
    assert holder.put(block, _hash(pin)).status == 201
    assert holder.put(other_block, _hash(other_pin)).status == 201
    before = holder.used(), stored(server)
    for shown in (other_pin, _hash(pin), _hash(_hash(pin)), bytes(32), os.urandom(32)):
        assert holder.unpin(block, shown).status == 204  # nothing tells whether such a pin stood
        assert has(server, block, other_block) == [True, True]
    assert (holder.used(), stored(server)) == before


def test_a_pin_that_went_can_be_set_again_and_a_replayed_delete_takes_it(server, holder):
    """Whoever knows the pin may: it is its own secret, and the ledger follows."""
    block, pin = random_block(os.urandom(8).hex(), 1_000), os.urandom(32)
    for _ in range(2):
        assert holder.put(block, _hash(pin)).status == 201
        assert holder.used()["block_bytes"] >= 1_000
        assert holder.unpin(block, pin).status == 204
        assert (has(server, block), holder.used()["block_bytes"]) == ([False], 0)


def test_one_pin_twice_in_a_batch_is_paid_once(server, holder):
    block, pin = random_block(os.urandom(8).hex(), 1_000), os.urandom(32)
    item = PutItem(_hash(pin), block.data)
    answer = server.ask("POST", "/v1/blocks/put", encode_put([item] * 3), holder.headers)
    assert sorted(status for _, status in decode_put_answer(answer.body)) == [0, 1, 1]
    paid = holder.used()
    assert holder.put(block, _hash(pin)).status == 200
    assert holder.used() == paid
    assert holder.unpin(block, pin).status == 204
    assert (has(server, block), holder.used()["block_bytes"]) == ([False], 0)


# --- grants that are none --------------------------------------------------------------------------------------------


def _raw(token):
    return bytearray(base64.urlsafe_b64decode(token.removeprefix("crn1g_") + "=="))


def _token(raw):
    return "crn1g_" + base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("=")


def _flipped(token, at):
    raw = _raw(token)
    raw[at] ^= 1
    return _token(raw)


def _expired(server):
    return mint(server, expires=int(time.time()) - 1)


def _of_another_secret(_):
    grant = Grant.issue(bytes_max=0, appends_per_second=0, expires=0)
    return grant.token(NodeSecret([os.urandom(32)]).keys("grant"))


def _by_another_purpose(server):
    grant = Grant.issue(bytes_max=0, appends_per_second=0, expires=0)
    return grant.token(NodeSecret.load(server.data / "secret").keys("receipt"))


def _longer_life(server):
    """An expired grant whose expiry was set to never."""
    raw = _raw(_expired(server))
    raw[28:36] = bytes(8)
    return _token(raw)


_NO_GRANTS = {
    "none": None,
    "empty": lambda _: "Bearer ",
    "other scheme": lambda server: f"Basic {mint(server)}",
    "no scheme": mint,
    "two tokens": lambda server: f"Bearer {mint(server)} {mint(server)}",
    "prefix gone": lambda server: f"Bearer {mint(server).removeprefix('crn1g_')}",
    "prefix twice": lambda server: f"Bearer crn1g_{mint(server)}",
    "cut": lambda server: f"Bearer {mint(server)[:-1]}",
    "longer": lambda server: f"Bearer {mint(server)}A",
    "padded": lambda server: f"Bearer {mint(server)}=",
    "not base64": lambda server: f"Bearer {mint(server)[:-1]}!",
    "other alphabet": lambda server: f"Bearer crn1g_{'+' * 91}",
    "huge": lambda server: f"Bearer {mint(server)}{'A' * 4000}",
    "zeros": lambda _: f"Bearer {_token(bytes(68))}",
    "admin token": lambda server: f"Bearer {NodeSecret.load(server.data / 'secret').admin_token}",
    "expired": lambda server: f"Bearer {_expired(server)}",
    "longer life": lambda server: f"Bearer {_longer_life(server)}",
    "other secret": lambda server: f"Bearer {_of_another_secret(server)}",
    "other purpose": lambda server: f"Bearer {_by_another_purpose(server)}",
    **{
        f"byte {at}": lambda server, at=at: f"Bearer {_flipped(mint(server), at)}" for at in (0, 15, 16, 27, 35, 36, 67)
    },
}


@pytest.mark.parametrize("name", _NO_GRANTS)
def test_who_has_no_grant_writes_nothing(server, name):
    make = _NO_GRANTS[name]
    headers = {"Authorization": make(server)} if make else {}
    block, writer, before = random_block(name), Writer(name), stored(server)
    item = encode_put([PutItem(None, block.data)])
    raw = writer.entries[0].raw
    for method, path, body in (
        ("PUT", f"/v1/blocks/{block.id.hex()}", block.data),
        ("POST", "/v1/blocks/put", item),
        ("POST", f"/v1/chains/{writer.keys.chain_id.hex()}/entries", len(raw).to_bytes(4, "big") + raw),
        ("GET", "/v1/grants/self", None),
    ):
        answer = server.ask(method, path, body, headers)
        _refused(answer, 403, "forbidden")
        assert re.search(rb"[A-Za-z0-9_-]{32}", answer.body) is None  # nothing of what was shown
    assert (has(server, block), head(server, writer.keys.chain_id), stored(server)) == ([False], None, before)


def test_who_has_no_admin_token_issues_nothing(server, holder):
    token = NodeSecret.load(server.data / "secret").admin_token
    for shown in (None, holder.token, "", token[:-1], token + "0", token.upper()):
        headers = {} if shown is None else {"Authorization": f"Bearer {shown}"}
        _refused(server.ask("POST", "/v1/grants", b"{}", headers), 403, "forbidden")
    issued = server.ask("POST", "/v1/grants", b'{"bytes": 5000, "days": 1}', {"Authorization": f"Bearer {token}"})
    assert (issued.status, issued.json["bytes_max"]) == (201, 5_000)
    assert Holder(server, issued.json["token"]).put(random_block(os.urandom(8).hex())).status == 201


@pytest.mark.parametrize("path", ["/v1/grants", "/v1/cache"])
@pytest.mark.parametrize(
    "body", [b"\xff", b'{"bytes": "\xff"}', b'{"memory": "\xc3"}', b"[" * 4_000, b'{"memory":' * 300, b"{}x", b"7"]
)
def test_a_body_that_is_no_document_is_refused(server, path, body):
    token = NodeSecret.load(server.data / "secret").admin_token
    _refused(server.ask("POST", path, body, {"Authorization": f"Bearer {token}"}), 400, "invalid")


def test_a_grant_of_the_command_line_is_one(server, tmp_path):
    """`cairn grant`, on the same data folder."""
    made = Cairn(tmp_path)("grant", "--config", server.folder / "cairn.toml", "--bytes", "1MiB", "--json").json
    holder = Holder(server, made["grant"])
    assert holder.put(random_block(os.urandom(8).hex()), os.urandom(32)).status == 201
    assert holder.used()["block_bytes"] > 0


# --- quota and rate --------------------------------------------------------------------------------------------------


@counts_alone
def test_a_quota_is_not_exceeded_by_a_byte(server):
    holder = Holder(server, mint(server, bytes_max=3_000))
    blocks = [random_block(os.urandom(8).hex(), 1_000) for _ in range(3)]
    pins = [os.urandom(32) for _ in blocks]
    assert [holder.put(b, _hash(p)).status for b, p in zip(blocks, pins, strict=True)] == [201, 201, 201]
    before = holder.used(), stored(server)
    tiny, writer = random_block(os.urandom(8).hex(), 1), Writer(os.urandom(8).hex())
    _refused(holder.put(tiny, _hash(pins[0])), 429, "limited")
    _refused(holder.append(writer.entries), 429, "limited")
    answer = server.ask("POST", "/v1/blocks/put", encode_put([PutItem(None, tiny.data)]), holder.headers)
    assert decode_put_answer(answer.body) == [(tiny.id, 2)]
    assert (has(server, tiny), head(server, writer.keys.chain_id)) == ([False], None)
    assert (holder.used(), stored(server)) == before
    assert holder.unpin(blocks[0], pins[0]).status == 204  # deleting never needs quota


def test_what_stands_costs_nothing_so_no_quota_refuses_it(server):
    holder = Holder(server, mint(server, bytes_max=1_000))
    block, pin = random_block(os.urandom(8).hex(), 1_000), _hash(os.urandom(32))
    assert holder.put(block, pin).status == 201
    before = holder.used(), stored(server)
    assert holder.put(block, pin).status == 200
    again = server.ask("POST", "/v1/blocks/put", encode_put([PutItem(pin, block.data)]), holder.headers)
    assert decode_put_answer(again.body) == [(block.id, 1)]
    _refused(holder.put(block, _hash(os.urandom(32))), 429, "limited")  # another pin would be paid
    _refused(holder.put(block), 429, "limited")
    assert (holder.used(), stored(server)) == before


def test_a_batch_over_the_quota_stores_what_fits(server):
    holder = Holder(server, mint(server, bytes_max=2_500))
    blocks = [random_block(os.urandom(8).hex(), 1_000) for _ in range(4)]
    body = encode_put([PutItem(_hash(block.id), block.data) for block in blocks])
    answer = server.ask("POST", "/v1/blocks/put", body, holder.headers)
    assert [status for _, status in decode_put_answer(answer.body)] == [0, 0, 2, 2]
    assert has(server, *blocks) == [True, True, False, False]
    assert holder.used()["block_bytes"] == 2_000


def test_entries_over_the_quota_are_not_appended(server):
    writer = Writer(os.urandom(8).hex())
    writer.add_many(3)
    size = sum(len(entry.raw) for entry in writer.entries)
    short = Holder(server, mint(server, bytes_max=size - 1))
    _refused(short.append(writer.entries), 429, "limited")
    assert head(server, writer.keys.chain_id) is None
    enough = Holder(server, mint(server, bytes_max=size))
    assert enough.append(writer.entries).status == 201
    assert enough.used()["entry_bytes"] == size
    assert enough.append(writer.entries).status == 200  # sent again: it stands, and costs nothing


@counts_alone
def test_entries_over_the_rate_are_not_appended(server):
    writer = Writer(os.urandom(8).hex())
    slow = Holder(server, mint(server, appends_per_second=0.001))
    assert slow.append(writer.entries).status == 201
    answer = slow.append([writer.next()])
    _refused(answer, 429, "limited")
    assert int(answer.headers["retry-after"]) > 0
    assert head(server, writer.keys.chain_id)["seq"] == 0  # type: ignore[index]
