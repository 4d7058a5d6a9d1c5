"""A chain whose writer sends each entry to a real server."""

from __future__ import annotations

from cairn.client.format.capability import Capability, ReadCapability, VerifyCapability, WriteCapability
from cairn.client.format.payload import Payload
from cairn.client.format.reference import BLOCK_MAGIC, Reference, seal_block
from cairn.core.chain import Entry, Kind
from cairn.testing.chains import Writer
from cairn.wire.messages import encode_entries
from tests.harness import Server


class Published:
    """A writer, and the server that it sends to."""

    def __init__(self, server: Server, seed: int | str, *, page: str = "/chain/", is_sent: bool = True) -> None:
        self.server = server
        self.page = page
        self.seed = seed
        self.writer = Writer(seed)
        if is_sent:
            self.send(self.writer.entries)

    @property
    def id(self) -> str:
        """The chain's id, in hex."""
        return self.writer.keys.chain_id.hex()

    def send(self, entries: list[Entry]) -> None:
        """Append entries that the writer has made."""
        answer = self.server.ask("POST", f"/v1/chains/{self.id}/entries", encode_entries(entries))
        assert answer.status == 201, answer.body

    def add(self, payload: Payload | str, kind: Kind = Kind.LINK, floor: int | None = None) -> Entry:
        """Make an entry and append it."""
        made = payload if isinstance(payload, Payload) else Payload.of_text(payload)
        entry = self.writer.add(made.encode(), kind, floor)
        self.send([entry])
        return entry

    def rotate(self) -> Entry:
        """Change the read key, handing on the present one."""
        return self.add(Payload(self.writer.keys.read_key(self.writer.state.key_epoch)), Kind.ROTATE)

    def close(self, last_words: str = "") -> Entry:
        """End the chain."""
        return self.add(last_words, Kind.CLOSE)

    def put(self, data: bytes, head: bytes = BLOCK_MAGIC) -> Reference:
        """Store a block of data."""
        block, reference = seal_block(data, head=head)
        answer = self.server.ask("PUT", f"/v1/blocks/{block.id.hex()}", block.data)
        assert answer.status == 201, answer.body
        return reference

    def read_link(self, key_epoch: int = 0, host: str = "127.0.0.1") -> str:
        """The address of the page that reads this chain."""
        keys = self.writer.keys
        return self.link(ReadCapability(keys.chain_id, key_epoch, keys.read_key(key_epoch)), host)

    def verify_link(self) -> str:
        """The address of the page that verifies it only."""
        return self.link(VerifyCapability(self.writer.keys.chain_id))

    def write_link(self) -> str:
        """The address that nobody should give away."""
        return self.link(WriteCapability(self.writer.keys))

    def link(self, capability: Capability, host: str = "127.0.0.1") -> str:
        """The address of the page that opens this capability."""
        return f"http://{host}:{self.server.port}{self.page}#{capability}"
