"""How much each address, live socket and chain may ask for, and how many of it at once.

Where nothing is counted, on a developer's own machine (`is_free`), the same names let everything pass.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final

from cairn.config import Limits
from cairn.core.chain import ChainId
from cairn.core.clock import Clock
from cairn.core.errors import Limited
from cairn.interface.admission.rates import Places, Rate, address_group
from cairn.interface.admission.room import room_for_answers

_ITEMS_PER_REQUEST: Final = 32  # they cost a server what one request does, about


class Traffic:
    """Counts what comes, and refuses what is too much.

    `in_flight`, `sockets` and `streams` are places that an address has; `answers` is the room for what was asked for
    and not yet taken.
    """

    def __init__(self, limits: Limits, clock: Clock, *, is_free: bool) -> None:
        self._is_free = is_free
        self._limits = limits
        free = 0 if is_free else 1
        self.in_flight = Places(free * limits.requests_in_flight, "this address has too many requests at once")
        self.sockets = Places(free * limits.live_sockets, "this address has too many live sockets")
        self.streams = Places(free * limits.live_streams, "this address has too many live streams")
        self.answers = room_for_answers()
        self._requests = Rate(free * limits.requests_per_second, clock, "too many requests from this address")
        self._doors = Rate(
            free * limits.door_requests_per_minute / 60, clock, "too many tries at doors from this address",
            burst=limits.door_requests_per_minute / 3,
        )  # fmt: skip
        self._bad = Rate(
            free * limits.bad_signatures_per_minute / 60, clock, "too many entries from this address did not verify",
            burst=limits.bad_signatures_per_minute,
        )  # fmt: skip
        self._messages = Rate(
            free * limits.live_messages_per_second, clock, "too many messages on this socket",
            burst=limits.live_socket_chains + 2 * limits.live_messages_per_second,  # each chain may be asked for alone
        )  # fmt: skip
        self._whispers = Rate(
            free * limits.ephemeral_per_second, clock, "too many ephemeral messages from this address"
        )
        self._chains = Rate(
            free * limits.chain_ephemeral_per_second, clock, "too many ephemeral messages in this chain"
        )

    def check_request(self, client: str) -> None:
        """Count a request. Raises Limited."""
        if not self._is_free:
            self._requests.take(address_group(client))

    def check_items(self, client: str, count: int) -> None:
        """Count what a request asks for, beside the request itself: each `_ITEMS_PER_REQUEST` items are one more, and
        all together those of a second at most, so that none is too large for ever. Raises Limited."""
        if not self._is_free and count >= _ITEMS_PER_REQUEST:
            more = min(count // _ITEMS_PER_REQUEST, int(self._limits.requests_per_second))
            self._requests.take(address_group(client), more)

    def admits(self, client: Callable[[], str]) -> bool:
        """Count a request that is answered without waiting; False, with nothing counted, if it has to be refused."""
        if self._is_free:
            return True
        group = address_group(client())
        if self.in_flight.is_full(group):
            return False
        try:
            self._requests.take(group)
        except Limited:
            return False
        return True

    def check_door(self, client: str) -> None:
        """Count a request to a door. Raises Limited."""
        self._doors.take(address_group(client))

    def check_signatures(self, client: str) -> None:
        """Refuse who sent too many entries that did not verify. Raises Limited."""
        if self._bad.is_spent(address_group(client)):
            self._bad.take(address_group(client))

    def count_bad_entry(self, client: str) -> None:
        """Count an entry that did not verify. Raises Limited."""
        self._bad.take(address_group(client))

    def check_message(self, socket: str) -> None:
        """Count a message on a live socket, by the socket's own name. Raises Limited."""
        self._messages.take(socket)

    def check_ephemeral(self, chain_id: ChainId, client: str) -> None:
        """Count an ephemeral message for who sent it, and refuse it where its chain has had enough. Raises Limited."""
        self._whispers.take(address_group(client))
        if self._chains.is_spent(chain_id.hex()):
            self._chains.take(chain_id.hex())

    def count_ephemeral(self, chain_id: ChainId) -> None:
        """Count an ephemeral message that was passed on for its chain. What was not (forged, or heard and sent again)
        is not counted there, or whoever knows a chain could silence its writer."""
        with contextlib.suppress(Limited):  # others were under way
            self._chains.take(chain_id.hex())
