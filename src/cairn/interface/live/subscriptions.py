"""What one live socket follows: where it stands in each chain, and what waits to be sent. Decisions alone, no socket.

Entries do not wait here, only the places up to which there are some: they lie in the store, and the newest in memory
that all sockets share (`feeds.py`). So a socket costs the same however far its client is behind, and chains take turns.
Ephemeral messages, which lie nowhere else, wait in one short queue, and the oldest are lost first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from typing import Final

from cairn.core.chain import ChainId, Seq
from cairn.core.errors import TooLarge

_HEARD_MAX: Final = 256


class Subscriptions:
    """The chains of one socket. A chain is *behind* while it has entries, or an end, that were not sent."""

    def __init__(self, chains_max: int) -> None:
        self._chains_max = chains_max
        self._places: dict[ChainId, Seq] = {}
        self._behind: dict[ChainId, None] = {}
        self._heard: deque[bytes] = deque(maxlen=_HEARD_MAX)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, chain_id: ChainId) -> bool:
        return chain_id in self._places

    @property
    def chains(self) -> list[ChainId]:
        """All that are followed."""
        return list(self._places)

    @property
    def behind(self) -> list[ChainId]:
        """Those of which something waits."""
        return list(self._behind)

    def check_room(self, wanted: Collection[ChainId]) -> None:
        """Refuse more chains than one socket may have.

        Raises:
            TooLarge: these would be too many.
        """
        if len(self._places) + sum(chain_id not in self._places for chain_id in wanted) > self._chains_max:
            raise TooLarge(f"one socket follows at most {self._chains_max} chains: open another")

    def put(self, chain_id: ChainId, start: Seq) -> None:
        """Follow a chain from `start` on; one that is followed already, from there."""
        self._places[chain_id] = start
        self._behind.pop(chain_id, None)

    def place(self, chain_id: ChainId) -> Seq:
        """The seq that is wanted next of a chain that is followed."""
        return self._places[chain_id]

    def drop(self, chain_id: ChainId) -> None:
        """Follow it no more."""
        self._places.pop(chain_id, None)
        self._behind.pop(chain_id, None)

    def grew(self, chain_id: ChainId, stop: Seq, *, is_closed: bool = False) -> None:
        """Say that there are entries up to before `stop`, and whether the last of them ends the chain."""
        place = self._places.get(chain_id)
        if place is not None and (place < stop or is_closed):
            self._behind[chain_id] = None

    def is_at(self, chain_id: ChainId, place: Seq) -> bool:
        """Whether all of a chain before `place` was sent, and nothing else waits."""
        return self._places.get(chain_id) == place and not self._behind and not self._heard

    def next_behind(self) -> tuple[ChainId, Seq] | None:
        """The chain whose turn it is, and the seq it wants; the turn then goes to the others."""
        chain_id = next(iter(self._behind), None)
        if chain_id is None:
            return None
        del self._behind[chain_id]
        self._behind[chain_id] = None
        return chain_id, self._places[chain_id]

    def move(self, chain_id: ChainId, place: Seq, following: Seq, stop: Seq) -> bool:
        """Go on from `place` to `following`, where there are entries up to before `stop`.

        False, with nothing done, if the chain no longer stands at `place`: the client asked otherwise meanwhile.
        """
        if self._places.get(chain_id) != place:
            return False
        self._places[chain_id] = following
        if following >= stop:
            self._behind.pop(chain_id, None)
        return True

    def hear(self, frame: bytes) -> None:
        """Let an ephemeral message wait; the oldest is lost when there are too many."""
        self._heard.append(frame)

    def next_heard(self) -> bytes | None:
        """The ephemeral message that has waited longest."""
        return self._heard.popleft() if self._heard else None
