"""The writing of a chain: entries are built on the newest accepted head, and built again when it has moved.

Appends that are called at the same time go together in one request, all or none, so that many small ones cost one
commit. What is sent again after a broken connection is the same bytes; so an entry never stands twice.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cairn.client.chains.history import History
from cairn.client.concurrency.batch import Batcher, Call
from cairn.client.format.payload import PAYLOAD_BYTES_MAX, READ_KEY_BYTES, Payload
from cairn.client.format.secret import ChainKeys
from cairn.core.block import NO_GRANT
from cairn.core.chain import ENTRY_BYTES_MAX, ChainState, Entry, Kind, Seq, accept, begin
from cairn.core.errors import CairnError, Closed, Conflict, Invalid, NotFound, TooLarge, Unavailable, Unknown
from cairn.core.store import ChainStore

_TRIES: Final = 16
_PAUSE_SECONDS: Final = 0.02
_PAUSE_SECONDS_MAX: Final = 1.0
_BATCH_ITEMS: Final = 256
_BATCH_BYTES: Final = 8 * 1024 * 1024
_OVERHEAD_BYTES: Final = ENTRY_BYTES_MAX - PAYLOAD_BYTES_MAX  # of an entry around its payload, padding apart


@dataclass(frozen=True, slots=True)
class Wanted:
    """An entry to be written: its kind and payload. `trims`: the floor rises to its own seq. `at`: this seq or not."""

    payload: Payload
    kind: Kind = Kind.LINK
    trims: bool = False
    at: int | None = None

    def encode(self, keys: ChainKeys, state: ChainState) -> bytes:
        """The payload as it is sealed after `state`."""
        if self.kind != Kind.ROTATE:
            return self.payload.encode()
        return replace(self.payload, data=keys.read_key(state.key_epoch) + self.payload.data).encode()

    def check(self) -> None:
        """Refuse what fits no entry before it joins others.

        Raises:
            TooLarge, Invalid.
        """
        room = PAYLOAD_BYTES_MAX - (READ_KEY_BYTES if self.kind == Kind.ROTATE else 0)
        if self.payload.size_bytes > room:
            raise TooLarge("this does not fit an entry: put it into blocks, and refer to them")
        self.payload.encode()


_Call = Call[Sequence[Wanted], list[Entry]]


class Writer:
    """Appends to one chain."""

    def __init__(self, keys: ChainKeys, chains: ChainStore, history: History) -> None:
        self._keys = keys
        self._chains = chains
        self._history = history
        self._queue: Batcher[Sequence[Wanted], list[Entry]] = Batcher(
            self._send, items_max=_BATCH_ITEMS, bytes_max=_BATCH_BYTES, requests_max=1
        )

    async def create(self) -> None:
        """Bring the chain into being; no error if it is there already.

        Raises:
            Rollback: the server has lost it.
        """
        try:
            await self._history.catch_up()
        except NotFound:
            await self._append_genesis()

    async def append(self, wanted: Sequence[Wanted]) -> list[Entry]:
        """The entries that now stand, durably: all of these, one behind the other.

        Raises:
            TooLarge, Invalid: one fits no entry, or all fit no request. Closed: the chain has ended.
            NotFound: it was never created.
            Unknown: it may stand: read on before writing again. Conflict: others were always faster, or `at` is taken.
        """
        for one in wanted:
            one.check()
        size = sum(one.payload.size_bytes for one in wanted) + len(wanted) * _OVERHEAD_BYTES
        if len(wanted) > _BATCH_ITEMS or size > _BATCH_BYTES:
            raise TooLarge("this does not fit one request: append it in parts")
        return await self._queue.call(wanted, size) if wanted else []

    async def _append_genesis(self) -> None:
        genesis = self._keys.genesis()
        try:
            head, _ = await self._chains.append([genesis], NO_GRANT)
        except (Conflict, Closed):
            await self._history.catch_up()  # another device was first: its genesis is as good
            return
        except Unknown as unknown:
            await self._look_again(None, genesis, unknown)
            return
        self._history.adopt(begin(genesis), head)

    async def _send(self, calls: Sequence[_Call]) -> None:
        for group in _groups(calls):
            try:
                entries = iter(await self._write([wanted for call in group for wanted in call.item]))
            except CairnError as error:
                for call in group:
                    call.fail(error)
                continue
            for call in group:
                call.succeed([next(entries) for _ in call.item])

    async def _write(self, wanted: Sequence[Wanted]) -> list[Entry]:
        seen = await self._history.seen()
        state = seen.state if seen else (await self._history.catch_up())[0]
        error: CairnError | None = None
        entries, after = await self._built(state, wanted)
        for attempt in range(_TRIES):
            if error is not None:
                await asyncio.sleep(_pause_seconds(attempt))
            if state.hash != entries[0].prev:  # else the same bytes: two signatures for one place accuse the writer
                entries, after = await self._built(state, wanted)
            try:
                head, _ = await self._chains.append(entries, NO_GRANT)
            except (Conflict, Closed, Unknown) as failed:
                error = failed
                state, stands = await self._look_again(state, entries[0], failed)
                if stands:
                    return entries
                if isinstance(failed, Closed) and not state.closed:
                    raise Invalid("the server says that the chain has ended, and shows no close") from None
                if not isinstance(failed, Conflict):
                    raise
                continue
            self._history.adopt(after, head)
            return entries
        assert error is not None
        if state.hash == entries[0].prev:
            raise Invalid("the server says that another entry has this place, and shows none: do not trust it")
        raise error

    async def _built(self, state: ChainState, wanted: Sequence[Wanted]) -> tuple[list[Entry], ChainState]:
        """The entries for the place that they ask for, and the state after them."""
        return self._build(await self._at_place(state, wanted[0]), wanted)

    async def _at_place(self, state: ChainState, wanted: Wanted) -> ChainState:
        """The state to build on, if the entry still has the seq that it asks for."""
        if wanted.at is not None and wanted.at > state.seq + 1:
            state, _ = await self._history.catch_up()
        if wanted.at not in (None, state.seq + 1):
            raise Conflict("another entry has this place: read on, and decide again", state.head)
        return state

    async def _look_again(self, before: ChainState | None, first: Entry, failed: CairnError) -> tuple[ChainState, bool]:
        """The present state, and whether the entries that were sent after `before` stand after all."""
        try:
            return await self._history.catch_up(before, first.hash)
        except (NotFound, Unavailable):
            raise failed from None

    def _build(self, state: ChainState, wanted: Sequence[Wanted]) -> tuple[list[Entry], ChainState]:
        """The entries that follow an accepted state, and the state after them."""
        entries = []
        for item in wanted:
            floor = Seq(state.seq + 1) if item.trims else state.floor
            entry = self._keys.follow(state, item.kind, item.encode(self._keys, state), floor=floor)
            state = accept(state, entry)
            entries.append(entry)
        return entries, state


def _groups(calls: Sequence[_Call]) -> Iterator[list[_Call]]:
    """What goes in one request: not too much; what asks for its place goes alone, and a close goes last."""
    group: list[_Call] = []
    count = 0
    for call in calls:
        has_place, closes = call.item[0].at is not None, call.item[-1].kind == Kind.CLOSE
        if group and (has_place or count + len(call.item) > _BATCH_ITEMS):
            yield group
            group, count = [], 0
        group.append(call)
        count += len(call.item)
        if has_place or closes:
            yield group
            group, count = [], 0
    if group:
        yield group


def _pause_seconds(attempt: int) -> float:
    pause: float = min(_PAUSE_SECONDS_MAX, _PAUSE_SECONDS * 2**attempt)
    return pause * random.random()  # noqa: S311 - jitter
