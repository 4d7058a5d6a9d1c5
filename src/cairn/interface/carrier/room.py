"""How much memory the bodies of requests may take while they are read and handled: in all, and for one client."""

from __future__ import annotations

from typing import Final

from cairn.core.errors import Unavailable
from cairn.interface.admission.rates import address_group

_BYTES_MAX: Final = 256 * 1024 * 1024
_CLIENT_SHARE: Final = 0.5


class Room:
    """Counts the bytes that are held, and refuses more than there is room for."""

    def __init__(self, body_bytes_max: int) -> None:
        self._bytes_max = max(_BYTES_MAX, 4 * body_bytes_max)
        self._client_bytes_max = int(self._bytes_max * _CLIENT_SHARE)
        self._held: dict[str, int] = {}
        self._held_in_all = 0

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
        left = self._held[client] - size
        if left:
            self._held[client] = left
        else:
            del self._held[client]
