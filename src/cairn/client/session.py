"""A connection to one server: plaintext above, blocks and entries below.

    async with connect("http://127.0.0.1:8420") as session:
        cap = WriteCapability.new()
        chain = session.chain(cap)
        await chain.append("hello")
        async for entry in session.chain(cap.to_read()).entries():
            ...

A session remembers in `state` (a folder) the newest head that it accepted of each chain, the server's receipt key and
half-done uploads, so that a later run refuses a server that goes back. Without it, this lasts as long as the session.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

from cairn.client.account import Account, Accounts
from cairn.client.chains.chain import Chain
from cairn.client.chains.opened import Opened
from cairn.client.concurrency.merge import merged
from cairn.client.format.capability import Capability, ChainCapability, WriteCapability, parse_capability
from cairn.client.objects.objects import Objects
from cairn.client.remote.http import HttpServer, open_session
from cairn.client.remote.live import LiveSocket
from cairn.client.remote.store import RemoteChains, remote_store
from cairn.client.state.known_servers import KnownServers, receipt_keys_of
from cairn.client.state.pins import Pins
from cairn.core.block import NO_GRANT
from cairn.core.chain import FLAG_DOOR, ChainId
from cairn.core.errors import Forbidden
from cairn.core.store import Usage


class Session:
    """What can be done with one server. Made by `connect`."""

    def __init__(
        self,
        server: HttpServer,
        live: LiveSocket,
        receipt_keys: tuple[bytes, ...],
        pins: Pins,
        state: Path | None = None,
    ) -> None:
        """`receipt_keys`: the server's own, and behind it the one that it says it had before."""
        self._server = server
        self._receipt_keys = receipt_keys
        self._pins = pins
        self._store = remote_store(server, live)
        self._doors = RemoteChains(server, doors=True)
        self.objects = Objects(self._store.blocks, server.url, state / "uploads" if state else None)
        """Data of any size, kept as blocks."""

    @property
    def url(self) -> str:
        """Where the server is."""
        return self._server.url

    @property
    def rotated_from(self) -> bytes | None:
        """The receipt key that was pinned for this server, if it has another one now and says that it rotated it.

        Nobody signs a rotation: a program that people rely on should tell them. Later sessions know the new key.
        """
        return self._receipt_keys[1] if len(self._receipt_keys) > 1 else None

    def chain(self, capability: ChainCapability | str) -> Chain:
        """The chain, or by its write capability the door, that a capability or its text is for. Nothing is asked yet.

        Raises:
            Invalid: the text is no capability. Forbidden: it is for a block, not for a chain.
        """
        found: Capability = parse_capability(capability) if isinstance(capability, str) else capability
        if not isinstance(found, ChainCapability):
            raise Forbidden("this capability opens an object: get it with `objects`")
        is_door = isinstance(found, WriteCapability) and found.keys.flags & FLAG_DOOR
        if is_door:
            return Chain(found, self._doors, self._pins, self._receipt_keys)
        return Chain(found, self._store.chains, self._pins, self._receipt_keys, self._store.relay)

    async def live(self, places: Mapping[str | ChainCapability, int]) -> AsyncGenerator[tuple[ChainId, Opened], None]:
        """The entries of many chains, each from a seq on, and then each new one as it comes, on one connection.

        In order within each chain. Ends when all of them have ended; raises as `Chain.entries`.
        """
        follows = [_told(self.chain(capability), start) for capability, start in places.items()]
        async with aclosing(merged(follows)) as entries:
            async for entry in entries:
                yield entry

    async def info(self) -> dict[str, Any]:
        """What the server says of itself: versions, limits, admission, time."""
        document: dict[str, Any] = (await self._server.ask("GET", "/v1/info")).json()
        return document

    async def usage(self) -> Usage:
        """What the session's grant pays for now."""
        return await self._store.ledger.usage(NO_GRANT)

    async def sign_up(self, realm: str, username: str, password: str, account_key: bytes | None = None) -> Account:
        """Make an account, or sign in if this name and password have one. See `Accounts.sign_up`."""
        return await self._accounts.sign_up(realm, username, password, account_key)

    async def sign_in(self, realm: str, username: str, password: str, account_key: bytes | None = None) -> Account:
        """Open the account of a name and a password. See `Accounts.sign_in`."""
        return await self._accounts.sign_in(realm, username, password, account_key)

    async def recover(self, recovery: str) -> Account:
        """Open an account with its recovery text. See `Account.recovery`."""
        return await self._accounts.recover(recovery)

    @property
    def _accounts(self) -> Accounts:
        return Accounts(self._store.chains, self._doors, self._pins, self._receipt_keys)


@asynccontextmanager
async def connect(url: str, *, grant: str | None = None, state: Path | None = None) -> AsyncIterator[Session]:
    """A session with the server at `url`. `grant` pays for what is written.

    Raises:
        Unreachable: nobody answers. Invalid: it is no Cairn server. ServerChanged: its receipt key is another one
            than before, and it does not even say that it rotated it; see `Session.rotated_from`.
    """
    async with open_session() as http:
        server = HttpServer(url, http, grant)
        keys = receipt_keys_of((await server.ask("GET", "/v1/info")).json())
        former = await asyncio.to_thread(KnownServers(state).check, server.url, keys)
        pins = Pins(state / "pins" if state else None)
        try:
            async with aclosing(LiveSocket(server)) as live:
                yield Session(server, live, (keys.current, former) if former else (keys.current,), pins, state)
        finally:
            await pins.close()


async def _told(chain: Chain, start: int) -> AsyncGenerator[tuple[ChainId, Opened], None]:
    """What a chain gives, with its id."""
    async with aclosing(chain.follow(start)) as entries:
        async for entry in entries:
            yield chain.chain_id, entry
