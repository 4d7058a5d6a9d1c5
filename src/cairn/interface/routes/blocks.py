"""Block routes -> BlockStore."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, NamedTuple

from cairn.config import Limits
from cairn.core.block import BLOCK_BYTES_MAX, Block, BlockId, Pin, PinHash
from cairn.core.errors import CairnError, Invalid, Limited, NotFound, TooLarge, Unknown
from cairn.core.store import BlockStore, Ledger
from cairn.interface.admission.access import Access
from cairn.interface.admission.grant import Grant
from cairn.interface.admission.traffic import Traffic
from cairn.interface.http.answers import COMMON, bytes_answer, empty_answer, other_problem, problem_answer
from cairn.interface.http.exchange import Request, RequestHeaders, Response
from cairn.interface.http.ranges import Unsatisfiable, etag_matches, parse_range
from cairn.wire.messages import (
    ABSENT,
    ALREADY,
    HAS_ABSENT,
    HAS_PRESENT,
    HAS_UNAVAILABLE,
    REFUSED,
    STORED,
    UNAVAILABLE,
    UNKNOWN,
    PutItem,
    decode_ids,
    decode_put,
    encode_got_block,
    encode_missing_block,
    encode_put_answer,
    parse_id,
)  # fmt: skip

_IMMUTABLE: Final = ("cache-control", "public, max-age=31536000, immutable")
BLOCK_HEADERS: Final = [
    *COMMON,
    ("content-type", "application/octet-stream"),
    ("content-disposition", "attachment"),
    ("accept-ranges", "bytes"),
    _IMMUTABLE,
]
_IDS_BYTES_MAX: Final = 32 * 1_024
_AHEAD: Final = 8  # blocks of one batch fetched before they are sent


class _Frame(NamedTuple):
    data: bytes
    held_bytes: int


Near = Callable[[BlockId], Block | None]
"""Gets a block that needs no waiting for, if there is one: from memory."""


def block_etag(block_hex: str) -> str:
    """The entity tag of a block, which never changes."""
    return f'"{block_hex}"'


class BlockRoutes:
    """The handlers of /v1/blocks."""

    def __init__(
        self, blocks: BlockStore, ledger: Ledger, near: Near, access: Access, traffic: Traffic, limits: Limits
    ) -> None:
        self._blocks = blocks
        self._ledger = ledger
        self._near = near
        self._access = access
        self._traffic = traffic
        self._limits = limits

    async def get_block(self, request: Request, block_hex: str) -> Response:
        """GET /v1/blocks/{id}."""
        block_id = BlockId(parse_id(block_hex))
        headers = request.headers
        etag = block_etag(block_hex)
        if etag_matches(headers.get("if-none-match"), etag):
            await self._require(block_id)
            return empty_answer(304, ("etag", etag), _IMMUTABLE)
        data = (await self._blocks.get(block_id)).data
        answer_headers = [*BLOCK_HEADERS, ("etag", etag)]
        wanted = headers.get("range")
        if wanted is None:
            return Response(200, answer_headers, data)
        return _ranged(data, wanted, headers.get("if-range"), etag)

    def get_near_block(self, block_hex: str, headers: RequestHeaders) -> Block | None:
        """The block, if `get_block` answers with all of it (200), and it is near."""
        if headers.get("if-none-match") is not None or headers.get("range") is not None:
            return None
        try:
            return self._near(BlockId(parse_id(block_hex)))
        except Invalid:
            return None

    async def put_block(self, request: Request, block_hex: str) -> Response:
        """PUT /v1/blocks/{id}."""
        block_id = BlockId(parse_id(block_hex))
        grant = self._access.grant_of(request)
        pin = _pin_hash(request.headers.get("cairn-pin"))
        data = await request.body.read(BLOCK_BYTES_MAX)
        try:
            block = Block.verified(block_id, data)
        except Invalid as error:
            return problem_answer(error, 422)
        await self._check_quota(grant, block, pin)
        is_new = await self._blocks.put(block, pin, grant.id)
        return empty_answer(201 if is_new else 200, ("etag", block_etag(block_hex)))

    async def delete_block(self, request: Request, block_hex: str) -> Response:
        """DELETE /v1/blocks/{id}. The pin's secret is the permission: no grant is asked for."""
        block_id = BlockId(parse_id(block_hex))
        secret = request.headers.get("cairn-pin-secret")
        if secret is None:
            raise Invalid("removing a block needs the header Cairn-Pin-Secret: the pin that its upload set")
        await self._blocks.unpin(block_id, Pin(parse_id(secret)))
        return empty_answer(204)

    async def post_blocks_get(self, request: Request) -> Response:
        """POST /v1/blocks/get."""
        block_ids = decode_ids(await request.body.read(_IDS_BYTES_MAX))
        self._check_count(request, block_ids)
        return Response(
            200, [*COMMON, ("content-type", "application/octet-stream")], self._stream(block_ids, request.client)
        )

    async def post_blocks_put(self, request: Request) -> Response:
        """POST /v1/blocks/put."""
        grant = self._access.grant_of(request)
        items = decode_put(await request.body.read(self._limits.batch_bytes))
        self._check_count(request, items)
        outcomes = await asyncio.gather(*(self._put(item, grant) for item in items))
        return bytes_answer(200, encode_put_answer(outcomes))

    async def post_blocks_has(self, request: Request) -> Response:
        """POST /v1/blocks/has."""
        block_ids = decode_ids(await request.body.read(_IDS_BYTES_MAX))
        self._check_count(request, block_ids)
        try:
            present = await self._blocks.has(block_ids)
        except CairnError:
            return bytes_answer(200, bytes([HAS_UNAVAILABLE]) * len(block_ids))
        return bytes_answer(200, bytes(HAS_PRESENT if one in present else HAS_ABSENT for one in block_ids))

    async def _check_quota(self, grant: Grant, block: Block, pin: PinHash | None) -> None:
        """What the grant can pay for, or what costs nothing, since it stands: a sender may not know that it does."""
        try:
            await self._access.check_quota(grant, len(block))
        except Limited:
            if not await self._ledger.keeps(block.id, pin):
                raise

    async def _require(self, block_id: BlockId) -> None:
        if block_id not in await self._blocks.has([block_id]):
            raise NotFound("there is no such block")

    async def _put(self, item: PutItem, grant: Grant) -> tuple[BlockId, int]:
        block = Block.of(item.data)
        try:
            await self._check_quota(grant, block, item.pin)
            is_new = await self._blocks.put(block, item.pin, grant.id)
        except Unknown:
            return block.id, UNKNOWN
        except CairnError:
            return block.id, REFUSED
        return block.id, STORED if is_new else ALREADY

    async def _stream(self, block_ids: Sequence[BlockId], client: str) -> AsyncIterator[bytes]:
        """The frames in the order asked, with a few blocks under way ahead of the one that is sent."""
        ahead: deque[asyncio.Task[_Frame]] = deque()
        try:
            for block_id in block_ids:
                ahead.append(asyncio.create_task(self._frame(block_id, client)))
                if len(ahead) > _AHEAD:
                    yield (await ahead[0]).data
                    self._let_go(ahead.popleft(), client)
            while ahead:
                yield (await ahead[0]).data
                self._let_go(ahead.popleft(), client)
        finally:
            for task in ahead:
                self._let_go(task, client)

    async def _frame(self, block_id: BlockId, client: str) -> _Frame:
        """A frame, and how many bytes the client has taken of the room for answers until it has it."""
        try:
            block = await self._blocks.get(block_id)
            self._traffic.answers.take(client, len(block))
        except NotFound:
            return _Frame(encode_missing_block(block_id, ABSENT), 0)
        except CairnError:
            return _Frame(encode_missing_block(block_id, UNAVAILABLE), 0)
        return _Frame(encode_got_block(block), len(block))

    def _let_go(self, task: asyncio.Task[_Frame], client: str) -> None:
        if task.done() and not task.cancelled() and task.exception() is None:
            self._traffic.answers.give_back(client, task.result().held_bytes)
        else:
            task.cancel()

    def _check_count(self, request: Request, items: Sequence[object]) -> None:
        if len(items) > self._limits.batch_items:
            raise TooLarge(f"one request holds at most {self._limits.batch_items} items")
        self._traffic.check_items(request.client, len(items))


def _ranged(data: bytes, wanted: str, if_range: str | None, etag: str) -> Response:
    """All of a block, or the range of it that is wanted."""
    headers = [*BLOCK_HEADERS, ("etag", etag)]
    try:
        found = parse_range(wanted, len(data)) if if_range in (None, etag) else None
    except Unsatisfiable:
        return other_problem(
            416, "range", "Range not satisfiable", "the range lies behind the end of the block",
            ("content-range", f"bytes */{len(data)}"),
        )  # fmt: skip
    if found is None:
        return Response(200, headers, data)
    start, stop = found
    headers.append(("content-range", f"bytes {start}-{stop - 1}/{len(data)}"))
    return Response(206, headers, data[start:stop])


def _pin_hash(header: str | None) -> PinHash | None:
    return PinHash(parse_id(header)) if header is not None else None
