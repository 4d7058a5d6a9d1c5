"""Sizes, rates and durations as people write them."""

from __future__ import annotations

import re
from typing import Final

from cairn.config.errors import ConfigError

_NUMBER: Final = re.compile(r"\s*([0-9]{1,20}(?:\.[0-9]{1,20})?)\s*([A-Za-z%]*)\s*")
_BYTES: Final = {
    "": 1, "b": 1,
    "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
    "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40,
    "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40,
}  # fmt: skip
_BYTES_MAX: Final = 2**63 - 1  # what a file can have, and a number of the numbers shown
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3_600.0, "d": 86_400.0}


def parse_size(text: str, whole: int | None = None) -> int:
    """Bytes in "512MiB", "20 GB", "4096", or in a share such as "10%" of `whole` bytes.

    Raises:
        ConfigError: it is none of these, or a share where nothing is shared.
    """
    number, unit = _split(text, 'a size, such as "512MiB"')
    if unit == "%":
        if whole is None or number > 100:
            raise ConfigError('expected a size in bytes, such as "512MiB"')
        return int(whole * number / 100)
    if unit.lower() not in _BYTES:
        raise ConfigError('expected a size, such as "512MiB", "20GB" or "10%"')
    size = int(number * _BYTES[unit.lower()])
    if size > _BYTES_MAX:
        raise ConfigError("expected a size that some machine has")
    return size


def parse_rate(text: str) -> int:
    """Bytes per second in "50MiB/s".

    Raises:
        ConfigError: it is no rate.
    """
    amount, slash, second = text.partition("/")
    if slash and second.strip() != "s":
        raise ConfigError('expected a rate, such as "50MiB/s"')
    return parse_size(amount)


def parse_duration(text: str) -> float:
    """Seconds in "250ms", "30s", "10min", "24h" or "365d".

    Raises:
        ConfigError: it is none of these.
    """
    number, unit = _split(text, 'a duration, such as "30s"')
    if unit not in _SECONDS:
        raise ConfigError('expected a duration, such as "30s", "10min", "24h" or "365d"')
    return number * _SECONDS[unit]


def format_size(size: float) -> str:
    """A size for people: "1.5 MiB"."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def _split(text: str, expected: str) -> tuple[float, str]:
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise ConfigError(f"expected {expected}")
    return float(found[1]), found[2]
