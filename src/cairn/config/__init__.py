"""The configuration as frozen values. Flags > CAIRN_* > file > defaults; an unknown key is an error."""

from cairn.config.check import Address, parse_address
from cairn.config.errors import ConfigError
from cairn.config.load import FILE_NAME, load
from cairn.config.machine import disk_bytes, memory_bytes, nearest
from cairn.config.settings import Cache, Cluster, Config, Interface, Limits, LinkTls, Node, Proxy, Site, Storage, Tls
from cairn.config.units import format_size, parse_duration, parse_rate, parse_size

__all__ = [
    "FILE_NAME",
    "Address",
    "Cache",
    "Cluster",
    "Config",
    "ConfigError",
    "Interface",
    "Limits",
    "LinkTls",
    "Node",
    "Proxy",
    "Site",
    "Storage",
    "Tls",
    "disk_bytes",
    "format_size",
    "load",
    "memory_bytes",
    "nearest",
    "parse_address",
    "parse_duration",
    "parse_rate",
    "parse_size",
]
