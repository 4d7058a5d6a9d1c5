"""A Store that asks a server over HTTP, and raises what a local one would.

What comes back is not believed: blocks are hashed again, entries parsed again, and `format.reader` verifies the chain.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from cairn.client.concurrency.batch import Batcher, Call
from cairn.client.remote.events import events_in
from cairn.client.remote.http import HttpServer, is_worth_waiting, parse_json
from cairn.client.remote.live import LiveSocket
from cairn.client.remote.websocket import NoSockets
from cairn.core.block import Block, BlockId, GrantId, Pin, PinHash
from cairn.core.chain import FLAG_DOOR, SEQ_MAX, ChainId, Entry, Head, Kind, Seq
from cairn.core.ephemeral import Ephemeral
from cairn.core.errors import CairnError, Forbidden, Invalid, Limited, NotFound, TooLarge, Unavailable, Unknown
from cairn.core.store import Store, Usage
from cairn.wire.messages import (
    ABSENT,
    ALREADY,
    HAS_PRESENT,
    HAS_UNAVAILABLE,
    PAGE_ENTRIES,
    REFUSED,
    STORED,
    GotBlocksReader,
    PutItem,
    decode_entries,
    decode_put_answer,
    encode_entries,
    encode_ids,
    encode_put,
    head_from_json,
)  # fmt: skip
from cairn.wire.status import error_of

_GET_ITEMS: Final = 64
_PUT_ITEMS: Final = 256
_PUT_BYTES: Final = 8 * 1024 * 1024
_REQUESTS: Final = 4
_HAS_ITEMS: Final = 1_024
_ROUNDS: Final = 4
_PATIENCE_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = (0.1, 0.5, 1.0, 2.0)
_NO_RELAY: Final = (
    "ephemeral messages need a live socket, and the server takes none: what stands before it must let them pass"
)
_SEQ_DIGITS_MAX: Final = len(str(SEQ_MAX))


@dataclass(frozen=True, slots=True)
class _Put:
    """A block that is to be put, and what keeps it."""

    block: Block
    pin: PinHash | None


class RemoteBlocks:
    """BlockStore over HTTP. Calls made at the same time travel together."""

    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._gets: Batcher[BlockId, Block] = Batcher(
            self._send_gets, items_max=_GET_ITEMS, bytes_max=_PUT_BYTES, requests_max=_REQUESTS
        )
        self._puts: Batcher[_Put, bool] = Batcher(
            self._send_puts, items_max=_PUT_ITEMS, bytes_max=_PUT_BYTES, requests_max=_REQUESTS
        )

    async def get(self, block_id: BlockId) -> Block:
        """See `BlockStore.get`."""
        return await self._gets.call(block_id, 32)

    async def put(self, block: Block, pin: PinHash | None, grant: GrantId) -> bool:
        """See `BlockStore.put`; the grant is the one that the connection presents."""
        return await self._puts.call(_Put(block, pin), len(block) + 36)

    async def unpin(self, block_id: BlockId, pin: Pin) -> None:
        """See `BlockStore.unpin`."""
        await self._server.ask("DELETE", f"/v1/blocks/{block_id.hex()}", Cairn_Pin_Secret=pin.hex())

    async def has(self, block_ids: Collection[BlockId]) -> set[BlockId]:
        """See `BlockStore.has`."""
        wanted = list(block_ids)
        present: set[BlockId] = set()
        for start in range(0, len(wanted), _HAS_ITEMS):
            asked = wanted[start : start + _HAS_ITEMS]
            answer = await self._server.ask("POST", "/v1/blocks/has", body=encode_ids(asked))
            if len(answer.body) != len(asked):
                raise Invalid("the answer about blocks has another length than the question")
            if HAS_UNAVAILABLE in answer.body:
                raise Unavailable("the server cannot tell now whether it has these blocks: try again")
            present.update(one for one, state in zip(asked, answer.body, strict=True) if state == HAS_PRESENT)
        return present

    async def scan(self, after: BlockId | None) -> AsyncIterator[BlockId]:
        """Ids are not listed over HTTP: they are the permission to read."""
        raise Forbidden("ids cannot be listed over HTTP")
        yield  # pragma: no cover

    async def _send_gets(self, calls: Sequence[Call[BlockId, Block]]) -> None:
        """Ask for a batch; what a broken answer leaves open is asked for again."""
        error: CairnError = Unavailable("the server cannot give this block now: try again")
        for attempt in range(_ROUNDS):
            left = [call for call in calls if not call.future.done()]
            if not left:
                return
            if attempt:
                await asyncio.sleep(_seconds_before(error, attempt))
            try:
                await self._get_round(left)
            except (Unavailable, Limited) as failed:
                error = failed
            if not is_worth_waiting(error):
                break
        for call in calls:
            call.fail(error)

    async def _get_round(self, calls: Sequence[Call[BlockId, Block]]) -> None:
        waiting: dict[BlockId, list[Call[BlockId, Block]]] = {}
        for call in calls:
            waiting.setdefault(call.item, []).append(call)
        reader = GotBlocksReader()
        async with self._server.stream("POST", "/v1/blocks/get", body=encode_ids(waiting)) as pieces:
            async for piece in pieces:
                for block_id, found in reader.feed(piece):
                    if block_id not in waiting:
                        raise Invalid("the server sent a block that was not asked for")
                    _settle(waiting.pop(block_id), block_id, found)
        if waiting:
            raise Unavailable("the server left blocks out of its answer")

    async def _send_puts(self, calls: Sequence[Call[_Put, bool]]) -> None:
        """Send a batch; items of unknown outcome are sent again, and refused ones alone, to learn why."""
        left = list(calls)
        for _ in range(_ROUNDS):
            body = encode_put([PutItem(call.item.pin, call.item.block.data) for call in left])
            outcomes = decode_put_answer((await self._server.ask("POST", "/v1/blocks/put", body=body)).body)
            if [block_id for block_id, _ in outcomes] != [call.item.block.id for call in left]:
                raise Invalid("the server answers for other blocks than were sent: do not trust it")
            unknown = []
            for call, (_, status) in zip(left, outcomes, strict=True):
                if status in (STORED, ALREADY):
                    call.succeed(status == STORED)
                elif status == REFUSED:
                    await self._put_alone(call)
                else:
                    unknown.append(call)
            left = unknown
            if not left:
                return
        for call in left:
            call.fail(Unknown("the server could not tell whether it stored this: put it again"))

    async def _put_alone(self, call: Call[_Put, bool]) -> None:
        block = call.item.block
        headers = {"Cairn_Pin": call.item.pin.hex()} if call.item.pin else {}
        try:
            answer = await self._server.ask("PUT", f"/v1/blocks/{block.id.hex()}", body=block.data, **headers)
            call.succeed(answer.status == 201)
        except CairnError as error:
            call.fail(error)


class RemoteChains:
    """ChainStore over HTTP, of chains or of doors."""

    def __init__(self, server: HttpServer, live: LiveSocket | None = None, *, doors: bool = False) -> None:
        """What is watched comes by `live`; without it, or where the server takes no sockets, by event streams."""
        self._server = server
        self._live = live
        self._doors = doors

    async def head(self, chain_id: ChainId) -> Head:
        """See `ChainStore.head`."""
        head = head_from_json((await self._server.ask("GET", self._path(chain_id))).json())
        if head.chain_id != chain_id:
            raise Invalid("the server answered with the head of another chain")
        return head

    async def append(self, entries: Sequence[Entry], grant: GrantId) -> tuple[Head, int]:
        """See `ChainStore.append`. How many entries were new is not told over HTTP but for: none."""
        base = "doors" if entries[0].flags & FLAG_DOOR else "chains"
        path = f"/v1/{base}/{entries[0].chain_id.hex()}/entries"
        answer = await self._server.ask("POST", path, body=encode_entries(entries))
        return head_from_json(answer.json()), len(entries) if answer.status == 201 else 0

    async def read(self, chain_id: ChainId, start: Seq, stop: Seq) -> AsyncIterator[Entry]:
        """See `ChainStore.read`."""
        following = int(start)
        while following < stop:
            query = f"?from={following}&to={stop}&limit={PAGE_ENTRIES}"
            answer = await self._server.ask("GET", f"{self._path(chain_id)}/entries{query}")
            page = _entries_in(answer.body)
            for entry in page:
                if entry.seq < following:
                    raise Invalid("the server sent entries out of order")
                following = entry.seq + 1
                yield entry
            if not page or following > _head_seq(answer.headers.get("cairn-head", "")):
                return

    async def watch(self, chain_id: ChainId, start: Seq) -> AsyncIterator[Entry]:
        """See `ChainStore.watch`; goes on over broken connections, until the server is away for a minute. It ends, too,
        where the server's head is before `start`, or before what it gave: then who follows has to look at the head."""
        following, tries = start, 0
        lost_since: float | None = None

        def found() -> None:
            nonlocal lost_since
            lost_since = None

        while True:
            try:
                async with aclosing(self._subscribed(chain_id, following, found)) as entries:  # type: ignore[type-var]
                    async for entry in entries:
                        tries = 0
                        if entry.seq < following:
                            continue
                        following = Seq(entry.seq + 1)
                        yield entry
                        if entry.kind == Kind.CLOSE:
                            return
                if await self._is_over(chain_id, following):
                    return
            except (Unavailable, Limited):
                now = time.monotonic()
                lost_since = now if lost_since is None else lost_since
                if now - lost_since > _PATIENCE_SECONDS:
                    raise
            await asyncio.sleep(_PAUSE_SECONDS[min(tries, len(_PAUSE_SECONDS) - 1)] * (0.5 + random.random()))  # noqa: S311
            tries += 1

    async def scan(self, after: ChainId | None) -> AsyncIterator[ChainId]:
        """Ids are not listed over HTTP."""
        raise Forbidden("ids cannot be listed over HTTP")
        yield  # pragma: no cover

    async def _subscribed(self, chain_id: ChainId, start: Seq, found: Callable[[], None]) -> AsyncIterator[Entry]:
        """The entries of one subscription, by whatever carries them; `found` is told when the server takes it."""
        if self._doors:
            raise Forbidden("doors cannot be watched")
        if self._live is not None and not self._live.is_refused:
            with contextlib.suppress(NoSockets):
                async with aclosing(self._live.entries(chain_id, start, found)) as entries:  # type: ignore[type-var]
                    async for entry in entries:
                        yield entry
                return
        async with aclosing(self._events(chain_id, start, found)) as entries:  # type: ignore[type-var]
            async for entry in entries:
                yield entry

    async def _events(self, chain_id: ChainId, start: Seq, found: Callable[[], None]) -> AsyncIterator[Entry]:
        path = f"/v1/live?chain={chain_id.hex()}@{start}"
        async with self._server.stream("GET", path, Accept="text/event-stream") as pieces:
            found()
            async for event in events_in(pieces):
                if event.type == "error":
                    raise _error_in(event.data)
                if event.type == "entry":
                    yield _entry_in(event.data, chain_id)

    async def _is_over(self, chain_id: ChainId, following: Seq) -> bool:
        """Whether nothing follows here: after a close, or where the server no longer has what came before."""
        head = await self.head(chain_id)
        return following > head.seq + (0 if head.closed else 1)

    def _path(self, chain_id: ChainId) -> str:
        return f"/v1/{'doors' if self._doors else 'chains'}/{chain_id.hex()}"


