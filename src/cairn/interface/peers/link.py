"""The interface of a storage role: the operations of a Store, for the layers above on other machines.

It trusts who asks, for that one knows the node secret (`cairn.link`): grants, quotas and rates are the asker's to
check. It does not trust what is asked: every body is bounded and decoded, blocks are hashed, entries parsed.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from cairn.core.block import BLOCK_BYTES_MAX, Block, BlockId
from cairn.core.chain import SEQ_MAX, ChainId, Entry, Seq, decode_batch
from cairn.core.ephemeral import Ephemeral
from cairn.core.errors import Invalid
from cairn.core.store import Store
from cairn.link import Answer
from cairn.wire.link import (
    PAGE_BYTES,
    PAGE_ENTRIES_MAX,
    SCAN_IDS,
    About,
    Operation,
    decode_append,
    decode_credit,
    decode_grant,
    decode_id,
    decode_keeps,
    decode_paid_put,
    decode_unpin,
    encode_about,
    encode_appended,
    encode_head,
    encode_usage,
)  # fmt: skip
from cairn.wire.messages import (
    ALREADY,
    HAS_ABSENT,
    HAS_PRESENT,
    STORED,
    ReadItem,
    decode_ids,
    decode_read,
    encode_entries,
    encode_got_block,
    encode_ids,
    encode_put_answer,
    encode_read_chain,
)  # fmt: skip

_PAGE_COST: Final = PAGE_BYTES + 256 * 1024
_GET_COST: Final = BLOCK_BYTES_MAX * 4 // 9  # 512 KiB: most blocks are smaller, and few are read at the same moment
_SMALL_COST: Final = 4 * 1024


class StoreResponder:
    """Answers from a Store.

    `about` says what the storage tells of itself now, `removals` which blocks lose a pin from now on, and `report`
    takes the numbers of a worker and gives those of the others; it is None where no workers are.
    """

    def __init__(
        self, store: Store, about: Callable[[], About], *, removals: Callable[[], AsyncIterator[BlockId]] | None = None,
        report: Callable[[bytes], bytes] | None = None,
    ) -> None:  # fmt: skip
        self._store = store
        self._about = about
        self._removals = removals
        self._report = report
        self._answers: dict[Operation, Callable[[bytes], Awaitable[bytes]]] = {
            Operation.GET_BLOCK: self._get_block,
            Operation.PUT_BLOCK: self._put_block,
            Operation.UNPIN_BLOCK: self._unpin_block,
            Operation.HAS_BLOCKS: self._has_blocks,
            Operation.SCAN_BLOCKS: self._scan_blocks,
            Operation.HEAD: self._head,
            Operation.APPEND: self._append,
            Operation.READ: self._read,
            Operation.SCAN_CHAINS: self._scan_chains,
            Operation.USAGE: self._usage,
            Operation.KEEPS: self._keeps,
            Operation.SEND: self._send,
            Operation.ABOUT: self._tell_about,
            Operation.REPORT: self._take_report,
        }

    def cost(self, operation: Operation, size: int) -> int:
        """See `Responder.cost`."""
        if operation is Operation.GET_BLOCK:
            return _GET_COST
        if operation is Operation.READ:
            return _PAGE_COST
        return _SMALL_COST + size

    async def answer(self, operation: Operation, body: bytes) -> bytes:
        """See `Responder.answer`."""
        answering = self._answers.get(operation)
        if answering is None:
            raise Invalid("this is not asked of a storage")
        return await answering(body)

    def stream(self, operation: Operation, body: bytes) -> Answer:
        """See `Responder.stream`."""
        if operation is Operation.REMOVALS and self._removals is not None:
            return Answer(self._removals(), decode_credit(body))
        item = _one(body)
        if operation is Operation.LISTEN:
            return Answer(self._listen(item.chain_id), item.limit)
        return Answer(self._watch(item.chain_id, item.start), item.limit)

    # --- blocks ------------------------------------------------------------------------------------------------------

    async def _get_block(self, body: bytes) -> bytes:
        return encode_got_block(await self._store.blocks.get(BlockId(decode_id(body))))

    async def _put_block(self, body: bytes) -> bytes:
        item, grant = decode_paid_put(body)
        block = Block.of(item.data)
        is_new = await self._store.blocks.put(block, item.pin, grant)
        return encode_put_answer([(block.id, STORED if is_new else ALREADY)])

    async def _unpin_block(self, body: bytes) -> bytes:
        await self._store.blocks.unpin(*decode_unpin(body))
        return b""

    async def _has_blocks(self, body: bytes) -> bytes:
        block_ids = decode_ids(body)
        present = await self._store.blocks.has(block_ids)
        return bytes(HAS_PRESENT if one in present else HAS_ABSENT for one in block_ids)

    async def _scan_blocks(self, body: bytes) -> bytes:
        after = BlockId(decode_id(body)) if body else None
        return await _first_ids(self._store.blocks.scan(after))

    # --- chains ------------------------------------------------------------------------------------------------------

    async def _head(self, body: bytes) -> bytes:
        return encode_head(await self._store.chains.head(ChainId(decode_id(body))))

    async def _append(self, body: bytes) -> bytes:
        raws, grant = decode_append(body)
        return encode_appended(*await self._store.chains.append(decode_batch(raws), grant))

    async def _read(self, body: bytes) -> bytes:
        """The next entries: as many as were asked for, a page at most; fewer only if it is full or there are none."""
        item = _one(body)
        limit = min(item.limit, PAGE_ENTRIES_MAX)
        entries: list[Entry] = []
        size = 0
        rest = self._store.chains.read(item.chain_id, item.start, Seq(SEQ_MAX + 1))
        async with contextlib.aclosing(rest) as kept:  # type: ignore[type-var]
            async for entry in kept:
                entries.append(entry)
                size += len(entry.raw)
                if len(entries) >= limit or size >= PAGE_BYTES:
                    break
        return encode_read_chain(item.chain_id, entries)

    async def _watch(self, chain_id: ChainId, start: Seq) -> AsyncIterator[bytes]:
        async with contextlib.aclosing(self._store.chains.watch(chain_id, start)) as entries:  # type: ignore[type-var]
            async for entry in entries:
                yield encode_entries([entry])

    async def _scan_chains(self, body: bytes) -> bytes:
        after = ChainId(decode_id(body)) if body else None
        return await _first_ids(self._store.chains.scan(after))

    # --- the rest ----------------------------------------------------------------------------------------------------

    async def _send(self, body: bytes) -> bytes:
        return bytes((await self._store.relay.send(Ephemeral.decode(body)),))

    async def _listen(self, chain_id: ChainId) -> AsyncIterator[bytes]:
        async with contextlib.aclosing(self._store.relay.listen(chain_id)) as messages:  # type: ignore[type-var]
            async for message in messages:
                yield message.raw

    async def _usage(self, body: bytes) -> bytes:
        return encode_usage(await self._store.ledger.usage(decode_grant(body)))

    async def _take_report(self, body: bytes) -> bytes:
        if self._report is None:
            raise Invalid("there are no workers here")
        return self._report(body)

    async def _keeps(self, body: bytes) -> bytes:
        return bytes((await self._store.ledger.keeps(*decode_keeps(body)),))

    async def _tell_about(self, body: bytes) -> bytes:
        return encode_about(self._about())


def _one(body: bytes) -> ReadItem:
    items = decode_read(body)
    if len(items) != 1:
        raise Invalid("a request of the link reads one chain")
    return items[0]


async def _first_ids(ids: AsyncIterator[BlockId] | AsyncIterator[ChainId]) -> bytes:
    found: list[bytes] = []
    async with contextlib.aclosing(ids) as rest:  # type: ignore[type-var]
        async for one in rest:
            found.append(one)
            if len(found) == SCAN_IDS:
                break
    return encode_ids(found)
