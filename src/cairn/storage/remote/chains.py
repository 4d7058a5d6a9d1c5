"""A ChainStore that asks. What comes back is not believed: entries are parsed again, and their order is checked."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence

from cairn.core.block import GrantId
from cairn.core.chain import ChainId, Entry, Head, Kind, Seq
from cairn.core.errors import CairnError, Invalid, Unavailable
from cairn.link import Link
from cairn.link.asking import CREDIT_BYTES
from cairn.storage.remote.feed import Feed, Feeds
from cairn.wire.link import (
    PAGE_BYTES,
    PAGE_ENTRIES_MAX,
    SCAN_IDS,
    Operation,
    decode_appended,
    decode_head,
    decode_page,
    decode_run,
    encode_append,
)  # fmt: skip
from cairn.wire.messages import ReadItem, decode_entries, decode_ids, encode_read


class RemoteChains:
    """Chains at the other end of a link."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._feeds = Feeds(self.head, self._stream)

    async def head(self, chain_id: ChainId) -> Head:
        """See `ChainStore.head`."""
        return await self._link.ask(Operation.HEAD, chain_id, lambda body: _of(chain_id, decode_head(body)))

    async def append(self, entries: Sequence[Entry], grant: GrantId) -> tuple[Head, int]:
        """See `ChainStore.append`."""
        chain_id = entries[0].chain_id

        def decode(body: bytes) -> tuple[Head, int]:
            head, fresh = decode_appended(body)
            if fresh > len(entries):
                raise Invalid("the answer tells of more entries than were sent")
            return _of(chain_id, head), fresh

        return await self._link.ask(Operation.APPEND, encode_append(entries, grant), decode)

    async def read(self, chain_id: ChainId, start: Seq, stop: Seq) -> AsyncIterator[Entry]:
        """See `ChainStore.read`."""
        following, is_first = int(start), True
        while following < stop or is_first:
            limit = max(1, min(PAGE_ENTRIES_MAX, stop - following))
            page = await self._page(chain_id, following, limit)
            for entry in page:
                if entry.seq >= stop:
                    return
                yield entry
            is_full = len(page) == limit or sum(len(entry.raw) for entry in page) >= PAGE_BYTES
            if not is_full:
                return
            following, is_first = page[-1].seq + 1, False

    async def watch(self, chain_id: ChainId, start: Seq) -> AsyncIterator[Entry]:
        """See `ChainStore.watch`."""
        following = int(start)
        with self._feeds.following(chain_id) as feed:
            while True:
                changed = feed.changed
                entries = await self._next(chain_id, feed, following)
                for entry in entries:
                    yield entry
                    following = entry.seq + 1
                    if entry.kind == Kind.CLOSE:
                        return
                if entries:
                    continue
                if feed.error is not None:
                    raise type(feed.error)(str(feed.error))
                if feed.next is not None and following < feed.next:
                    following = feed.next  # what was there has been trimmed
                elif feed.is_closed:
                    return
                else:
                    await changed.wait()

    async def _next(self, chain_id: ChainId, feed: Feed, following: int) -> list[Entry]:
        """The next entries that are here or can be read; none when there are none yet, or the feed has failed."""
        if feed.next is None or feed.error is not None:
            return []
        entries = feed.since(following)
        return await self._page(chain_id, following, PAGE_ENTRIES_MAX) if entries is None else entries

    async def _stream(self, chain_id: ChainId, start: Seq) -> AsyncIterator[Entry]:
        """The entries from `start` on, as the other end tells of them."""
        following = int(start)
        body = encode_read([ReadItem(chain_id, start, CREDIT_BYTES)])
        async with contextlib.aclosing(self._link.stream(Operation.WATCH, body)) as items:  # type: ignore[type-var]
            async for item in items:
                for entry in self._believed(item, chain_id, following):
                    yield entry
                    following = entry.seq + 1
                    if entry.kind == Kind.CLOSE:
                        return

    async def scan(self, after: ChainId | None) -> AsyncIterator[ChainId]:
        """See `ChainStore.scan`."""
        while True:
            page = await self._link.ask(Operation.SCAN_CHAINS, after or b"", decode_ids)
            for one in page:
                after = ChainId(one)
                yield after
            if len(page) < SCAN_IDS:
                return

    async def _page(self, chain_id: ChainId, start: int, limit: int) -> list[Entry]:
        body = encode_read([ReadItem(chain_id, Seq(start), limit)])

        def decode(answer: bytes) -> list[Entry]:
            page = decode_page(answer, chain_id)
            if len(page) > limit or (page and page[0].seq < start):
                raise Invalid("the answer holds other entries than were asked for")
            return page

        return await self._link.ask(Operation.READ, body, decode)

    def _believed(self, item: bytes, chain_id: ChainId, following: int) -> list[Entry]:
        """The entries of one piece of a watch. Raises Unavailable if it is broken: watch again."""
        try:
            entries = decode_run(decode_entries(item), chain_id)
        except CairnError:
            entries = []
        if not entries or entries[0].seq < following:
            self._link.drop_all()
            raise Unavailable("the storage sent something else than this chain: watch again")
        return entries


def _of(chain_id: ChainId, head: Head) -> Head:
    if head.chain_id != chain_id:
        raise Invalid("the answer is the head of another chain")
    return head
