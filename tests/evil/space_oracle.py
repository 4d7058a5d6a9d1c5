"""What may be shown of a space: the oracle for `spaces.py`.

What is shown must be what the members wrote, as some state of the owner's roster says who they are: all of it from one
branch of each chain, nothing of who was removed after the removal, and, where no problem is told, no older state of any
chain than was seen, or than the server itself named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.evil.lies.catalogue import CATALOGUE, NAMES
from tests.evil.spaces import NAMES as CHAINS
from tests.evil.spaces import STAGES, SpaceRecord, said_in, space
from tests.evil.world import Branch, Story

Told = dict[str, Any]


def space_faults(record: SpaceRecord, told: Sequence[Told]) -> list[str]:
    """All that is wrong with what was shown; nothing, if it was right."""
    found = []
    steps = record.case.steps
    turned = [step["do"] for step in steps].index("turn")
    for number, (step, shown) in enumerate(zip(steps, told, strict=True)):
        if step["do"] == "space":
            found += [f"step {number}: {fault}" for fault in _faults_of(record, shown, is_late=number > turned)]
        elif shown["problem"] or "crash" in shown:
            found.append(f"step {number}: {shown}")
    return found


def _faults_of(record: SpaceRecord, shown: Told, *, is_late: bool) -> Iterator[str]:
    if "crash" in shown:
        yield f"it fails by {shown['crash']}"
    if shown["problem"] and not (record.case.lies and is_late):
        yield f"an honest server is refused: {shown['problem']}"
    if "rows" in shown and not any(_explains(record, shown, roster) for roster in _rosters(record, shown, is_late)):
        yield f"no state of the space is as it is shown: {shown}"
    if shown["problem"]:
        yield from _ill_told(record, shown["problem"])


def _ill_told(record: SpaceRecord, problem: Told) -> Iterator[str]:
    names = {"altered", "rollback", "absent", *(name for lie in record.case.lies for name in CATALOGUE[lie.name].codes)}
    codes = {code for name in names for code in NAMES["browser"][name]}
    if record.case.who == "owner":
        codes.add("invalid")  # a roster without its first member is one that was not made to its end
    if problem["code"] not in codes:
        yield f"it is called {problem}, and is one of {sorted(codes)}"
    words = [problem["message"], problem["hint"]]
    if not all(words) or re.search(r"[0-9a-f]{32}|crn1", " ".join(words)):
        yield f"the words are empty, or hold what they should not: {words}"


@dataclass
class _Roster:
    """A state of the roster, and the least that is to be shown of each chain with it."""

    least: dict[str, int]
    epoch: int = 0
    last: dict[str, int | None] = field(default_factory=dict)
    """By a member's name, the last seq that counts."""

    def people(self, *, are_removed: bool) -> list[str]:
        named = space().chains
        return [
            named[name].keys.chain_id.hex() for name, last in self.last.items() if (last is not None) == are_removed
        ]


def _rosters(record: SpaceRecord, shown: Told, is_late: bool) -> Iterator[_Roster]:
    """Every state of the roster that may be shown."""
    least = {name: _least(record, name, shown, is_late) for name in CHAINS}
    for branch in _branches(record, "roster"):
        for newest in range(least["roster"], len(branch.entries)):
            for epoch in _epochs(record, least):
                yield _roster_at(branch, newest, epoch, least)


def _least(record: SpaceRecord, name: str, shown: Told, is_late: bool) -> int:
    if shown["problem"]:
        return 0
    stage = record.case.stage
    seen = 0 if stage is None else STAGES[stage][name]
    return max(seen, min(record.parts[name].claimed, default=0)) if is_late else seen


def _branches(record: SpaceRecord, name: str) -> list[Branch]:
    """Those that hold what was seen of a chain."""
    told = space().chains[name]
    seen = 0 if record.case.stage is None else STAGES[record.case.stage][name]
    return [one for one in told.branches if one.entries[seen].hash == told.main.entries[seen].hash]


def _epochs(record: SpaceRecord, least: dict[str, int]) -> Sequence[int]:
    """The key epoch up to which the roster can be read: Ann's own chain tells her of the new one."""
    if record.case.who == "old reader":
        return (0,)
    return (0, 1) if record.case.who == "ann" and least["ann"] < STAGES[-1]["ann"] - 1 else (1,)


def _roster_at(branch: Branch, newest: int, epoch: int, least: dict[str, int]) -> _Roster:
    roster = _Roster(least)
    for entry, said in list(zip(branch.entries, said_in(branch), strict=True))[: newest + 1]:
        if said is None or entry.key_epoch > epoch:
            continue
        if "member" in said:
            roster.last[said["member"]["name"]] = None
        if "remove" in said:
            name = space().name_of(said["remove"]["id"])
            assert name is not None
            roster.last[name] = said["remove"]["seq"]
        if "keys" in said:
            roster.epoch = 1
    return roster


def _explains(record: SpaceRecord, shown: Told, roster: _Roster) -> bool:
    """Whether all that is shown is so, if this is the roster."""
    people = [roster.people(are_removed=are_removed) for are_removed in (False, True)]
    in_order = sorted(shown["rows"], key=lambda row: (row[2], row[0], row[1])) == shown["rows"]
    known = {space().chains[name].keys.chain_id.hex() for name in roster.last}
    is_known = {row[0] for row in shown["rows"]} <= known
    if people != [shown["members"], shown["removed"]] or not in_order or not is_known:
        return False
    return all(_is_written(record, shown["rows"], name, roster) for name in roster.last)


def _is_written(record: SpaceRecord, rows: Sequence[Any], name: str, roster: _Roster) -> bool:
    told = space().chains[name]
    shown = [row for row in rows if row[0] == told.keys.chain_id.hex()]
    epoch = 1 if name == record.case.who else roster.epoch
    return any(
        shown == _rows(told, branch, newest, epoch, roster.last[name])
        for branch in _branches(record, name)
        for newest in range(roster.least[name], len(branch.entries))
    )


def _rows(told: Story, branch: Branch, newest: int, epoch: int, last: int | None) -> list[Any]:
    """What the entries up to `newest` add to the space."""
    entries = list(zip(branch.entries, said_in(branch), strict=True))[: newest + 1]
    return [
        [told.keys.chain_id.hex(), entry.seq, said["at"], said["value"]]
        for entry, said in entries
        if said and "at" in said and entry.key_epoch <= epoch and (last is None or entry.seq <= last)
    ]
