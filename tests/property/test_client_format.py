"""The client's half of the format: what is encoded comes back, and every change of it is refused as Invalid."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cairn.client.format.capability import (
    BlockCapability,
    Capability,
    ReadCapability,
    VerifyCapability,
    WriteCapability,
    parse_capability,
)
from cairn.client.format.inbox import inbox_key, open_message, seal_message
from cairn.client.format.manifest import CHUNK_BYTES_MIN, Manifest, chunk_count
from cairn.client.format.payload import Payload
from cairn.client.format.reference import Reference, open_block, seal_block, stored_bytes_of
from cairn.client.format.secret import CannotOpen, ChainKeys, open_seal, pad, padme, seal, unpad
from cairn.core.block import Block, BlockId
from cairn.core.chain import ChainId
from cairn.core.errors import CairnError, Invalid

key32 = st.binary(min_size=32, max_size=32)
references = st.builds(
    Reference, key32.map(BlockId), key32, st.integers(0, 1_048_576).map(stored_bytes_of)
)  # fmt: skip
payloads = st.builds(
    Payload,
    st.binary(max_size=500),
    st.one_of(st.integers(0, 3), st.integers(16, 255)),
    st.lists(references, max_size=5).map(tuple),
)
capabilities = st.one_of(
    st.builds(WriteCapability, st.builds(ChainKeys, key32, st.integers(0, 1))),
    st.builds(ReadCapability, key32.map(ChainId), st.integers(0, 2**32 - 1), key32),
    st.builds(VerifyCapability, key32.map(ChainId)),
    st.builds(BlockCapability, references),
)


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    total = draw(st.integers(1, 40 * CHUNK_BYTES_MIN))
    sizes = [min(CHUNK_BYTES_MIN, total - at) for at in range(0, total, CHUNK_BYTES_MIN)]
    chunks = tuple(Reference(BlockId(draw(key32)), bytes(32), stored_bytes_of(size)) for size in sizes)
    return Manifest(total, CHUNK_BYTES_MIN, chunks)


@given(st.binary(max_size=3_000))
def test_pad(data: bytes) -> None:
    padded = pad(data)
    assert unpad(padded) == data
    assert len(padded) == padme(4 + len(data)) >= 128


@given(st.integers(0, 1 << 30))
def test_padme_adds_at_most_an_eighth_and_never_falls(size: int) -> None:
    assert max(size, 128) <= padme(size) <= max(128, size + size // 8)
    assert padme(padme(size)) == padme(size) <= padme(size + 1)


@given(key32, st.binary(max_size=100), st.binary(max_size=300), st.data())
def test_seal(key: bytes, head: bytes, data: bytes, draw: st.DataObject) -> None:
    box = seal(key, head, data)
    assert open_seal(key, head, box) == data
    bit = draw.draw(st.integers(0, len(box) * 8 - 1))
    flipped = bytearray(box)
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CannotOpen):
        open_seal(key, head, bytes(flipped))
    with pytest.raises(CannotOpen):
        open_seal(key, head + b"x", box)
    with pytest.raises(CannotOpen):
        open_seal(key, head, box[: draw.draw(st.integers(0, len(box) - 1))])


@given(payloads)
def test_payload(payload: Payload) -> None:
    assert Payload.decode(payload.encode()) == payload
    assert len(payload.encode()) == payload.size_bytes


@given(references)
def test_reference(reference: Reference) -> None:
    assert Reference.decode(reference.encode()) == reference


@given(manifests(), st.data())
def test_manifest(manifest: Manifest, draw: st.DataObject) -> None:
    raw = manifest.encode()
    assert Manifest.decode(raw) == manifest
    assert sum(manifest.bytes_of(index) for index in range(len(manifest.references))) == manifest.total_bytes
    assert len(manifest.references) == chunk_count(manifest.total_bytes, manifest.chunk_bytes)
    with pytest.raises(Invalid):
        Manifest.decode(raw[: draw.draw(st.integers(0, len(raw) - 1))])
    with pytest.raises(Invalid):
        Manifest.decode(raw + b"\0")


@given(manifests(), st.sampled_from([4, 12, 16]), st.integers(0, 2**32 - 1))
def test_a_manifest_with_another_number_is_refused_or_is_another(manifest: Manifest, at: int, number: int) -> None:
    """A number may change only where all else still fits it, as the total within the padding of the last chunk."""
    raw = manifest.encode()
    changed = raw[:at] + struct.pack(">I", number) + raw[at + 4 :]
    try:
        found = Manifest.decode(changed)
    except Invalid:
        return
    assert found.encode() == changed


@given(capabilities)
def test_capability(capability: Capability) -> None:
    text = str(capability)
    assert parse_capability(text) == capability
    assert str(parse_capability(text)) == text
    assert text.isascii()


@given(capabilities, st.data())
def test_a_mistyped_capability_is_refused(capability: Capability, draw: st.DataObject) -> None:
    text = str(capability)
    at = draw.draw(st.integers(0, len(text) - 1))
    letter = draw.draw(st.characters(codec="utf-8").filter(lambda one: one != text[at]))
    for wrong in (text[:at] + letter + text[at + 1 :], text[:at] + text[at + 1 :], text[:at] + letter + text[at:]):
        if wrong == text:
            continue
        with pytest.raises(Invalid) as caught:
            parse_capability(wrong)
        assert text[12:40] not in str(caught.value)


@given(st.binary(max_size=400))
def test_decoders_on_any_bytes(raw: bytes) -> None:
    for decode in (Payload.decode, Manifest.decode, Reference.decode, unpad):
        try:
            decode(raw)
        except Invalid:
            continue


@given(st.text(max_size=200))
def test_any_text_as_a_capability(text: str) -> None:
    with pytest.raises(Invalid):
        parse_capability("crn1w_" + text)


@settings(max_examples=30)
@given(st.binary(max_size=2_000), st.data())
def test_block(data: bytes, draw: st.DataObject) -> None:
    block, reference = seal_block(data)
    assert open_block(reference, block) == data
    raw = bytearray(block.data)
    bit = draw.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    altered = Block.of(bytes(raw))
    with pytest.raises(CairnError):
        open_block(reference, altered)
    with pytest.raises(Invalid):  # also for whoever makes a reference to it
        open_block(Reference(altered.id, reference.block_key, len(altered)), altered)


@settings(max_examples=30)
@given(key32, st.binary(max_size=300), st.data())
def test_inbox(secret: bytes, data: bytes, draw: st.DataObject) -> None:
    keys = ChainKeys(secret)
    message = seal_message(inbox_key(keys), data)
    assert open_message(keys, message) == data
    bit = draw.draw(st.integers(0, len(message) * 8 - 1))
    flipped = bytearray(message)
    flipped[bit // 8] ^= 1 << bit % 8
    for wrong in (bytes(flipped), message[: bit // 8], message + b"\0"):
        with pytest.raises(Invalid):
            open_message(keys, wrong)
