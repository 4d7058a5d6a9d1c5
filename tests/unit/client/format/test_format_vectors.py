"""Every known answer of vectors/format-v1.json, made and read by the client half."""

import json
from pathlib import Path
from typing import Any

import pytest

from cairn.client.format.capability import (
    BlockCapability,
    ReadCapability,
    VerifyCapability,
    WriteCapability,
    diminish,
    parse_capability,
)
from cairn.client.format.door import account_secret, door_keys
from cairn.client.format.ephemeral import EphemeralReader, seal_ephemeral
from cairn.client.format.inbox import inbox_key, open_message, seal_message
from cairn.client.format.manifest import Manifest
from cairn.client.format.payload import ContentType, Payload
from cairn.client.format.reference import (
    MANIFEST_MAGIC,
    Reference,
    convergence_secret,
    open_block,
    seal_block,
    seal_convergent_block,
)  # fmt: skip
from cairn.client.format.secret import ChainKeys, open_seal, unpad
from cairn.core.block import Block, BlockId
from cairn.core.chain import ChainState, Entry, Head, Kind, Receipt, accept
from cairn.core.crypto import domain, hkdf
from cairn.core.receipt import verify_receipt
from cairn.testing.clock import FakeClock

_FILE = Path(__file__).parents[4] / "vectors" / "format-v1.json"


def _read(value: Any) -> Any:
    is_hex = isinstance(value, str) and not value.startswith("crn1")
    return bytes.fromhex(value) if is_hex else value


KNOWN: dict[str, Any] = {name: _read(value) for name, value in json.loads(_FILE.read_text()).items()}
KEYS = ChainKeys(KNOWN["ws"])
CHUNKED = bytes(number % 251 for number in range(5_000))


def _states() -> list[ChainState]:
    states = [accept(None, Entry.decode(KNOWN["genesis"]))]
    for name in ("e1", "e2", "e3"):
        states.append(accept(states[-1], Entry.decode(KNOWN[name])))
    return states


def test_chain_keys() -> None:
    assert hkdf(KNOWN["ws"], domain("sign")) == KNOWN["sign_seed"]
    assert KEYS.public_key == KNOWN["pk"]
    assert (KEYS.read_key(0), KEYS.read_key(1)) == (KNOWN["rk0"], KNOWN["rk1"])
    assert KEYS.chain_id == KNOWN["chain_id"]
    assert KEYS.pin(BlockId(KNOWN["block_id"])) == KNOWN["pin"]


def test_entries() -> None:
    states = _states()
    assert KEYS.genesis().raw == KNOWN["genesis"]
    payloads = ((Kind.LINK, b"hello chain"), (Kind.ROTATE, KNOWN["rk0"]), (Kind.CLOSE, b""))
    for number, (kind, payload) in enumerate(payloads, 1):
        known = Entry.decode(KNOWN[f"e{number}"])
        made = KEYS.follow(
            states[number - 1], kind, payload, floor=known.floor, salt=bytes((0x22 + 0x11 * number,)) * 32
        )
        assert made.raw == known.raw
        assert unpad(open_seal(KEYS.read_key(known.key_epoch), known.raw[:96], known.body)) == payload
    assert states[-1].hash == KNOWN["tip"]
    assert states[-1].closed


def test_payload_in_an_entry() -> None:
    payload = Payload(b'{"a":1}', ContentType.JSON, (Reference(KNOWN["block_id"], KNOWN["block_key"], 212),))
    assert payload.encode() == KNOWN["payload"]
    assert Payload.decode(KNOWN["payload"]) == payload
    assert payload.json() == {"a": 1}
    made = KEYS.follow(_states()[0], Kind.LINK, payload.encode(), salt=b"\x35" * 32)
    assert made.raw == KNOWN["e1_payload"]


def test_block() -> None:
    block, reference = seal_block(b"hello block", block_key=KNOWN["block_key"], salt=b"\x22" * 32)
    assert (block.data, block.id) == (KNOWN["block"], KNOWN["block_id"])
    assert open_block(reference, Block.of(KNOWN["block"])) == b"hello block"


