import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cairn.core.store import Store
from cairn.storage.embedded import folder, open_embedded
from cairn.testing.clock import FakeClock
from cairn.testing.contract import StoreContract, TimedContract

DAY_SECONDS = 24 * 3_600.0


class TestEmbedded(StoreContract, TimedContract):
    @asynccontextmanager
    async def make(self) -> AsyncIterator[Store]:
        self._clock = FakeClock()
        with tempfile.TemporaryDirectory() as path:
            async with open_embedded(Path(path) / "data", clock=self._clock) as self._embedded:
                yield self._embedded.store

    def now_ms(self) -> int:
        return self._clock.now_ms()

    async def pass_a_day(self) -> None:
        self._clock.advance(DAY_SECONDS + 1)
        await self._embedded.collect()


class TestEmbeddedInOneShard(TestEmbedded):
    """The same in one shard: how many there are is the data folder's."""

    @pytest.fixture(autouse=True)
    def shards(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(folder, "SHARD_COUNT", 1)
