"""Every setting, as frozen values: its type, its default, and the sentence that describes it everywhere.

`cairn config init` and the check of the documentation read the descriptions from here. Units stand last in a name:
`_seconds`, `_hours`, `_bytes`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta


def _about(text: str) -> Meta:
    return Meta(description=text)


def _size(text: str) -> Meta:
    return Meta(description=text, extra={"unit": "size"})


def _at_least(minimum: float, text: str) -> Meta:
    return Meta(description=text, ge=minimum)


class Node(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """This process: its name, what it does, where it keeps things."""

    name: Annotated[str, _about("The node's name, in logs and in a cluster.")] = "a"
    roles: Annotated[tuple[str, ...], _about("What this process does: interface, storage, or both.")] = (
        "interface",
        "storage",
    )
    data: Annotated[str, _about("The folder of blocks, chains and secrets. One process at a time.")] = "./cairn-data"
    secret_file: Annotated[
        str, _about('The node\'s secrets, one hex line each, mode 0600. Empty: "secret" in the data folder.')
    ] = ""

    @property
    def secret_path(self) -> Path:
        """Where the node's secrets are."""
        return Path(self.secret_file) if self.secret_file else Path(self.data) / "secret"


class Tls(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """PEM files that end TLS in this process."""

    cert: Annotated[str, _about("PEM file of the certificate and its chain.")]
    key: Annotated[str, _about("PEM file of the key, without a password.")]


class LinkTls(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """PEM files of the link between layers: both ends show a certificate, and one authority has signed them all."""

    cert: Annotated[str, _about("PEM file of this end's certificate.")]
    key: Annotated[str, _about("PEM file of its key, without a password.")]
    ca: Annotated[str, _about("PEM file of the authority that has signed the other end's certificate.")]


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Bounds of the interface. Rates are per client address; 0 means none."""

    headers_bytes: Annotated[int, _at_least(1_024, "Longest request line and headers together.")] = 16 * 1024
    header_seconds: Annotated[float, _at_least(0, "Longest wait for a request's headers.")] = 10.0
    body_idle_seconds: Annotated[float, _at_least(0, "Longest silence within a body.")] = 20.0
    body_seconds: Annotated[float, _at_least(0, "Longest time for a whole body.")] = 600.0
    batch_items: Annotated[int, Meta(ge=1, le=1_024, description="Most items in one batch request.")] = 1_024
    batch_bytes: Annotated[int, _at_least(2 * 1024 * 1024, "Most bytes in one batch request.")] = 16 * 1024 * 1024
    connections: Annotated[int, _at_least(1, "Most connections at once.")] = 4_096
    connections_per_address: Annotated[
        int, _at_least(0, "Most connections at once, per address; trusted proxies may have any number.")
    ] = 1_024
    requests_in_flight: Annotated[int, _at_least(0, "Most requests at once, per address.")] = 256
    requests_per_second: Annotated[
        float, _at_least(0, "Sustained request rate, per address. In a batch 32 items count as one.")
    ] = 200.0
    bad_signatures_per_minute: Annotated[float, _at_least(0, "Refused signatures, per address.")] = 60.0
    door_requests_per_minute: Annotated[float, _at_least(0, "Requests to doors, per address.")] = 30.0
    live_chains: Annotated[int, _at_least(1, "Most chains in one event stream.")] = 64
    live_streams: Annotated[int, _at_least(0, "Most event streams, per address.")] = 256
    live_sockets: Annotated[int, _at_least(0, "Most live sockets, per address.")] = 256
    live_socket_chains: Annotated[int, _at_least(1, "Most chains on one live socket.")] = 1_024
    live_messages_per_second: Annotated[float, _at_least(0, "Messages from one live socket; over it, it ends.")] = 100.0
    ephemeral_per_second: Annotated[float, _at_least(0, "Ephemeral messages, per address.")] = 100.0
    chain_ephemeral_per_second: Annotated[float, _at_least(0, "Ephemeral messages, per chain.")] = 20.0
    send_seconds: Annotated[float, _at_least(1, "A subscriber that takes nothing for so long is dropped.")] = 30.0
    free_grant_bytes: Annotated[int, _at_least(0, "Open admission: what each address may store.")] = 256 * 1024 * 1024
    free_grant_appends_per_second: Annotated[float, _at_least(0, "Open admission: appends, per address.")] = 10.0

    def shared_by(self, processes: int) -> Limits:
        """The share of one of so many processes that serve together: of what is counted per address, and in all."""
        shares = {name: _share(getattr(self, name), processes) for name in _SHARED_LIMITS}
        return msgspec.structs.replace(self, **shares)


_SHARED_LIMITS = (
    "connections", "connections_per_address", "requests_in_flight", "requests_per_second", "bad_signatures_per_minute",
    "door_requests_per_minute", "live_streams", "live_sockets", "ephemeral_per_second", "chain_ephemeral_per_second",
)  # fmt: skip


def _share(limit: float, processes: int) -> float:
    """A part of a limit; a count stays whole, and 0, which means none, stays 0."""
    return -(-limit // processes) if isinstance(limit, int) else limit / processes


class Interface(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Layer 1: takes requests."""

    listen: Annotated[str, _about("Address and port; port 0 takes a free one.")] = "127.0.0.1:8420"
    workers: Annotated[int, _at_least(0, "Worker processes; 0: one per core.")] = 1
    admission: Annotated[
        str, _about('Who may write: "open" (everyone, a small quota per address) or "grant". Empty: open on loopback.')
    ] = ""
    trusted_proxies: Annotated[
        tuple[str, ...], _about("Addresses or networks whose forwarded headers are believed.")
    ] = ()
    tls: Annotated[Tls | None, _about("Certificate and key. Absent: plain HTTP.")] = None
    limits: Limits = Limits()


class Cache(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Layer 2: keeps hot blocks near. Sizes are bytes ("512MiB"), a share of the machine ("10%"), or "0" for off."""

    memory: Annotated[str, _size("Memory for hot blocks.")] = "32MiB"
    disk: Annotated[str, _size("Disk for warm blocks.")] = "0"
    path: Annotated[str, _about("The folder of the disk cache.")] = "./cairn-cache"
    listen: Annotated[str, _about("Where other interface nodes ask this one for hot blocks. Empty: nowhere.")] = ""
    neighbours: Annotated[dict[str, str], _about("The other interface nodes: name, and address of their cache.")] = {}
    pins: Annotated[
        dict[str, str], _about("Which node has the hot blocks whose ids begin with these hex digits, by its name.")
    ] = {}


class Storage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Layer 3: keeps for good."""

    engine: Annotated[str, _about('"embedded": this machine keeps everything. "remote": another process does.')] = (
        "embedded"
    )
    listen: Annotated[str, _about("A storage role's own address, when interfaces run elsewhere.")] = ""
    servers: Annotated[tuple[str, ...], _about('Storage nodes, for engine "remote": one, as "10.0.0.3:8421".')] = ()
    link_tls: Annotated[LinkTls | None, _about("Certificates for the link to interfaces. Absent: no TLS.")] = None
    reserve: Annotated[str, _size("Free disk below which writes are refused; reads and deletions go on.")] = "512MiB"
    shards: Annotated[
        int,
        Meta(ge=1, le=64, description="Parts that a new data folder is cut into, each a file that commits by itself."),
    ] = 1
    trim_hours: Annotated[float, _at_least(0, "From the rise of a chain's floor to the trim.")] = 24.0
    unpinned_hours: Annotated[float, _at_least(0, "How long a block without a pin stays.")] = 24.0


class Cluster(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Many storage nodes as one."""

    etcd: Annotated[tuple[str, ...], _about("The endpoints of etcd.")] = ()
    name: Annotated[str, _about("The cluster's name: its prefix in etcd.")] = "main"
    copies: Annotated[int, _at_least(1, "How many nodes keep each block and entry.")] = 2
    min_copies: Annotated[int, _at_least(1, "Fewest copies with which a write is acknowledged.")] = 1
    lease_seconds: Annotated[float, _at_least(1, "How long a silent node counts as alive.")] = 3.0
    repair_rate: Annotated[str, Meta(description="Most bytes copied per second.", extra={"unit": "rate"})] = "50MiB/s"


class Proxy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One proxied path prefix of a site."""

    path: Annotated[str, _about('Path prefix, such as "/shop/".')]
    upstream: Annotated[tuple[str, ...], _about("Where its requests go.")]
    health: Annotated[str, _about("A path that answers 200 while an upstream is well.")] = ""


class Site(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One front end: host names and a static folder."""

    host: Annotated[tuple[str, ...], _about("Its host names. Empty: every host that no other site names.")] = ()
    static: Annotated[str, _about("The folder with its files.")] = ""
    spa: Annotated[bool, _about("Unknown paths get index.html: for single-page applications.")] = False
    headers: Annotated[dict[str, str], _about("Response headers to add or replace.")] = {}
    proxy: Annotated[tuple[Proxy, ...], _about("Path prefixes that other services answer.")] = ()


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of it."""

    node: Node = Node()
    interface: Interface = Interface()
    cache: Cache = Cache()
    storage: Storage = Storage()
    cluster: Cluster = Cluster()
    site: tuple[Site, ...] = ()


def fields_of(struct: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    """The fields of a section by name, in order."""
    return {field.name: field for field in msgspec.structs.fields(struct)}


def section_in(kind: Any) -> type[msgspec.Struct] | None:
    """The section that a field's type holds, alone, optional or in a tuple; None for a plain value."""
    pending = [kind]
    while pending:
        part = pending.pop()
        if isinstance(part, type) and issubclass(part, msgspec.Struct):
            return part
        pending += getattr(part, "__args__", ())
    return None


def description_of(field: msgspec.structs.FieldInfo) -> str:
    """The sentence that describes a setting; empty for a section, whose docstring does."""
    return next((note.description or "" for note in _notes(field)), "")


def unit_of(field: msgspec.structs.FieldInfo) -> str:
    """What a setting's text measures: "size", "rate", or nothing."""
    return next((str((note.extra or {}).get("unit", "")) for note in _notes(field)), "")


def _notes(field: msgspec.structs.FieldInfo) -> list[Meta]:
    return [note for note in getattr(field.type, "__metadata__", ()) if isinstance(note, Meta)]
