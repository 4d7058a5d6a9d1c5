"""Spaces: what their members wrote, cases about them, and the record of one. The browser SDK alone has them.

An owner, Ann and Bob write. Bob is removed: all others change their keys, and what Bob writes then does not count.
Each chain has two branches, as in `world.py`; a case lies about each chain by itself.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from cairn.client.format.capability import Capability, ReadCapability, WriteCapability
from cairn.client.format.inbox import inbox_key, seal_message
from cairn.testing.chains import Writer
from tests.evil.cases import Case, Lie, Step
from tests.evil.lies.catalogue import Aim, of_aim
from tests.evil.record import Record
from tests.evil.world import Branch, Story, Teller

NAMES: Final = ("roster", "owner", "ann", "bob")
REMOVED_AFTER: Final = 3
"""The last seq of Bob's that counts."""
STAGES: Final[tuple[Mapping[str, int], ...]] = (
    {"roster": 4, "owner": 2, "ann": 2, "bob": 2},
    {"roster": 4, "owner": 2, "ann": 2, "bob": 3},
    {"roster": 7, "owner": 5, "ann": 5, "bob": 4},
)
"""How far the chains had come, each time that somebody may have looked."""
_AIMS: Final[tuple[Aim, ...]] = ("history", "history", "history", "page", "head", "member", "member")


@dataclass(frozen=True)
class SpaceStory:
    """The chains of the space, by their names."""

    chains: Mapping[str, Story]

    def name_of(self, chain_hex: str) -> str | None:
        return next((name for name, told in self.chains.items() if told.keys.chain_id.hex() == chain_hex), None)

    def capability(self, who: str) -> Capability:
        """What the owner, Ann, or a reader with a new or an old link opens the space with."""
        keys = self.chains["ann" if who == "ann" else "roster"].keys
        if who in ("owner", "ann"):
            return WriteCapability(keys)
        return _reads(self.chains["roster"], 1 if who == "reader" else 0)


def _reads(told: Story, epoch: int) -> ReadCapability:
    return ReadCapability(told.keys.chain_id, epoch, told.keys.read_key(epoch))


@cache
def space() -> SpaceStory:
    """The one space."""
    keys = {name: Writer(f"evil/space/{name}").keys for name in NAMES}
    unwritten = {name: Story(name, keys[name], (_NOTHING, _NOTHING)) for name in NAMES}
    chains: dict[str, Story] = {}
    for name in NAMES:
        branches = [_told(name, who, unwritten).branch for who in ("ours", "theirs")]
        chains[name] = Story(f"space {name}", keys[name], (branches[0], branches[1]))
    for told in chains.values():
        told.siblings = tuple(other for other in chains.values() if other is not told)
    return SpaceStory(chains)


_NOTHING: Final = Branch((), (), Writer("evil/space/nothing").state)


def _told(name: str, who: str, others: Mapping[str, Story]) -> Teller:
    teller = Teller(f"evil/space/{name}")
    if name == "roster":
        _tell_roster(teller, who, others)
        return teller
    at = 10 * NAMES.index(name)
    teller.json({"roster": str(_reads(others["roster"], 0))})
    teller.json({"at": at, "value": f"{name} one"})
    if name == "bob":
        teller.json({"at": at + 1, "value": f"{who} bob two"})
        teller.json({"at": at + 100, "value": f"{who} bob, removed"})
        return teller
    teller.rotate("")
    teller.json({"roster": str(_reads(others["roster"], 1))})
    teller.json({"at": at + 50, "value": f"{who} {name} two"})
    return teller


def _tell_roster(teller: Teller, who: str, others: Mapping[str, Story]) -> None:
    teller.json({"space": {"name": "garden"}})
    for name in NAMES[1:]:
        told = others[name]
        sealed = seal_message(
            inbox_key(teller.writer.keys), str(WriteCapability(told.keys)).encode(),
            ephemeral_seed=name.encode().ljust(32), salt=bytes(32),
        )  # fmt: skip
        key = base64.urlsafe_b64encode(sealed).decode().rstrip("=")
        member = {"id": told.keys.chain_id.hex(), "name": name, "isOwner": name == "owner"}
        teller.json({"member": {**member, "read": str(_reads(told, 0)), "key": key}})
    gone = others["bob" if who == "ours" else "ann"]
    teller.json({"remove": {"id": gone.keys.chain_id.hex(), "seq": REMOVED_AFTER}})
    teller.rotate("")
    kept = [others[name] for name in ("owner", "ann")]
    teller.json({"keys": {told.keys.chain_id.hex(): str(_reads(told, 1)) for told in kept}})


