"""Makes vectors/refused-v1.json: bytes that every implementation refuses, each for one reason.

Run `python -m tests.vectors.refused` to write it anew; a test keeps the file and this program the same.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cairn.client.format.capability import BlockCapability, ReadCapability, VerifyCapability, WriteCapability
from cairn.client.format.manifest import Manifest
from cairn.client.format.payload import Payload
from cairn.client.format.reference import MANIFEST_MAGIC, Reference, seal_block, stored_bytes_of
from cairn.client.format.secret import ChainKeys, pad, seal
from cairn.core.block import BlockId
from cairn.core.chain import ChainState, Entry, Kind, accept
from cairn.core.crypto import domain, sha256

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "vectors" / "refused-v1.json"
KNOWN = json.loads((ROOT / "vectors" / "format-v1.json").read_text())
KEYS = ChainKeys(bytes.fromhex(KNOWN["ws"]))
SALT = bytes(range(32))
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
SMALL_ORDER = [
    (0).to_bytes(32, "little"),
    (1).to_bytes(32, "little"),
    (P - 1).to_bytes(32, "little"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
]


def document() -> dict[str, Any]:
    """All of the file."""
    return {
        "signatures": list(signatures()),
        "entries": list(entries()),
        "after_e1": list(after_e1()),
        "capabilities": list(capabilities()),
        "boxes": list(boxes()),
        "padded": list(padded()),
        "payloads": list(payloads()),
        "references": list(references()),
        "manifests": list(manifests()),
        "blocks": list(blocks()),
    }


def known(name: str) -> bytes:
    """A known answer as bytes."""
    return bytes.fromhex(KNOWN[name])


def case(name: str, raw: bytes, error: str = "invalid", **more: str) -> dict[str, str]:
    """One case: `bytes` are refused with `error`."""
    return {"name": name, "bytes": raw.hex(), "error": error, **more}


def changed(raw: bytes, at: int, new: bytes) -> bytes:
    """The bytes with some of them replaced."""
    at %= len(raw)
    return raw[:at] + new + raw[at + len(new) :]


# --- signatures: message and public key of e1, unless said otherwise


def signatures() -> Iterator[dict[str, str]]:
    """Each is refused before or by the library (section 2)."""
    message = domain("entry") + known("e1")[:-64]
    key, good = known("pk"), known("e1")[-64:]
    r, s = good[:32], int.from_bytes(good[32:], "little")

    def one(name: str, signature: bytes, public_key: bytes = key) -> dict[str, str]:
        return {"name": name, "public_key": public_key.hex(), "message": message.hex(), "signature": signature.hex()}

    yield one("S of another scalar", r + ((s + 1) % L).to_bytes(32, "little"))
    yield one("S not reduced: S + L", r + (s + L).to_bytes(32, "little"))
    yield one("S is L", r + L.to_bytes(32, "little"))
    yield one("R altered", changed(good, 3, bytes([good[3] ^ 1])))
    yield one("the sign of R altered", changed(good, 31, bytes([good[31] ^ 128])))
    yield one("63 bytes", good[:-1])
    yield one("65 bytes", good + b"\0")
    yield one("empty", b"")
    yield one("another public key", good, ChainKeys(bytes(32)).public_key)
    for number, point in enumerate(SMALL_ORDER):
        for sign in (0, 128):
            small = changed(point, 31, bytes([point[31] | sign]))
            yield one(f"public key of small order {number}, sign {sign >> 7}", point + bytes(32), small)
            yield one(f"R of small order {number}, sign {sign >> 7}", small + good[32:])
    for above in (0, 1, 18):
        yield one(f"y of R is p + {above}", (P + above).to_bytes(32, "little") + good[32:])
        yield one(f"y of the public key is p + {above}", good, (P + above).to_bytes(32, "little"))


# --- entries, refused by themselves


def entries() -> Iterator[dict[str, str]]:
    """Refused whatever the chain's state is."""
    genesis, e1 = known("genesis"), known("e1")
    for length in (0, 1, 95, 96, 159, 160, 227):
        yield case(f"a genesis cut to {length} bytes", genesis[:length])
    yield case("a genesis with a byte more", genesis + b"\0")
    for length in (160, 367):
        yield case(f"a link cut to {length} bytes", e1[:length])
    yield case("a link with a byte more", e1 + b"\0")
    yield case("another magic", changed(e1, 0, b"CRE2"))
    for kind in (5, 255):
        yield case(f"kind {kind}", changed(e1, 4, bytes([kind])))
    for flags in (2, 128):
        yield case(f"flags {flags}", changed(e1, 5, bytes([flags])))
    for at in (6, 7):
        yield case(f"a bit in zero byte {at}", changed(e1, at, b"\1"))
    for length in (0, 207, 209, 65_537, 0xFFFFFFFF):
        yield case(f"body length says {length}", changed(e1, 12, struct.pack(">I", length)))
    yield case("seq over 2^53 - 1", changed(e1, 16, struct.pack(">Q", 2**53)))
    yield case("floor over seq", changed(e1, 24, struct.pack(">Q", 2)))
    yield case("a link with seq 0", changed(e1, 16, bytes(8)))
    yield case("a link with the body of a genesis", changed(genesis, 4, b"\1"))
    yield case("a body of 207 bytes", changed(e1[:96] + bytes(207) + bytes(64), 12, struct.pack(">I", 207)))
    long = changed(e1[:96] + bytes(65_537) + bytes(64), 12, struct.pack(">I", 65_537))
    yield {"name": "a body of 65,537 bytes", "bytes": long[:96].hex(), "zeros": str(65_537 + 64), "error": "too_large"}
    for name, at, new in (
        ("seq 1", 16, struct.pack(">Q", 1)), ("an epoch", 8, struct.pack(">I", 1)), ("prev", 64, b"\1"),
        ("suite 2", 96 + 64, b"\2"), ("other flags in its body", 96 + 65, b"\1"), ("other flags", 5, b"\1"),
        ("a bit in its zeros", 96 + 66, b"\1"), ("another public key", 96, b"\0"),
        ("another commitment", 96 + 32, b"\0"), ("another chain id", 32, b"\0"),
    ):  # fmt: skip
        yield case(f"a genesis with {name}", changed(genesis, at, new))


