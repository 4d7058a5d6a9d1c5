"""The Store in memory: the reference that others are tested against, and the fake that tests use."""

from cairn.core.store import Store
from cairn.storage.memory.blocks import MemoryBlocks
from cairn.storage.memory.chains import MemoryChains
from cairn.storage.memory.ledger import MemoryLedger

__all__ = ["memory_store"]


def memory_store() -> Store:
    """A fresh, empty Store that forgets all when it goes."""
    ledger = MemoryLedger()
    return Store(MemoryBlocks(ledger), MemoryChains(ledger), ledger)
