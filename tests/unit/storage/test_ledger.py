"""Totals of grants: many charges in one commit, and a record that is damaged."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cairn.core.block import GrantId
from cairn.core.errors import Corrupt
from cairn.core.store import Usage
from cairn.storage.embedded import open_embedded
from cairn.storage.embedded.environment import open_environment, open_tables
from cairn.storage.embedded.layout import USAGE
from cairn.testing.chains import random_block

ANN, BOB = GrantId(b"a" * 16), GrantId(b"b" * 16)


def _damage_usage(data: Path, grant: GrantId) -> None:
    environment = open_environment(data / "shard-00")
    tables = open_tables(environment)
    with environment.begin(write=True, db=tables[USAGE]) as transaction:
        record = bytearray(transaction.get(grant) or b"")
        record[-1] ^= 1
        transaction.put(grant, bytes(record))
    environment.close()


async def test_a_damaged_total_stops_its_grant_alone(tmp_path: Path) -> None:
    async with open_embedded(tmp_path / "data") as embedded:
        await embedded.store.blocks.put(random_block("first"), None, ANN)
    _damage_usage(tmp_path / "data", ANN)
    async with open_embedded(tmp_path / "data") as embedded:
        store = embedded.store
        blocks = [random_block(f"block {number}") for number in range(40)]
        puts = (store.blocks.put(block, None, (ANN, BOB)[number % 2]) for number, block in enumerate(blocks))
        outcomes = await asyncio.gather(*puts, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [Corrupt, bool] * 20
        assert await store.blocks.has([block.id for block in blocks]) == {block.id for block in blocks[1::2]}
        assert await store.ledger.usage(BOB) == Usage(block_bytes=sum(len(block) for block in blocks[1::2]))
        with pytest.raises(Corrupt):
            await store.ledger.usage(ANN)
        assert not embedded.failed.is_set()
