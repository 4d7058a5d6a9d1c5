"""Chain and door routes -> ChainStore.

Doors are chains of their own namespace: under /v1/chains a door does not exist, and under /v1/doors nothing else does.
An answer about a door's head has one size whether there is a door or not, and the same headers but for the status line:
who sees only the traffic learns little, and who tries passwords is held to a strict rate.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

import msgspec

from cairn.config import Limits
from cairn.core.chain import FLAG_DOOR, SEQ_MAX, ChainId, Entry, Head, Seq, decode_batch
from cairn.core.errors import CairnError, Invalid, Limited, NotFound
from cairn.core.store import ChainStore
from cairn.interface.admission.access import Access
from cairn.interface.admission.grant import Grant
from cairn.interface.admission.traffic import Traffic
from cairn.interface.http.answers import COMMON, NO_STORE, bytes_answer, empty_answer, json_answer
from cairn.interface.http.exchange import Request, Response
from cairn.interface.http.query import parse_query
from cairn.interface.http.ranges import etag_matches
from cairn.wire.messages import (
    ABSENT,
    PAGE_ENTRIES,
    UNAVAILABLE,
    ReadItem,
    decode_entries,
    decode_read,
    encode_entries,
    encode_missing_chain,
    encode_read_chain,
    head_to_json,
    parse_id,
)  # fmt: skip
from cairn.wire.routes import PROBLEM
from cairn.wire.status import problem

_IMMUTABLE: Final = ("cache-control", "public, max-age=31536000, immutable")
_NO_CACHE: Final = ("cache-control", "no-cache")
_READ_BYTES_MAX: Final = 44 * 1_024
_PIECE_BYTES: Final = 64 * 1024
_DOOR_ANSWER_BYTES: Final = 1_024
_MISSING: Final = "there is no such chain"


class ChainRoutes:
    """The handlers of /v1/chains and /v1/doors."""

    def __init__(self, chains: ChainStore, access: Access, traffic: Traffic, limits: Limits) -> None:
        self._chains = chains
        self._access = access
        self._traffic = traffic
        self._limits = limits

    async def get_chain(self, request: Request, chain_hex: str) -> Response:
        """GET /v1/chains/{id}."""
        head = await self.head_of(ChainId(parse_id(chain_hex)))
        etag = f'"{head.hash.hex()}"'
        if etag_matches(request.headers.get("if-none-match"), etag):
            return empty_answer(304, ("etag", etag), _NO_CACHE)
        return json_answer(200, head_to_json(head), ("etag", etag), _NO_CACHE)

    async def get_door(self, request: Request, chain_hex: str) -> Response:
        """GET /v1/doors/{id}."""
        self._traffic.check_door(request.client)
        chain_id = ChainId(parse_id(chain_hex))
        try:
            status, kind, document = 200, "application/json", head_to_json(await self.head_of(chain_id, door=True))
        except NotFound as error:
            status, kind, document = 404, PROBLEM, problem(error)
        body = msgspec.json.encode(document).ljust(_DOOR_ANSWER_BYTES)
        return Response(status, [*COMMON, ("content-type", kind), NO_STORE], body)

    async def get_chain_entries(self, request: Request, chain_hex: str) -> Response:
        """GET /v1/chains/{id}/entries."""
        return await self._entries(request, await self.head_of(ChainId(parse_id(chain_hex))))

    async def get_door_entries(self, request: Request, chain_hex: str) -> Response:
        """GET /v1/doors/{id}/entries."""
        self._traffic.check_door(request.client)
        answer = await self._entries(request, await self.head_of(ChainId(parse_id(chain_hex)), door=True))
        answer.headers = [header for header in answer.headers if header[0] != "cache-control"] + [NO_STORE]
        return answer

    async def post_chain_entries(self, request: Request, chain_hex: str) -> Response:
        """POST /v1/chains/{id}/entries."""
        return await self._append(request, chain_hex, 0)

    async def post_door_entries(self, request: Request, chain_hex: str) -> Response:
        """POST /v1/doors/{id}/entries."""
        self._traffic.check_door(request.client)
        return await self._append(request, chain_hex, FLAG_DOOR)

    async def post_chains_read(self, request: Request) -> Response:
        """POST /v1/chains/read."""
        items = decode_read(await request.body.read(_READ_BYTES_MAX))
        self._traffic.check_items(request.client, len(items))
        headers = [*COMMON, ("content-type", "application/octet-stream"), NO_STORE]
        return Response(200, headers, self._pieces(items, request.client))

    async def head_of(self, chain_id: ChainId, *, door: bool = False) -> Head:
        """The head of a chain of this namespace.

        Raises:
            NotFound: there is none, or it is of the other.
        """
        head = await self._chains.head(chain_id)
        if head.door is not door:
            raise NotFound(_MISSING)
        return head

    async def _entries(self, request: Request, head: Head) -> Response:
        start, stop, limit = _page_of(request.query, head)
        with self._traffic.answers.holding(request.client) as take:
            entries = await self._page(head.chain_id, Seq(start), Seq(stop), limit, take)
        is_full = start % PAGE_ENTRIES == 0 and [e.seq for e in entries] == list(range(start, start + PAGE_ENTRIES))
        headers = (("cairn-head", f"{head.seq} {head.hash.hex()}"), _IMMUTABLE if is_full else _NO_CACHE)
        return bytes_answer(200, encode_entries(entries), *headers)

    async def _page(
        self, chain_id: ChainId, start: Seq, stop: Seq, limit: int, take: Callable[[int], None]
    ) -> list[Entry]:
        entries: list[Entry] = []
        if start < stop:
            async with contextlib.aclosing(self._chains.read(chain_id, start, stop)) as kept:  # type: ignore[type-var]
                async for entry in kept:
                    take(len(entry.raw))
                    entries.append(entry)
                    if len(entries) == limit:
                        break
        return entries

    async def _pieces(self, items: Sequence[ReadItem], client: str) -> AsyncIterator[bytes]:
        """The frames in the order asked, some at a time."""
        waiting = deque(items)
        left = self._limits.batch_bytes
        while waiting:
            with self._traffic.answers.holding(client) as take:
                piece = bytearray()
                while waiting and len(piece) < _PIECE_BYTES:
                    piece += await self._read_item(waiting.popleft(), left - len(piece), take)
                left -= len(piece)
                yield bytes(piece)

    async def _read_item(self, item: ReadItem, bytes_left: int, take: Callable[[int], None]) -> bytes:
        try:
            head = await self.head_of(item.chain_id)
            entries: list[Entry] = []
            stop = head.seq + 1
            async with contextlib.aclosing(self._chains.read(item.chain_id, item.start, Seq(stop))) as kept:  # type: ignore[type-var]
                async for entry in kept:
                    bytes_left -= len(entry.raw) + 4
                    if len(entries) >= item.limit or bytes_left < 0:
                        break
                    take(len(entry.raw))
                    entries.append(entry)
        except NotFound:
            return encode_missing_chain(item.chain_id, ABSENT)
        except CairnError:
            return encode_missing_chain(item.chain_id, UNAVAILABLE)
        return encode_read_chain(item.chain_id, entries)

    async def _append(self, request: Request, chain_hex: str, flags: int) -> Response:
        chain_id = parse_id(chain_hex)
        grant = self._access.grant_of(request)
        self._traffic.check_signatures(request.client)
        raws = decode_entries(await request.body.read(self._limits.batch_bytes))
        try:
            entries = decode_batch(raws)
            if entries[0].chain_id != chain_id or entries[0].flags != flags:
                raise Invalid("the entries are not of the chain in the address, or it is a door and the route is not")
            await self._check_limits(grant, entries)
            head, fresh = await self._chains.append(entries, grant.id)
        except Invalid:
            self._traffic.count_bad_entry(request.client)
            raise
        return json_answer(201 if fresh else 200, head_to_json(head), ("etag", f'"{head.hash.hex()}"'), NO_STORE)

    async def _check_limits(self, grant: Grant, entries: list[Entry]) -> None:
        """Rate and quota; what stands already costs neither, for a sender may not know that it does."""
        try:
            self._access.check_appends(grant, len(entries))
            await self._access.check_quota(grant, sum(len(entry.raw) for entry in entries))
        except Limited:
            if not await self._all_stand(entries):
                raise

    async def _all_stand(self, entries: list[Entry]) -> bool:
        first, last = entries[0], entries[-1]
        try:
            standing = [entry async for entry in self._chains.read(first.chain_id, first.seq, Seq(last.seq + 1))]
        except NotFound:
            return False
        return [entry.hash for entry in standing] == [entry.hash for entry in entries]


def _page_of(query: str, head: Head) -> tuple[int, int, int]:
    """Start, stop and the greatest count of the entries that a query asks for."""
    fields = parse_query(query, 8)
    start = _number(fields, "from", 0, SEQ_MAX)
    stop = _number(fields, "to", SEQ_MAX, SEQ_MAX)
    limit = _number(fields, "limit", PAGE_ENTRIES, PAGE_ENTRIES)
    if limit < 1:
        raise Invalid("limit is 1 to 256")
    return start, min(stop, head.seq + 1), limit


def _number(fields: dict[str, list[str]], name: str, default: int, maximum: int) -> int:
    values = fields.get(name)
    if values is None:
        return default
    if len(values) != 1 or not (values[0].isascii() and values[0].isdecimal()) or len(values[0]) > 16:
        raise Invalid(f"{name} is one number, from 0 to {maximum}")
    number = int(values[0])
    if number > maximum:
        raise Invalid(f"{name} is one number, from 0 to {maximum}")
    return number
