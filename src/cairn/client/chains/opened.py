"""An accepted entry and what its seal holds, or why it could not be opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cairn.client.format.payload import Payload
from cairn.client.format.reference import Reference
from cairn.core.chain import Entry, Kind, Seq
from cairn.core.errors import CairnError


@dataclass(frozen=True, slots=True)
class Opened:
    """One accepted entry. `problem` is None, or why the payload is not there: `CannotOpen` or `Invalid` (the writer's
    fault), or `KeyMissing`. `skipped` entries before it were dropped from the server, by leave of the writer.
    """

    entry: Entry
    content: Payload | None
    problem: CairnError | None = None
    skipped: int = 0

    @property
    def seq(self) -> Seq:
        """Its place in the chain."""
        return self.entry.seq

    @property
    def kind(self) -> Kind:
        """What it does to the chain."""
        return self.entry.kind

    @property
    def payload(self) -> Payload:
        """What the writer put in.

        Raises:
            CannotOpen, Invalid, KeyMissing: `problem`.
        """
        if self.content is None:
            assert self.problem is not None
            raise self.problem
        return self.content

    @property
    def data(self) -> bytes:
        """The data within the entry; raises as `payload`. See `Chain.content` for what did not fit the entry."""
        return self.payload.data

    @property
    def references(self) -> tuple[Reference, ...]:
        """The blocks that the entry adds; raises as `payload`."""
        return self.payload.references

    def text(self) -> str:
        """The data as text; raises as `payload`, and Invalid if it is none."""
        return self.payload.text()

    def json(self) -> Any:
        """The data as a JSON value; raises as `payload`, and Invalid if it is none."""
        return self.payload.json()