# --- entries that parse, and are refused after genesis and e1


def after_e1() -> Iterator[dict[str, str]]:
    """Refused by the state after e1; signed anew where the signature is not what is wrong."""
    state = _state("genesis", "e1")
    good = KEYS.follow(state, Kind.LINK, b"payload", salt=SALT)

    def signed(name: str, at: int, new: bytes, error: str = "invalid") -> dict[str, str]:
        unsigned = changed(good.raw, at, new)[:-64]
        return case(name, unsigned + KEYS.sign("entry", unsigned), error)

    yield case("its own genesis again, as another entry", _second_genesis(), "conflict")
    yield signed("a gap", 16, struct.pack(">Q", 3), "conflict")
    yield signed("another prev", 64, bytes(32), "conflict")
    yield signed("flags of a door", 5, b"\1")
    yield signed("a floor that rises in a link", 24, struct.pack(">Q", 1))
    yield signed("an epoch that rises in a link", 8, struct.pack(">I", 1))
    yield case("a rotate that keeps the epoch", _resigned(changed(good.raw, 4, b"\2")))
    yield case("a rotate that rises by two", _resigned(changed(changed(good.raw, 4, b"\2"), 8, struct.pack(">I", 2))))
    yield case("a checkpoint that raises the epoch", _resigned(changed(changed(good.raw, 4, b"\3"), 8, b"\0\0\0\1")))
    yield case("a signature of another chain's writer", _signed_by(ChainKeys(bytes(32)), good.raw))
    yield case("a signature over something else", changed(good.raw, -1, bytes([good.raw[-1] ^ 1])))
    yield case("a body altered after signing", changed(good.raw, 150, bytes([good.raw[150] ^ 1])))
    other = ChainKeys(bytes(31) + b"\1")
    spliced = other.follow(accept(None, other.genesis()), Kind.LINK, b"payload", salt=SALT)
    yield case("an entry of another chain", spliced.raw)


def _state(*names: str) -> ChainState:
    state = None
    for name in names:
        state = accept(state, Entry.decode(known(name)))
    assert state is not None
    return state


def _second_genesis() -> bytes:
    """The same genesis, its signature over the same bytes made by other randomness: here, a wrong one."""
    raw = known("genesis")
    return changed(raw, -1, bytes([raw[-1] ^ 1]))


def _resigned(raw: bytes) -> bytes:
    return _signed_by(KEYS, raw)


def _signed_by(keys: ChainKeys, raw: bytes) -> bytes:
    return raw[:-64] + keys.sign("entry", raw[:-64])


# --- what a client alone reads


