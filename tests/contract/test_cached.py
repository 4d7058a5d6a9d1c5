import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cairn.cache import DiskTier, cached
from cairn.core.clock import SystemClock
from cairn.core.store import Store
from cairn.storage.memory import memory_store
from cairn.testing.contract import StoreContract


class TestCached(StoreContract):
    @asynccontextmanager
    async def make(self) -> AsyncIterator[Store]:
        yield cached(memory_store(), 1_000_000)


class TestCachedOnDisk(StoreContract):
    """Without memory, so that every block that was fetched comes from the disk."""

    memory_bytes = 0

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Store]:
        with tempfile.TemporaryDirectory() as folder:
            disk = DiskTier(Path(folder) / "cache", SystemClock())
            disk.resize(16 * 1024 * 1024)
            try:
                yield cached(memory_store(), self.memory_bytes, disk=disk)
            finally:
                disk.close()


class TestCachedInBothTiers(TestCachedOnDisk):
    memory_bytes = 20_000
