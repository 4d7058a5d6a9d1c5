"""The relay of one process: who listens to a chain now gets the messages that its writer sends now.

A message is checked against the state of its chain, as an entry would be, and handed to each listener's own short
queue. A listener that lags loses the oldest, so that a sender never waits, and listeners share the messages
themselves. Who has heard a message could send it again: digests of those that passed are kept as long as their time
would let them pass once more, the newest `_PASSED_MAX` of them. Readers refuse what they have seen in any case.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Final

from cairn.core.chain import ChainId, ChainState
from cairn.core.clock import Clock
from cairn.core.crypto import sha256
from cairn.core.ephemeral import CLOCK_SKEW_MS_MAX, Ephemeral
from cairn.core.mailbox import Mailbox
from cairn.core.store import WAITING_MIN

_WAITING_MAX: Final = 4 * WAITING_MIN
_PASSED_MAX: Final = 65_536
_DIGEST_BYTES: Final = 16


class Hub:
    """A `Relay` for the chains whose states it is told."""

    def __init__(self, state_of: Callable[[ChainId], ChainState], clock: Clock) -> None:
        self._state_of = state_of
        self._clock = clock
        self._passed = _Passed()
        self._listeners: dict[ChainId, list[Mailbox[Ephemeral]]] = {}

    async def send(self, message: Ephemeral) -> bool:
        """See `Relay.send`."""
        now_ms = self._clock.now_ms()
        state = self._state_of(message.chain_id)
        digest = sha256(message.raw)[:_DIGEST_BYTES]
        if digest in self._passed:
            return False
        message.verify(state, now_ms)
        self._passed.add(digest, message.time_ms, now_ms)
        for listener in self._listeners.get(message.chain_id, ()):
            listener.put(message)
        return True

    async def listen(self, chain_id: ChainId) -> AsyncIterator[Ephemeral]:
        """See `Relay.listen`."""
        self._state_of(chain_id)
        listener: Mailbox[Ephemeral] = Mailbox(_WAITING_MAX)
        self._listeners.setdefault(chain_id, []).append(listener)
        try:
            while True:
                yield await listener.take()
        finally:
            self._forget(chain_id, listener)

    def _forget(self, chain_id: ChainId, listener: Mailbox[Ephemeral]) -> None:
        left = self._listeners[chain_id]
        left.remove(listener)
        if not left:
            del self._listeners[chain_id]


class _Passed:
    """Digests of the messages that passed lately, the oldest first."""

    def __init__(self) -> None:
        self._times: dict[bytes, int] = {}

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._times

    def add(self, digest: bytes, time_ms: int, now_ms: int) -> None:
        """Remember one, and forget those that their time alone would stop."""
        self._times[digest] = time_ms
        while (oldest := next(iter(self._times))) != digest and (
            self._times[oldest] < now_ms - CLOCK_SKEW_MS_MAX or len(self._times) > _PASSED_MAX
        ):
            del self._times[oldest]