def capabilities() -> Iterator[dict[str, str]]:
    """Texts that are no capability."""
    texts = {name: KNOWN[f"cap_{name}"] for name in "wrvb"}

    def one(name: str, text: str) -> dict[str, str]:
        return {"name": name, "text": text, "error": "invalid"}

    for letter, text in texts.items():
        yield one(f"{letter}: a character altered", text[:20] + ("A" if text[20] != "A" else "B") + text[21:])
        yield one(f"{letter}: a character less", text[:-1])
        yield one(f"{letter}: a character more", text + "A")
        yield one(f"{letter}: padded", text + "=")
        yield one(f"{letter}: upper case type", text[:4] + text[4].upper() + text[5:])
        yield one(f"{letter}: with a space", text + " ")
        yield one(f"{letter}: with a line break", text + "\n")
        yield one(f"{letter}: of another version", "crn2" + text[4:])
        yield one(f"{letter}: base64 of the other alphabet", text[:10] + "+" + text[11:])
    yield one("the body of a read one, called a write one", "crn1w" + texts["r"][5:])
    yield one("of no type", "crn1_" + texts["v"][6:])
    yield one("of an unknown type", "crn1x" + texts["v"][5:])
    yield one("bits that no byte holds", _with_loose_bits(texts["v"]))
    yield one("flags 2", _text(WriteCapability.type_letter, b"\2" + bytes(32)))
    yield one("a block too short", _text(BlockCapability.type_letter, bytes(64) + struct.pack(">I", 211)))
    yield one("a block too long", _text(BlockCapability.type_letter, bytes(64) + struct.pack(">I", 1_179_649)))
    for letter, size in ((WriteCapability.type_letter, 33), (ReadCapability.type_letter, 68),
                         (VerifyCapability.type_letter, 32)):  # fmt: skip
        yield one(f"{letter}: a body of {size - 1} bytes", _text(letter, bytes(size - 1)))
        yield one(f"{letter}: a body of {size + 1} bytes", _text(letter, bytes(size + 1)))
    yield one("nothing", "")
    yield one("only its beginning", "crn1w_")


def _text(letter: str, body: bytes) -> str:
    import base64

    check = sha256(domain("cap") + letter.encode() + body)[:4]
    return f"crn1{letter}_" + base64.urlsafe_b64encode(body + check).rstrip(b"=").decode()


