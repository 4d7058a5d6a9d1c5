"""The receipt keys of servers, pinned when first seen. A receipt is worth something only under a key seen before."""

from __future__ import annotations

import ipaddress
import json
import os
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

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
        servers = self._load()
        seen = {bytes.fromhex(key) for key in servers.get(url, [])}
        if seen and not seen & keys:
            raise ServerChanged(
                "this server signs its receipts with another key than before: it was set up anew, or is another server"
            )
        if not seen >= keys:
            servers[url] = sorted(key.hex() for key in keys)
            self._save(servers)

    def _load(self) -> dict[str, list[str]]:
        assert self._path is not None
        try:
            found = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except ValueError:
            raise Invalid("servers.json in the state folder is damaged: remove it to trust servers anew") from None
        return found if isinstance(found, dict) else {}

    def _save(self, servers: dict[str, list[str]]) -> None:
        assert self._path is not None
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._path.with_name(f"servers.json.{os.getpid()}")
        draft.write_text(json.dumps(servers, indent=1) + "\n")
        draft.replace(self._path)


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
