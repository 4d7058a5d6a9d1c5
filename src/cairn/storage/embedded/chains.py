"""ChainStore on the shards.

`accept` runs inside the commit, against the head that the commit will replace: that is the critical section of
compare-and-append. Its signature check, the dear part, releases the interpreter, so shards check in parallel.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Final

from cairn.core.block import GrantId
from cairn.core.chain import ChainId, ChainState, Entry, Head, Kind, Seq, accept
from cairn.core.clock import Clock
from cairn.core.errors import Conflict, Corrupt, NotFound
from cairn.core.slot import slot_key
from cairn.storage.embedded.layout import (
    DUE,
    ENTRIES,
    HEADS,
    DueKey,
    Task,
    decode_entry,
    decode_head,
    due_key,
    encode_argument,
    encode_entry,
    encode_head,
    entry_key,
    id_of,
    parse_entry,
)  # fmt: skip
from cairn.storage.embedded.shards import Shards
from cairn.storage.embedded.transaction import Reading, Writing
from cairn.storage.embedded.watch import Feeds

TRIM_ENTRIES: Final = 256  # dropped in one commit

_PAGE_ENTRIES: Final = 256
_PAGE_BYTES: Final = 1024 * 1024
_SCAN_IDS: Final = 1_024
_HEAD_RECORD_BYTES: Final = 512


class EmbeddedChains:
    """Chains: a record for the head, one for each entry."""

    def __init__(self, shards: Shards, clock: Clock, trim_ms: int) -> None:
        self._shards = shards
        self._clock = clock
        self._trim_ms = trim_ms
        self._feeds = Feeds()

    async def head(self, chain_id: ChainId) -> Head:
        """See `ChainStore.head`."""
        return self.state(chain_id).head

    async def append(self, entries: Sequence[Entry], grant: GrantId) -> tuple[Head, int]:
        """See `ChainStore.append`."""
        key = slot_key(entries[0].chain_id)
        size = sum(len(entry.raw) for entry in entries)
        self._shards.admit(key, size + _HEAD_RECORD_BYTES)
        now = self._clock.now_ms()
        head, fresh = await self._shards.write(
            key,
            lambda writing: self._append(writing, key, entries, grant, now),
            size,
            lambda outcome: self._feeds.publish(outcome[1]),
        )
        return head, len(fresh)

    async def read(self, chain_id: ChainId, start: Seq, stop: Seq) -> AsyncIterator[Entry]:
        """See `ChainStore.read`."""
        stop = min(stop, Seq(self.state(chain_id).seq + 1))
        following = start
        while following < stop:
            page = await self._page(chain_id, following, stop)
            for entry in page:
                yield entry
            if not page:
                return
            following = Seq(page[-1].seq + 1)

    async def watch(self, chain_id: ChainId, start: Seq) -> AsyncIterator[Entry]:
        """See `ChainStore.watch`."""
        following = start
        with self._feeds.watching(chain_id) as feed:
            while True:
                grown = feed.grown
                state = self.state(chain_id)
                entries = feed.since(following)
                if entries is None:
                    entries = await self._page(chain_id, following, Seq(state.seq + 1))
                for entry in entries:
                    yield entry
                    following = Seq(entry.seq + 1)
                    if entry.kind == Kind.CLOSE:
                        return
                if state.closed and following > state.seq:
                    return
                if not entries:
                    await grown.wait()

    async def scan(self, after: ChainId | None) -> AsyncIterator[ChainId]:
        """See `ChainStore.scan`; in the order of the slots."""
        start = slot_key(after) + b"\0" if after is not None else b""
        for shard in self._shards:
            while True:
                ids = []
                with shard.reading() as reading:
                    for key in reading.keys(HEADS, start):
                        ids.append(ChainId(id_of(key)))
                        if len(ids) == _SCAN_IDS:
                            break
                for chain_id in ids:
                    yield chain_id
                if len(ids) < _SCAN_IDS:
                    break
                start = slot_key(ids[-1]) + b"\0"

    def state(self, chain_id: ChainId) -> ChainState:
        """All that is known of a chain, as it was last committed. Raises NotFound."""
        key = slot_key(chain_id)
        with self._shards.reading(key) as reading:
            state = load_state(reading, key)
        if state is None:
            raise NotFound("there is no such chain")
        return state

    async def _page(self, chain_id: ChainId, start: int, stop: int) -> list[Entry]:
        """The next entries kept, at most `_PAGE_ENTRIES` and about `_PAGE_BYTES`; empty when there are none."""
        if start >= stop:
            return []
        return await self._shards.in_thread(lambda: self._read_page(slot_key(chain_id), start, stop))

    def _read_page(self, key: bytes, start: int, stop: int) -> list[Entry]:
        page: list[Entry] = []
        size = 0
        with self._shards.reading(key) as reading:
            for record_key, record in reading.range(ENTRIES, entry_key(key, start), entry_key(key, stop)):
                page.append(parse_entry(record_key, record))
                size += len(record)
                if len(page) == _PAGE_ENTRIES or size > _PAGE_BYTES:
                    break
        return page

    def _append(
        self, writing: Writing, key: bytes, entries: Sequence[Entry], grant: GrantId, now: int
    ) -> tuple[Head, list[Entry]]:
        before = state = load_state(writing, key)
        fresh: list[Entry] = []
        for entry in entries:
            if fresh or not _stands(writing, key, before, entry):
                state = accept(state, entry)
                fresh.append(entry)
        assert state is not None
        for entry in fresh:
            record_key = entry_key(key, entry.seq)
            writing.put(ENTRIES, record_key, encode_entry(record_key, grant, entry.raw))
        if fresh:
            writing.put(HEADS, key, encode_head(key, state))
            writing.charge(grant, entry_bytes=sum(len(entry.raw) for entry in fresh))
            self._schedule_trim(writing, key, before, state, now)
        return state.head, fresh

    def _schedule_trim(
        self, writing: Writing, key: bytes, before: ChainState | None, state: ChainState, now: int
    ) -> None:
        stop = _trim_stop(state)
        if stop > max(1, _trim_stop(before) if before else 0):
            due = due_key(DueKey(now + self._trim_ms, Task.TRIM, key))
            writing.put(DUE, due, encode_argument(due, stop))


def load_state(reading: Reading, key: bytes) -> ChainState | None:
    """The state of the chain under `slot ‖ id`; None if it is unknown."""
    record = reading.get(HEADS, key)
    return decode_head(key, record) if record is not None else None


def trim(writing: Writing, due: DueKey, stop: int) -> int:
    """Drop up to `TRIM_ENTRIES` entries below `stop`; returns how many. When fewer are left there, the task is done."""
    state = load_state(writing, due.id_key)
    if state is None:
        writing.delete(DUE, due_key(due))
        return 0
    stop = min(stop, _trim_stop(state))
    start, end = entry_key(due.id_key, state.first), entry_key(due.id_key, stop)
    keys = [key for key, _ in zip(writing.keys(ENTRIES, start, end), range(TRIM_ENTRIES), strict=False)]
    dropped = 0
    for key in keys:
        record = writing.get(ENTRIES, key)
        assert record is not None
        grant, raw = decode_entry(key, record)
        writing.delete(ENTRIES, key)
        writing.charge(grant, entry_bytes=-len(raw))
        dropped += len(raw)
    is_done = len(keys) < TRIM_ENTRIES
    first = max(state.first, stop) if is_done else int.from_bytes(keys[-1][-8:], "big") + 1
    trimmed = replace(state, first=Seq(first), entries=state.entries - len(keys), bytes=state.bytes - dropped)
    writing.put(HEADS, due.id_key, encode_head(due.id_key, trimmed))
    if is_done:
        writing.delete(DUE, due_key(due))
    return len(keys)


def count_trim(reading: Reading, due: DueKey, stop: int) -> int:
    """How many entries `trim` would drop in the end."""
    state = load_state(reading, due.id_key)
    return max(0, min(stop, _trim_stop(state)) - state.first) if state is not None else 0


def _trim_stop(state: ChainState) -> int:
    """Below which seq nothing but the genesis need be kept."""
    return state.seq if state.closed else state.floor


def _stands(reading: Reading, key: bytes, state: ChainState | None, entry: Entry) -> bool:
    """Whether this very entry is there already.

    Raises:
        Conflict: other bytes stand at its seq, or it was trimmed, and the chain is not closed.
    """
    if state is None or entry.seq > state.seq:
        return False
    record_key = entry_key(key, entry.seq)
    record = reading.get(ENTRIES, record_key)
    if record is not None and decode_entry(record_key, record)[1] == entry.raw:
        return True
    if record is None and (entry.seq == 0 or entry.seq >= state.first):
        raise Corrupt("an entry that should be here is missing: run `cairn scrub`")
    if state.closed:
        return False  # `accept` says so
    raise Conflict("another entry stands there, or it was trimmed: read on from the present head", state.head)
