"""Accounts: a door that a name and a password open leads to a root; the root's own chain holds the account's keyring.

The server sees a chain like any other behind the door, and is asked nothing before the password was stretched here.
See docs/format.md, 8.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Final

from cairn.client.chains.chain import Chain
from cairn.client.chains.opened import Opened
from cairn.client.format.capability import ChainCapability, WriteCapability, parse_capability
from cairn.client.format.door import account_secret, door_keys
from cairn.client.format.payload import Payload
from cairn.client.format.secret import ChainKeys
from cairn.client.state.pins import Pins
from cairn.core.chain import FLAG_DOOR, Kind
from cairn.core.errors import Closed, Conflict, Forbidden, Invalid, NotFound
from cairn.core.store import ChainStore

ROOT_BYTES: Final = 32
_URL_BYTES_MAX: Final = 2_048
_TRIES: Final = 8


class NoAccount(Forbidden):
    """No account has this name and password here: which of the two is wrong, nobody can tell."""

    code = "no_account"

    def __init__(self) -> None:
        super().__init__("no account here has this name and password")


@dataclass(frozen=True, slots=True)
class Behind:
    """What a door leads to: the account's root, and the URL of its home server, if it has moved there."""

    root: bytes = field(repr=False)
    home: str = ""

    def encode(self) -> bytes:
        """`root[32] ‖ home server's URL`."""
        return self.root + self.home.encode()

    @classmethod
    def decode(cls, data: bytes) -> Behind:
        """What a door's newest entry holds.

        Raises:
            Invalid: malformed.
        """
        if not ROOT_BYTES <= len(data) <= ROOT_BYTES + _URL_BYTES_MAX:
            raise Invalid("the door's entry is malformed")
        try:
            return cls(data[:ROOT_BYTES], data[ROOT_BYTES:].decode())
        except UnicodeDecodeError:
            raise Invalid("the door's entry is malformed") from None


class Account:
    """An open account: its keyring, kept in a chain of its own."""

    def __init__(self, accounts: Accounts, door: Chain, behind: Behind) -> None:
        self._accounts = accounts
        self._door = door
        self._behind = behind
        self.capability = WriteCapability(ChainKeys(account_secret(behind.root)))
        self.chain = accounts.chain(self.capability)

    @property
    def home(self) -> str:
        """The URL of the server that the account has moved to; empty: it is here."""
        return self._behind.home

    async def keep(self, name: str, capability: ChainCapability | None) -> None:
        """Put a chain's capability into the keyring under a name; None removes it."""
        await self.chain.append_json({"name": name, "cap": str(capability) if capability else None})

    async def keyring(self) -> dict[str, ChainCapability]:
        """The capabilities in the keyring, by name.

        Raises:
            CairnError: as `Chain.entries`. Invalid, CannotOpen: one of its entries is malformed.
        """
        caps, _ = await self._records()
        return {name: _chain_capability(text) for name, text in caps.items()}

    async def compact(self) -> None:
        """Write the keyring as a checkpoint, and let the server drop the older records.

        Raises:
            Conflict: other devices wrote to it again and again meanwhile. Others as `keyring`.
        """
        for _ in range(_TRIES - 1):
            with suppress(Conflict):  # what another device has kept meanwhile must not be dropped
                return await self._compact_once()
        return await self._compact_once()

    async def _compact_once(self) -> None:
        caps, last = await self._records()
        await self.chain.checkpoint(Payload.of_json({"caps": caps}), trims=True, at=last + 1)

    async def _records(self) -> tuple[dict[str, str], int]:
        """The texts in the keyring by name, and the last seq they come from."""
        caps: dict[str, str] = {}
        last = 0
        try:
            async with aclosing(self.chain.entries()) as entries:
                async for entry in entries:
                    _apply(caps, entry)
                    last = entry.seq
        except NotFound:
            return {}, 0
        return caps, last

    async def change_password(
        self, realm: str, username: str, password: str, account_key: bytes | None = None
    ) -> Account:
        """Make a door for the new password that leads to the same root, then close this one.

        Raises:
            Forbidden: another account has this name and password. Closed: this one had it before. Others as `sign_up`.
        """
        door = await self._accounts.door(realm, username, password, account_key)
        if door.chain_id != self._door.chain_id:
            await self._accounts.lead(door, self._behind)
            await self._door.close()
        return Account(self._accounts, door, self._behind)

    async def recovery(self) -> str:
        """A text, to be kept on paper, that opens the account without the password: see `Session.recover`."""
        capability = WriteCapability.new(flags=FLAG_DOOR)
        await self._accounts.chain(capability).append(self._behind.encode())
        return str(capability)


