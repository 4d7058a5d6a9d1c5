"""Makers of valid chains and random blocks, for tests of stores."""

from __future__ import annotations

import random

from cairn.client.format.ephemeral import seal_ephemeral
from cairn.client.format.secret import ChainKeys
from cairn.core.block import Block
from cairn.core.chain import ChainState, Entry, Kind, Seq, accept
from cairn.core.ephemeral import Ephemeral


class Writer:
    """A chain's writer, who keeps all that it wrote. Keys come from `seed`, so that a test can be repeated."""

    def __init__(self, seed: int | str = 0, flags: int = 0) -> None:
        self._random = random.Random(f"{seed}/{flags}")
        self.keys = ChainKeys(self._random.randbytes(32), flags)
        genesis = self.keys.genesis()
        self.entries: list[Entry] = [genesis]
        self.states: list[ChainState] = [accept(None, genesis)]

    @property
    def state(self) -> ChainState:
        """The state after the newest entry."""
        return self.states[-1]

    def next(
        self, payload: bytes = b"payload", kind: Kind = Kind.LINK, floor: int | None = None, after: int | None = None
    ) -> Entry:
        """The entry that follows the newest, or entry `after`; it is not added."""
        state = self.state if after is None else self.states[after]
        return self.keys.follow(
            state, kind, payload, floor=None if floor is None else Seq(floor), salt=self._random.randbytes(32)
        )

    def add(self, payload: bytes = b"payload", kind: Kind = Kind.LINK, floor: int | None = None) -> Entry:
        """Add an entry and return it."""
        entry = self.next(payload, kind, floor)
        self.states.append(accept(self.state, entry))
        self.entries.append(entry)
        return entry

    def add_many(self, count: int) -> list[Entry]:
        """Add so many entries and return them."""
        return [self.add(b"%d" % number) for number in range(count)]

    def message(self, data: bytes, now_ms: int, key_epoch: int | None = None) -> Ephemeral:
        """An ephemeral message of this chain, made at `now_ms`."""
        epoch = self.state.key_epoch if key_epoch is None else key_epoch
        return seal_ephemeral(self.keys, epoch, data, now_ms, salt=self._random.randbytes(32))


def random_block(seed: int | str, size: int = 300) -> Block:
    """A block whose bytes depend on the seed alone."""
    return Block.of(random.Random(str(seed)).randbytes(size))


def altered(entry: Entry, offset: int, mask: int = 1) -> bytes:
    """The bytes of an entry with some bits of one byte flipped."""
    raw = bytearray(entry.raw)
    raw[offset] ^= mask
    return bytes(raw)


def resigned(keys: ChainKeys, raw: bytes) -> Entry:
    """An entry with other bytes before its signature, signed anew: wrong, but by the right writer."""
    return Entry.decode(raw[:-64] + keys.sign("entry", raw[:-64]))
