"""Lies that take one chain of a space for another's, or hold its new keys back."""

from __future__ import annotations

import random
from dataclasses import replace

from cairn.core.chain import Kind as EntryKind
from tests.evil.lies.catalogue import About, History, lie


@lie("member", "altered", "rollback", "fork")
def _show_another_member(draw: random.Random, told: History, about: About) -> History:
    """Another chain of the same space under this one's id."""
    return History.of(draw.choice(about.story.siblings).main.entries)


@lie("member", "altered", "fork")
def _put_in_what_another_member_wrote(draw: random.Random, told: History, about: About) -> History:
    at = draw.randrange(1, len(told.rows)) if len(told.rows) > 1 else 0
    entry = draw.choice(draw.choice(about.story.siblings).main.entries)
    return replace(told, rows=(*told.rows[:at], (told.rows[at][0], entry.raw), *told.rows[at + 1 :]))


@lie("member", "rollback")
def _withhold_new_keys(draw: random.Random, told: History, about: About) -> History:
    """The chain as it was before its keys were changed."""
    entries = about.story.main.entries
    stop = next((entry.seq for entry in entries if entry.kind == EntryKind.ROTATE), len(entries) - 1)
    return History.of(entries[:stop])


@lie("member", "rollback")
def _withhold_what_follows_new_keys(draw: random.Random, told: History, about: About) -> History:
    """For a roster: the keys that its members need."""
    entries = about.story.main.entries
    stop = next((entry.seq for entry in entries if entry.kind == EntryKind.ROTATE), len(entries) - 2)
    return History.of(entries[: stop + 1])


@lie("member", "fork", "rollback")
def _remove_another(draw: random.Random, told: History, about: About) -> History:
    """The other branch, in which somebody else was removed or wrote."""
    return History.of(about.story.branches[1].entries)
