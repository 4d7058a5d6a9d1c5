"""What honest writers wrote, in two branches each, and what a reader is to be shown of it.

The other branch is what a copy of the writer's keys has written elsewhere: as good for who knows nothing, and a fork
for who has seen the first.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

from cairn.client.format.capability import Capability, ReadCapability, VerifyCapability, WriteCapability
from cairn.client.format.door import account_secret
from cairn.client.format.manifest import Manifest
from cairn.client.format.payload import ContentType, Payload
from cairn.client.format.reference import MANIFEST_MAGIC, Reference, seal_block
from cairn.client.format.secret import ChainKeys
from cairn.core.chain import FLAG_DOOR, ChainState, Entry, Kind
from cairn.testing.chains import Writer

KINDS = {Kind.LINK: "entry", Kind.ROTATE: "rotation", Kind.CHECKPOINT: "snapshot", Kind.CLOSE: "end"}


@dataclass(frozen=True)
class Branch:
    """One history of a chain: its entries, and by seq what each says."""

    entries: tuple[Entry, ...]
    said: tuple[str, ...]
    state: ChainState

    def kept(self) -> list[Entry]:
        """What a server keeps that trims at once."""
        floor = self.entries[-1].floor
        return [entry for entry in self.entries if entry.seq == 0 or entry.seq >= floor]

    def value(self, seq: int, capability: Capability) -> str | None:
        """What a capability is shown of an entry; None: that it does not open it."""
        if isinstance(capability, VerifyCapability):
            return None
        if isinstance(capability, ReadCapability) and self.entries[seq].key_epoch > capability.key_epoch:
            return None
        return self.said[seq]


@dataclass
class Story:
    """One chain of the world."""

    name: str
    keys: ChainKeys
    branches: tuple[Branch, Branch]
    is_trimmed: bool = False
    files: Mapping[int, str] = field(default_factory=dict)
    """By seq, the digest of the file that the entry is for."""
    blocks: Mapping[bytes, bytes] = field(default_factory=dict)
    siblings: tuple[Story, ...] = ()
    """Other chains of the same space."""

    @property
    def main(self) -> Branch:
        """The branch that is shown first."""
        return self.branches[0]

    @property
    def forked_at(self) -> int:
        """The first seq at which the branches differ."""
        pairs = zip(self.branches[0].entries, self.branches[1].entries, strict=False)
        return next(number for number, (one, other) in enumerate(pairs) if one.hash != other.hash)

    def shown(self) -> list[Entry]:
        """What an honest server shows."""
        return self.main.kept() if self.is_trimmed else list(self.main.entries)


class Teller:
    """A writer who remembers in plaintext what it wrote."""

    def __init__(self, seed: str, flags: int = 0) -> None:
        self.writer = Writer(seed, flags)
        self.said = [""]

    def text(self, words: str, kind: Kind = Kind.LINK, floor: int | None = None) -> None:
        self.writer.add(Payload.of_text(words).encode(), kind, floor)
        self.said.append(f"t:{words}")

    def json(self, value: object, references: tuple[Reference, ...] = ()) -> None:
        payload = Payload.of_json(value, references)
        self.writer.add(payload.encode())
        self.said.append(f"j:{payload.data.decode()}")

    def data(self, value: bytes) -> None:
        self.writer.add(Payload(value).encode())
        self.said.append(f"b:{value.hex()}")

    def rotate(self, words: str) -> None:
        key = self.writer.keys.read_key(self.writer.state.key_epoch)
        self.writer.add(Payload(key + words.encode(), ContentType.TEXT).encode(), Kind.ROTATE)
        self.said.append(f"t:{words}")

    def snapshot(self, words: str, *, trims: bool) -> None:
        self.text(words, Kind.CHECKPOINT, len(self.said) if trims else None)

    def end(self, words: str) -> None:
        self.text(words, Kind.CLOSE, len(self.said))

    @property
    def branch(self) -> Branch:
        return Branch(tuple(self.writer.entries), tuple(self.said), self.writer.state)


Telling = Callable[[Teller, str], None]


def _plain(teller: Teller, who: str) -> None:
    teller.text("the beginning")
    teller.json({"of": "both"})
    teller.data(b"\x00\xff")
    teller.text(f"{who} four")
    teller.json([who, 5, None])
    teller.text(f"{who} six")
    teller.text(f"{who} seven")


def _rotated(teller: Teller, who: str) -> None:
    teller.text("before all")
    teller.rotate("new keys")
    teller.text("second epoch")
    teller.rotate(f"{who} newer keys")
    teller.text(f"{who} third epoch")
    teller.json({"by": who})


def _trimmed(teller: Teller, who: str) -> None:
    for number in range(1, 5):
        teller.text(f"given up {number}")
    teller.snapshot(f"{who} state", trims=True)
    teller.text(f"{who} after the state")
    teller.text(f"{who} and more")


def _kept(teller: Teller, who: str) -> None:
    for number in range(1, 4):
        teller.text(f"kept {number}")
    teller.snapshot(f"{who} state", trims=False)
    teller.text(f"{who} after the state")
    teller.text(f"{who} and more")


def _closed(teller: Teller, who: str) -> None:
    teller.text("alive")
    if who == "theirs":
        teller.end("an early end")
        return
    teller.text("still alive")
    teller.text("and now")
    teller.end("the end")


def _long(teller: Teller, who: str) -> None:
    """Two pages, and in the second a checkpoint: who reads may pass over what it gave up, though it is still there."""
    for number in range(1, 280):
        words = f"{who if number > 150 else 'both'} {number}"
        if number == 265:
            teller.snapshot(words, trims=True)
        else:
            teller.text(words)


_TELLINGS: Mapping[str, Telling] = {
    "plain": _plain, "rotated": _rotated, "trimmed": _trimmed, "kept": _kept, "closed": _closed, "long": _long,
}  # fmt: skip


def _told(name: str, who: str) -> Teller:
    teller = Teller(f"evil/{name}")
    _TELLINGS[name](teller, who)
    return teller


@cache
def story(name: str) -> Story:
    """One of the stories, by name."""
    if name == "files":
        return _files()
    if name == "door":
        return _door()
    ours, theirs = _told(name, "ours"), _told(name, "theirs")
    return Story(name, ours.writer.keys, (ours.branch, theirs.branch), is_trimmed=name == "trimmed")


NAMES = tuple(_TELLINGS)


def capabilities(of: Story) -> list[Capability]:
    """All that one may hold of a chain: the newest and older rights to read, too."""
    keys, newest = of.keys, of.main.entries[-1].key_epoch
    readers = [ReadCapability(keys.chain_id, epoch, keys.read_key(epoch)) for epoch in range(newest + 1)]
    return [WriteCapability(keys), VerifyCapability(keys.chain_id), *readers]


def added_to(number: int) -> Story:
    """A chain of its own, for a case that writes."""
    teller = Teller(f"evil/add/{number}")
    teller.text("written before")
    teller.text("and this")
    return Story("add", teller.writer.keys, (teller.branch, teller.branch))


CHUNK_BYTES = 4_096


def _files() -> Story:
    draw = random.Random("evil/files")
    blocks: dict[bytes, bytes] = {}
    files: dict[int, str] = {}
    teller = Teller("evil/files")

    def put(data: bytes, head: bytes = b"CRB1") -> Reference:
        block, reference = seal_block(data, head=head, block_key=draw.randbytes(32), salt=draw.randbytes(32))
        blocks[block.id] = block.data
        return reference

    for size in (900, 5 * CHUNK_BYTES - 77, 900, 3 * CHUNK_BYTES, 0):
        data = draw.randbytes(size)
        chunks = tuple(put(data[at : at + CHUNK_BYTES]) for at in range(0, size, CHUNK_BYTES))
        if len(chunks) > 1:
            reference = put(Manifest(size, CHUNK_BYTES, chunks).encode(), MANIFEST_MAGIC)
        else:
            reference = chunks[0] if chunks else put(b"")
        record = {"name": "a.bin", "bytes": size, "type": "application/octet-stream", "modified_ms": 1}
        teller.json(record, (reference,))
        files[len(teller.said) - 1] = hashlib.sha256(data).hexdigest()
    return Story("files", teller.writer.keys, (teller.branch, teller.branch), files=files, blocks=blocks)


ROOTS = tuple(random.Random(f"evil/anchor/{number}").randbytes(32) for number in range(3))
HOMES = ("", "https://moved.example", "https://elsewhere.example")


def _door() -> Story:
    tellers = []
    for last in (1, 2):
        teller = Teller("evil/door", FLAG_DOOR)
        teller.data(ROOTS[0] + HOMES[0].encode())
        teller.data(ROOTS[last] + HOMES[last].encode())
        tellers.append(teller)
    ours, theirs = tellers
    return Story("door", ours.writer.keys, (ours.branch, theirs.branch))


def behind(number: int) -> str:
    """What a door leads to after the entry with this number: the account's chain, and its home."""
    return f"{ChainKeys(account_secret(ROOTS[number])).chain_id.hex()} {HOMES[number]}"
