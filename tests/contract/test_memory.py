from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cairn.core.store import Store
from cairn.storage.memory import memory_store
from cairn.storage.memory.blocks import MemoryBlocks
from cairn.storage.memory.chains import MemoryChains
from cairn.testing.contract import StoreContract, TimedContract


class TestMemory(StoreContract, TimedContract):
    @asynccontextmanager
    async def make(self) -> AsyncIterator[Store]:
        self._store = memory_store()
        yield self._store

    async def pass_a_day(self) -> None:
        """The reference has no clock: it is told."""
        blocks, chains = self._store.blocks, self._store.chains
        assert isinstance(blocks, MemoryBlocks)
        assert isinstance(chains, MemoryChains)
        blocks.collect_unpinned()
        async for chain_id in chains.scan(None):
            chains.trim(chain_id)
