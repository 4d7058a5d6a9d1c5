"""The Python SDK: keys and a remote Store. Everything that reads is here, and no server layer imports it."""

from cairn.client.account import Account, NoAccount
from cairn.client.capability import (
    BlockCapability,
    Capability,
    ChainCapability,
    ReadCapability,
    VerifyCapability,
    WriteCapability,
    diminish,
    parse_capability,
)
from cairn.client.chain import Chain, Verified
from cairn.client.errors import Contradiction, Fork, KeyMissing, Rollback, Withheld
from cairn.client.known_servers import ServerChanged
from cairn.client.objects import Objects, Put
from cairn.client.opened import Opened
from cairn.client.payload import ContentType, Payload
from cairn.client.reference import Reference
from cairn.client.secret import CannotOpen
from cairn.client.session import Session, connect

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
