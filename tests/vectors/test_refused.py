"""Everything in vectors/refused-v1.json is refused, by the error it names and by no other exception."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from cairn.client.format.capability import parse_capability
from cairn.client.format.manifest import Manifest
from cairn.client.format.payload import Payload
from cairn.client.format.reference import MANIFEST_MAGIC, Reference, open_block
from cairn.client.format.secret import CannotOpen, open_seal, unpad
from cairn.core.block import Block
from cairn.core.chain import Entry, accept
from cairn.core.crypto import verify_signature
from cairn.core.errors import CairnError
from tests.vectors.refused import KNOWN, TARGET, document

REFUSED = json.loads(TARGET.read_text())
Case = dict[str, str]


def raw(case: Case, field: str = "bytes") -> bytes:
    """A field's bytes, and the zeros that a case only counts."""
    return bytes.fromhex(case[field]) + bytes(int(case.get("zeros", 0)))


def check_signature(case: Case) -> None:
    verify_signature(raw(case, "public_key"), raw(case, "message"), raw(case, "signature"))


def check_after_e1(case: Case) -> None:
    state = None
    for name in ("genesis", "e1"):
        state = accept(state, Entry.decode(bytes.fromhex(KNOWN[name])))
    accept(state, Entry.decode(raw(case)))


def check_block(case: Case) -> None:
    """As a reader does: data first, then a manifest."""
    reference, block = Reference.decode(raw(case, "reference")), Block.of(raw(case, "block"))
    try:
        open_block(reference, block)
    except CannotOpen:
        Manifest.decode(open_block(reference, block, head=MANIFEST_MAGIC))


CHECKS: dict[str, Callable[[Case], Any]] = {
    "signatures": check_signature,
    "entries": lambda case: Entry.decode(raw(case)),
    "after_e1": check_after_e1,
    "capabilities": lambda case: parse_capability(case["text"]),
    "boxes": lambda case: open_seal(raw(case, "key"), raw(case, "head"), raw(case, "box")),
    "padded": lambda case: unpad(raw(case)),
    "payloads": lambda case: Payload.decode(raw(case)),
    "references": lambda case: Reference.decode(raw(case)),
    "manifests": lambda case: Manifest.decode(raw(case)),
    "blocks": check_block,
}


@pytest.mark.parametrize(
    ("section", "case"),
    [pytest.param(section, case, id=f"{section}: {case['name']}") for section in CHECKS for case in REFUSED[section]],
)
def test_refused(section: str, case: Case) -> None:
    with pytest.raises(CairnError) as caught:
        CHECKS[section](case)
    assert caught.value.code == case.get("error", "invalid")


def test_the_file_is_as_its_program_makes_it() -> None:
    assert document() == REFUSED
    assert set(CHECKS) == set(REFUSED)


def test_names_are_unique() -> None:
    for section, cases in REFUSED.items():
        names = [case["name"] for case in cases]
        assert len(set(names)) == len(names), section
