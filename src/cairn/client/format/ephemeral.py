"""Making and reading ephemeral messages: relayed to a chain's subscribers, never stored. See docs/format.md, 7."""

from __future__ import annotations

from typing import Final

from cairn.client.format.secret import SEAL_OVERHEAD_BYTES, ChainKeys, open_seal, pad, seal, unpad
from cairn.core.chain import ChainState
from cairn.core.clock import Clock
from cairn.core.crypto import sha256
from cairn.core.ephemeral import BODY_BYTES_MAX, CLOCK_SKEW_MS_MAX, HEADER, MAGIC, Ephemeral
from cairn.core.errors import Invalid, TooLarge

_REMEMBERED_MAX: Final = 65_536


def seal_ephemeral(
    keys: ChainKeys, key_epoch: int, data: bytes, now_ms: int, *, salt: bytes | None = None
) -> Ephemeral:
    """A message with `data`, made at `now_ms` (unix milliseconds).

    Raises:
        TooLarge: the data does not fit.
    """
    padded = pad(data)
    body_bytes = len(padded) + SEAL_OVERHEAD_BYTES
    if body_bytes > BODY_BYTES_MAX:
        raise TooLarge("an ephemeral message holds at most 16,380 bytes: append an entry instead")
    head = HEADER.pack(MAGIC, keys.chain_id, key_epoch, now_ms, body_bytes)
    unsigned = head + seal(keys.read_key(key_epoch), head, padded, salt=salt)
    return Ephemeral.decode(unsigned + keys.sign("ephemeral", unsigned))


class EphemeralReader:
    """Opens a chain's messages, each once: what was seen before is refused, as long as its time would let it pass."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[bytes, int] = {}

    def open(self, state: ChainState, read_key: bytes, raw: bytes) -> bytes:
        """The data of a message that was received, verified.

        Raises:
            Invalid: malformed, not the writer's, too old, or seen before. TooLarge, CannotOpen.
        """
        message = Ephemeral.decode(raw)
        message.verify(state, self._clock.now_ms())
        digest = sha256(raw)
        if digest in self._seen:
            raise Invalid("the ephemeral message was received before")
        data = unpad(open_seal(read_key, message.head_bytes, message.box))
        self._remember(digest, message.time_ms)
        return data

    def _remember(self, digest: bytes, time_ms: int) -> None:
        if len(self._seen) >= _REMEMBERED_MAX:
            self._forget(self._clock.now_ms())
        if len(self._seen) >= _REMEMBERED_MAX:
            raise Invalid("too many ephemeral messages within two minutes")
        self._seen[digest] = time_ms

    def _forget(self, now_ms: int) -> None:
        """Drop what its time alone would refuse."""
        self._seen = {
            digest: time_ms for digest, time_ms in self._seen.items() if abs(now_ms - time_ms) <= CLOCK_SKEW_MS_MAX
        }
