"""The newest entries of one chain, without a gap between them: what all who follow it here share."""

from __future__ import annotations

from collections import deque
from typing import Final

from cairn.core.chain import Entry

RECENT_ENTRIES_MAX: Final = 256
RECENT_BYTES_MAX: Final = 1024 * 1024


class Recent:
    """Entries in order, the oldest forgotten first."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque()
        self._bytes = 0

    def add(self, entry: Entry) -> None:
        """Keep the one that follows."""
        self._entries.append(entry)
        self._bytes += len(entry.raw)
        while len(self._entries) > RECENT_ENTRIES_MAX or self._bytes > RECENT_BYTES_MAX:
            self._bytes -= len(self._entries.popleft().raw)

    def since(self, seq: int) -> list[Entry] | None:
        """The entries from `seq` on; None if they do not reach back so far."""
        if not self._entries or self._entries[0].seq > seq:
            return None
        return [entry for entry in self._entries if entry.seq >= seq]
