"""The contract holds through wrappers, and above a slow store."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from nacl.signing import SigningKey

from cairn.cache import cached
from cairn.core.store import Store
from cairn.storage.embedded import open_embedded
from cairn.storage.memory import memory_store
from cairn.testing.clock import FakeClock
from cairn.testing.contract import StoreContract
from cairn.testing.faults import Faults, with_faults
from cairn.wrap.observe import observed
from cairn.wrap.receipt import with_receipts

SLOW = 0.002


class TestReceipted(StoreContract):
    @asynccontextmanager
    async def make(self) -> AsyncIterator[Store]:
        yield with_receipts(memory_store(), SigningKey(bytes(32)), FakeClock())


class _Noted:
    """Spans that nobody hears of, but which must be ended in the order of their beginning."""

    def __init__(self) -> None:
        self.open = 0
        self.names: set[str] = set()

    @contextmanager
    def within(self, name: str) -> Iterator["_Noted"]:
        self.names.add(name)
        self.open += 1
        try:
            yield self
        finally:
            self.open -= 1

    beside = within

    def rename(self, name: str) -> None:
        raise AssertionError("a store's spans have their names from the start")

    def note(self, name: str, value: str | int) -> None:
        assert not isinstance(value, str)

    def fail(self, code: str) -> None:
        raise AssertionError("an error that is raised says enough")


class TestObserved(StoreContract):
    """Every operation is a span, and every span has an end."""

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Store]:
        spans = _Noted()
        yield observed(memory_store(), "layer", spans)
        assert spans.open == 0
        assert spans.names <= {f"layer.{name}" for name in ("get", "put", "unpin", "has", "head", "append", "read")}


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
