"""Writers of blocks and entries that go on until the server is gone, and remember what it acknowledged."""

from __future__ import annotations

import asyncio
import random

from cairn.core.block import Block, Pin, pin_hash
from cairn.core.chain import Entry, Kind
from cairn.testing.chains import Writer
from cairn.wire.messages import ALREADY, STORED, PutItem, decode_put_answer, encode_entries, encode_put
from tests.faults.acknowledged import Acknowledged, Chain
from tests.faults.api import Api, Lost

WRITERS = 16
_DONE = (200, 201, 204)
_PROMISE_NOTHING = (500, 503, 504, 507)
_CHAIN_ENTRIES = 40


class Workload:
    """Sixteen concurrent writers; the same seed makes the same writes, in whatever order they come to be answered."""

    def __init__(self, seed: int | str) -> None:
        self.seed = seed
        self.acknowledged = Acknowledged()
        self._random = [random.Random(f"{seed}/{number}") for number in range(WRITERS)]
        self._chains: dict[int, Chain] = {}

    async def run(self, api: Api, writes_max: int | None = None) -> None:
        """Write until the server is gone, or each writer has sent so many requests."""
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(WRITERS):
                    group.create_task(self._write(number, api, writes_max))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _write(self, number: int, api: Api, writes_max: int | None) -> None:
        write = self._append if number % 2 else self._touch_blocks
        count = 0
        try:
            while writes_max is None or count < writes_max:
                await write(number, api)
                count += 1
        except Lost:
            return

    async def _touch_blocks(self, number: int, api: Api) -> None:
        rand = self._random[number]
        dice = rand.random()
        if dice < 0.15 and self.acknowledged.pins:
            await self._delete(api, rand)
        elif dice < 0.7:
            await self._put(api, rand)
        else:
            await self._put_many(api, rand)

    async def _put(self, api: Api, rand: random.Random) -> None:
        block, pin = _block(rand), Pin(rand.randbytes(32)) if rand.random() < 0.3 else None
        headers = {"Cairn-Pin": pin_hash(pin).hex()} if pin else {}
        try:
            status, _ = await api.ask("PUT", f"/v1/blocks/{block.id.hex()}", block.data, headers)
        except Lost:
            self.acknowledged.unknown.append(block.id)
            raise
        if self._is_done(status):
            self.acknowledged.add_block(block.id, pin)
        else:
            self.acknowledged.unknown.append(block.id)

    async def _put_many(self, api: Api, rand: random.Random) -> None:
        blocks = [_block(rand) for _ in range(rand.randint(2, 12))]
        try:
            status, body = await api.ask("POST", "/v1/blocks/put", encode_put([PutItem(None, b.data) for b in blocks]))
        except Lost:
            self.acknowledged.unknown += [block.id for block in blocks]
            raise
        outcomes = dict(decode_put_answer(body)) if self._is_done(status) else {}
        for block in blocks:
            kept = (
                self.acknowledged.blocks if outcomes.get(block.id) in (STORED, ALREADY) else self.acknowledged.unknown
            )
            kept.append(block.id)

    async def _delete(self, api: Api, rand: random.Random) -> None:
        block_id = rand.choice(list(self.acknowledged.pins))
        pin = self.acknowledged.pins.pop(block_id)
        try:
            status, _ = await api.ask("DELETE", f"/v1/blocks/{block_id.hex()}", None, {"Cairn-Pin-Secret": pin.hex()})
        except Lost:
            self.acknowledged.unknown.append(block_id)
            raise
        if self._is_done(status):
            self.acknowledged.deleted.append(block_id)
        else:
            self.acknowledged.unknown.append(block_id)

    async def _append(self, number: int, api: Api) -> None:
        chain = self._chain(number)
        path = f"/v1/chains/{chain.writer.keys.chain_id.hex()}/entries"
        if not chain.pending:
            chain.pending = _entries(chain, self._random[number])
        status, _ = await api.ask("POST", path, encode_entries(chain.pending))
        if self._is_done(status):
            chain.acknowledge()

    def _chain(self, number: int) -> Chain:
        """The chain that a writer is at; its pending append, if there is one, is sent again."""
        chain = self._chains.get(number)
        if chain is None or (not chain.pending and chain.acknowledged >= _CHAIN_ENTRIES):
            chain = Chain(Writer(f"{self.seed}/{number}/{len(self.acknowledged.chains)}"))
            chain.pending = list(chain.writer.entries)
            self._chains[number] = chain
            self.acknowledged.chains.append(chain)
        return chain

    def _is_done(self, status: int) -> bool:
        self.acknowledged.writes += status in _DONE
        if status not in _DONE:
            assert status in _PROMISE_NOTHING, f"a right write was answered with {status}"
            self.acknowledged.refuse(status)
        return status in _DONE


def _block(rand: random.Random) -> Block:
    size = rand.randint(1, 4_000) if rand.random() < 0.95 else rand.randint(4_000, 200_000)
    return Block.of(rand.randbytes(size))


def _entries(chain: Chain, rand: random.Random) -> list[Entry]:
    kinds = (Kind.LINK, Kind.LINK, Kind.LINK, Kind.CHECKPOINT, Kind.ROTATE)
    return [
        chain.writer.add(rand.randbytes(rand.randint(0, 600)), rand.choice(kinds)) for _ in range(rand.randint(1, 5))
    ]
