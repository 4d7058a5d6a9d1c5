"""What the settings mean together, and which of them this version cannot run."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from cairn.config import Config, ConfigError, Limits, Storage, disk_bytes, parse_address, parse_size

INTERFACE: Final = "interface"
STORAGE: Final = "storage"
_NOT_YET: Final = "is for a later version of Cairn; this one runs"


def storage_settings(config: Config) -> Storage:
    """The storage's settings with the reserve in bytes, also where it is a share of the disk."""
    reserve = parse_size(config.storage.reserve, disk_bytes(Path(config.node.data)))
    return msgspec.structs.replace(config.storage, reserve=str(reserve))


def is_loopback(config: Config) -> bool:
    """Only this machine reaches the listener, and no proxy stands in front of it."""
    return parse_address(config.interface.listen).is_loopback and not config.interface.trusted_proxies


def admission_of(config: Config) -> str:
    """Who may write: "open" on loopback, else "grant", unless it is configured."""
    return config.interface.admission or ("open" if is_loopback(config) else "grant")


def is_free(config: Config) -> bool:
    """A developer's own machine, with nothing configured: no quota and no rate."""
    settings = config.interface
    return is_loopback(config) and not settings.admission and settings.limits == Limits()


def check_supported(config: Config) -> None:
    """Refuse settings that are right, but which this version cannot run.

    Raises:
        ConfigError: with the setting's name, and what to set.
    """
    _check_roles(config)
    if config.interface.workers != 1 and STORAGE not in config.node.roles:
        raise ConfigError("interface.workers: several share a data folder; an interface alone has 1: start several")
    if any(site.proxy for site in config.site):
        raise ConfigError(f"site.proxy: proxy routes {_NOT_YET} sites of static files")
    for site in config.site:
        if not Path(site.static).is_dir():
            raise ConfigError(f'site.static: there is no folder "{site.static}"')


def _check_roles(config: Config) -> None:
    roles, storage = set(config.node.roles), config.storage
    if storage.engine not in ("embedded", "remote"):
        raise ConfigError(f'storage.engine: this engine {_NOT_YET} "embedded" and "remote"')
    if storage.engine == "remote" and (STORAGE in roles or storage.listen):
        raise ConfigError('storage.engine: "remote" is for node.roles = ["interface"], and has no storage.listen')
    if storage.engine == "remote" and len(storage.servers) != 1:
        raise ConfigError(f'storage.servers: several storage nodes {_NOT_YET} one; name it, as in ["10.0.0.3:8421"]')
    if storage.engine != "remote" and (config.cache.neighbours or config.cache.listen):
        raise ConfigError('cache.neighbours, cache.listen: neighbours share a storage, by storage.engine = "remote"')
    if storage.engine != "remote" and storage.servers:
        raise ConfigError('storage.servers: these are for storage.engine = "remote"')
    if storage.engine != "remote" and STORAGE not in roles:
        raise ConfigError('node.roles: an interface alone needs storage.engine = "remote" and storage.servers')
    if INTERFACE not in roles and not storage.listen:
        raise ConfigError("storage.listen: a storage role alone needs an address, for interfaces to reach it")
