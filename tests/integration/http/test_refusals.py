"""What must be refused is refused with the right status and code, and leaves the store as it was."""

from __future__ import annotations

import hashlib
import os

import nacl.bindings
import pytest

from cairn.core.chain import FLAG_DOOR, HEADER, MAGIC, NO_PREV, Entry, Kind, chain_id_of
from cairn.core.crypto import domain
from cairn.testing.chains import Writer, altered, random_block, resigned
from cairn.wire.messages import encode_entries
from tests.harness import serving
from tests.integration.http.api import FREE_OF_RATES, Holder, has, head, mint, stored


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    interface = {"admission": "grant", "limits": FREE_OF_RATES}
    with serving(tmp_path_factory.mktemp("refusals"), interface=interface) as server:
        yield server
        server.assert_healthy()


@pytest.fixture
def holder(server):
    return Holder(server, mint(server))


@pytest.fixture
def writer(holder):
    """A chain of five entries that stands."""
    writer = Writer(os.urandom(8).hex())
    writer.add_many(4)
    assert holder.append(writer.entries).status == 201
    return writer


@pytest.fixture
def unchanged(server, holder, writer):
    """Compares all that can be seen of the store before and after the test."""

    def seen():
        entries = server.ask("GET", f"/v1/chains/{writer.keys.chain_id.hex()}/entries").body
        return head(server, writer.keys.chain_id), entries, holder.used(), stored(server)

    before = seen()
    yield
    assert seen() == before


def _refused(answer, status, code):
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json"), answer
    assert (answer.json["status"], answer.code) == (status, code)
    return answer


# --- blocks ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("unchanged")
def test_a_block_under_another_id(server, holder):
    block, other = random_block(1), random_block(2)
    _refused(holder.put(block, under=other.id), 422, "invalid")
    _refused(holder.put(block, pin_hash=os.urandom(32), under=other.id), 422, "invalid")
    assert has(server, block, other) == [False, False]


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "written", ["", "zz" * 32, "00" * 31, "00" * 33, "AB" * 32, "%EF%BC%90" * 64, "00" * 31 + "%0A"]
)
def test_an_id_that_is_none(server, holder, written):
    path = f"/v1/blocks/{written}"
    _refused(server.ask("PUT", path, b"x", holder.headers), 400, "invalid")
    _refused(server.ask("DELETE", path, None, {"Cairn-Pin-Secret": "00" * 32}), 400, "invalid")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("pin", ["", "00", "zz" * 32, "AB" * 32, "00" * 33])
def test_a_pin_that_is_none(server, holder, pin):
    block = random_block(3)
    path = f"/v1/blocks/{block.id.hex()}"
    _refused(server.ask("PUT", path, block.data, {**holder.headers, "Cairn-Pin": pin}), 400, "invalid")
    _refused(server.ask("DELETE", path, None, {"Cairn-Pin-Secret": pin}), 400, "invalid")
    _refused(server.ask("DELETE", path), 400, "invalid")


# --- chains ----------------------------------------------------------------------------------------------------------


def _genesis(body, sign, flags=0):
    """A genesis entry with any body, as its bytes."""
    header = HEADER.pack(MAGIC, Kind.GENESIS, flags, 0, 0, len(body), 0, 0, chain_id_of(body), NO_PREV)
    return header + body + sign(header + body)


def _second_genesis(writer):
    """The same chain id and body, by the same writer, in other bytes: signed with another nonce."""
    signed = writer.entries[0].raw[:-64]
    nonce = int.from_bytes(hashlib.sha512(b"another nonce").digest(), "little")
    order = 2**252 + 27742317777372353535851937790883648493
    expanded = hashlib.sha512(bytes(writer.keys._signing_key)).digest()
    scalar = int.from_bytes(expanded[:32], "little") & ((1 << 254) - 8) | (1 << 254)
    point = nacl.bindings.crypto_scalarmult_ed25519_base_noclamp((nonce % order).to_bytes(32, "little"))
    digest = hashlib.sha512(point + writer.keys.public_key + domain("entry") + signed).digest()
    s = (nonce + int.from_bytes(digest, "little") * scalar) % order
    return Entry.decode(signed + point + s.to_bytes(32, "little"))


@pytest.mark.usefixtures("unchanged")
def test_a_second_genesis(server, holder, writer):
    second = _second_genesis(writer)
    second.verify_signature(writer.keys.public_key)
    assert second.raw != writer.entries[0].raw
    answer = _refused(holder.append([second]), 409, "conflict")
    assert answer.json["head"]["hash"] == writer.state.hash.hex()