def test_convergent_block() -> None:
    assert convergence_secret(KNOWN["root"]) == KNOWN["convergence_secret"]
    block, reference = seal_convergent_block(b"hello block", KNOWN["convergence_secret"])
    assert (block.id, reference.block_key) == (KNOWN["convergent_block_id"], KNOWN["convergent_block_key"])


def test_manifest() -> None:
    cuts = ((CHUNKED[:4_096], 0x77), (CHUNKED[4_096:], 0x79))
    chunks = tuple(seal_block(data, block_key=bytes((key,)) * 32, salt=bytes((key + 1,)) * 32)[1] for data, key in cuts)
    manifest = Manifest(5_000, 4_096, chunks)
    assert manifest.encode() == KNOWN["manifest"]
    assert Manifest.decode(KNOWN["manifest"]) == manifest
    block, reference = seal_block(KNOWN["manifest"], head=MANIFEST_MAGIC, block_key=b"\x7b" * 32, salt=b"\x7c" * 32)
    assert (block.data, block.id) == (KNOWN["manifest_block"], KNOWN["manifest_block_id"])
    assert open_block(reference, block, head=MANIFEST_MAGIC) == KNOWN["manifest"]
    assert str(BlockCapability(reference)) == KNOWN["cap_b_manifest"]


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("cap_w", WriteCapability(KEYS)),
        ("cap_r", ReadCapability(KEYS.chain_id, 0, KNOWN["rk0"])),
        ("cap_v", VerifyCapability(KEYS.chain_id)),
        ("cap_b", BlockCapability(Reference(KNOWN["block_id"], KNOWN["block_key"], 212))),
    ],
)
def test_capability(name: str, made: object) -> None:
    assert str(made) == KNOWN[name]
    assert parse_capability(KNOWN[name]) == made


def test_weaker_capabilities() -> None:
    write = WriteCapability.parse(KNOWN["cap_w"])
    assert str(write.to_read()) == KNOWN["cap_r"]
    assert str(diminish(write, "verify")) == str(diminish(write.to_read(), "verify")) == KNOWN["cap_v"]


def test_door_and_account() -> None:
    door = door_keys("example.org", " Alice", "correct horse battery staple")
    assert (door.write_secret, door.chain_id) == (KNOWN["door_ws"], KNOWN["door_chain"])
    account = ChainKeys(account_secret(KNOWN["root"]))
    assert (account.write_secret, account.chain_id) == (KNOWN["account_ws"], KNOWN["account_chain"])


def test_ephemeral() -> None:
    now_ms = 1_700_000_000_000
    made = seal_ephemeral(KEYS, 1, b"cursor", now_ms, salt=b"\x41" * 32)
    assert made.raw == KNOWN["ephemeral"]
    reader = EphemeralReader(FakeClock(now_ms + 59_000))
    assert reader.open(_states()[2], KNOWN["rk1"], KNOWN["ephemeral"]) == b"cursor"


def test_inbox() -> None:
    assert inbox_key(KEYS) == KNOWN["inbox_pk"]
    made = seal_message(KNOWN["inbox_pk"], b"hello inbox", ephemeral_seed=b"\x42" * 32, salt=b"\x43" * 32)
    assert made == KNOWN["inbox_message"]
    assert open_message(KEYS, KNOWN["inbox_message"]) == b"hello inbox"


def test_receipt() -> None:
    state = _states()[-1]
    receipt = Receipt(KNOWN["receipt_time_ms"], KNOWN["receipt_signature"])
    head = Head(state.chain_id, state.seq, state.hash, state.floor, 1, closed=True, entries=4, bytes=0, receipt=receipt)
    verify_receipt(head, KNOWN["receipt_key"])


def test_every_known_answer_is_used() -> None:
    source = Path(__file__).read_text()
    entries = {"e1", "e2", "e3"}
    assert {name for name in KNOWN if f'"{name}"' not in source} <= entries
