"""What a client of the HTTP API does, without the SDK between: so a test may also do it wrong."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cairn.core.block import Block
from cairn.core.chain import Entry
from cairn.interface.admission.grant import Grant
from cairn.interface.admission.secret import NodeSecret
from cairn.wire.messages import encode_entries
from tests.harness import Answer, Server

FREE_OF_RATES = {
    "requests_per_second": 0, "bad_signatures_per_minute": 0, "door_requests_per_minute": 0, "requests_in_flight": 0,
    "live_streams": 0, "live_sockets": 0, "live_messages_per_second": 0, "ephemeral_per_second": 0,
    "chain_ephemeral_per_second": 0, "connections_per_address": 0, "free_grant_bytes": 0,
    "free_grant_appends_per_second": 0,
}  # fmt: skip

_STORED = re.compile(r"^cairn_storage_(blocks|pins|chains|entries) (\S+)$", re.MULTILINE)


def mint(server: Server, bytes_max: int = 0, appends_per_second: float = 0, expires: int = 0) -> str:
    """A token of a new grant, made as `cairn grant` makes it."""
    keys = NodeSecret.load(server.data / "secret").keys("grant")
    return Grant.issue(bytes_max=bytes_max, appends_per_second=appends_per_second, expires=expires).token(keys)


@dataclass(frozen=True)
class Holder:
    """Who holds a grant, or none (""), and writes."""

    server: Server
    token: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """What shows the grant."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def put(self, block: Block, pin_hash: bytes = b"", under: bytes = b"", **headers: str) -> Answer:
        """Store a block, `under` another id if given."""
        shown = {"Cairn-Pin": pin_hash.hex()} if pin_hash else {}
        path = f"/v1/blocks/{(under or block.id).hex()}"
        return self.server.ask("PUT", path, block.data, {**self.headers, **shown, **headers})

    def unpin(self, block: Block, pin: bytes) -> Answer:
        """Show a pin."""
        return self.server.ask("DELETE", f"/v1/blocks/{block.id.hex()}", None, {"Cairn-Pin-Secret": pin.hex()})

    def append(self, entries: Sequence[Entry], under: bytes = b"", kind: str = "chains") -> Answer:
        """Append entries, to the chain `under` if it is not theirs."""
        return self.append_raw(under or entries[0].chain_id, encode_entries(entries), kind)

    def append_raw(self, chain_id: bytes, body: bytes, kind: str = "chains") -> Answer:
        """Send any bytes as an append."""
        return self.server.ask("POST", f"/v1/{kind}/{chain_id.hex()}/entries", body, self.headers)

    def used(self) -> dict[str, int]:
        """What the grant pays for now."""
        answer = self.server.ask("GET", "/v1/grants/self", None, self.headers)
        assert answer.status == 200, answer
        used: dict[str, int] = answer.json["used"]
        return used


def head(server: Server, chain_id: bytes, kind: str = "chains") -> dict[str, Any] | None:
    """A chain's head without its receipt, which is of the moment; None if there is none."""
    answer = server.ask("GET", f"/v1/{kind}/{chain_id.hex()}")
    if answer.status == 404:
        return None
    assert answer.status == 200, answer
    return {name: value for name, value in answer.json.items() if name != "receipt"}


def has(server: Server, *blocks: Block) -> list[bool]:
    """Which of the blocks are here."""
    answer = server.ask("POST", "/v1/blocks/has", b"".join(block.id for block in blocks))
    assert answer.status == 200, answer
    return [state == 1 for state in answer.body]


def stored(server: Server) -> dict[str, float]:
    """How many blocks, pins, chains and entries the store holds."""
    return {name: float(value) for name, value in _STORED.findall(server.keeper.ask("GET", "/metrics").body.decode())}


def until_idle(server: Server) -> None:
    """Until the server has done with every request but the one that asks."""
    for _ in range(600):
        if b"\ncairn_requests_in_flight 1.0\n" in server.ask("GET", "/metrics").body:
            return
        time.sleep(0.02)
    raise AssertionError("a request never ended")
