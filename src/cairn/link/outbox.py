"""In which order messages go out on one connection; pure.

Frames of one message go as they come. Longer ones take turns, `PARTS_AT_ONCE_MAX` at a time, and after each of their
parts whatever short ones have come goes first: a large block delays a small one by one part, however many are waiting.
Small ones leave together, for to send costs more than to copy.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from cairn.wire.link import BUNDLED_BYTES_MAX, PARTS_AT_ONCE_MAX, PIECE_BYTES_MAX, bundled_bytes, encode_bundle


class Outbox:
    """What waits to be sent: `bytes` of it. It leaves by `pop`."""

    def __init__(self) -> None:
        self.bytes = 0
        self._short: deque[tuple[int, bytes]] = deque()
        self._long: deque[tuple[int, deque[bytes]]] = deque()  # the first few take turns
        self._turn = 0

    def __bool__(self) -> bool:
        return bool(self._short or self._long)

    @property
    def count(self) -> int:
        """How many short ones wait."""
        return len(self._short)

    def push(self, request_id: int, messages: Sequence[bytes]) -> None:
        """Add the messages of one frame."""
        if len(messages) == 1:
            self.bytes += len(messages[0])
            self._short.append((request_id, messages[0]))
        else:
            self.bytes += sum(map(len, messages))
            self._long.append((request_id, deque(messages)))

    def pop(self) -> bytes:
        """The next message. Not to be called when there is none."""
        if not self._short:
            return self._next_part()
        messages = [self._next_short()]
        size = bundled_bytes(messages[0])
        while self._short and len(self._short[0][1]) <= BUNDLED_BYTES_MAX >= len(messages[0]):
            size += bundled_bytes(self._short[0][1])
            if size > PIECE_BYTES_MAX:
                break
            messages.append(self._next_short())
        return messages[0] if len(messages) == 1 else encode_bundle(messages)

    def drop(self, request_id: int) -> bool:
        """Forget what is left of a frame: True if its last message, without which it is nothing, had not left yet."""
        for place, (owner, message) in enumerate(self._short):
            if owner == request_id:
                self.bytes -= len(message)
                del self._short[place]
                return True
        for place, (owner, messages) in enumerate(self._long):
            if owner == request_id:
                self.bytes -= sum(map(len, messages))
                del self._long[place]
                return True
        return False

    def _next_short(self) -> bytes:
        message = self._short.popleft()[1]
        self.bytes -= len(message)
        return message

    def _next_part(self) -> bytes:
        self._turn = (self._turn + 1) % min(PARTS_AT_ONCE_MAX, len(self._long))
        messages = self._long[self._turn][1]
        message = messages.popleft()
        self.bytes -= len(message)
        if not messages:
            del self._long[self._turn]
        return message
