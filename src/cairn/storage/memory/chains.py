"""ChainStore in dictionaries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from cairn.core.block import GrantId
from cairn.core.chain import ChainId, ChainState, Entry, Head, Kind, Seq, accept
from cairn.core.errors import Conflict, NotFound
from cairn.storage.memory.ledger import MemoryLedger


class _Chain:
    def __init__(self) -> None:
        self.state: ChainState | None = None
        self.entries: dict[int, tuple[Entry, GrantId]] = {}
        self.grown = asyncio.Condition()


class MemoryChains:
    """Chains by id. Trimming is told, not timed: `trim`."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger = ledger
        self._chains: dict[ChainId, _Chain] = {}

    async def head(self, chain_id: ChainId) -> Head:
        """See `ChainStore.head`."""
        return self.state(chain_id).head

    async def append(self, entries: Sequence[Entry], grant: GrantId) -> tuple[Head, int]:
        """See `ChainStore.append`."""
        chain = self._chains.get(entries[0].chain_id) or _Chain()
        state = chain.state
        fresh: list[Entry] = []
        for entry in entries:
            if not fresh and self._stands(chain, entry):
                continue
            state = accept(state, entry)
            fresh.append(entry)
        assert state is not None
        self._chains[entries[0].chain_id] = chain
        chain.state = state
        for entry in fresh:
            chain.entries[entry.seq] = (entry, grant)
            self._ledger.entry_bytes[grant] += len(entry.raw)
        async with chain.grown:
            chain.grown.notify_all()
        return state.head, len(fresh)

    async def read(self, chain_id: ChainId, start: Seq, stop: Seq) -> AsyncIterator[Entry]:
        """See `ChainStore.read`."""
        self.state(chain_id)
        kept = self._chains[chain_id].entries
        for seq in sorted(kept):
            if start <= seq < stop and seq in kept:
                yield kept[seq][0]

    async def watch(self, chain_id: ChainId, start: Seq) -> AsyncIterator[Entry]:
        """See `ChainStore.watch`."""
        self.state(chain_id)
        chain = self._chains[chain_id]
        following = start
        while True:
            state = self.state(chain_id)
            async for entry in self.read(chain_id, following, Seq(state.seq + 1)):
                yield entry
                if entry.kind == Kind.CLOSE:
                    return
            following = max(following, Seq(state.seq + 1))
            if state.closed:
                return
            async with chain.grown:
                while self.state(chain_id).seq < following:
                    await chain.grown.wait()

    async def scan(self, after: ChainId | None) -> AsyncIterator[ChainId]:
        """See `ChainStore.scan`; in the order of the ids."""
        for chain_id in sorted(self._chains):
            if after is None or chain_id > after:
                yield chain_id

    def state(self, chain_id: ChainId) -> ChainState:
        """All that is known of a chain. Raises NotFound."""
        chain = self._chains.get(chain_id)
        if chain is None or chain.state is None:
            raise NotFound("there is no such chain")
        return chain.state

    def trim(self, chain_id: ChainId) -> None:
        """Drop what lies below the floor, or of a closed chain all but its two ends, as a real store does after its
        delay."""
        chain, state = self._chains[chain_id], self.state(chain_id)
        first = state.seq if state.closed else max(state.floor, state.first)
        for seq in [seq for seq in chain.entries if 0 < seq < first]:
            entry, grant = chain.entries.pop(seq)
            self._ledger.entry_bytes[grant] -= len(entry.raw)
            state = replace(state, entries=state.entries - 1, bytes=state.bytes - len(entry.raw))
        chain.state = replace(state, first=Seq(first))

    @staticmethod
    def _stands(chain: _Chain, entry: Entry) -> bool:
        """Whether this very entry is there already.

        Raises:
            Conflict: other bytes stand at its seq, or none are kept there any more.
        """
        if chain.state is None or entry.seq > chain.state.seq:
            return False
        kept = chain.entries.get(entry.seq)
        if kept and kept[0].hash == entry.hash:
            return True
        if chain.state.closed:
            return False
        raise Conflict("another entry stands there, or it was trimmed", chain.state.head)
