"""The read keys that a capability gives for one chain, and the opening of its entries.

A writer derives the key of every epoch. A reader has one, and walks back from it: the payload of each rotate hands on
the key of the epoch before. It can't go forward. Whoever may only verify has none. See docs/format.md, 5 and 7.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import replace

from cairn.client.chains.opened import Opened
from cairn.client.format.capability import ChainCapability, ReadCapability, WriteCapability
from cairn.client.format.errors import KeyMissing
from cairn.client.format.payload import READ_KEY_BYTES, Payload
from cairn.client.format.reader import Step
from cairn.client.format.secret import open_seal, read_commitment, unpad
from cairn.core.chain import HEADER_BYTES, ChainState, Entry, Kind
from cairn.core.errors import Invalid


class Keyring:
    """Read keys by key epoch."""

    def __init__(self, capability: ChainCapability) -> None:
        self._writer = capability.keys if isinstance(capability, WriteCapability) else None
        self._keys: dict[int, bytes] = {}
        self._newest = -1
        if isinstance(capability, ReadCapability):
            self._newest = capability.key_epoch
            self._keys[capability.key_epoch] = capability.read_key

    def check(self, state: ChainState) -> None:
        """Check a first read key against the chain's commitment.

        Raises:
            Invalid: the capability was not made for this chain.
        """
        key = self._writer.read_key(0) if self._writer else self._keys.get(0)
        if key is not None and not _is_first_key(key, state):
            raise Invalid("this capability does not fit its chain: ask for it again")

    def must_walk_to(self, key_epoch: int) -> int | None:
        """The newest epoch known, if the key of `key_epoch` can only be had by walking back from there."""
        is_known = self._writer is not None or key_epoch in self._keys or key_epoch > self._newest
        return None if is_known else min(epoch for epoch in self._keys if epoch > key_epoch)

    def walk(self, rotates: Iterable[Entry], state: ChainState) -> None:
        """Learn older keys from accepted rotates, newest first. Stops where one hands on no key."""
        for rotate in sorted(rotates, key=lambda entry: entry.key_epoch, reverse=True):
            older = rotate.key_epoch - 1
            if older in self._keys or rotate.key_epoch not in self._keys:
                continue
            try:
                key = _handed_on(self._payload(rotate))
            except Invalid:
                return
            if older == 0 and not _is_first_key(key, state):
                return
            self._keys[older] = key

    def open(self, step: Step) -> Opened:
        """Open an accepted entry. What fails is told in the result: it is not the end of the chain."""
        entry = step.entry
        try:
            return Opened(entry, self._content(entry), None, step.skipped)
        except (Invalid, KeyMissing) as problem:
            return Opened(entry, None, problem, step.skipped)

    def _content(self, entry: Entry) -> Payload:
        if entry.kind == Kind.GENESIS:
            return Payload()
        raw = self._payload(entry)
        if entry.kind == Kind.CLOSE and not raw:
            return Payload()
        payload = Payload.decode(raw)
        if entry.kind == Kind.ROTATE:
            _handed_on(raw)
            return replace(payload, data=payload.data[READ_KEY_BYTES:])
        return payload

    def _payload(self, entry: Entry) -> bytes:
        return unpad(open_seal(self.key_of(entry.key_epoch), entry.raw[:HEADER_BYTES], entry.body))

    def key_of(self, key_epoch: int) -> bytes:
        """The read key of an epoch. Raises KeyMissing."""
        if self._writer:
            return self._writer.read_key(key_epoch)
        if key_epoch in self._keys:
            return self._keys[key_epoch]
        if self._newest < 0:
            raise KeyMissing("a verify capability opens no entries: ask for a read capability")
        if key_epoch > self._newest:
            raise KeyMissing("the chain's keys were changed after this capability was made: ask for a newer one")
        raise KeyMissing("the key of this older entry was not handed on, or its rotate was dropped")


def _handed_on(raw: bytes) -> bytes:
    """The key in a rotate's payload."""
    data = Payload.decode(raw).data
    if len(data) < READ_KEY_BYTES:
        raise Invalid("the rotate hands on no key")
    return data[:READ_KEY_BYTES]


def _is_first_key(key: bytes, state: ChainState) -> bool:
    return hmac.compare_digest(read_commitment(key), state.read_commit)
