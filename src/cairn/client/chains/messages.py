"""The ephemeral messages of one chain, in plaintext: what is heard has been verified, and is given out once.

What does not verify is passed over, for it is nobody's word. A message of a later key epoch shows that the chain was
rotated; the signature is checked before the chain is asked about that.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from cairn.client.chains.history import History
from cairn.client.chains.keyring import Keyring
from cairn.client.format.ephemeral import EphemeralReader, seal_ephemeral
from cairn.client.format.secret import ChainKeys
from cairn.core.chain import ChainState
from cairn.core.clock import Clock
from cairn.core.ephemeral import Ephemeral
from cairn.core.errors import Invalid, Limited, Unavailable
from cairn.core.store import Relay

_PATIENCE_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = (0.1, 0.5, 1.0, 2.0)


class Messages:
    """What a chain's writer says in passing."""

    def __init__(self, history: History, keyring: Keyring, relay: Relay, clock: Clock) -> None:
        self._history = history
        self._keyring = keyring
        self._relay = relay
        self._clock = clock
        self._state: ChainState | None = None

    async def send(self, keys: ChainKeys, data: bytes) -> None:
        """Have data passed on to all who listen now; after a rotation elsewhere, under the new key."""
        state = await self._known()
        try:
            await self._relay.send(self._sealed(keys, state, data))
        except Invalid:
            present = await self._caught_up()
            if present.key_epoch == state.key_epoch:
                raise
            await self._relay.send(self._sealed(keys, present, data))

    async def heard(self) -> AsyncGenerator[bytes, None]:
        """What is said from now on. It goes on over broken connections, until the server is away for a minute."""
        reader = EphemeralReader(self._clock)
        lost_since, tries = 0.0, 0
        while True:
            try:
                async with aclosing(self._relay.listen(self._history.chain_id)) as messages:  # type: ignore[type-var]
                    async for message in messages:
                        tries = 0
                        data = await self._opened(reader, message)
                        if data is not None:
                            yield data
            except (Unavailable, Limited):
                now = self._clock.monotonic()
                lost_since = lost_since if tries else now
                if now - lost_since > _PATIENCE_SECONDS:
                    raise
            pause = _PAUSE_SECONDS[min(tries, len(_PAUSE_SECONDS) - 1)]
            await asyncio.sleep(pause * (0.5 + random.random()))  # noqa: S311 - jitter
            tries += 1

    async def _opened(self, reader: EphemeralReader, message: Ephemeral) -> bytes | None:
        """The data of a message; None if it is not the writer's, or was heard before."""
        try:
            state = await self._known()
            message.verify(replace(state, key_epoch=message.key_epoch), self._clock.now_ms())
            if message.key_epoch > state.key_epoch:
                state = await self._caught_up()
            return reader.open(state, self._keyring.key_of(state.key_epoch), message.raw)
        except Invalid:
            return None

    def _sealed(self, keys: ChainKeys, state: ChainState, data: bytes) -> Ephemeral:
        return seal_ephemeral(keys, state.key_epoch, data, self._clock.now_ms())

    async def _known(self) -> ChainState:
        return self._state or await self._caught_up()

    async def _caught_up(self) -> ChainState:
        self._state, _ = await self._history.catch_up()
        return self._state
