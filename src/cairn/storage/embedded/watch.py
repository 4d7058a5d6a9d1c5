"""Who waits for a chain to grow. Watchers of one chain share its newest entries, so that a thousand cost like one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from cairn.core.chain import ChainId, Entry
from cairn.storage.recent import Recent


class Feed:
    """The newest entries of one watched chain, without a gap between them."""

    def __init__(self) -> None:
        self.watchers = 0
        self.grown = asyncio.Event()
        self._recent = Recent()

    def publish(self, entries: Sequence[Entry]) -> None:
        """Add entries that are now acknowledged, and wake who waits."""
        for entry in entries:
            self._recent.add(entry)
        woken, self.grown = self.grown, asyncio.Event()
        woken.set()

    def since(self, seq: int) -> list[Entry] | None:
        """The entries from `seq` on; None if the feed does not reach back so far."""
        return self._recent.since(seq)


class Feeds:
    """The feeds of the chains that are watched now."""

    def __init__(self) -> None:
        self._feeds: dict[ChainId, Feed] = {}

    @contextmanager
    def watching(self, chain_id: ChainId) -> Iterator[Feed]:
        """The feed of a chain, kept while it is watched."""
        feed = self._feeds.setdefault(chain_id, Feed())
        feed.watchers += 1
        try:
            yield feed
        finally:
            feed.watchers -= 1
            if feed.watchers == 0:
                del self._feeds[chain_id]

    def publish(self, entries: Sequence[Entry]) -> None:
        """Tell the watchers of a chain, if there are any, what was acknowledged. In the order of the commits."""
        feed = self._feeds.get(entries[0].chain_id) if entries else None
        if feed is not None:
            feed.publish(entries)
