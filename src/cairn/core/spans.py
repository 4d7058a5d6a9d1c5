"""Spans: pieces of work with a name, one within another. Who hears of them is `cairn.tracing`'s matter."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol


class Span(Protocol):
    """A piece of work that is under way."""

    def rename(self, name: str) -> None:
        """Name it, now that it is known what it is."""
        ...

    def note(self, name: str, value: str | int) -> None:
        """Say something about it: never an id in full, a key or a token."""
        ...

    def fail(self, code: str) -> None:
        """Say that it went wrong."""
        ...


class Spans(Protocol):
    """Begins spans. An error that leaves one is noted by its code, and goes on."""

    def within(self, name: str) -> AbstractContextManager[Span]:
        """One that has those begun meanwhile, in the same task or in tasks begun there, within it."""
        ...

    def beside(self, name: str) -> AbstractContextManager[Span]:
        """One that has none within it: for work that pauses and goes on elsewhere, such as an iterator's."""
        ...
