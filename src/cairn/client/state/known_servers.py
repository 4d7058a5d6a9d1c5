"""The receipt keys of servers, pinned when first seen. A receipt is worth something only under a key seen before.

A server is known by the key that it signs with. It also names former keys, so that an operator can rotate the node's
secret; but nobody signs that succession, and anyone can name anyone's key. So a key that is only named proves nothing:
it is never pinned, and no receipt is believed by it. When a server signs with another key than the pinned one,

- and names the pinned one, it says that it rotated: the client goes on, and tells what it was told;
- and does not name it, it was set up anew, or is another server: the client refuses;
- and is known by the new key at another address, without ever having had the pinned one there, it is another server
  that has taken this one's place: the client refuses, whatever it names.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from cairn.client.state.pins import locked, replace_file
from cairn.core.errors import CairnError, Invalid

_KEY_BYTES: Final = 32
_NAMED_MAX: Final = 64
_HISTORY_MAX: Final = 16


class ServerChanged(CairnError):
    """The server at this address signs with another key than was seen, and nothing speaks for its being the same."""

    code = "server_changed"


@dataclass(frozen=True, slots=True)
class ReceiptKeys:
    """What a server says of its keys, 32 bytes each: the one that signs now, and all that it names, former ones too."""

    current: bytes
    named: frozenset[bytes]


class KnownServers:
    """Remembers in a folder which receipt keys belong to which address; without one, nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / "servers.json" if folder else None

    def check(self, url: str, keys: ReceiptKeys) -> bytes | None:
        """Compare a server's key with the pinned one, and remember a new one.

        The pinned key, if the server says that it rotated it and this is met for the first time; None otherwise.
        Addresses of this machine are not remembered: developers begin anew there.

        Raises:
            ServerChanged: it is another server, as far as can be told.
        """
        if self._path is None or _is_loopback(url):
            return None
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self._path.parent):
            servers = self._load()
            before, now = servers.get(url, ()), _pinned_next(url, keys, servers)
            if now != before:
                self._save({**servers, url: now})
        return before[0] if before and now != before else None

    def _load(self) -> dict[str, tuple[bytes, ...]]:
        """By address, the keys that were pinned there, the newest first."""
        assert self._path is not None
        try:
            found = json.loads(self._path.read_bytes())
            return {url: tuple(bytes.fromhex(key) for key in keys) for url, keys in found.items()}
        except FileNotFoundError:
            return {}
        except (AttributeError, TypeError, ValueError):
            raise Invalid("servers.json in the state folder is damaged: remove it to trust servers anew") from None

    def _save(self, servers: Mapping[str, tuple[bytes, ...]]) -> None:
        assert self._path is not None
        document = {url: [key.hex() for key in pinned] for url, pinned in servers.items()}
        replace_file(self._path, json.dumps(document, indent=1).encode() + b"\n")


def _pinned_next(url: str, keys: ReceiptKeys, servers: Mapping[str, tuple[bytes, ...]]) -> tuple[bytes, ...]:
    """The keys to pin for an address, the newest first."""
    pinned = servers.get(url, ())
    if not pinned:
        return (keys.current,)
    if keys.current == pinned[0]:
        return pinned
    if pinned[0] not in keys.named:
        raise ServerChanged(
            "this server signs its receipts with another key than before: it was set up anew, or is another server"
        )
    if any(_is_of_another(keys.current, pinned[0], elsewhere) for elsewhere in servers.values()):
        raise ServerChanged(
            "this server signs its receipts with the key of one at another address, which is another server"
        )
    return (keys.current, *(key for key in pinned if key != keys.current))[:_HISTORY_MAX]


def _is_of_another(current: bytes, pinned: bytes, elsewhere: tuple[bytes, ...]) -> bool:
    """Whether an address with the keys `elsewhere` is a server that signs with `current` and never had `pinned`."""
    return elsewhere[:1] == (current,) and pinned not in elsewhere


def receipt_keys_of(info: Any) -> ReceiptKeys:
    """The receipt keys that a server names in `/v1/info`.

    Raises:
        Invalid: this is not a Cairn server's answer.
    """
    try:
        if info["name"] != "cairn" or info["format"] != 1:
            raise Invalid("this is not a Cairn server, or one of a later format")
        current, *others = map(_key, [info["receipt_key"], *info.get("receipt_keys", [])][:_NAMED_MAX])
    except (KeyError, TypeError, ValueError):
        raise Invalid("this is not a Cairn server: check its address") from None
    return ReceiptKeys(current, frozenset((current, *others)))


def _key(text: str) -> bytes:
    key = bytes.fromhex(text)
    if len(key) != _KEY_BYTES:
        raise ValueError("a receipt key has another length")
    return key


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
