"""What a connection has not got rid of, and how long it may take: nothing is sent to who takes nothing.

A transport takes any number of bytes, and the kernel some megabytes more, so a subscriber that never reads would fill
the memory. So a piece is sent only while less than `_UNSENT_BYTES_MAX` lie in either (SIOCOUTQ tells of the kernel's).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from cairn.interface.carrier.kernel import forget_unsent, unsent_bytes

_UNSENT_BYTES_MAX: Final = 256 * 1024
_LITTLE_BYTES: Final = 64 * 1024
_POLL_SECONDS: Final = (0.005, 0.02, 0.05, 0.1, 0.25)


class Sending:
    """One connection, to send on."""

    def __init__(self, transport: asyncio.Transport, seconds_max: float) -> None:
        self._transport = transport
        self.socket = transport.get_extra_info("socket")  # not to be read, written or closed
        self._descriptor: int = self.socket.fileno()
        self._seconds_max = seconds_max
        self._sent_bytes = 0
        self.is_cut = False

    @property
    def unsent_bytes(self) -> int:
        """What the other end has not acknowledged yet, as long as the connection is open."""
        if self._transport.is_closing():
            return 0
        return self._transport.get_write_buffer_size() + unsent_bytes(self._descriptor)

    async def has_room(self, size: int) -> bool:
        """Wait until the client has taken most of what was sent, so that `size` bytes more may be; False if it does not
        in time. One that was sent little in all is not looked at, since thousands may begin at once."""
        self._sent_bytes += size
        return self._sent_bytes <= _LITTLE_BYTES or await self._is_down_to(_UNSENT_BYTES_MAX)

    def has_room_now(self, size: int) -> bool:
        """Whether `size` bytes more may be sent without a wait; then they count as sent."""
        sent_bytes = self._sent_bytes + size
        if sent_bytes > _LITTLE_BYTES and self.unsent_bytes > _UNSENT_BYTES_MAX:
            return False
        self._sent_bytes = sent_bytes
        return True

    async def settle(self) -> None:
        """Wait until the client has taken all that was sent; end the connection when it does not in time.

        Closed with bytes in it, it would be out of sight, and the kernel would hold them for a client that never reads.
        """
        if not await self._is_down_to(0):
            self.cut()

    def cut(self) -> None:
        """End the connection for both sides, and forget what was not sent."""
        if not self.is_cut:
            self.is_cut = True
            if self.unsent_bytes:
                with suppress(OSError, ValueError):  # it has ended by itself
                    forget_unsent(self.socket)
            self._transport.abort()

    async def _is_down_to(self, bytes_max: int) -> bool:
        waited = 0.0
        polls = iter(_POLL_SECONDS)
        pause = 0.0
        while self.unsent_bytes > bytes_max:
            if waited >= self._seconds_max:
                return False
            pause = next(polls, pause)
            await asyncio.sleep(pause)
            waited += pause
        return True
