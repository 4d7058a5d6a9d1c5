"""What one type cannot say: addresses, sizes, choices, and settings that must go together."""

from __future__ import annotations

import ipaddress
import math
import re
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from cairn.config.errors import ConfigError
from cairn.config.settings import Config, fields_of, section_in, unit_of
from cairn.config.units import parse_rate, parse_size

ROLES: Final = ("interface", "storage")
ADMISSIONS: Final = ("", "open", "grant")
ENGINES: Final = ("embedded", "remote", "cluster")
OBJECT_STORES: Final = ("s3://", "gs://", "az://")

_HEX_PREFIX: Final = re.compile("[0-9a-f]{1,64}")


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """The address in "127.0.0.1:8420", "[::1]:8420", "localhost:0" or ":8420" (every address of the machine).

    Raises:
        ConfigError: it is none of these.
    """
    host, colon, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65_535 or (":" in bare and bare == host):
        raise ConfigError('expected an address with a port, such as "127.0.0.1:8420" or "[::1]:8420"')
    return Address(bare or "0.0.0.0", int(port))  # noqa: S104  # ":8420" asks for every address


def check(config: Config) -> None:
    """Refuse what cannot be meant.

    Raises:
        ConfigError: with the setting's name.
    """
    _check_units(config, "")
    _at("interface.listen", parse_address, config.interface.listen)
    for name, listen in (("storage", config.storage.listen), ("cache", config.cache.listen)):
        if listen:
            _at(f"{name}.listen", parse_address, listen)
    _check_neighbours(config)
    for server in config.storage.servers if config.storage.engine == "remote" else ():
        _at("storage.servers", parse_address, server)
    for network in config.interface.trusted_proxies:
        _at("interface.trusted_proxies", _network, network)
    _check_choices(config)


def _check_neighbours(config: Config) -> None:
    neighbours = config.cache.neighbours
    for name, address in neighbours.items():
        _at(f"cache.neighbours.{name}", parse_address, address)
    if config.node.name in neighbours:
        raise ConfigError(f'cache.neighbours: "{config.node.name}" is this node itself: leave it out, or name the node')
    for prefix, name in config.cache.pins.items():
        if not _HEX_PREFIX.fullmatch(prefix):
            raise ConfigError(f'cache.pins: "{prefix}": expected the first hex digits of ids, such as "0f"')
        if name != config.node.name and name not in neighbours:
            raise ConfigError(f'cache.pins.{prefix}: "{name}" is neither this node nor among cache.neighbours')


def _check_choices(config: Config) -> None:
    if config.interface.admission not in ADMISSIONS:
        raise ConfigError('interface.admission: expected "open" or "grant"')
    if not config.node.roles or not set(config.node.roles) <= set(ROLES):
        raise ConfigError('node.roles: expected "interface", "storage", or both')
    if config.storage.engine not in ENGINES and not config.storage.engine.startswith(OBJECT_STORES):
        raise ConfigError('storage.engine: expected "embedded", "remote", "cluster" or an object store, "s3://bucket"')
    if config.cluster.min_copies > config.cluster.copies:
        raise ConfigError("cluster.min_copies: more than cluster.copies")


def _check_units(section: msgspec.Struct, place: str) -> None:
    for name, field in fields_of(type(section)).items():
        value = getattr(section, name)
        if isinstance(value, msgspec.Struct):
            _check_units(value, f"{place}{name}.")
        elif isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f"{place}{name}: expected a finite number")
        elif unit_of(field) == "size":
            _at(place + name, lambda text: parse_size(text, 100), value)
        elif unit_of(field) == "rate":
            _at(place + name, parse_rate, value)
        elif section_in(field.type) and isinstance(value, tuple):
            for part in value:
                _check_units(part, f"{place}{name}.")


def _network(text: str) -> object:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ConfigError('expected an address or network, such as "10.0.0.0/8"') from None


def _at(place: str, parse: Any, text: str) -> None:
    try:
        parse(text)
    except ConfigError as error:
        raise ConfigError(f"{place}: {error}") from None