@pytest.mark.usefixtures("unchanged")
def test_a_gap(holder, writer):
    ahead = Writer(0)
    ahead.keys, ahead.entries, ahead.states = writer.keys, list(writer.entries), list(writer.states)
    first, second = ahead.add_many(2)
    assert first.seq == 5
    answer = _refused(holder.append([second]), 409, "conflict")
    assert (answer.json["head"]["seq"], answer.json["head"]["hash"]) == (4, writer.state.hash.hex())


@pytest.mark.usefixtures("unchanged")
def test_a_wrong_prev(holder, writer):
    raw = bytearray(writer.next().raw)
    raw[64:96] = os.urandom(32)
    _refused(holder.append([resigned(writer.keys, bytes(raw))]), 409, "conflict")
    other = writer.next(b"a fork", after=2)
    _refused(holder.append([other]), 409, "conflict")


@pytest.mark.usefixtures("unchanged")
def test_a_splice_from_another_chain(holder, writer):
    """An entry of one chain at the end of another: as it is, under the other id, or with its header rewritten."""
    other = Writer("other")
    other.add_many(4)
    spliced = other.next()
    _refused(holder.append([spliced], under=writer.keys.chain_id), 400, "invalid")
    raw = bytearray(spliced.raw)
    raw[32:64], raw[64:96] = writer.keys.chain_id, writer.state.hash
    _refused(holder.append_raw(writer.keys.chain_id, encode_entries([Entry.decode(bytes(raw))])), 400, "invalid")
    _refused(holder.append([resigned(other.keys, bytes(raw))]), 400, "invalid")
    mixed = encode_entries([writer.next(), other.next()])
    _refused(holder.append_raw(writer.keys.chain_id, mixed), 400, "invalid")


_SMALL_ORDER = [
    bytes(32), (1).to_bytes(32, "little"), (2**255 - 20).to_bytes(32, "little"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
]  # fmt: skip


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("key", _SMALL_ORDER + [key[:31] + bytes((key[31] | 0x80,)) for key in _SMALL_ORDER])
def test_a_small_order_key(server, holder, key):
    """With the identity as R and zero as S, such a key's signature holds for every message in lenient libraries."""
    body = key + os.urandom(32) + bytes((1, 0, 0, 0))
    for r in (key, (1).to_bytes(32, "little")):
        raw = _genesis(body, lambda _, r=r: r + bytes(32))
        _refused(holder.append([Entry.decode(raw)]), 400, "invalid")
    assert head(server, chain_id_of(body)) is None


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("at", "value"), [(64, 0), (64, 2), (64, 255), (65, 1), (65, 2), (65, 255), (66, 1), (66, 255), (67, 1), (67, 128)]
)
def test_another_suite_or_flags_in_the_genesis(server, holder, at, value):
    keys = Writer(f"{at} {value}").keys
    body = bytearray(keys.genesis_body)
    body[at] = value
    raw = _genesis(bytes(body), lambda signed: keys.sign("entry", signed))
    _refused(holder.append_raw(chain_id_of(bytes(body)), len(raw).to_bytes(4, "big") + raw), 400, "invalid")
    assert head(server, chain_id_of(bytes(body))) is None


def test_the_same_genesis_with_nothing_wrong_is_taken(holder):
    """So that the tests above do not pass for another reason."""
    keys = Writer(os.urandom(8).hex()).keys
    raw = _genesis(keys.genesis_body, lambda signed: keys.sign("entry", signed))
    assert holder.append_raw(keys.chain_id, len(raw).to_bytes(4, "big") + raw).status == 201


def _with_header(writer, entry, at, value):
    """The entry with other bytes in its header, signed by the chain's writer."""
    raw = bytearray(entry.raw)
    raw[at : at + len(value)] = value
    return resigned(writer.keys, bytes(raw))


@pytest.mark.usefixtures("unchanged")
def test_a_door_among_chains_and_a_chain_among_doors(server, holder, writer):
    door = Writer("door", FLAG_DOOR)
    _refused(holder.append(door.entries), 400, "invalid")
    assert head(server, door.keys.chain_id, "doors") is None
    _refused(holder.append([writer.next()], kind="doors"), 400, "invalid")
    _refused(holder.append([_with_header(writer, writer.next(), 5, b"\1")]), 400, "invalid")
    _refused(holder.append([_with_header(writer, writer.next(), 5, b"\1")], kind="doors"), 400, "invalid")
    assert head(server, writer.keys.chain_id, "doors") is None


