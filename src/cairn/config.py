"""The configuration as frozen values. Flags > CAIRN_* > file > defaults; an unknown key is an error."""

from __future__ import annotations

import msgspec


class Node(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """This process: its name, what it does, where it keeps things."""

    name: str = "a"
    roles: tuple[str, ...] = ("interface", "storage")
    data: str = "./cairn-data"
    secret_file: str = ""  # empty: "secret" in the data folder, made at first start


class Tls(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """PEM files. The key is PKCS#8."""

    cert: str
    key: str


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Bounds of the interface. Rates are per client address; 0 means none."""

    headers_bytes: int = 16 * 1024
    header_seconds: float = 10.0
    body_idle_seconds: float = 20.0  # longest silence within a body
    body_seconds: float = 600.0
    batch_items: int = 1_024
    batch_bytes: int = 16 * 1024 * 1024
    connections: int = 4_096
    requests_in_flight: int = 256  # per address
    requests_per_second: float = 200.0
    bad_signatures_per_minute: float = 60.0
    door_requests_per_minute: float = 30.0
    live_chains: int = 64  # per event stream
    live_streams: int = 256  # per address
    send_seconds: float = 30.0  # a subscriber that takes nothing for so long is dropped
    free_grant_bytes: int = 256 * 1024 * 1024  # admission "open", per address
    free_grant_appends_per_second: float = 10.0


class Interface(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Layer 1."""

    listen: str = "127.0.0.1:8420"
    workers: int = 1
    admission: str = ""  # "open" | "grant"; empty: open on loopback, else grant
    trusted_proxies: tuple[str, ...] = ()
    tls: Tls | None = None
    limits: Limits = Limits()


class Cache(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Layer 2. Sizes: bytes ("512MiB"), a share of the machine ("10%"), or "0" for off."""

    memory: str = "10%"
    disk: str = "0"
    path: str = "./cairn-cache"


class Storage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Layer 3."""

    engine: str = "embedded"
    listen: str = ""
    servers: tuple[str, ...] = ()
    reserve: str = "512MiB"  # free disk below which writes are refused
    trim_hours: float = 24.0  # from a floor's rise to the trim
    unpinned_hours: float = 24.0


class Proxy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One proxied path prefix of a site."""

    path: str
    upstream: tuple[str, ...]
    health: str = ""


class Site(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One front end: host names, a static folder."""

    host: tuple[str, ...] = ()  # empty: every host that no other site names
    static: str = ""
    spa: bool = False
    headers: dict[str, str] = {}
    proxy: tuple[Proxy, ...] = ()


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of it."""

    node: Node = Node()
    interface: Interface = Interface()
    cache: Cache = Cache()
    storage: Storage = Storage()
    site: tuple[Site, ...] = ()
