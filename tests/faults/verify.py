"""Holds what a server has against what it acknowledged: what is new since the last time, and a sample of the rest."""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Sequence

from cairn.core.block import Block, BlockId
from cairn.core.chain import Entry, accept
from cairn.wire.messages import HAS_ABSENT, GotBlocksReader, decode_entries, encode_ids, head_from_json
from tests.faults.acknowledged import Acknowledged, Chain
from tests.faults.api import Api

_GET_IDS = 128
_HAS_IDS = 1_024
_SAMPLED_BLOCKS = 64
_SAMPLED_CHAINS = 2


class Lie(AssertionError):
    """The server does not keep its word."""


class Verifier:
    """Checks a server after each of its restarts."""

    def __init__(self, acknowledged: Acknowledged, rand: random.Random) -> None:
        self._acknowledged = acknowledged
        self._rand = rand
        self._blocks = self._deleted = self._unknown = 0  # how many of each were checked before
        self._receipt_keys: list[str] = []

    async def check_new(self, api: Api) -> None:
        """What was acknowledged since the last time, and some of the older. Chains go on from what was verified."""
        told = self._acknowledged
        await self._check_identity(api)
        await _check_blocks(api, told.blocks[self._blocks :] + _some(told.blocks[: self._blocks], self._rand))
        await _check_blocks(api, list(told.pins))
        await _check_deleted(api, told.deleted[self._deleted :] + _some(told.deleted[: self._deleted], self._rand))
        await _check_not_wrong(api, told.unknown[self._unknown :])
        self._blocks, self._deleted, self._unknown = len(told.blocks), len(told.deleted), len(told.unknown)
        for chain in told.chains:
            if chain.pending or chain.verified is None or chain.verified.seq + 1 < chain.acknowledged:
                await _check_chain(api, chain)
        for chain in self._rand.sample(told.chains, min(_SAMPLED_CHAINS, len(told.chains))):
            await _check_chain(api, chain, is_whole=True)

    async def check_all(self, api: Api) -> None:
        """Everything, each chain from its genesis on."""
        told = self._acknowledged
        await self._check_identity(api)
        await _check_blocks(api, [*told.blocks, *told.pins])
        await _check_deleted(api, told.deleted)
        await _check_not_wrong(api, told.unknown)
        for chain in told.chains:
            await _check_chain(api, chain, is_whole=True)

    async def _check_identity(self, api: Api) -> None:
        """It has the secret that it had: grants and receipts of before are worth what they were."""
        status, body = await api.ask("GET", "/v1/info")
        assert status == 200
        keys = json.loads(body)["receipt_keys"]
        if keys != (self._receipt_keys or keys):
            raise Lie("the node has another secret than before")
        self._receipt_keys = keys


async def _check_blocks(api: Api, block_ids: Sequence[BlockId]) -> None:
    """Each is there, and its bytes are those that its id is the hash of."""
    for asked in _groups(block_ids, _GET_IDS):
        found = await _get(api, asked)
        lost = [block_id for block_id in asked if not isinstance(found.get(block_id), bytes)]
        if lost:
            raise Lie(f"{len(lost)} of {len(asked)} acknowledged blocks are not there")
        for block_id in asked:
            Block.verified(block_id, found[block_id])  # type: ignore[arg-type]


async def _check_not_wrong(api: Api, block_ids: Sequence[BlockId]) -> None:
    """Each is there, or not, but never with other bytes."""
    for asked in _groups(block_ids, _GET_IDS):
        for block_id, data in (await _get(api, asked)).items():
            if isinstance(data, bytes):
                Block.verified(block_id, data)


async def _check_deleted(api: Api, block_ids: Sequence[BlockId]) -> None:
    for asked in _groups(block_ids, _HAS_IDS):
        status, body = await api.ask("POST", "/v1/blocks/has", encode_ids(asked))
        if status != 200 or body != bytes((HAS_ABSENT,)) * len(asked):
            raise Lie("a block whose deletion was acknowledged is there again")


async def _get(api: Api, block_ids: Sequence[BlockId]) -> dict[BlockId, bytes | int]:
    status, body = await api.ask("POST", "/v1/blocks/get", encode_ids(block_ids))
    assert status == 200, f"reading blocks was answered with {status}"
    reader = GotBlocksReader()
    found = dict(reader.feed(body))
    reader.finish()
    return found


async def _check_chain(api: Api, chain: Chain, *, is_whole: bool = False) -> None:
    """The entries are those sent, each accepted after the one before; the head is one that it may have."""
    if is_whole:
        chain.verified = None
    path = f"/v1/chains/{chain.writer.keys.chain_id.hex()}"
    seq = await _head_seq(api, path)
    if seq not in chain.heads:
        raise Lie(f"the head of a chain is at {seq}, and must be at one of {sorted(chain.heads)}")
    start = chain.verified.seq + 1 if chain.verified else 0
    while start <= seq:
        status, body = await api.ask("GET", f"{path}/entries?from={start}&limit=256")
        entries = [Entry.decode(raw) for raw in decode_entries(body)] if status == 200 else []
        if not entries:
            raise Lie(f"entry {start} of a chain whose head is at {seq} is not there: {status}")
        for entry in entries:
            chain.verified = accept(chain.verified, entry)
            if entry.raw != chain.writer.entries[entry.seq].raw:
                raise Lie(f"entry {entry.seq} of a chain is another than was sent")
        start += len(entries)


async def _head_seq(api: Api, path: str) -> int:
    status, body = await api.ask("GET", path)
    assert status in (200, 404), f"reading a head was answered with {status}"
    return head_from_json(json.loads(body)).seq if status == 200 else -1


def _groups(block_ids: Sequence[BlockId], size: int) -> list[Sequence[BlockId]]:
    return [block_ids[at : at + size] for at in range(0, len(block_ids), size)]


def _some(block_ids: Collection[BlockId], rand: random.Random) -> list[BlockId]:
    return rand.sample(list(block_ids), min(_SAMPLED_BLOCKS, len(block_ids)))
