"""The Store in memory: the reference that others are tested against, and the fake that tests use."""

from cairn.core.clock import Clock, SystemClock
from cairn.core.store import Store
from cairn.storage.hub import Hub
from cairn.storage.memory.blocks import MemoryBlocks
from cairn.storage.memory.chains import MemoryChains
from cairn.storage.memory.ledger import MemoryLedger

__all__ = ["memory_store"]


def memory_store(clock: Clock | None = None) -> Store:
    """A fresh, empty Store that forgets all when it goes. The clock tells which ephemeral messages are of now."""
    ledger = MemoryLedger()
    chains = MemoryChains(ledger)
    return Store(MemoryBlocks(ledger), chains, ledger, Hub(chains.state, clock or SystemClock()))
