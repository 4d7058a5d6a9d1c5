"""Cases: what a client does, and the lies that it is told meanwhile. The same for the same seed and number."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from typing import Any

from cairn.client.format.capability import Capability, ReadCapability, VerifyCapability, WriteCapability
from tests.evil import world
from tests.evil.lies.catalogue import CATALOGUE, About, Aim, of_aim
from tests.evil.world import Story

Step = dict[str, Any]
FILES = (1_500, 0, 40)  # sizes of what is put at once
WRITING = ("add", "add_many", "put")


@dataclass(frozen=True)
class Lie:
    """One lie of a case: which, and what it is drawn from."""

    name: str
    seed: str
    always: bool = True
    """Not only at the first occasion."""

    def tell(self, truth: Any, about: About) -> Any:
        return CATALOGUE[self.name].tell(random.Random(self.seed), truth, about)


@dataclass(frozen=True)
class Case:
    """One case. `seen`: up to which seq the client was shown the truth before the lies began; 0: nothing was shown."""

    number: int
    scenario: str
    story: Story
    capability: Capability
    seen: int
    lies: tuple[Lie, ...]
    forgets: bool = False
    """The device keeps what it saw last, and has lost the entries."""

    @property
    def about(self) -> About:
        return About(self.story, self.seen, self.story.blocks)

    def lies_of(self, aim: str) -> list[Lie]:
        return [lie for lie in self.lies if CATALOGUE[lie.name].aim == aim]

    @property
    def steps(self) -> list[Step]:
        """What the client is to do, one after the other."""
        last = self.story.main.entries[-1].seq
        added = [{"do": "add", "text": f"mine {self.number}"}, {"do": "add", "text": "mine again"}]
        turn, read, reopen = {"do": "turn"}, {"do": "read"}, {"do": "reopen", "forgets": self.forgets}
        puts: list[Step] = [{"do": "put", "sizes": FILES, "seed": self.number}, {"do": "honest"}, read]
        many: Step = {"do": "add_many", "texts": [f"{word} {self.number}" for word in ("one", "two", "three")]}
        if self.scenario == "door":
            return [turn, {"do": "door"}]
        steps: dict[str, list[Step]] = {
            "read": [turn, read, {"do": "verify"}],
            "again": [read, turn, read],
            "reopen": [read, turn, reopen, read],
            "live": [read, {"do": "follow", "until": last}],
            "hear": [read, {"do": "hear"}],
            "stream": [read, {"do": "follow", "until": last}],
            "add": [read, turn, *added, {"do": "honest"}, read],
            "add_many": [read, turn, many, {"do": "honest"}, read],
            "put": [read, turn, *puts, *({"do": "fetch", "file": at} for at in range(len(FILES)))],
            "file": [read, turn, *({"do": "get", "seq": seq} for seq in self.story.files)],
        }
        return steps[self.scenario]

    @property
    def writes(self) -> bool:
        """Whether the chain grows meanwhile."""
        return self.scenario in WRITING

    @property
    def turn_at(self) -> int:
        """The step from which on the client is shown all that there is, or what passes for it."""
        turn = {"do": "turn"}
        return self.steps.index(turn) if turn in self.steps else 1

    def __str__(self) -> str:
        lies = ", ".join(lie.name for lie in self.lies) or "no lie"
        what = f"{self.scenario} of {self.story.name} by a {self.capability.kind} capability"
        return f"case {self.number}: {what}, seen {self.seen}: {lies}"


_SCENARIOS = {
    "read": 22, "again": 18, "reopen": 18, "live": 14, "stream": 14, "hear": 10, "add": 10, "add_many": 5, "put": 14,
    "file": 12, "door": 4,
}  # fmt: skip
_ABOUT_CHAINS: tuple[Aim, ...] = ("history", "history", "history", "page", "head")
_AIMS: dict[str, tuple[Aim, ...]] = {
    "read": (*_ABOUT_CHAINS, "history", "info"), "again": _ABOUT_CHAINS, "reopen": _ABOUT_CHAINS, "door": _ABOUT_CHAINS,
    "live": ("live",), "stream": ("live", "event", "event"), "hear": ("said",), "add": ("ack",), "add_many": ("ack",),
    "put": ("put", "put", "put", "alone", "ack"), "file": ("block", "block", "frames"),
}  # fmt: skip


@cache
def case(number: int, seed: int = 0, *, is_honest: bool = False) -> Case:
    """The case with a number."""
    draw = random.Random(f"{seed}/{number}")
    scenario = draw.choices(list(_SCENARIOS), list(_SCENARIOS.values()))[0]
    story = _story(draw, scenario, number)
    capability = _capability(draw, scenario, story)
    seen = _seen(draw, scenario, story, least_epoch(capability))
    count = 0 if is_honest else draw.choice((1, 1, 1, 2, 3))
    names = [draw.choice(of_aim(draw.choice(_AIMS[scenario]))) for _ in range(count)]
    if scenario in ("live", "stream") and draw.random() < 0.2 and count > 1:
        names[-1] = draw.choice(of_aim("history", "page"))
    if any(name in of_aim("alone") for name in names):
        names.insert(0, "put: refuse a block")  # then it is sent alone
    lies = tuple(Lie(name, f"{seed}/{number}/{at}", draw.random() < 0.7) for at, name in enumerate(names))
    return Case(number, scenario, story, capability, seen, lies, forgets=draw.random() < 0.5)


def _story(draw: random.Random, scenario: str, number: int) -> Story:
    if scenario in WRITING:
        return world.added_to(number)
    if scenario in ("door", "file"):
        return world.story("files" if scenario == "file" else "door")
    if scenario == "hear":
        return world.story(draw.choice(("plain", "rotated", "kept")))
    if draw.random() < 0.01:
        return world.story("long")
    return world.story(draw.choice([name for name in world.NAMES if name != "long"]))


def _capability(draw: random.Random, scenario: str, story: Story) -> Capability:
    if scenario in (*WRITING, "door"):
        return WriteCapability(story.keys)
    held = world.capabilities(story)
    if scenario == "hear":
        return draw.choice((held[0], held[-1]))  # what reads the newest epoch
    if scenario == "file":
        held = [one for one in held if not isinstance(one, VerifyCapability)]
    return draw.choice(held)


def _seen(draw: random.Random, scenario: str, story: Story, epoch: int) -> int:
    entries = story.main.entries
    last = entries[-1].seq
    if scenario in ("read", "door"):
        return 0
    if scenario in (*WRITING, "file", "hear"):
        return last
    least = max(1, next(entry.seq for entry in entries if entry.key_epoch == epoch))
    if scenario in ("live", "stream"):
        return draw.randrange(least, last)
    return last if draw.random() < 0.4 else draw.randrange(least, last + 1)


def least_epoch(capability: Capability) -> int:
    """The key epoch that the chain has reached, as the capability proves."""
    return capability.key_epoch if isinstance(capability, ReadCapability) else 0
