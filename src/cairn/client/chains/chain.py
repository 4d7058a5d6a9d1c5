"""One chain on one server, in plaintext: what is read has been verified, what is written stands when the call returns.

A `Chain` does what its capability allows: a write one everything, a read one all but writing, a verify one only
`verify` and `head`; the rest raises Forbidden or, entry by entry, KeyMissing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from cairn.client.chains.history import SEQ_END, History
from cairn.client.chains.keyring import Keyring
from cairn.client.chains.messages import Messages
from cairn.client.chains.opened import Opened
from cairn.client.chains.writer import Wanted, Writer
from cairn.client.format.capability import ChainCapability, ReadCapability, WriteCapability
from cairn.client.format.errors import Withheld
from cairn.client.format.payload import Payload
from cairn.client.format.reader import Step
from cairn.client.format.reference import Reference
from cairn.client.state.pins import Pins
from cairn.core.chain import ChainId, ChainState, Entry, Head, Kind
from cairn.core.clock import SystemClock
from cairn.core.errors import Forbidden, Unavailable
from cairn.core.store import ChainStore, Relay


@dataclass(frozen=True, slots=True)
class Verified:
    """What a walk over a whole chain found right."""

    state: ChainState
    entries: int
    skipped: int  # dropped from the server, by leave of the writer
    unreadable: int  # signed and linked, but not opened by this capability


class Chain:
    """One chain."""

    def __init__(
        self, capability: ChainCapability, chains: ChainStore, pins: Pins, receipt_keys: Collection[bytes] = (),
        relay: Relay | None = None,
    ) -> None:  # fmt: skip
        """`receipt_keys`: the keys by which this server's receipts are believed. `relay`: None for doors."""
        self.capability = capability
        self._history = History(capability.chain_id, chains, pins, receipt_keys)
        self._keyring = Keyring(capability)
        self._messages = Messages(self._history, self._keyring, relay, SystemClock()) if relay else None
        self._is_checked = False
        self._walked: set[tuple[int, int]] = set()
        self._walking = asyncio.Lock()
        self._writer: Writer | None = None
        if isinstance(capability, WriteCapability):
            self._writer = Writer(capability.keys, chains, self._history)

    @property
    def chain_id(self) -> ChainId:
        """The chain's id."""
        return self.capability.chain_id

    # --- reading

    async def head(self) -> Head:
        """What the server says the newest entry is: not verified, but not older than what was seen.

        Raises:
            NotFound, Unavailable. Rollback: it is older.
        """
        return await self._history.head()

    async def entries(self, start: int = 0, stop: int = SEQ_END) -> AsyncGenerator[Opened, None]:
        """The entries with start <= seq < stop up to the present head, verified and opened.

        Raises:
            NotFound, Unavailable. Invalid, Withheld: the server sent something else than this chain.
            Rollback, Fork: it contradicts what was seen before.
        """
        async with aclosing(self._history.steps(start, stop)) as steps:
            async for step in steps:
                yield await self._open(step)

    async def kept(self) -> AsyncGenerator[Opened, None]:
        """The newest checkpoint that gives up what lies before it, and the entries behind it; without one, all.

        So a program that starts anew reads little, however long the chain has grown. Raises as `entries`.
        """
        async with aclosing(self._history.kept()) as steps:
            async for step in steps:
                yield await self._open(step)

    async def follow(self, start: int = 0) -> AsyncGenerator[Opened, None]:
        """The entries from `start` on and then each new one as it comes; ends after a close. Raises as `entries`."""
        async with aclosing(self._history.follow(start)) as steps:
            async for step in steps:
                yield await self._open(step)

    async def messages(self) -> AsyncGenerator[bytes, None]:
        """The ephemeral messages of the chain from now on, one's own too: the writer's, each once, opened.

        They are kept nowhere: what is said while nobody listens, or too fast for who does, is gone.

        Raises:
            NotFound. KeyMissing: they are of a key epoch that this capability does not open.
            Unavailable: the server cannot be reached, or relays nothing here.
        """
        async with aclosing(self._as_relayed().heard()) as messages:
            async for data in messages:
                yield data

    async def newest(self, count: int) -> list[Opened]:
        """The last `count` entries."""
        head = await self.head()
        async with aclosing(self.entries(max(0, head.seq - count + 1))) as entries:
            found = [entry async for entry in entries][-count:] if count > 0 else []
        if count > 0 and not found:
            raise Withheld("the server named a newer head than it shows: try another server")
        return found

    async def verify(self) -> Verified:
        """Check every signature, link and seal from the genesis to the head. Raises as `entries`."""
        entries = skipped = unreadable = 0
        state = None
        async with aclosing(self._history.steps()) as steps:
            async for step in steps:
                opened = await self._open(step)
                entries, skipped, state = entries + 1, skipped + step.skipped, step.state
                unreadable += opened.content is None
        assert state is not None, "steps either gives entries or raises"
        return Verified(state, entries, skipped, unreadable)

    # --- writing

    async def create(self) -> None:
        """Bring the chain into being. No error if it is there."""
        await self._as_writer().create()

    async def append(
        self, data: str | bytes | Payload, references: Sequence[Reference] = (), *, at: int | None = None
    ) -> Entry:
        """Append text, bytes, or a whole payload, with references to the blocks that it adds. It stands, durably.

        The chain is created if it is not there yet. With `at`, the entry takes that seq or none.

        Raises:
            Forbidden: this capability does not write. TooLarge: over 63,484 bytes. Closed: the chain has ended.
            Unknown: it may stand: read on before writing again. Conflict: `at` is taken. Others as `entries`.
        """
        return await self._write(Wanted(_payload(data, references), at=at))

    async def append_json(self, value: Any, references: Sequence[Reference] = (), *, at: int | None = None) -> Entry:
        """Append a JSON value; see `append`."""
        return await self._write(Wanted(Payload.of_json(value, tuple(references)), at=at))

    async def append_all(self, payloads: Sequence[str | bytes | Payload], *, at: int | None = None) -> list[Entry]:
        """Append up to 256 entries, one behind the other in one request: all of them stand, or none.

        With `at`, the first takes that seq, or none stands: who got Unknown can send the same again, and nothing stands
        twice. Raises as `append`.
        """
        wanted = [Wanted(_payload(data, ())) for data in payloads]
        if wanted:
            wanted[0] = replace(wanted[0], at=at)
        return await self._write_all(wanted)

    async def send(self, data: str | bytes) -> None:
        """Say something in passing: an ephemeral message of up to 16,380 bytes, for who listens now (`messages`).

        Raises:
            Forbidden: this capability does not write. TooLarge. Limited: too many at once.
            NotFound: the chain was never created. Unavailable: the server relays nothing now.
        """
        self._as_writer()
        assert isinstance(self.capability, WriteCapability)
        raw = data.encode() if isinstance(data, str) else data
        await self._as_relayed().send(self.capability.keys, raw)

    async def checkpoint(
        self,
        data: str | bytes | Payload = b"",
        references: Sequence[Reference] = (),
        *,
        trims: bool = False,
        at: int | None = None,
    ) -> Entry:
        """Append the application's state, from which new readers start.

        With `trims`, the server may drop what lies before it; it does so after a day. Where others write too, name with
        `at` the seq behind the last entry that the state includes: else what came meanwhile is lost. See `append`.
        """
        return await self._write(Wanted(_payload(data, references), Kind.CHECKPOINT, trims, at))

    async def rotate(self, data: str | bytes | Payload = b"", references: Sequence[Reference] = ()) -> ReadCapability:
        """Begin a new key epoch: the read capability returned opens all; older ones open nothing from here on."""
        entry = await self._write(Wanted(_payload(data, references), Kind.ROTATE))
        assert isinstance(self.capability, WriteCapability)
        return self.capability.to_read(entry.key_epoch)

    async def close(self, data: str | bytes | Payload = b"", references: Sequence[Reference] = ()) -> Entry:
        """End the chain for ever. The server keeps its first and last entry, and drops the rest."""
        return await self._write(Wanted(_payload(data, references), Kind.CLOSE, trims=True))

    async def share(self) -> ReadCapability:
        """The read capability for everything up to now."""
        if isinstance(self.capability, ReadCapability):
            return self.capability
        self._as_writer()
        assert isinstance(self.capability, WriteCapability)
        state, _ = await self._history.catch_up()
        return self.capability.to_read(state.key_epoch)

    # --- inside

    async def _write(self, wanted: Wanted) -> Entry:
        return (await self._write_all([wanted]))[0]

    async def _write_all(self, wanted: Sequence[Wanted]) -> list[Entry]:
        writer = self._as_writer()
        if await self._history.seen() is None:
            await writer.create()
        return await writer.append(wanted)

    def _as_writer(self) -> Writer:
        if self._writer is None:
            raise Forbidden(f"a {self.capability.kind} capability does not write: use the chain's write capability")
        return self._writer

    def _as_relayed(self) -> Messages:
        if self._messages is None:
            raise Unavailable("there are no ephemeral messages here: doors have none")
        return self._messages

    async def _open(self, step: Step) -> Opened:
        if not self._is_checked:
            self._keyring.check(step.state)
            self._is_checked = True
        await self._walk_back(step)
        return self._keyring.open(step)

    async def _walk_back(self, step: Step) -> None:
        """Learn the key of an older epoch from the rotates behind it, once; who reads meanwhile waits for it."""
        epoch = step.entry.key_epoch
        if self._keyring.must_walk_to(epoch) is None:
            return
        async with self._walking:
            newest = self._keyring.must_walk_to(epoch)
            if newest is not None and (newest, epoch) not in self._walked:
                self._keyring.walk(await self._history.rotates(step.state, newest), step.state)
                self._walked.add((newest, epoch))


def _payload(data: str | bytes | Payload, references: Sequence[Reference]) -> Payload:
    if isinstance(data, Payload):
        return Payload(data.data, data.content_type, (*data.references, *references))
    if isinstance(data, str):
        return Payload.of_text(data, tuple(references))
    return Payload(data, references=tuple(references))
