"""Mutations of the known answers, and the Python implementation's verdict on them. judge.js has the browser's."""

from __future__ import annotations

import json
import random
import unicodedata
from collections.abc import Callable
from typing import Any, Final

from cairn.client.format.capability import parse_capability
from cairn.client.format.door import normal_password, normal_username
from cairn.client.format.manifest import Manifest
from cairn.client.format.payload import ContentType, Payload
from cairn.client.format.reference import MANIFEST_MAGIC, Reference, open_block
from cairn.client.format.secret import CannotOpen, ChainKeys, open_seal, unpad
from cairn.core.block import Block
from cairn.core.chain import Entry, accept
from cairn.core.crypto import domain, sha256, verify_signature
from cairn.core.errors import CairnError, Invalid
from tests.browser.known import ROOT

Case = dict[str, str]

VECTORS: Final[dict[str, str]] = {
    name: str(value) for name, value in json.loads((ROOT / "vectors" / "format-v1.json").read_text()).items()
}
_KEYS: Final = ChainKeys(bytes.fromhex(VECTORS["ws"]))
_BYTES: Final = {
    name: bytes.fromhex(text)
    for name, text in VECTORS.items()
    if not text.startswith("crn1") and name != "receipt_time_ms"
}
_EDGES: Final = (0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF)
_LETTERS: Final = "ABCabcXYZ019-_=+/ .@é\u00a0\u0130\u212a\ufb01\u0378\u0000\n"


def cases(seed: int, count: int) -> list[Case]:
    """So many cases, the same for the same seed."""
    draw = random.Random(seed)
    return [_SOURCES[draw.choice(_NAMES)](draw) for _ in range(count)]


def verdict(case: Case) -> str:
    """What this implementation makes of a case."""
    try:
        return _JUDGES[case["section"]](case)
    except CairnError:
        return "refused"


def _mutated(draw: random.Random, original: bytes) -> bytes:
    """One to three changes, of the kinds that break decoders."""
    raw = bytearray(original)
    for _ in range(draw.choice((0, 1, 1, 1, 2, 3))):
        at = draw.randrange(len(raw) + 1)
        change = draw.randrange(7)
        if change == 0 and at < len(raw):
            raw[at] ^= 1 << draw.randrange(8)
        elif change == 1 and at < len(raw):
            raw[at] = draw.choice(_EDGES)
        elif change == 2:
            del raw[at:]
        elif change == 3:
            raw[at:at] = draw.randbytes(draw.choice((1, 4, 32, 68)))
        elif change == 4:
            del raw[at : at + draw.choice((1, 4, 32, 68))]
        elif change == 5:
            raw[at : at + 4] = draw.choice((0, 1, 68, 207, 208, 2**31, 2**32 - 1)).to_bytes(4, "big")
        else:
            other = draw.choice(list(_BYTES.values()))
            start = draw.randrange(len(other))
            raw[at : at + 32] = other[start : start + 32]
    return bytes(raw)


def _early(draw: random.Random, original: bytes, head_bytes: int) -> bytes:
    """Mostly changes of the first bytes, where the fields are."""
    if draw.random() < 0.3:
        return _mutated(draw, original)
    return _mutated(draw, original[:head_bytes]) + original[head_bytes:]


def _text(draw: random.Random, original: str) -> str:
    letters = list(original)
    for _ in range(draw.choice((0, 1, 1, 2))):
        at = draw.randrange(len(letters) + 1)
        change = draw.randrange(4)
        if change == 0 and at < len(letters):
            letters[at] = draw.choice(_LETTERS)
        elif change == 1:
            letters.insert(at, draw.choice(_LETTERS))
        elif change == 2:
            del letters[at : at + 1]
        else:
            del letters[at:]
    return "".join(letters)


def _entry(draw: random.Random) -> Case:
    raw = _BYTES[draw.choice(("genesis", "e1", "e2", "e3", "e1_payload"))]
    return {"section": "entry", "bytes": _early(draw, raw, 100).hex()}


def _follows(draw: random.Random) -> Case:
    """An entry that was changed, and mostly signed again, so that it gets as far as the rule."""
    raw = _early(draw, _BYTES[draw.choice(("e1", "e2", "e3", "e1_payload", "genesis"))], 96)
    if draw.random() < 0.8:
        unsigned = raw[:-64]
        raw = unsigned + _KEYS.sign("entry", unsigned)
    return {"section": "follows", "bytes": raw.hex()}


def _capability(draw: random.Random) -> Case:
    text = VECTORS[draw.choice(("cap_w", "cap_r", "cap_v", "cap_b", "cap_b_manifest"))]
    return {"section": "capability", "text": _text(draw, text)}


def _box(draw: random.Random) -> Case:
    entry = _BYTES["e1_payload"]
    parts = [_BYTES["rk0"], entry[:96], entry[96:-64]]
    at = draw.randrange(3)
    parts[at] = _mutated(draw, parts[at])
    if len(parts[0]) != 32:
        parts[0] = _BYTES["rk1"]
    key, head, box = parts
    return {"section": "box", "key": key.hex(), "head": head.hex(), "bytes": box.hex()}


def _padded(draw: random.Random) -> Case:
    padded = bytes((0, 0, 0, 5)) + b"hello" + bytes(119)
    return {"section": "padded", "bytes": _early(draw, padded, 9).hex()}


