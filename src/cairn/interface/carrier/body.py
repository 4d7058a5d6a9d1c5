"""The body of a request as Granian hands it out, bounded in size and time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

from cairn.config import Limits
from cairn.core.errors import CairnError, Invalid, Limited, TooLarge
from cairn.interface.admission.room import Room

_WHOLE_BYTES_MAX: Final = 64 * 1024


class Body:
    """A `RequestBody`. What was read of a large one takes up room until it is released."""

    __slots__ = ("_client", "_held", "_length", "_limits", "_protocol", "_room")

    def __init__(self, protocol: Any, headers: Any, limits: Limits, room: Room, client: str) -> None:
        self._protocol = protocol
        self._limits = limits
        self._room = room
        self._client = client
        self._held = 0
        length = headers.get("content-length")
        self._length = int(length) if length is not None and length.isascii() and length.isdecimal() else None

    async def read(self, bytes_max: int) -> bytes:
        """See `RequestBody.read`."""
        if self._length is None:
            return await self._read_nothing()
        if self._length > bytes_max:
            raise TooLarge(f"the body holds at most {bytes_max} bytes")
        if self._length <= _WHOLE_BYTES_MAX:
            return await self._read_whole()
        pieces = []
        size = 0
        async for piece in self.stream():
            size += len(piece)
            if size > bytes_max:
                raise TooLarge(f"the body holds at most {bytes_max} bytes")
            self._room.take(self._client, len(piece))
            self._held += len(piece)
            pieces.append(piece)
        return self._checked(b"".join(pieces))

    def release(self) -> None:
        """Say that the bytes that were read are held no more."""
        if self._held:
            self._room.give_back(self._client, self._held)
            self._held = 0

    async def stream(self) -> AsyncIterator[bytes]:
        """See `RequestBody.stream`."""
        pieces = aiter(self._protocol)
        try:
            async with asyncio.timeout(self._limits.body_seconds or None):
                while True:
                    async with asyncio.timeout(self._limits.body_idle_seconds or None):
                        try:
                            piece = await anext(pieces)
                        except StopAsyncIteration:
                            return
                    yield bytes(piece)
        except TimeoutError:
            raise Limited("the body came too slowly") from None
        except CairnError:
            raise
        except Exception:
            raise Invalid("the body ended early") from None

    async def _read_nothing(self) -> bytes:
        """A body whose length was not said can only be empty: where it breaks off cannot be told from its end."""
        async for piece in self.stream():
            if piece:
                raise Invalid("a body needs a Content-Length")
        return b""

    async def _read_whole(self) -> bytes:
        try:
            async with asyncio.timeout(self._limits.body_idle_seconds or None):
                return self._checked(bytes(await self._protocol()))
        except TimeoutError:
            raise Limited("the body came too slowly") from None
        except CairnError:
            raise
        except Exception:
            raise Invalid("the body ended early") from None

    def _checked(self, body: bytes) -> bytes:
        if self._length is not None and len(body) != self._length:
            raise Invalid("the body has another length than its Content-Length")
        return body
