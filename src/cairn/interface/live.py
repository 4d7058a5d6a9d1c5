"""GET /v1/live: the watches of up to 64 chains as one stream of Server-Sent Events (WHATWG HTML, 9.2).

Each event's id is the whole cursor: the next seq of every chain, in the order of the query. So a stream resumes
anywhere, from what the client remembers, and the server remembers nothing. A slow reader holds back its own watches:
nothing is queued for it beyond `_QUEUE_EVENTS` and what the server in front has not yet sent.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Final

import msgspec

from cairn.config import Limits
from cairn.core.chain import SEQ_MAX, ChainId, Entry, Seq
from cairn.core.errors import CairnError, Invalid, TooLarge, Unavailable
from cairn.core.store import ChainStore
from cairn.interface.access import Access
from cairn.interface.answers import COMMON, NO_STORE
from cairn.interface.chains import ChainRoutes
from cairn.interface.http import Request, Response
from cairn.interface.metrics import Families, gauges
from cairn.interface.query import parse_query
from cairn.interface.rates import address_group
from cairn.wire.messages import parse_id
from cairn.wire.routes import EVENTS
from cairn.wire.status import problem

_HEARTBEAT_SECONDS: Final = 15.0
_QUEUE_EVENTS: Final = 16
_SHARED_EVENTS: Final = 1_024
_CURSOR_CHARS_MAX: Final = 64 * 17

_End = CairnError | None
_SILENCE: Final = object()


class LiveRoutes:
    """The handler of /v1/live."""

    def __init__(self, chains: ChainStore, routes: ChainRoutes, access: Access, limits: Limits) -> None:
        self._chains = chains
        self._routes = routes
        self._access = access
        self._limits = limits
        self._encoded: OrderedDict[bytes, bytes] = OrderedDict()
        self._streams: set[asyncio.Event] = set()

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
        for chain_id in cursor:
            await self._routes.head_of(chain_id)
        client = address_group(request.client)
        self._access.streams.enter(client)
        headers = [*COMMON, ("content-type", EVENTS), NO_STORE, ("x-accel-buffering", "no")]
        return Response(200, headers, self._stream(cursor, client))

    def stop(self) -> None:
        """End all streams: their clients resume elsewhere, or here after the restart."""
        for stopping in self._streams:
            stopping.set()

    def _cursor_of(self, request: Request) -> dict[ChainId, Seq]:
        """The chains asked for, each with the next seq, in the order of the query."""
        wanted = parse_query(request.query, 2 * self._limits.live_chains).get("chain", [])
        if not wanted:
            raise Invalid("a live stream names its chains: /v1/live?chain=ID@SEQ")
        if len(wanted) > self._limits.live_chains:
            raise TooLarge(f"one stream carries at most {self._limits.live_chains} chains")
        cursor = dict(_parse_chain(value) for value in wanted)
        if len(cursor) != len(wanted):
            raise Invalid("a chain is named twice")
        resumed = request.headers.get("last-event-id")
        return dict(zip(cursor, _parse_cursor(resumed, len(cursor)), strict=True)) if resumed else cursor

    async def _stream(self, cursor: dict[ChainId, Seq], client: str) -> AsyncIterator[bytes]:
        queue: asyncio.Queue[Entry | _End] = asyncio.Queue(_QUEUE_EVENTS)
        stopping = asyncio.Event()
        self._streams.add(stopping)
        watches = [asyncio.create_task(self._watch(chain_id, seq, queue)) for chain_id, seq in cursor.items()]
        watches.append(asyncio.create_task(_end_when(stopping, queue)))
        try:
            yield b": welcome\n\n"
            open_chains = len(cursor)
            while open_chains:
                item = await _next_item(queue)
                if item is _SILENCE:
                    yield b": still here\n\n"
                elif isinstance(item, Entry):
                    cursor[item.chain_id] = Seq(item.seq + 1)
                    yield self._event(item, cursor)
                elif item is None:
                    open_chains -= 1
                else:
                    yield _error_event(item)  # type: ignore[arg-type]
                    return
        finally:
            self._streams.discard(stopping)
            self._access.streams.leave(client)
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)

    async def _watch(self, chain_id: ChainId, start: Seq, queue: asyncio.Queue[Entry | _End]) -> None:
        end: _End = None
        try:
            async with contextlib.aclosing(self._chains.watch(chain_id, start)) as entries:  # type: ignore[type-var]
                async for entry in entries:
                    await queue.put(entry)
        except CairnError as error:
            end = error
        await queue.put(end)

    def _event(self, entry: Entry, cursor: dict[ChainId, Seq]) -> bytes:
        place = ",".join(map(str, cursor.values()))
        return b"event: entry\nid: " + place.encode() + b"\ndata: " + self._data(entry) + b"\n\n"

    def _data(self, entry: Entry) -> bytes:
        """The JSON of an entry, made once for all streams that carry it."""
        data = self._encoded.get(entry.hash)
        if data is None:
            raw = base64.b64encode(entry.raw).decode()
            data = msgspec.json.encode({"chain": entry.chain_id.hex(), "seq": entry.seq, "entry": raw})
            self._encoded[entry.hash] = data
            if len(self._encoded) > _SHARED_EVENTS:
                self._encoded.popitem(last=False)
        return data


async def _next_item(queue: asyncio.Queue[Entry | _End]) -> object:
    """What is next in a stream; `_SILENCE` when nothing came for a while."""
    try:
        async with asyncio.timeout(_HEARTBEAT_SECONDS):
            return await queue.get()
    except TimeoutError:
        return _SILENCE


async def _end_when(stopping: asyncio.Event, queue: asyncio.Queue[Entry | _End]) -> None:
    await stopping.wait()
    await queue.put(Unavailable("the server is stopping: connect again"))


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
