"""The receipt keys of servers, pinned when first seen. A receipt is worth something only under a key seen before."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from cairn.client.state.pins import locked, replace_file
from cairn.core.errors import CairnError, Invalid

_KEYS_MAX: Final = 64


class ServerChanged(CairnError):
    """The server at this address signs with a key that was not seen before, and not with the one that was."""

    code = "server_changed"


class KnownServers:
    """Remembers in a folder which receipt keys belong to which address; without one, nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / "servers.json" if folder else None

    def check(self, url: str, keys: frozenset[bytes]) -> None:
        """Compare a server's keys with those seen, and remember new ones. A server also names its former keys.

        Addresses of this machine are not remembered: developers begin anew there.

        Raises:
            ServerChanged: none of the keys seen is among them.
        """
        if self._path is None or _is_loopback(url):
            return
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self._path.parent):
            self._compare(url, keys)

    def _compare(self, url: str, keys: frozenset[bytes]) -> None:
        servers = self._load()
        seen = servers.get(url, frozenset())
        if seen and not seen & keys:
            raise ServerChanged(
                "this server signs its receipts with another key than before: it was set up anew, or is another server"
            )
        if not seen >= keys:
            self._save({**servers, url: keys})

    def _load(self) -> dict[str, frozenset[bytes]]:
        assert self._path is not None
        try:
            found = json.loads(self._path.read_bytes())
            return {url: frozenset(bytes.fromhex(key) for key in keys) for url, keys in found.items()}
        except FileNotFoundError:
            return {}
        except (AttributeError, TypeError, ValueError):
            raise Invalid("servers.json in the state folder is damaged: remove it to trust servers anew") from None

    def _save(self, servers: dict[str, frozenset[bytes]]) -> None:
        assert self._path is not None
        document = {url: sorted(key.hex() for key in keys) for url, keys in servers.items()}
        replace_file(self._path, json.dumps(document, indent=1).encode() + b"\n")


def receipt_keys_of(info: Any) -> frozenset[bytes]:
    """The receipt keys that a server names in `/v1/info`, former ones too.

    Raises:
        Invalid: this is not a Cairn server's answer.
    """
    try:
        if info["name"] != "cairn" or info["format"] != 1:
            raise Invalid("this is not a Cairn server, or one of a later format")
        keys = [info["receipt_key"], *info.get("receipt_keys", [])][:_KEYS_MAX]
        return frozenset(bytes.fromhex(key) for key in keys)
    except (KeyError, TypeError, ValueError):
        raise Invalid("this is not a Cairn server: check its address") from None


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