class RemoteLedger:
    """Ledger over HTTP: knows the grant that the connection presents, and no other."""

    def __init__(self, server: HttpServer) -> None:
        self._server = server

    async def usage(self, grant: GrantId) -> Usage:
        """What the own grant pays for."""
        document = (await self._server.ask("GET", "/v1/grants/self")).json()
        try:
            return Usage(int(document["used"]["block_bytes"]), int(document["used"]["entry_bytes"]))
        except (KeyError, TypeError, ValueError, OverflowError):
            raise Invalid("the answer about the grant is malformed") from None

    async def keeps(self, block_id: BlockId, pin: PinHash | None) -> bool:
        """Pins are shown to nobody over HTTP."""
        raise Forbidden("pins cannot be asked for over HTTP")


class RemoteRelay:
    """Relay over a live socket."""

    def __init__(self, live: LiveSocket) -> None:
        self._live = live

    async def send(self, message: Ephemeral) -> bool:
        """See `Relay.send`. A server does not say whether the message was passed on before."""
        try:
            await self._live.send(message)
        except NoSockets as error:
            raise Unavailable(_NO_RELAY) from error
        return True

    async def listen(self, chain_id: ChainId) -> AsyncIterator[Ephemeral]:
        """See `Relay.listen`."""
        try:
            async with aclosing(self._live.messages(chain_id)) as messages:  # type: ignore[type-var]
                async for message in messages:
                    yield message
        except NoSockets as error:
            raise Unavailable(_NO_RELAY) from error


