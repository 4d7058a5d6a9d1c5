"""The core's half of vectors/format-v1.json: what a server sees, checked without the client half.

Where it can, a value is also recomputed with hashlib and PyNaCl alone, so that the file stands on two legs.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
from pathlib import Path
from typing import Any

import nacl.signing
import pytest

from cairn.core.block import Block, BlockId, Pin, pin_hash
from cairn.core.chain import ChainState, Entry, Head, Kind, Receipt, accept, chain_id_of
from cairn.core.crypto import domain, hkdf, verify_signature
from cairn.core.ephemeral import Ephemeral
from cairn.core.errors import CairnError, Invalid
from cairn.core.receipt import verify_receipt

_FILE = Path(__file__).parents[2] / "vectors" / "format-v1.json"
_RAW: dict[str, Any] = json.loads(_FILE.read_text())
KNOWN: dict[str, bytes] = {
    name: bytes.fromhex(value)
    for name, value in _RAW.items()
    if isinstance(value, str) and not value.startswith("crn1")
}
CHAIN = ("genesis", "e1", "e2", "e3")


def states() -> list[ChainState]:
    """The chain of the file, after each of its entries."""
    found: list[ChainState] = []
    for name in CHAIN:
        found.append(accept(found[-1] if found else None, Entry.decode(KNOWN[name])))
    return found


def plain_hkdf(key: bytes, info: bytes) -> bytes:
    """RFC 5869 with an empty salt and one block of output."""
    prk = hmac.new(bytes(32), key, "sha256").digest()
    return hmac.new(prk, info + b"\1", "sha256").digest()


def test_the_chain() -> None:
    found = states()
    assert [state.seq for state in found] == [0, 1, 2, 3]
    assert [Entry.decode(KNOWN[name]).kind for name in CHAIN] == [Kind.GENESIS, Kind.LINK, Kind.ROTATE, Kind.CLOSE]
    assert [state.key_epoch for state in found] == [0, 0, 1, 1]
    assert found[-1].closed
    assert (found[-1].floor, found[-1].hash) == (3, KNOWN["tip"])
    assert found[0].public_key == KNOWN["pk"]
    assert found[0].read_commit == hkdf(KNOWN["rk0"], domain("read-commit"))


def test_the_chain_from_its_definition() -> None:
    genesis = KNOWN["genesis"]
    body = genesis[96:-64]
    seed = plain_hkdf(KNOWN["ws"], b"cairn/v1/sign\0")
    key = nacl.signing.SigningKey(seed)
    assert (seed, bytes(key.verify_key)) == (KNOWN["sign_seed"], KNOWN["pk"])
    assert body[:32] == KNOWN["pk"]
    assert body[32:64] == plain_hkdf(KNOWN["rk0"], b"cairn/v1/read-commit\0")
    assert body[64:] == b"\1\0\0\0"
    assert hashlib.sha256(b"cairn/v1/chain\0" + body).digest() == KNOWN["chain_id"] == chain_id_of(body)
    prev = bytes(32)
    for seq, name in enumerate(CHAIN):
        raw = KNOWN[name]
        assert struct.unpack_from(">Q", raw, 16) == (seq,)
        assert raw[32:64] == KNOWN["chain_id"]
        assert raw[64:96] == prev
        assert key.sign(b"cairn/v1/entry\0" + raw[:-64]).signature == raw[-64:]
        prev = hashlib.sha256(raw).digest()
    assert prev == KNOWN["tip"]


@pytest.mark.parametrize("epoch", [0, 1])
def test_read_keys(epoch: int) -> None:
    info = b"cairn/v1/read\0" + epoch.to_bytes(4, "big")
    assert plain_hkdf(KNOWN["ws"], info) == hkdf(KNOWN["ws"], info) == KNOWN[f"rk{epoch}"]


def test_the_block() -> None:
    block = Block.verified(BlockId(KNOWN["block_id"]), KNOWN["block"])
    assert block.data[:4] == b"CRB1"
    assert len(Block.verified(BlockId(KNOWN["manifest_block_id"]), KNOWN["manifest_block"])) > 100


def test_the_pin() -> None:
    assert plain_hkdf(KNOWN["ws"], b"cairn/v1/pin\0" + KNOWN["block_id"]) == KNOWN["pin"]
    assert pin_hash(Pin(KNOWN["pin"])) == hashlib.sha256(KNOWN["pin"]).digest()


def test_the_receipt() -> None:
    state = states()[-1]
    receipt = Receipt(_RAW["receipt_time_ms"], KNOWN["receipt_signature"])
    head = Head(state.chain_id, state.seq, state.hash, state.floor, 1, closed=True, entries=4, bytes=0, receipt=receipt)
    verify_receipt(head, KNOWN["receipt_key"])
    message = (
        b"cairn/v1/receipt\0" + state.chain_id + struct.pack(">Q", 3) + KNOWN["tip"]
        + struct.pack(">Q", _RAW["receipt_time_ms"])
    )  # fmt: skip
    verify_signature(KNOWN["receipt_key"], message, KNOWN["receipt_signature"])


def test_the_ephemeral_message() -> None:
    message = Ephemeral.decode(KNOWN["ephemeral"])
    assert message.chain_id == KNOWN["chain_id"]
    message.verify(states()[2], message.time_ms)


def judge(name: str, raw: bytes) -> None:
    """Take the bytes as what `name` is, in its place."""
    found = states()
    if name == "genesis":
        accept(None, Entry.decode(raw))
    elif name == "ephemeral":
        message = Ephemeral.decode(raw)
        message.verify(found[2], 1_700_000_000_000)
    else:
        accept(found[CHAIN.index("e1" if name == "e1_payload" else name) - 1], Entry.decode(raw))


@pytest.mark.parametrize("name", ["genesis", "e1", "e1_payload", "e2", "e3", "ephemeral"])
def test_no_altered_byte_passes(name: str) -> None:
    raw = KNOWN[name]
    judge(name, raw)
    for at in range(len(raw)):
        changed = bytearray(raw)
        changed[at] ^= 1 << at % 8
        with pytest.raises(CairnError):
            judge(name, bytes(changed))
    for size in (0, 1, 95, 96, 160, 227, len(raw) - 1):
        with pytest.raises(Invalid):
            judge(name, raw[:size])
