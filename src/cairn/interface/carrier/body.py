"""The body of a request: as it comes over a connection, and bounded in size and time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final

from cairn.config import Limits
from cairn.core.errors import Invalid, Limited, TooLarge
from cairn.interface.admission.room import Room

_WHOLE_BYTES_MAX: Final = 64 * 1024
_AHEAD_BYTES_MAX: Final = 256 * 1024


class Incoming:
    """Bytes of a body that came and were not asked for yet: the connection fills it, `Body` empties it.

    `on_wanted`: the body is asked for. `on_room`: what came was taken, so there is room for so many bytes more.
    """

    __slots__ = ("_ahead", "_arrived", "_is_broken", "_is_dropped", "_missing", "_on_room", "_on_wanted", "_pieces")

    def __init__(self, length: int | None, on_wanted: Callable[[], None], on_room: Callable[[int], None]) -> None:
        self._missing = length  # None: until `end`
        self._on_wanted: Callable[[], None] | None = on_wanted
        self._on_room = on_room
        self._pieces: deque[bytes] = deque()
        self._ahead = 0
        self._arrived: asyncio.Future[None] | None = None
        self._is_broken = False
        self._is_dropped = False

    @property
    def is_whole(self) -> bool:
        """All of it came."""
        return self._missing == 0

    @property
    def missing(self) -> int:
        """How many bytes have yet to come; -1 where nobody said."""
        return -1 if self._missing is None else self._missing

    @property
    def is_full(self) -> bool:
        """Nothing more should come until some of it was taken."""
        return self._ahead > _AHEAD_BYTES_MAX

    def feed(self, data: bytes) -> bytes:
        """Take what belongs to the body, and give back what follows it."""
        rest = b""
        if self._missing is not None:
            data, rest = data[: self._missing], data[self._missing :]
            self._missing -= len(data)
        if self._is_dropped:
            self._on_room(len(data))
        elif data:
            self._pieces.append(data)
            self._ahead += len(data)
        self._wake()
        return rest

    def end(self) -> None:
        """There is no more, whatever was said of its length."""
        self._missing = 0
        self._wake()

    def break_off(self) -> None:
        """The rest will never come."""
        self._is_broken = self._missing != 0
        self._wake()

    def drop(self) -> None:
        """Nobody asks for the rest any more: what comes of it is forgotten."""
        self._is_dropped = True
        self._pieces.clear()
        freed, self._ahead = self._ahead, 0
        self._on_room(freed)

    def take_all(self) -> bytes | None:
        """All of it, if it came; else None."""
        if self._missing != 0 or self._is_broken:
            return None
        taken = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._took(len(taken))
        return taken

    async def next(self) -> bytes:
        """The next bytes of it; none at its end. Raises Invalid: it ended early."""
        while not self._pieces:
            if self._missing == 0:
                return b""
            if self._is_broken:
                raise Invalid("the body ended early")
            if self._on_wanted is not None:
                wanted, self._on_wanted = self._on_wanted, None
                wanted()
            self._arrived = asyncio.get_running_loop().create_future()
            await self._arrived
        piece = self._pieces.popleft()
        self._took(len(piece))
        return piece

    def _took(self, size: int) -> None:
        self._ahead -= size
        if size:
            self._on_room(size)

    def _wake(self) -> None:
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)


class Body:
    """A `RequestBody`. What was read of a large one takes up room until it is released."""

    __slots__ = ("_client", "_held", "_incoming", "_length", "_limits", "_room")

    def __init__(self, incoming: Incoming, length: int | None, limits: Limits, room: Room, client: str) -> None:
        self._incoming = incoming
        self._length = length
        self._limits = limits
        self._room = room
        self._client = client
        self._held = 0

    async def read(self, bytes_max: int) -> bytes:
        """See `RequestBody.read`."""
        if self._length is None:
            return await self._read_nothing()
        if self._length > bytes_max:
            raise TooLarge(f"the body holds at most {bytes_max} bytes")
        if self._length <= _WHOLE_BYTES_MAX:
            whole = self._incoming.take_all()
            return whole if whole is not None else b"".join([piece async for piece in self._stream()])
        pieces = []
        async for piece in self._stream():
            self._room.take(self._client, len(piece))
            self._held += len(piece)
            pieces.append(piece)
        return b"".join(pieces)

    def release(self) -> None:
        """Say that the bytes that were read are held no more."""
        if self._held:
            self._room.give_back(self._client, self._held)
            self._held = 0

    async def _stream(self) -> AsyncIterator[bytes]:
        """Its pieces as they arrive, under its deadlines."""
        try:
            async with asyncio.timeout(self._limits.body_seconds or None):
                while True:
                    async with asyncio.timeout(self._limits.body_idle_seconds or None):
                        piece = await self._incoming.next()
                    if not piece:
                        return
                    yield piece
        except TimeoutError:
            raise Limited("the body came too slowly") from None

    async def _read_nothing(self) -> bytes:
        """A body whose length was not said can only be empty: where it breaks off cannot be told from its end."""
        async for _ in self._stream():
            raise Invalid("a body needs a Content-Length")
        return b""