class Accounts:
    """Opens accounts on one server."""

    def __init__(self, chains: ChainStore, doors: ChainStore, pins: Pins, receipt_keys: Collection[bytes]) -> None:
        self._chains = chains
        self._doors = doors
        self._pins = pins
        self._receipt_keys = receipt_keys

    async def sign_up(self, realm: str, username: str, password: str, account_key: bytes | None = None) -> Account:
        """Make an account; where this name and password have one already, that is opened.

        Raises:
            Invalid: the realm, name, password or account key is not of the allowed form. Others as `Chain`.
        """
        door = await self.door(realm, username, password, account_key)
        return Account(self, door, await self._found_or_made(door, Behind(os.urandom(ROOT_BYTES))))

    async def sign_in(self, realm: str, username: str, password: str, account_key: bytes | None = None) -> Account:
        """Open the account of a name and a password.

        Raises:
            NoAccount: there is none. Closed: the password was changed. Others as `sign_up`.
        """
        return await self._enter(await self.door(realm, username, password, account_key))

    async def recover(self, recovery: str) -> Account:
        """Open an account with its recovery text; raises as `sign_in`."""
        capability = WriteCapability.parse(recovery)
        if not capability.keys.flags & FLAG_DOOR:
            raise Invalid("this is a chain's capability, not a recovery text")
        return await self._enter(self.chain(capability))

    async def lead(self, door: Chain, behind: Behind) -> None:
        """Make a door lead to an account, unless it leads to another.

        Raises:
            Forbidden: it does. Closed: it was given up.
        """
        try:
            found = await self._found_or_made(door, behind)
        except Closed:
            raise Closed("the account had this password before: choose another") from None
        if found.root != behind.root:
            raise Forbidden("another account here has this name and password: choose another password")
        if found != behind:
            await door.append(behind.encode())

    async def door(self, realm: str, username: str, password: str, account_key: bytes | None) -> Chain:
        """The door of a name and a password; no server is asked."""
        keys = await asyncio.to_thread(door_keys, realm, username, password, account_key)
        return self.chain(WriteCapability(keys))

    def chain(self, capability: WriteCapability) -> Chain:
        """The chain or door of a capability."""
        chains = self._doors if capability.keys.flags & FLAG_DOOR else self._chains
        return Chain(capability, chains, self._pins, self._receipt_keys)

    async def _enter(self, door: Chain) -> Account:
        return Account(self, door, await self._found(door))

    async def _found_or_made(self, door: Chain, behind: Behind) -> Behind:
        """What a door leads to; a new one is made to lead to `behind`."""
        try:
            return await self._found(door)
        except NoAccount:
            await door.create()
            with suppress(Conflict):  # another device was first: its root is the account's
                await door.append(behind.encode(), at=1)
            return await self._found(door)

    async def _found(self, door: Chain) -> Behind:
        """What a door leads to.

        Raises:
            NoAccount: nothing. Closed. Others as `Chain.newest`.
        """
        try:
            newest = (await door.newest(1))[0]
        except NotFound:
            raise NoAccount from None
        if newest.kind == Kind.CLOSE:
            raise Closed("this door was closed: the password was changed, sign in with the new one")
        if newest.kind == Kind.GENESIS:
            raise NoAccount
        return Behind.decode(newest.data)


def _apply(caps: dict[str, str], entry: Opened) -> None:
    """Take one record of the keyring into account."""
    if entry.kind not in (Kind.LINK, Kind.CHECKPOINT):
        return
    try:
        record = entry.json()
        if entry.kind == Kind.CHECKPOINT:
            caps.clear()
            caps.update(record["caps"])
        elif record["cap"] is None:
            caps.pop(record["name"], None)
        else:
            caps[record["name"]] = record["cap"]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Invalid("a record of the keyring is malformed") from None


def _chain_capability(text: str) -> ChainCapability:
    found = parse_capability(text)
    if not isinstance(found, ChainCapability):
        raise Invalid("the keyring holds a capability that is for no chain")
    return found
