"""GET /v1/live: up to 64 chains as one stream of Server-Sent Events (WHATWG HTML, 9.2).

Each event's id is the whole cursor: the next seq of every chain, in the order of the query. So a stream resumes
anywhere, from what the client remembers, and the server remembers nothing. Streams and live sockets share one watch per
chain (`feeds.py`), and what a stream has not sent lies in the store: nothing is queued for a slow reader.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from typing import Final

import msgspec

from cairn.config import Limits
from cairn.core.chain import SEQ_MAX, ChainId, Seq
from cairn.core.errors import CairnError, Invalid, TooLarge, Unavailable
from cairn.interface.admission.rates import address_group
from cairn.interface.admission.traffic import Traffic
from cairn.interface.http.answers import COMMON, NO_STORE
from cairn.interface.http.exchange import Request, Response
from cairn.interface.http.query import parse_query
from cairn.interface.live.feeds import Feed, Feeds, Frames
from cairn.interface.live.newest import Newest
from cairn.interface.live.subscriptions import Subscriptions
from cairn.interface.numbers.families import Families, gauges
from cairn.wire.live import FRAME_HEAD_BYTES
from cairn.wire.messages import parse_id
from cairn.wire.routes import EVENTS
from cairn.wire.status import problem

_HEARTBEAT_SECONDS: Final = 15.0
_PIECE_BYTES: Final = 32 * 1024
_SHARED_BYTES_MAX: Final = 8 * 1024 * 1024
_CURSOR_CHARS_MAX: Final = 64 * 17


class LiveRoutes:
    """The handler of /v1/live."""

    def __init__(self, feeds: Feeds, traffic: Traffic, limits: Limits) -> None:
        self._feeds = feeds
        self._traffic = traffic
        self._limits = limits
        self._shared = _SharedData()
        self._streams: set[_Stream] = set()

    @property
    def stream_count(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    def metrics(self) -> Families:
        """The numbers of live streams: a `Source`."""
        yield from gauges({"cairn_live_streams": (self.stream_count, "Event streams that are open.")})

    async def get_live(self, request: Request) -> Response:
        """GET /v1/live as an event stream."""
        cursor = self._cursor_of(request)
        client = address_group(request.client)
        self._traffic.streams.enter(client)
        stream = _Stream(self._feeds, cursor, self._shared, lambda: self._left(stream, client))
        self._streams.add(stream)
        try:
            await stream.follow_all()
        except BaseException:
            await stream.aclose()
            raise
        headers = [*COMMON, ("content-type", EVENTS), NO_STORE, ("x-accel-buffering", "no")]
        return Response(200, headers, stream)

    def stop(self) -> None:
        """End all streams: their clients resume elsewhere, or here after the restart."""
        for stream in self._streams:
            stream.end(Unavailable("the server is stopping: connect again"))

    def _left(self, stream: _Stream, client: str) -> None:
        self._streams.discard(stream)
        self._traffic.streams.leave(client)

    def _cursor_of(self, request: Request) -> dict[ChainId, Seq]:
        """The chains asked for, each with the next seq, in the order of the query."""
        wanted = parse_query(request.query, 2 * self._limits.live_chains).get("chain", [])
        if not wanted:
            raise Invalid("a live stream names its chains: /v1/live?chain=ID@SEQ")
        if len(wanted) > self._limits.live_chains:
            raise TooLarge(f"one stream carries at most {self._limits.live_chains} chains")
        self._traffic.check_items(request.client, len(wanted))
        cursor = dict(_parse_chain(value) for value in wanted)
        if len(cursor) != len(wanted):
            raise Invalid("a chain is named twice")
        resumed = request.headers.get("last-event-id")
        return dict(zip(cursor, _parse_cursor(resumed, len(cursor)), strict=True)) if resumed else cursor


class _Stream:
    """One event stream: a `Follower` of its chains, and a response's body. However it ends, `aclose` is called."""

    def __init__(
        self, feeds: Feeds, cursor: dict[ChainId, Seq], shared: _SharedData, on_closed: Callable[[], None]
    ) -> None:
        self._feeds = feeds
        self._cursor = cursor
        self._shared = shared
        self._on_closed = on_closed
        self._subscriptions = Subscriptions(len(cursor))
        self._work = asyncio.Event()
        self._ending: CairnError | None = None
        self._is_over = False
        self._is_welcomed = False

    async def follow_all(self) -> None:
        """Begin to follow. Raises NotFound, Unavailable."""
        for chain_id, place in self._cursor.items():
            await self._feeds.follow(chain_id, self)
            self._subscriptions.put(chain_id, place)
            self.grew(chain_id)

    def end(self, error: CairnError) -> None:
        """Say this, and end."""
        self._ending = self._ending or error
        self._work.set()

    def grew(self, chain_id: ChainId) -> bool:
        """See `Follower`."""
        feed = self._feeds.feed(chain_id)
        if feed is None:
            return True
        self._subscriptions.grew(chain_id, feed.stop, is_closed=feed.is_closed)
        self._work.set()
        return False

    def hear(self, frame: bytes) -> bool:
        """Ephemeral messages are not for event streams."""
        return True

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        """The next piece of the body: events, or a comment."""
        if not self._is_welcomed:
            self._is_welcomed = True
            return b": welcome\n\n"
        while not self._is_over:
            piece = await self._next_piece()
            if piece:
                return piece
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Follow nothing any more."""
        for chain_id in self._subscriptions.chains:
            self._leave(chain_id)
        if self._on_closed is not _nothing:
            self._on_closed()
            self._on_closed = _nothing

    async def _next_piece(self) -> bytes:
        """Something to send, or nothing yet."""
        self._work.clear()
        if self._ending is not None:
            self._is_over = True
            return _error_event(self._ending)
        turn = self._subscriptions.next_behind()
        if turn is not None:
            return await self._events(*turn)
        if not len(self._subscriptions):
            self._is_over = True
            return b""
        return await self._rest()

    async def _rest(self) -> bytes:
        try:
            async with asyncio.timeout(_HEARTBEAT_SECONDS):
                await self._work.wait()
        except TimeoutError:
            return b": still here\n\n"
        return b""

    async def _events(self, chain_id: ChainId, place: Seq) -> bytes:
        """The next events of one chain, as many as make a piece."""
        feed = self._feeds.feed(chain_id)
        if feed is None:
            return b""
        stop = feed.stop
        try:
            frames = await self._feeds.page(feed, place)
        except CairnError as error:
            self.end(error)
            return b""
        return self._told(feed, place, frames) if frames else self._passed(feed, max(place, stop))

    def _told(self, feed: Feed, place: Seq, frames: Frames) -> bytes:
        events = []
        size = 0
        following = place
        for seq, frame in frames:
            following = Seq(seq + 1)
            self._cursor[feed.chain_id] = following
            events.append(self._event(feed.chain_id, seq, frame))
            size += len(events[-1])
            if size > _PIECE_BYTES:
                break
        self._passed(feed, following)
        return b"".join(events)

    def _passed(self, feed: Feed, following: Seq) -> bytes:
        """Go on behind what was sent or is trimmed; after the last entry of a closed chain, without it."""
        place = self._subscriptions.place(feed.chain_id)
        self._subscriptions.move(feed.chain_id, place, following, feed.stop)
        if feed.is_closed and following >= feed.stop:
            self._leave(feed.chain_id)
        return b""

    def _leave(self, chain_id: ChainId) -> None:
        self._subscriptions.drop(chain_id)
        self._feeds.leave(chain_id, self)

    def _event(self, chain_id: ChainId, seq: Seq, frame: bytes) -> bytes:
        place = ",".join(map(str, self._cursor.values()))
        return b"event: entry\nid: %b\ndata: %b\n\n" % (place.encode(), self._shared.of(chain_id, seq, frame))


class _SharedData:
    """The JSON of the newest entries, made once for all streams that carry them."""

    def __init__(self) -> None:
        self.newest = Newest(_SHARED_BYTES_MAX)

    def of(self, chain_id: ChainId, seq: Seq, frame: bytes) -> bytes:
        """The data of an event."""
        data = self.newest.find(chain_id, seq)
        if data is None:
            raw = base64.b64encode(frame[FRAME_HEAD_BYTES:]).decode()
            data = msgspec.json.encode({"chain": chain_id.hex(), "seq": seq, "entry": raw})
            self.newest.keep(chain_id, seq, data)
        return data


def _nothing() -> None:
    """It was closed before."""


def _error_event(error: CairnError) -> bytes:
    return b"event: error\ndata: " + msgspec.json.encode(problem(error)) + b"\n\n"


def _parse_chain(value: str) -> tuple[ChainId, Seq]:
    chain_hex, _, seq = value.partition("@")
    return ChainId(parse_id(chain_hex)), _parse_seq(seq or "0")


def _parse_cursor(text: str, count: int) -> list[Seq]:
    parts = text.split(",", count) if len(text) <= _CURSOR_CHARS_MAX else []
    if len(parts) != count:
        raise Invalid("the Last-Event-ID is not of a stream with these chains")
    return [_parse_seq(part) for part in parts]


def _parse_seq(text: str) -> Seq:
    if not (text.isascii() and text.isdecimal()) or len(text) > 16 or int(text) > SEQ_MAX:
        raise Invalid("a seq is a number from 0 to 2^53 - 1")
    return Seq(int(text))
