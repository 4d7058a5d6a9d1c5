"""What a Relay promises."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from cairn.core.block import NO_GRANT
from cairn.core.chain import ChainId, Kind
from cairn.core.ephemeral import CLOCK_SKEW_MS_MAX, Ephemeral
from cairn.core.errors import Invalid, NotFound
from cairn.core.store import WAITING_MIN, Store
from cairn.testing.chains import Writer
from cairn.testing.contract.base import PATIENCE_SECONDS, Contract, appended, take

_CALL = b"is anybody there?"


class Listener:
    """Hears all that comes but the calls, by which a test finds out whether somebody listens already."""

    def __init__(self, messages: AsyncIterator[Ephemeral], calls: set[bytes]) -> None:
        self._messages = messages
        self._calls = calls

    async def hear(self, count: int) -> list[Ephemeral]:
        """The next messages."""
        heard: list[Ephemeral] = []
        while len(heard) < count:
            heard += [one for one in await take(self._messages, 1) if one.raw not in self._calls]
        return heard

    async def hear_until(self, last: Ephemeral) -> list[Ephemeral]:
        """The messages up to one."""
        heard = await self.hear(1)
        while heard[-1] != last:
            heard += await self.hear(1)
        return heard


class RelayContract(Contract):
    """What a Relay promises: what the writer sends now, those who listen now hear, once and in order."""

    @pytest.fixture(autouse=True)
    def _prepare(self) -> None:
        self._calls: set[bytes] = set()

    @asynccontextmanager
    async def listening(self, store: Store, writer: Writer) -> AsyncIterator[Listener]:
        """Somebody who listens to a chain already: it is called until it hears that."""
        async with aclosing(store.relay.listen(writer.keys.chain_id)) as messages:  # type: ignore[type-var]
            heard = asyncio.create_task(take(messages, 1))
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not heard.done():
                    call = writer.message(_CALL, self.now_ms())
                    self._calls.add(call.raw)
                    await store.relay.send(call)
                    await asyncio.sleep(0.01)
            await heard
            yield Listener(messages, self._calls)

    def messages(self, writer: Writer, count: int) -> list[Ephemeral]:
        """So many messages of now."""
        return [writer.message(b"%d" % number, self.now_ms()) for number in range(count)]

    async def test_all_listeners_hear_in_order(self, store: Store) -> None:
        """The very bytes that were sent, and what was sent before they listened is gone."""
        writer = await appended(store, 1, "heard")
        early, *messages = self.messages(writer, 40)
        await store.relay.send(early)
        async with self.listening(store, writer) as one, self.listening(store, writer) as another:
            for message in messages:
                await store.relay.send(message)
            assert await one.hear_until(messages[-1]) == messages
            assert await another.hear_until(messages[-1]) == messages

    async def test_nothing_is_stored(self, store: Store) -> None:
        """The chain is as it was."""
        writer = await appended(store, 2, "stored")
        before = await store.chains.head(writer.keys.chain_id)
        async with self.listening(store, writer):
            after = await store.chains.head(writer.keys.chain_id)
        assert (after.seq, after.hash, after.bytes) == (before.seq, before.hash, before.bytes)

    async def test_chains_hear_only_their_own(self, store: Store) -> None:
        """Whatever is said in another."""
        ann, bob = await appended(store, 0, "ann's"), await appended(store, 0, "bob's")
        to_ann, to_bob = self.messages(ann, 5), self.messages(bob, 5)
        async with self.listening(store, ann) as at_ann, self.listening(store, bob) as at_bob:
            for pair in zip(to_ann, to_bob, strict=True):
                for message in pair:
                    await store.relay.send(message)
            assert await at_ann.hear_until(to_ann[-1]) == to_ann
            assert await at_bob.hear_until(to_bob[-1]) == to_bob

    async def test_what_does_not_verify_is_not_heard(self, store: Store) -> None:
        """Another's signature, an altered byte, another epoch, a time that is too far from now."""
        writer, stranger = await appended(store, 0, "own"), Writer("stranger")
        now_ms = self.now_ms()
        good = writer.message(b"good", now_ms)
        foreign = stranger.message(b"foreign", now_ms).raw
        wrong = [
            good.raw[:-1] + bytes((good.raw[-1] ^ 1,)),
            good.raw[:60] + bytes((good.raw[60] ^ 1,)) + good.raw[61:],
            foreign[:4] + writer.keys.chain_id + foreign[36:],
            writer.message(b"epoch", now_ms, key_epoch=1).raw,
            writer.message(b"late", now_ms - 2 * CLOCK_SKEW_MS_MAX).raw,
            writer.message(b"early", now_ms + 2 * CLOCK_SKEW_MS_MAX).raw,
        ]
        async with self.listening(store, writer) as listener:
            for raw in wrong:
                with pytest.raises(Invalid):
                    await store.relay.send(Ephemeral.decode(raw))
            await store.relay.send(good)
            assert await listener.hear(1) == [good]

    async def test_the_epoch_is_that_of_the_head(self, store: Store) -> None:
        """Who was left behind by a rotation no longer speaks."""
        writer = await appended(store, 1, "rotated")
        writer.add(kind=Kind.ROTATE)
        await store.chains.append(writer.entries[-1:], NO_GRANT)
        async with self.listening(store, writer) as listener:
            with pytest.raises(Invalid):
                await store.relay.send(writer.message(b"old", self.now_ms(), key_epoch=0))
            (new,) = self.messages(writer, 1)
            await store.relay.send(new)
            assert await listener.hear(1) == [new]

    async def test_unknown_chains(self, store: Store) -> None:
        """Cannot be spoken to, nor listened to."""
        writer = Writer("unknown")
        with pytest.raises(NotFound):
            await store.relay.send(writer.message(b"hello", self.now_ms()))
        with pytest.raises(NotFound):
            await take(store.relay.listen(ChainId(writer.keys.chain_id)), 1)

    async def test_the_same_bytes_are_heard_once(self, store: Store) -> None:
        """However often they are sent, by whom they may be."""
        writer = await appended(store, 0, "again")
        first, second = self.messages(writer, 2)
        async with self.listening(store, writer) as listener:
            assert await store.relay.send(first)
            for _ in range(2):
                await store.relay.send(first)
            await store.relay.send(Ephemeral.decode(bytes(bytearray(first.raw))))
            assert await store.relay.send(second)
            assert await listener.hear(2) == [first, second]

    async def test_who_lags_loses_the_oldest(self, store: Store) -> None:
        """And holds nobody back: neither the sender nor who listens beside it."""
        writer = await appended(store, 0, "lagging")
        async with self.listening(store, writer) as dawdler, self.listening(store, writer) as brisk:
            sent = self.messages(writer, 20 * WAITING_MIN)
            for message in sent:
                await store.relay.send(message)
                assert (await brisk.hear(1)) == [message]
            heard = await dawdler.hear_until(sent[-1])
        assert heard == sent[-len(heard) :]
        assert WAITING_MIN <= len(heard) < len(sent)

    async def test_who_leaves_disturbs_nobody(self, store: Store) -> None:
        """Also one that is cancelled while it waits."""
        writer = await appended(store, 0, "leaving")
        messages = self.messages(writer, 3)
        async with self.listening(store, writer) as staying:
            async with self.listening(store, writer) as leaver:
                await store.relay.send(messages[0])
                assert await leaver.hear(1) == messages[:1]
            cancelled = asyncio.create_task(take(store.relay.listen(writer.keys.chain_id), 1))
            await asyncio.sleep(0.01)
            cancelled.cancel()
            with pytest.raises(asyncio.CancelledError):
                await cancelled
            for message in messages[1:]:
                await store.relay.send(message)
            assert await staying.hear_until(messages[-1]) == messages

    async def test_a_door_is_a_chain(self, store: Store) -> None:
        """Here, as everywhere in a Store: interfaces decide who may ask for which."""
        writer = Writer("door", flags=1)
        await store.chains.append(writer.entries, NO_GRANT)
        async with self.listening(store, writer) as listener:
            (message,) = self.messages(writer, 1)
            await store.relay.send(message)
            assert await listener.hear(1) == [message]