def remote_store(server: HttpServer, live: LiveSocket) -> Store:
    """The server as a Store. Who made `live` closes it."""
    return Store(RemoteBlocks(server), RemoteChains(server, live), RemoteLedger(server), RemoteRelay(live))


def _settle(calls: Sequence[Call[BlockId, Block]], block_id: BlockId, found: bytes | int) -> None:
    for call in calls:
        if isinstance(found, bytes):
            try:
                call.succeed(Block.verified(block_id, found))
            except Invalid:
                call.fail(Invalid("the server sent other bytes than this block's: do not trust it"))
        elif found == ABSENT:
            call.fail(NotFound("the server does not have this block"))
        # an unavailable one stays open, and is asked for again


def _seconds_before(error: CairnError, attempt: int) -> float:
    """The pause before another try."""
    if isinstance(error, Limited) and error.retry_seconds:
        return float(error.retry_seconds)
    return _PAUSE_SECONDS[attempt - 1]


def _head_seq(header: str) -> int:
    seq = header.partition(" ")[0]
    if not (seq.isascii() and seq.isdecimal() and len(seq) <= _SEQ_DIGITS_MAX and int(seq) <= SEQ_MAX):
        raise Invalid("the server's answer lacks the header Cairn-Head")
    return int(seq)


def _entries_in(body: bytes) -> list[Entry]:
    try:
        return [Entry.decode(raw) for raw in decode_entries(body)]
    except TooLarge as error:
        raise Invalid(f"the server sent what is no entry: {error}") from None


def _entry_in(data: str, chain_id: ChainId) -> Entry:
    try:
        document: Any = parse_json(data)
        entry = Entry.decode(base64.b64decode(document["entry"], validate=True))
    except (ValueError, KeyError, TypeError, TooLarge):
        raise Invalid("the server sent an event that is malformed") from None
    if entry.chain_id != chain_id:
        raise Invalid("the server sent an entry of another chain")
    return entry


def _error_in(data: str) -> CairnError:
    try:
        document = parse_json(data)
    except Invalid:
        document = {}
    return error_of(503, document if isinstance(document, dict) else {})