@dataclass(frozen=True)
class SpaceCase:
    """One case about the space. `stage`: how far it was seen before the lies; None: it was not."""

    number: int
    who: str
    stage: int | None
    reopens: bool
    forgets: bool
    lies_by_chain: Mapping[str, tuple[Lie, ...]]

    @property
    def capability(self) -> Capability:
        return space().capability(self.who)

    @property
    def lies(self) -> tuple[Lie, ...]:
        return tuple(lie for lies in self.lies_by_chain.values() for lie in lies)

    @property
    def steps(self) -> list[Step]:
        turn, look = {"do": "turn"}, {"do": "space"}
        ids = [told.keys.chain_id.hex() for told in space().chains.values()]
        reopen = [{"do": "reopen_space", "chains": ids if self.forgets else []}] if self.reopens else []
        return [turn, look] if self.stage is None else [look, turn, *reopen, look]

    @property
    def scenario(self) -> str:
        """ "fresh": nothing was seen; "forgotten": what was seen is pinned, and its entries are lost."""
        if self.stage is None:
            return "fresh"
        return "open" if not self.reopens else "forgotten" if self.forgets else "reopened"

    def of_chain(self, name: str) -> Case:
        """The part of the case that is about one chain."""
        told = space().chains[name]
        seen = 0 if self.stage is None else STAGES[self.stage][name]
        return Case(self.number, "space", told, WriteCapability(told.keys), seen, self.lies_by_chain.get(name, ()))

    def __str__(self) -> str:
        lies = ", ".join(f"{lie.name} ({name})" for name, lies in self.lies_by_chain.items() for lie in lies)
        how = f"stage {self.stage}, {self.scenario}"
        return f"space case {self.number}: by {self.who}, seen to {how}: {lies or 'no lie'}"


@dataclass
class SpaceRecord:
    """What was told in one such case: a record for each chain."""

    case: SpaceCase
    is_honest: bool = False
    parts: dict[str, Record] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.parts = {name: Record(self.case.of_chain(name)) for name in NAMES}

    @property
    def was_altered(self) -> bool:
        return any(part.was_altered for part in self.parts.values())

    def turn(self, *, is_honest: bool) -> None:
        """From here on the lies are told, or no more."""
        for part in self.parts.values():
            part.turn(is_honest=is_honest)

    def of(self, chain_id: bytes) -> Record | None:
        """The record of one chain."""
        return next((part for part in self.parts.values() if part.case.story.keys.chain_id == chain_id), None)


def space_case(number: int, seed: int = 0, *, is_honest: bool = False) -> SpaceCase:
    """The case with a number."""
    draw = random.Random(f"{seed}/space/{number}")
    who = draw.choice(("owner", "ann", "reader", "old reader"))
    stages = (None, 2) if who == "reader" else (None, 0, 1, 2)
    stage = draw.choice((*stages, 2))
    names = [] if is_honest else [draw.choice((*NAMES, "roster")) for _ in range(draw.choice((1, 1, 2)))]
    lies: dict[str, tuple[Lie, ...]] = {}
    for at, name in enumerate(names):
        lie = Lie(draw.choice(of_aim(draw.choice(_AIMS))), f"{seed}/space/{number}/{at}", draw.random() < 0.7)
        lies[name] = (*lies.get(name, ()), lie)
    return SpaceCase(number, who, stage, draw.random() < 0.7, draw.random() < 0.5, lies)


def said_in(branch: Branch) -> Sequence[Any]:
    """What each entry of a branch says: JSON, or None."""
    return [json.loads(words[2:]) if words.startswith("j:") else None for words in branch.said]
