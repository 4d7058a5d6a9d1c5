import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cairn.config import Storage
from cairn.core.store import Store
from cairn.storage.embedded import open_embedded
from cairn.testing.clock import FakeClock
from cairn.testing.contract import StoreContract, TimedContract

DAY_SECONDS = 24 * 3_600.0


class TestEmbedded(StoreContract, TimedContract):
    shards = 1

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Store]:
        self._clock = FakeClock()
        with tempfile.TemporaryDirectory() as path:
            async with open_embedded(
                Path(path) / "data", Storage(shards=self.shards), clock=self._clock
            ) as self._embedded:
                yield self._embedded.store

    def now_ms(self) -> int:
        return self._clock.now_ms()

    async def pass_a_day(self) -> None:
        self._clock.advance(DAY_SECONDS + 1)
        await self._embedded.collect()


class TestEmbeddedInFourShards(TestEmbedded):
    shards = 4