def test_a_floor_that_falls_or_rises_where_it_may_not(server, holder, writer):
    assert holder.append([writer.add(b"state", Kind.CHECKPOINT, floor=3)]).status == 201
    before = head(server, writer.keys.chain_id), holder.used(), stored(server)
    for kind in (Kind.LINK, Kind.CHECKPOINT, Kind.CLOSE):
        for floor in (0, 2):
            wrong = _with_header(writer, writer.next(b"", kind), 24, floor.to_bytes(8, "big"))
            assert (wrong.kind, wrong.floor) == (kind, floor)
            _refused(holder.append([wrong]), 400, "invalid")
    _refused(holder.append([_with_header(writer, writer.next(), 24, (4).to_bytes(8, "big"))]), 400, "invalid")
    beyond = bytearray(writer.next(b"", Kind.CHECKPOINT).raw)
    beyond[24:32] = (7).to_bytes(8, "big")
    raw = bytes(beyond[:-64]) + writer.keys.sign("entry", bytes(beyond[:-64]))
    _refused(holder.append_raw(writer.keys.chain_id, len(raw).to_bytes(4, "big") + raw), 400, "invalid")
    assert (head(server, writer.keys.chain_id), holder.used(), stored(server)) == before


@pytest.mark.usefixtures("unchanged")
def test_a_key_epoch_that_jumps_falls_or_stays_in_a_rotate(holder, writer):
    for kind, key_epoch in ((Kind.LINK, 1), (Kind.ROTATE, 0), (Kind.ROTATE, 2), (Kind.CHECKPOINT, 1), (Kind.CLOSE, 1)):
        wrong = _with_header(writer, writer.next(b"", kind), 8, key_epoch.to_bytes(4, "big"))
        _refused(holder.append([wrong]), 400, "invalid")


def test_an_append_after_the_close(server, holder, writer):
    closing = writer.add(b"", Kind.CLOSE)
    assert holder.append([closing]).status == 201
    before = head(server, writer.keys.chain_id), holder.used(), stored(server)
    for entry in (writer.next(), writer.next(b"", Kind.CLOSE), writer.next(after=4), writer.next(b"fork", after=3)):
        _refused(holder.append([entry]), 410, "closed")
    assert holder.append([closing]).status == 200  # that very entry stands
    assert (head(server, writer.keys.chain_id), holder.used(), stored(server)) == before


@pytest.mark.usefixtures("unchanged")
def test_a_chain_that_does_not_begin_with_its_genesis(server, holder):
    unknown = Writer("unknown")
    unknown.add_many(2)
    _refused(holder.append(unknown.entries[1:]), 404, "not_found")
    assert head(server, unknown.keys.chain_id) is None


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("bad", [0, 3, 6])
def test_a_batch_with_one_bad_signature(holder, writer, bad):
    """Nothing of it is appended, wherever the bad one is, also behind a prefix that stands."""
    ahead = Writer(0)
    ahead.keys, ahead.entries, ahead.states = writer.keys, list(writer.entries), list(writer.states)
    batch = ahead.add_many(bad)
    forged = Entry.decode(altered(ahead.next(), -1, 0x01))
    _refused(holder.append([*batch, forged]), 400, "invalid")
    _refused(holder.append([*writer.entries[2:], *batch, forged]), 400, "invalid")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("flaw", ["body", "frame", "empty", "too large", "too many"])
def test_a_batch_that_is_malformed(holder, writer, flaw):
    raws = [writer.next().raw]
    body = encode_entries([writer.next()])
    status, code = {"too large": (413, "too_large"), "too many": (413, "too_large")}.get(flaw, (400, "invalid"))
    sent = {
        "body": encode_entries([writer.next()]) + (227).to_bytes(4, "big") + bytes(227),
        "frame": body[:-1],
        "empty": b"",
        "too large": body + (65_697).to_bytes(4, "big") + bytes(65_697),
        "too many": b"".join(len(raws[0]).to_bytes(4, "big") + raws[0] for _ in range(1_025)),
    }[flaw]
    _refused(holder.append_raw(writer.keys.chain_id, sent), status, code)


def test_a_batch_that_creates_a_chain_is_all_or_none(server, holder):
    fresh = Writer(os.urandom(8).hex())
    fresh.add_many(2)
    forged = Entry.decode(altered(fresh.entries[2], 100))
    before = stored(server)
    _refused(holder.append([*fresh.entries[:2], forged]), 400, "invalid")
    assert (head(server, fresh.keys.chain_id), stored(server)) == (None, before)
    assert holder.append(fresh.entries).status == 201
