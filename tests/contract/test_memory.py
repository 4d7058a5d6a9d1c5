from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cairn.core.store import Store
from cairn.storage.memory import memory_store
from cairn.testing.contract import StoreContract


class TestMemory(StoreContract):
    @asynccontextmanager
    async def make(self) -> AsyncIterator[Store]:
        yield memory_store()
