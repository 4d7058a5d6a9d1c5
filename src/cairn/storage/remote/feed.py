"""Who follows a chain at the other end of a link: all that do so here share one stream.

A feed begins at the chain's present head and keeps the newest entries that came. Who is further behind reads pages
until the feed reaches back to it; who is slow falls out of the feed, and reads pages again. So nobody holds the stream
up, and a thousand followers of one chain cost the link what one does.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from cairn.core.chain import ChainId, Entry, Head, Kind, Seq
from cairn.core.errors import CairnError, Unavailable
from cairn.storage.recent import Recent

AskHead = Callable[[ChainId], Awaitable[Head]]
Stream = Callable[[ChainId, Seq], AsyncIterator[Entry]]


class Feed:
    """The newest entries of one chain, without a gap between them. `next` is the seq that comes next."""

    def __init__(self) -> None:
        self.next: int | None = None
        self.is_closed = False
        self.error: CairnError | None = None
        self.followers = 0
        self.changed = asyncio.Event()
        self._recent = Recent()

    def begin(self, head: Head) -> None:
        """What is up to this head has been."""
        self.next, self.is_closed = head.seq + 1, head.closed
        self._wake()

    def publish(self, entry: Entry) -> None:
        """An entry came."""
        self._recent.add(entry)
        self.next, self.is_closed = entry.seq + 1, entry.kind == Kind.CLOSE
        self._wake()

    def fail(self, error: CairnError) -> None:
        """Nothing more comes."""
        self.error = error
        self._wake()

    def since(self, seq: int) -> list[Entry] | None:
        """The entries from `seq` on; None if the feed does not reach back so far."""
        assert self.next is not None
        return [] if seq >= self.next else self._recent.since(seq)

    def _wake(self) -> None:
        woken, self.changed = self.changed, asyncio.Event()
        woken.set()


class Feeds:
    """The feeds of the chains that are followed now."""

    def __init__(self, head: AskHead, stream: Stream) -> None:
        self._head = head
        self._stream = stream
        self._feeds: dict[ChainId, Feed] = {}
        self._tasks: dict[Feed, asyncio.Task[None]] = {}

    @contextlib.contextmanager
    def following(self, chain_id: ChainId) -> Iterator[Feed]:
        """The feed of a chain, kept while it is followed."""
        feed = self._feeds.get(chain_id)
        if feed is None or feed.error is not None:
            feed = self._feeds[chain_id] = Feed()
            self._tasks[feed] = asyncio.create_task(self._fill(chain_id, feed))
        feed.followers += 1
        try:
            yield feed
        finally:
            feed.followers -= 1
            if feed.followers == 0:
                self._tasks.pop(feed).cancel()
                if self._feeds.get(chain_id) is feed:
                    del self._feeds[chain_id]

    async def _fill(self, chain_id: ChainId, feed: Feed) -> None:
        try:
            head = await self._head(chain_id)
            feed.begin(head)
            if head.closed:
                return
            async with contextlib.aclosing(self._stream(chain_id, Seq(head.seq + 1))) as entries:  # type: ignore[type-var]
                async for entry in entries:
                    feed.publish(entry)
            if not feed.is_closed:
                feed.fail(Unavailable("the storage follows this chain no more: watch again"))
        except CairnError as error:
            feed.fail(error)
