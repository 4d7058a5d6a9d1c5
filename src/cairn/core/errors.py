"""The errors every layer speaks. A library's own errors are translated where the library is called.

Each class has a stable `code`, which travels in problem documents; `wire/status.py` maps it to HTTP, both ways.
A message never repeats ids, keys or input: it may be shown to a stranger and written to a log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from cairn.core.chain import Head


class CairnError(Exception):
    """Something that Cairn refuses, lacks or could not do."""

    code: ClassVar[str] = "failed"


class Invalid(CairnError):
    """Malformed, or does not verify."""

    code = "invalid"


class Forbidden(CairnError):
    """The grant or capability presented does not allow this."""

    code = "forbidden"


class NotFound(CairnError):
    """Known absent. With a replica silent, raise `Unavailable` instead."""

    code = "not_found"


class Conflict(CairnError):
    """The chain's head is not the one that was built upon. Carries the present head."""

    code = "conflict"

    def __init__(self, message: str, head: Head) -> None:
        super().__init__(message)
        self.head = head


class Closed(CairnError):
    """The chain has ended; no entry can follow."""

    code = "closed"


class TooLarge(CairnError):
    """Over a size bound."""

    code = "too_large"


class Limited(CairnError):
    """Over a rate or quota. `retry_seconds` says when to try again, if waiting helps."""

    code = "limited"

    def __init__(self, message: str, retry_seconds: int | None = None) -> None:
        super().__init__(message)
        self.retry_seconds = retry_seconds


class Corrupt(CairnError):
    """Our own copy does not verify."""

    code = "corrupt"


class Unavailable(CairnError):
    """Not done, and may work later: a node, a lease, a queue."""

    code = "unavailable"


class Unknown(CairnError):
    """May or may not have been done: send the same bytes again."""

    code = "unknown"


class Full(CairnError):
    """The disk's reserve is reached: writes stop, reads and deletions go on."""

    code = "full"