def _with_loose_bits(text: str) -> str:
    """The last character of 36 bytes' base64 has no loose bits; that of a write capability's 37 bytes has four."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    write = KNOWN["cap_w"]
    return str(write[:-1] + alphabet[alphabet.index(write[-1]) ^ 1])


def boxes() -> Iterator[dict[str, str]]:
    """Boxes that do not open: one error for all of them."""
    key, head = bytes(range(32)), b"head"
    good = seal(key, head, pad(b"data"), salt=SALT)

    def one(name: str, box: bytes, *, box_key: bytes = key, box_head: bytes = head) -> dict[str, str]:
        return {"name": name, "key": box_key.hex(), "head": box_head.hex(), "box": box.hex(), "error": "cannot_open"}

    yield one("another key", good, box_key=bytes(32))
    yield one("another head", good, box_head=b"Head")
    for name, at in (("salt", 0), ("commitment", 32), ("commitment's end", 63), ("content", 64), ("tag", -1)):
        at %= len(good)
        yield one(f"{name} altered", changed(good, at, bytes([good[at] ^ 1])))
    for length in (0, 63, 64, 79, len(good) - 1):
        yield one(f"cut to {length} bytes", good[:length])
    yield one("a byte more", good + b"\0")


def padded() -> Iterator[dict[str, str]]:
    """Opened boxes whose padding is not what `pad` makes."""
    good = pad(b"data")
    yield case("three bytes", good[:3])
    yield case("a length past the end", changed(good, 0, struct.pack(">I", 125)))
    yield case("the largest length", changed(good, 0, b"\xff\xff\xff\xff"))
    yield case("a bit in the padding", changed(good, 127, b"\1"))
    yield case("padded too much", good + bytes(8))
    yield case("padded too little", good[:-1])
    yield case("not padded", struct.pack(">I", 4) + b"data")


def payloads() -> Iterator[dict[str, str]]:
    """Opened payloads that are malformed."""
    good = known("payload")
    for length in (0, 1, 3, 4, 4 + 67):
        yield case(f"cut to {length} bytes", good[:length])
    for version in (0, 2):
        yield case(f"version {version}", changed(good, 0, bytes([version])))
    for code in (4, 15):
        yield case(f"content type {code}", changed(good, 1, bytes([code])))
    yield case("more references than there are", changed(good, 2, struct.pack(">H", 2)))
    yield case("a reference of no block's length", changed(good, 4 + 64, bytes(4)))
    assert Payload.decode(good)


def references() -> Iterator[dict[str, str]]:
    """References that name no block."""
    good = bytes(64) + struct.pack(">I", 212)
    yield case("67 bytes", good[:-1])
    yield case("69 bytes", good + b"\0")
    for length in (0, 211, 1_179_649, 0xFFFFFFFF):
        yield case(f"stored length {length}", good[:-4] + struct.pack(">I", length))


def manifests() -> Iterator[dict[str, str]]:
    """Data of manifests that contradict themselves. Chunks are of 4,096 bytes."""
    chunk = Reference(BlockId(bytes(32)), bytes(32), stored_bytes_of(4_096))
    last = Reference(BlockId(bytes(32)), bytes(32), stored_bytes_of(5))
    good = Manifest(2 * 4_096 + 5, 4_096, (chunk, chunk, last)).encode()
    yield case("another magic", changed(good, 0, b"CRB1"))
    for length in (0, 4, 19, 20, len(good) - 1):
        yield case(f"cut to {length} bytes", good[:length])
    yield case("a byte more", good + b"\0")
    yield case("a chunk more than its total needs", changed(good, 4, struct.pack(">Q", 2 * 4_096)))
    yield case("a chunk less than its total needs", changed(good, 4, struct.pack(">Q", 3 * 4_096 + 5)))
    yield case("a total that its last chunk does not fit", changed(good, 4, struct.pack(">Q", 2 * 4_096 + 2_000)))
    yield case("an absurd total", changed(good, 4, b"\xff" * 8))
    yield case("chunks of 4,095 bytes", changed(good, 12, struct.pack(">I", 4_095)))
    yield case("chunks of 1,048,577 bytes", changed(good, 12, struct.pack(">I", 1_048_577)))
    yield case("chunks of no bytes", changed(good, 12, bytes(4)))
    yield case("two levels where one is enough", changed(good, 16, struct.pack(">I", 3 | 1 << 31)))
    yield case("an inner chunk of another size", changed(good, 20 + 64, struct.pack(">I", chunk.stored_bytes + 8)))
    yield case("a last chunk of a full one's size", changed(good, len(good) - 4, struct.pack(">I", chunk.stored_bytes)))
    count = 10_001
    yield case("10,001 chunks in one level", _head(count * 4_096, count))
    yield case("more than two levels hold", _head(10_001 * 10_000 * 4_096, 10_001 | 1 << 31))


def _head(total: int, count: int) -> bytes:
    return struct.pack(">4sQII", b"CRM1", total, 4_096, count)


def blocks() -> Iterator[dict[str, str]]:
    """Stored blocks that are not what their reference names."""
    block, reference = seal_block(b"data", block_key=bytes(range(32)), salt=SALT)

    def one(name: str, stored: bytes, named: Reference, error: str = "invalid") -> dict[str, str]:
        return {"name": name, "reference": named.encode().hex(), "block": stored.hex(), "error": error}

    def naming(stored: bytes, key: bytes = reference.block_key) -> Reference:
        return Reference(BlockId(sha256(stored)), key, len(stored))

    yield one("another id", block.data, Reference(BlockId(bytes(32)), reference.block_key, len(block)))
    yield one("another length", block.data, Reference(block.id, reference.block_key, len(block) + 8))
    yield one("another key", block.data, Reference(block.id, bytes(32), len(block)), "cannot_open")
    other = changed(block.data, 0, b"CRB2")
    yield one("another magic", other, naming(other))
    altered = changed(block.data, -1, bytes([block.data[-1] ^ 1]))
    yield one("altered, and named so", altered, naming(altered), "cannot_open")
    loose = b"CRB1" + seal(reference.block_key, b"CRB1", changed(pad(b"data"), 127, b"\1"), salt=SALT)
    yield one("padding that is not zero", loose, naming(loose))
    swapped, named = seal_block(b"CRM1", block_key=bytes(range(32)), salt=SALT, head=MANIFEST_MAGIC)
    yield one("a manifest's block that holds no manifest", swapped.data, named)


def main() -> None:
    """Write the file."""
    TARGET.write_text(json.dumps(document(), indent=1) + "\n")


if __name__ == "__main__":
    main()
