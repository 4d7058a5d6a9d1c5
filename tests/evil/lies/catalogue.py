"""The catalogue: all that a server may do to what it is asked for. Each lie is drawn by a seed, to be told again.

A lie has an *aim*: the history that it makes up and then keeps to, one answer, a head, an acknowledgement, a block, or
what comes live. `codes` is what a user may be told of it, in the words of `NAMES`; that nothing is told is right where
nothing false was shown, which the oracle judges, not the lie.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from cairn.core.chain import Entry
from cairn.core.chain import Kind as EntryKind
from tests.evil.world import Story

Aim = Literal[
    "history", "page", "head", "ack", "block", "frames", "live", "event", "put", "alone", "member", "said", "info"
]

NAMES: Final[Mapping[str, Mapping[str, frozenset[str]]]] = {
    "browser": {
        "altered": frozenset({"tampered"}),
        "rollback": frozenset({"rollback"}),
        "fork": frozenset({"fork"}),
        "absent": frozenset({"not_found", "no_account"}),
        "large": frozenset({"too_large"}),
        "away": frozenset({"unavailable", "unknown"}),
        "closed": frozenset({"closed", "tampered"}),
        "refused": frozenset({"forbidden", "limited", "full", "too_large", "invalid", "conflict"}),
    },
    "python": {
        "altered": frozenset({"invalid", "withheld"}),
        "rollback": frozenset({"rollback"}),
        "fork": frozenset({"fork"}),
        "absent": frozenset({"not_found", "no_account"}),
        "large": frozenset({"too_large"}),
        "away": frozenset({"unavailable", "unknown", "corrupt"}),
        "closed": frozenset({"closed", "invalid"}),
        "refused": frozenset({"forbidden", "limited", "full", "too_large", "invalid", "conflict"}),
    },
}


@dataclass(frozen=True)
class History:
    """A chain as a server shows it: entries, each with the seq at which it is kept, and the head that fits them."""

    rows: tuple[tuple[int, bytes], ...]
    seq: int
    hash: str
    closed: bool = False
    is_gone: bool = False
    floor: int | None = None
    """Another one than that of the last entry."""

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> History:
        last = entries[-1]
        rows = tuple((int(entry.seq), entry.raw) for entry in entries)
        return cls(rows, last.seq, last.hash.hex(), last.kind == EntryKind.CLOSE)


@dataclass(frozen=True)
class Answer:
    """One HTTP answer. `is_broken`: the connection ends before the body does."""

    status: int
    headers: dict[str, str]
    body: bytes
    is_broken: bool = False


@dataclass(frozen=True)
class Live:
    """What comes on a socket: the entries that an honest server would send, and texts or bytes beside them."""

    frames: tuple[bytes | str, ...]
    is_cut: bool = False


@dataclass(frozen=True)
class About:
    """Of which chain a lie is told, and what its server has beside it."""

    story: Story
    seen: int = 0
    blocks: Mapping[bytes, bytes] = field(default_factory=dict)

    @property
    def chain_id(self) -> bytes:
        return self.story.keys.chain_id


@dataclass(frozen=True)
class Kind:
    """One kind of lie."""

    name: str
    aim: Aim
    codes: frozenset[str]
    tell: Callable[[random.Random, Any, About], Any]


CATALOGUE: dict[str, Kind] = {}


def lie(aim: Aim, *codes: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(tell: Callable[..., Any]) -> Callable[..., Any]:
        name = f"{aim}: {tell.__name__.strip('_').replace('_', ' ')}"
        CATALOGUE[name] = Kind(name, aim, frozenset(codes), tell)
        return tell

    return add


def of_aim(*aims: Aim) -> list[str]:
    """The names of the lies with these aims."""
    return [name for name, kind in CATALOGUE.items() if kind.aim in aims]
