"""The contract holds through wrappers, and above a slow store."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from nacl.signing import SigningKey

from cairn.cache import cached
from cairn.core.store import Store
from cairn.storage.embedded import open_embedded
from cairn.storage.memory import memory_store
from cairn.testing.clock import FakeClock
from cairn.testing.contract import StoreContract
from cairn.testing.faults import Faults, with_faults
from cairn.wrap.receipt import with_receipts

SLOW = 0.002


class TestReceipted(StoreContract):
    @asynccontextmanager
    async def make(self) -> AsyncIterator[Store]:
        yield with_receipts(memory_store(), SigningKey(bytes(32)), FakeClock())


class TestSlow(StoreContract):
    """Calls overtake each other, and nothing else goes wrong."""

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Store]:
        yield with_faults(memory_store(), Faults(delay_seconds=SLOW))


class TestCachedSlow(StoreContract):
    """A cache above a store whose answers come late."""

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Store]:
        yield cached(with_faults(memory_store(), Faults(delay_seconds=SLOW)), 100_000)


class TestDeployed(StoreContract):
    """What `cairn serve` is made of."""

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Store]:
        with tempfile.TemporaryDirectory() as folder:
            async with open_embedded(Path(folder) / "data") as embedded:
                yield with_receipts(cached(embedded.store, 1_000_000), SigningKey(bytes(32)), FakeClock())
