"""One watch and one listening per chain, for all sockets and event streams that follow it.

A thousand followers of a chain cost the store what one does. A follower is told how far its chain goes, and fetches a
page when it can send one: from the newest frames, which all share within `_RECENT_BYTES_MAX`, or from the store. What
breaks a watch off is mended here, by watching again from the next seq; followers see only that nothing comes.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Final, TypeVar

from cairn.core.chain import ChainId, Entry, Head, Seq
from cairn.core.ephemeral import Ephemeral
from cairn.core.errors import CairnError
from cairn.core.store import Store
from cairn.interface.live.newest import Newest
from cairn.interface.live.telling import Audience, Follower, Turns
from cairn.wire.live import encode_frame

T = TypeVar("T")

Frames = list[tuple[Seq, bytes]]
"""Entries of one chain as they are sent, each with its seq."""

_PAGE_FRAMES: Final = 64
_PAGE_BYTES: Final = 256 * 1024
_RECENT_BYTES_MAX: Final = 16 * 1024 * 1024
_PAUSE_SECONDS: Final = (0.1, 0.5, 1.0, 2.0)

_log = logging.getLogger("cairn.interface")


class Feed:
    """A chain that somebody follows: how far it goes, and who follows it."""

    def __init__(self, head: Head, turns: Turns) -> None:
        self.chain_id = head.chain_id
        self.stop = Seq(head.seq + 1)
        self.is_closed = head.closed
        self.audience = Audience(head.chain_id, turns)
        self.tasks: list[asyncio.Task[None]] = []


class Feeds:
    """The feeds of all chains that are followed now."""

    def __init__(self, store: Store, head_of: Callable[[ChainId], Awaitable[Head]]) -> None:
        self._store = store
        self._head_of = head_of
        self._feeds: dict[ChainId, Feed] = {}
        self._recent = Newest(_RECENT_BYTES_MAX)
        self._turns = Turns()
        self.heard = 0

    def __len__(self) -> int:
        return len(self._feeds)

    async def follow(self, chain_id: ChainId, follower: Follower) -> Feed:
        """The feed of a chain, which tells `follower` of what comes until it leaves.

        Raises:
            NotFound: there is no such chain, or it is a door. Unavailable: not known now.
        """
        if chain_id not in self._feeds:
            head = await self._head_of(chain_id)
            if chain_id not in self._feeds:
                self._feeds[chain_id] = self._start(head)
        feed = self._feeds[chain_id]
        feed.audience.enter(follower)
        return feed

    def leave(self, chain_id: ChainId, follower: Follower) -> None:
        """Tell `follower` no more; the last to leave ends the feed."""
        feed = self._feeds.get(chain_id)
        if feed is None:
            return
        feed.audience.leave(follower)
        if not len(feed.audience):
            del self._feeds[chain_id]
            for task in feed.tasks:
                task.cancel()

    def feed(self, chain_id: ChainId) -> Feed | None:
        """The feed of a chain that is followed."""
        return self._feeds.get(chain_id)

    def newest(self, chain_id: ChainId, seq: Seq) -> bytes | None:
        """The frame of an entry, if it is one of the newest."""
        return self._recent.find(chain_id, seq)

    async def page(self, feed: Feed, start: Seq) -> Frames:
        """Some of the entries from `start` on, in order; none where what was there is trimmed.

        Raises:
            Unavailable, Corrupt, NotFound: see `ChainStore.read`.
        """
        if start >= feed.stop:
            return []
        return self._recent_page(feed.chain_id, start) or await self._read(feed, start)

    def _recent_page(self, chain_id: ChainId, start: Seq) -> Frames:
        """The frames from `start` on that are in memory without a gap."""
        frames: Frames = []
        size = 0
        while len(frames) < _PAGE_FRAMES and size <= _PAGE_BYTES:
            seq = Seq(start + len(frames))
            frame = self._recent.find(chain_id, seq)
            if frame is None:
                break
            frames.append((seq, frame))
            size += len(frame)
        return frames

    async def _read(self, feed: Feed, start: Seq) -> Frames:
        frames: Frames = []
        size = 0
        async with aclosing(self._store.chains.read(feed.chain_id, start, feed.stop)) as entries:  # type: ignore[type-var]
            async for entry in entries:
                frames.append((entry.seq, encode_frame(feed.chain_id, entry.raw)))
                size += len(entry.raw)
                if len(frames) == _PAGE_FRAMES or size > _PAGE_BYTES:
                    break
        return frames

    def _start(self, head: Head) -> Feed:
        feed = Feed(head, self._turns)
        if not feed.is_closed:
            feed.tasks = [asyncio.create_task(self._watch(feed)), asyncio.create_task(self._listen(feed))]
        return feed

    async def _watch(self, feed: Feed) -> None:
        def came(entry: Entry) -> None:
            self._recent.keep(feed.chain_id, entry.seq, encode_frame(feed.chain_id, entry.raw))
            feed.stop = Seq(entry.seq + 1)
            feed.audience.grew()

        await _keep(lambda: self._store.chains.watch(feed.chain_id, feed.stop), came)
        feed.is_closed = True
        feed.audience.grew()

    async def _listen(self, feed: Feed) -> None:
        def came(message: Ephemeral) -> None:
            self.heard += 1
            feed.audience.hear(encode_frame(feed.chain_id, message.raw))

        await _keep(lambda: self._store.relay.listen(feed.chain_id), came)


async def _keep(source: Callable[[], AsyncIterator[T]], came: Callable[[T], None]) -> None:
    """Hand on what comes from a source, which is opened again where it breaks off, until it ends."""
    tries = 0
    while True:
        try:
            async with aclosing(source()) as items:  # type: ignore[type-var]
                async for item in items:
                    came(item)
                    tries = 0
        except CairnError:
            await asyncio.sleep(_PAUSE_SECONDS[min(tries, len(_PAUSE_SECONDS) - 1)] * (0.5 + random.random()))  # noqa: S311
            tries += 1
        except Exception:
            _log.exception("a chain that is followed failed in an unexpected way")
            raise
        else:
            return
