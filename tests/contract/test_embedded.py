import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cairn.core.store import Store
from cairn.storage.embedded import open_embedded
from cairn.testing.contract import StoreContract


class TestEmbedded(StoreContract):
    @asynccontextmanager
    async def make(self) -> AsyncIterator[Store]:
        with tempfile.TemporaryDirectory() as folder:
            async with open_embedded(Path(folder) / "data") as embedded:
                yield embedded.store
