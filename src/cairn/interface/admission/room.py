"""How much memory large bodies may take: those of requests while they are read and handled, and of answers while their
clients take them; in all, and for one client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from cairn.core.errors import Unavailable
from cairn.interface.admission.rates import address_group

_REQUESTS_BYTES_MAX: Final = 256 * 1024 * 1024
_ANSWERS_BYTES_MAX: Final = 1024 * 1024 * 1024  # a client may take long to read, so more of them wait


class Room:
    """Counts the bytes that are held, and refuses more than there is room for. A client has `1 / clients` of it."""

    def __init__(self, bytes_max: int, clients: int) -> None:
        self._bytes_max = bytes_max
        self._client_bytes_max = bytes_max // clients
        self._held: dict[str, int] = {}
        self._held_in_all = 0

    @property
    def held_bytes(self) -> int:
        """How many are held now."""
        return self._held_in_all

    @contextmanager
    def holding(self, client: str) -> Iterator[Callable[[int], None]]:
        """What takes bytes for the client at an address, which are given back when this ends."""
        held = 0

        def take(size: int) -> None:
            nonlocal held
            self.take(client, size)
            held += size

        try:
            yield take
        finally:
            self.give_back(client, held)

    def take(self, client: str, size: int) -> None:
        """Hold so many more bytes for the client at an address.

        Raises:
            Unavailable: there is no room for them now.
        """
        client = address_group(client)
        held = self._held.get(client, 0) + size
        if held > self._client_bytes_max or self._held_in_all + size > self._bytes_max:
            raise Unavailable("too many large requests are under way: send them one after the other, or again later")
        self._held[client] = held
        self._held_in_all += size

    def give_back(self, client: str, size: int) -> None:
        """Say that so many bytes are held no more."""
        client = address_group(client)
        self._held_in_all -= size
        left = self._held.pop(client, 0) - size
        if left:
            self._held[client] = left


def room_for_requests(body_bytes_max: int) -> Room:
    """For bodies of this size: some at once, whatever it is."""
    return Room(max(_REQUESTS_BYTES_MAX, 4 * body_bytes_max), 2)


def room_for_answers() -> Room:
    """For what clients have asked for and not yet taken."""
    return Room(_ANSWERS_BYTES_MAX, 4)
