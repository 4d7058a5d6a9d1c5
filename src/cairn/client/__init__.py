"""The Python SDK: keys and a remote Store. Everything that reads is here, and no server layer imports it.

A program imports from here, or from `sync` for the blocking face. In front, `session.py` puts the rooms together for
one server, `account.py` finds chains by a name and a password, `folder.py` keeps files in a chain. The rooms behind:

    chains | objects | remote    chains in plaintext; data of any size; the Store that asks a server
    state                        what this machine remembers, so that a server can't go back
    format | concurrency         the pure secret half of the format; tasks and threads in order

Imports point down this list, never up and never sideways: what is read and written stands on any Store, and `remote`
sees no key.
"""

from cairn.client.account import Account, NoAccount
from cairn.client.chains.chain import Chain, Verified
from cairn.client.chains.opened import Opened
from cairn.client.format.capability import (
    BlockCapability,
    Capability,
    ChainCapability,
    ReadCapability,
    VerifyCapability,
    WriteCapability,
    diminish,
    parse_capability,
)
from cairn.client.format.errors import Contradiction, Fork, KeyMissing, Rollback, Withheld
from cairn.client.format.payload import ContentType, Payload
from cairn.client.format.reference import Reference
from cairn.client.format.secret import CannotOpen
from cairn.client.objects.objects import Objects, Put
from cairn.client.session import Session, connect
from cairn.client.state.known_servers import ServerChanged

__all__ = [
    "Account",
    "BlockCapability",
    "CannotOpen",
    "Capability",
    "Chain",
    "ChainCapability",
    "ContentType",
    "Contradiction",
    "Fork",
    "KeyMissing",
    "NoAccount",
    "Objects",
    "Opened",
    "Payload",
    "Put",
    "ReadCapability",
    "Reference",
    "Rollback",
    "ServerChanged",
    "Session",
    "Verified",
    "VerifyCapability",
    "Withheld",
    "WriteCapability",
    "connect",
    "diminish",
    "parse_capability",
]
