"""What a client alone finds wrong. Messages say what to try, and hold no keys and no whole ids."""

from __future__ import annotations

from dataclasses import dataclass

from cairn.core.chain import Receipt
from cairn.core.errors import CairnError


class KeyMissing(CairnError):
    """The entry is of a key epoch that this capability does not open."""

    code = "key_missing"


@dataclass(frozen=True, slots=True)
class Sighting:
    """One side of a contradiction: what was at a seq, with the signed entry or the receipt where they are at hand."""

    seq: int
    hash: bytes | None
    entry: bytes | None = None
    receipt: Receipt | None = None
    receipt_key: bytes | None = None


class Contradiction(CairnError):
    """A history that does not hold the head that was seen before. `before` and `now` are the evidence."""

    code = "contradiction"

    def __init__(self, message: str, before: Sighting, now: Sighting) -> None:
        super().__init__(message)
        self.before = before
        self.now = now


class Rollback(Contradiction):
    """The server shows less of a chain than was seen before."""

    code = "rollback"


class Fork(Contradiction):
    """The server shows another entry, signed by the chain's writer, where one was seen before."""

    code = "fork"


class Withheld(CairnError):
    """The server leaves out entries that no signed floor allows it to drop."""

    code = "withheld"
