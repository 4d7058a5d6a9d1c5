"""One chain as this client has accepted it: fetches entries, has the `Reader` judge them, and pins what it saw."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from typing import Final

from cairn.client.format.errors import Fork, Sighting, Withheld
from cairn.client.format.reader import Reader, Seen, Step, rollback
from cairn.client.state.pins import Pins
from cairn.core.chain import SEQ_MAX, ChainId, ChainState, Entry, Head, Kind, Seq
from cairn.core.errors import Invalid, NotFound
from cairn.core.receipt import verify_receipt
from cairn.core.store import ChainStore

SEQ_END: Final = SEQ_MAX + 1
"""Above every seq."""


class History:
    """A chain's accepted entries. Every entry it gives has been verified, from the genesis or from a pinned head."""

    def __init__(self, chain_id: ChainId, chains: ChainStore, pins: Pins, receipt_keys: Collection[bytes] = ()) -> None:
        self.chain_id = chain_id
        self._chains = chains
        self._pins = pins
        self._receipt_keys = receipt_keys

    async def seen(self) -> Seen | None:
        """The newest head accepted, now or in an earlier run."""
        return await self._pins.seen(self.chain_id)

    async def head(self) -> Head:
        """What the server says the head is; not yet accepted, but not below what was seen.

        Raises:
            NotFound. Rollback: below, or gone.
        """
        seen = await self.seen()
        try:
            head = await self._chains.head(self.chain_id)
        except NotFound:
            if seen is None:
                raise
            raise rollback(seen, Sighting(-1, None)) from None
        if seen is not None and head.seq < seen.state.seq and not head.closed:
            raise rollback(seen, Sighting(head.seq, head.hash, None, head.receipt))
        return head

    async def steps(self, start: int = 0, stop: int = SEQ_END) -> AsyncGenerator[Step, None]:
        """The accepted entries with start <= seq < stop, up to the present head.

        Raises:
            CairnError: as `Reader`. An error may come after entries that were right by themselves.
        """
        if start >= stop:
            return
        reader, head = await self._begin(start)
        async with aclosing(self._read(reader, head, start, stop)) as steps:
            async for step in steps:
                yield step

    async def kept(self) -> AsyncGenerator[Step, None]:
        """The accepted entries from the newest start on that gives up what lies before it; without one, all.

        Raises:
            CairnError: as `steps`.
        """
        head = await self.head()
        reader = Reader(self.chain_id, await self.seen())
        async with aclosing(self._read(reader, head, head.floor, SEQ_MAX, skips=True)) as steps:
            async for step in steps:
                yield step

    async def follow(self, start: int = 0) -> AsyncGenerator[Step, None]:
        """The accepted entries from `start` on, without an end but a close: later ones as they are acknowledged.

        What is watched must follow what was given here, not what was seen elsewhere: both go on at the same time.
        """
        state, shown = None, -1
        while state is None or not state.closed:
            reader, head = await self._begin(start, state)
            async with aclosing(self._read(reader, head, start, SEQ_END)) as steps:
                async for step in steps:
                    yield step
            assert reader.state is not None, "it is read to its end"
            if reader.state.seq < shown:
                raise Withheld("the server leaves out entries before one that it sent: try another server")
            live = Reader(self.chain_id, await self.seen(), reader.state)
            async with aclosing(self._watched(live, max(start, reader.state.seq + 1))) as steps:
                async for step in steps:
                    yield step
            assert live.state is not None, "it began with one"
            state, shown, start = live.state, live.shown, max(start, live.state.seq + 1)

    async def catch_up(self, since: ChainState | None = None, wanted: bytes | None = None) -> tuple[ChainState, bool]:
        """Accept everything up to the present head. Also tells whether an entry with hash `wanted` follows `since`.

        Without `since`, an accepted state, it begins behind what was seen: then it may miss what others have read.
        """
        is_there = False
        seen = await self.seen()
        base = since or (seen.state if seen else None)
        start = base.seq + 1 if base else 0
        reader, head = await self._begin(start, base)
        async with aclosing(self._read(reader, head, start, SEQ_END)) as steps:
            async for step in steps:
                is_there = is_there or step.entry.hash == wanted
        assert reader.state is not None, "it is read to its end"
        return reader.state, is_there

    async def rotates(self, state: ChainState, key_epoch: int) -> list[Entry]:
        """The rotates after an accepted `state`, up to the one that began `key_epoch`.

        Raises:
            Withheld: the chain, as it is shown, did not come so far.
        """
        head = await self.head()
        reader = Reader(self.chain_id, None, state)
        found = []
        async with aclosing(self._judged(reader, head.seq + 1)) as steps:
            async for step in steps:
                if step.entry.kind == Kind.ROTATE:
                    found.append(step.entry)
                if step.state.key_epoch >= key_epoch:
                    return found
        raise Withheld("the server shows an older state of the chain than the capability is for: try another server")

    def adopt(self, state: ChainState, head: Head) -> None:
        """Take over the state after own entries that were acknowledged, with the server's word on them.

        Raises:
            Invalid: the server acknowledged something else. Fork: its head contradicts these entries.
        """
        if head.chain_id != self.chain_id or head.seq < state.seq:
            raise Invalid("the server acknowledged another entry than was sent: do not trust it")
        if head.seq == state.seq and head.hash != state.hash:
            raise Fork(
                "the server acknowledged an entry and shows another in its place: do not trust it",
                Sighting(state.seq, state.hash), Sighting(head.seq, head.hash, None, head.receipt),
            )  # fmt: skip
        self._pins.keep(self._seen_with(state, head))

    async def _begin(self, start: int, accepted: ChainState | None = None) -> tuple[Reader, Head]:
        """The head that is named, and a reader that begins as late as it can: behind what was accepted, or was seen."""
        seen = await self.seen()
        head = await self.head()
        if accepted is None and seen is not None and start > seen.state.seq:
            accepted = seen.state
        if accepted is not None and not _goes_on(accepted, head):
            accepted = None  # the server shows another history: its entries will tell what is wrong with it
        return Reader(self.chain_id, seen, accepted), head

    async def _read(
        self, reader: Reader, head: Head, start: int, stop: int, *, skips: bool = False
    ) -> AsyncGenerator[Step, None]:
        """With `skips`, of what lies before `start` the genesis alone is asked for."""
        end = min(head.seq + 1, max(stop, reader.seen_seq + 1))
        try:
            if skips and start > 1:
                async with aclosing(self._judged(reader, 1)) as steps:
                    async for _ in steps:
                        pass
            async with aclosing(self._judged(reader, end, start if skips else 0)) as steps:
                async for step in steps:
                    if start <= step.entry.seq < stop:
                        yield step
            _check_head(reader.finish(), head, end)
        finally:
            self._keep(reader, head)

    async def _judged(self, reader: Reader, end: int, start: int = 0) -> AsyncGenerator[Step, None]:
        following = max(start, reader.state.seq + 1 if reader.state else 0)
        if following >= end:
            return
        async with aclosing(self._chains.read(self.chain_id, Seq(following), Seq(end))) as entries:  # type: ignore[type-var]
            async for entry in entries:
                step = reader.accept(entry)
                if step is not None:
                    yield step

    async def _watched(self, reader: Reader, start: int) -> AsyncGenerator[Step, None]:
        """The entries from `start` on as they come, up to a close or one that does not follow."""
        assert reader.state is not None
        async with aclosing(self._chains.watch(self.chain_id, Seq(reader.state.seq + 1))) as entries:  # type: ignore[type-var]
            async for entry in entries:
                step = reader.accept(entry)
                if step is None:
                    return
                self._keep(reader)
                if entry.seq >= start:
                    yield step

    def _keep(self, reader: Reader, head: Head | None = None) -> None:
        """Pin what a reader accepted; `Pins.keep` passes over what is older than the pin."""
        if reader.state is not None:
            self._pins.keep(self._seen_with(reader.state, head))

    def _seen_with(self, state: ChainState, head: Head | None) -> Seen:
        """A state with the server's receipt for it, if there is a good one."""
        if head is None or head.receipt is None or (head.seq, head.hash) != (state.seq, state.hash):
            return Seen(state)
        for key in self._receipt_keys:
            try:
                verify_receipt(head, key)
            except Invalid:
                continue
            return Seen(state, head.receipt, key)
        return Seen(state)


def _goes_on(accepted: ChainState, head: Head) -> bool:
    """Whether a head may be one of those after an accepted state."""
    return head.seq > accepted.seq or (head.seq, head.hash) == (accepted.seq, accepted.hash)


def _check_head(state: ChainState, head: Head, end: int) -> None:
    """Check that the entries shown are those of the head that was named, if they were read that far."""
    if end <= head.seq:
        return
    if state.seq < head.seq:
        raise Withheld("the server names a newer head than it shows: try another server")
    if state.seq == head.seq and (state.hash, state.closed) != (head.hash, head.closed):
        raise Invalid("the server names another head than it shows: do not trust it")
