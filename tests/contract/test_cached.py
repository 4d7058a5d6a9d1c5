from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cairn.cache import cached
from cairn.core.store import Store
from cairn.storage.memory import memory_store
from cairn.testing.contract import StoreContract


class TestCached(StoreContract):
    @asynccontextmanager
    async def make(self) -> AsyncIterator[Store]:
        yield cached(memory_store(), 1_000_000)