def _payload(draw: random.Random) -> Case:
    """JSON that Python and JavaScript read alike, and not: numbers, names, encodings."""
    texts = ('{"a":1}', "[NaN]", "Infinity", "\ufeff1", "1e999", "-0", '"\\ud800"', " 1 ", "01", "{}x", "\x001\x00")
    made = Payload(draw.choice(texts).encode(), draw.choice((0, 1, 2, 3, 4, 15, 16, 255)) & 0xFF)
    head = bytes((1, made.content_type, 0, 0))
    raw = draw.choice((_BYTES["payload"], head + made.data, head + made.data.decode().encode("utf-16-le")))
    return {"section": "payload", "bytes": _early(draw, raw, 8).hex()}


def _reference(draw: random.Random) -> Case:
    raw = _BYTES["block_id"] + _BYTES["block_key"] + (212).to_bytes(4, "big")
    return {"section": "reference", "bytes": _mutated(draw, raw).hex()}


def _manifest(draw: random.Random) -> Case:
    return {"section": "manifest", "bytes": _early(draw, _BYTES["manifest"], 20).hex()}


def _block(draw: random.Random) -> Case:
    stored, reference = _BYTES["block"], _BYTES["block_id"] + _BYTES["block_key"] + (212).to_bytes(4, "big")
    if draw.random() < 0.5:
        stored = _mutated(draw, stored)
        reference = sha256(stored) + _BYTES["block_key"] + len(stored).to_bytes(4, "big")
    else:
        reference = _mutated(draw, reference)
    return {"section": "block", "bytes": stored.hex(), "reference": reference.hex()}


def _signature(draw: random.Random) -> Case:
    genesis = _BYTES["genesis"]
    parts = [_BYTES["pk"], domain("entry") + genesis[:-64], genesis[-64:]]
    at = draw.randrange(3)
    parts[at] = _mutated(draw, parts[at])
    key, message, signature = (part.hex() for part in parts)
    return {"section": "signature", "key": key, "message": message, "bytes": signature}


def _door(draw: random.Random) -> Case:
    words = [_text(draw, word) for word in ("example.org:8420", " Alice@home ", "correct ﬁne Å horse")]
    words[2] += "".join(_assigned(draw) for _ in range(draw.randrange(4)))
    return {"section": "door", "realm": words[0], "name": words[1], "password": words[2]}


def _assigned(draw: random.Random) -> str:
    """A letter that every Unicode of today knows: those that come later differ by version."""
    while True:
        letter = chr(draw.randrange(0x20, 0x2FFFF))
        if unicodedata.category(letter) not in ("Cn", "Cs"):
            return letter


_SOURCES: Final[dict[str, Callable[[random.Random], Case]]] = {
    "entry": _entry, "follows": _follows, "capability": _capability, "box": _box, "padded": _padded,
    "payload": _payload, "reference": _reference, "manifest": _manifest, "block": _block, "signature": _signature,
    "door": _door,
}  # fmt: skip
_NAMES: Final = list(_SOURCES)


def _judge_entry(case: Case) -> str:
    entry = Entry.decode(_hex(case))
    return f"{entry.kind.value} {entry.flags} {entry.key_epoch} {entry.seq} {entry.floor} {entry.hash.hex()}"


def _judge_follows(case: Case) -> str:
    state = accept(accept(None, Entry.decode(_BYTES["genesis"])), Entry.decode(_BYTES["e1"]))
    after = accept(state, Entry.decode(_hex(case)))
    return f"{after.seq} {after.floor} {after.key_epoch} {str(after.closed).lower()}"


def _judge_payload(case: Case) -> str:
    payload = Payload.decode(_hex(case))
    readers: dict[int, Callable[[], Any]] = {ContentType.TEXT: payload.text, ContentType.JSON: payload.json}
    readers.get(payload.content_type, bytes)()
    names = {kind.value: kind.name.lower() for kind in ContentType}
    return f"{names.get(payload.content_type, 'application')} {len(payload.references)}"


def _judge_manifest(case: Case) -> str:
    manifest = Manifest.decode(_hex(case))
    manifest.check_total(2**50)
    upper = str(manifest.is_upper).lower()
    return f"{manifest.total_bytes} {manifest.chunk_bytes} {len(manifest.references)} {upper}"


def _judge_block(case: Case) -> str:
    reference, block = Reference.decode(_hex(case, "reference")), Block.of(_hex(case))
    try:
        return f"false {open_block(reference, block).hex()}"
    except CannotOpen:
        return f"true {open_block(reference, block, head=MANIFEST_MAGIC).hex()}"


def _judge_signature(case: Case) -> str:
    """A key that is refused is told apart from a signature that does not verify."""
    try:
        verify_signature(_hex(case, "key"), _hex(case, "message"), _hex(case))
    except Invalid:
        return "false"
    return "true"


def _judge_door(case: Case) -> str:
    from cairn.client.format.door import _check_realm

    _check_realm(case["realm"])
    name = normal_username(case["name"])
    site = case["realm"].encode()
    salt = sha256(domain("door-salt") + len(site).to_bytes(4, "big") + site + name.encode())
    return f"{name} {salt.hex()} {sha256(normal_password(case['password'])).hex()}"


def _hex(case: Case, name: str = "bytes") -> bytes:
    return bytes.fromhex(case[name])


_JUDGES: Final[dict[str, Callable[[Case], str]]] = {
    "entry": _judge_entry,
    "follows": _judge_follows,
    "capability": lambda case: parse_capability(case["text"]).kind,
    "box": lambda case: open_seal(_hex(case, "key"), _hex(case, "head"), _hex(case)).hex(),
    "padded": lambda case: unpad(_hex(case)).hex(),
    "payload": _judge_payload,
    "reference": lambda case: str(Reference.decode(_hex(case)).stored_bytes),
    "manifest": _judge_manifest,
    "block": _judge_block,
    "signature": _judge_signature,
    "door": _judge_door,
}
