"""Flags > CAIRN_* > file > defaults: four layers of nested tables, merged key by key, then checked as one.

Each layer becomes a plain nested dictionary (`_from_file`, `_from_environment`); a key that no section has is an error
with a suggestion, and so is a variable that is nearly one of ours. `msgspec` then makes the frozen `Config`.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from cairn.config.check import check
from cairn.config.errors import ConfigError
from cairn.config.settings import Config, fields_of, section_in
from cairn.config.units import parse_duration

PREFIX: Final = "CAIRN_"
OTHER_VARIABLES: Final = frozenset(
    f"{PREFIX}{name}" for name in ("CONFIG", "SERVER", "GRANT", "CAP", "STATE", "PASSWORD", "TOKEN", "DEBUG")
)
"""Variables that other parts of Cairn read; not settings."""

FILE_NAME: Final = "cairn.toml"
Table = dict[str, Any]

_DURATION_UNITS: Final = {"_seconds": 1.0, "_hours": 3_600.0}
_TOML_WORDS: Final = {
    "Expected": "expected", "Object": "the table", "`object`": "a table", "`array`": "a list", "`str`": "a string",
    "`int`": "a whole number", "`float`": "a number", "`bool`": "true or false", "[...]": "", "`": "",
}  # fmt: skip
_MSGSPEC_PLACE: Final = re.compile(r"^(.*?)(?: - at `\$\.?(.*)`)?$", re.DOTALL)


def load(
    path: Path | None = None,
    *,
    flags: Table | None = None,
    environ: Mapping[str, str] | None = None,
) -> Config:
    """The configuration from a file (None: no file), the environment (None: the process's own) and flags.

    Raises:
        ConfigError: anything in it is unknown, malformed or contradictory.
    """
    merged: Table = {}
    for layer in (_from_file(path), _from_environment(os.environ if environ is None else environ), flags or {}):
        _merge(merged, layer)
    config = _convert(merged)
    check(config)
    return config


def _convert(table: Table) -> Config:
    try:
        return msgspec.convert(table, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(_placed(str(error))) from None


def _placed(message: str) -> str:
    """What msgspec says, in the words of TOML, with the place first."""
    what, where = _MSGSPEC_PLACE.fullmatch(message).groups()  # type: ignore[union-attr]  # it matches any text
    for theirs, ours in _TOML_WORDS.items():
        what = what.replace(theirs, ours)
    return f"{where}: {what}" if where else what


# --- the file --------------------------------------------------------------------------------------------------------


def _from_file(path: Path | None) -> Table:
    if path is None:
        return {}
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None
    return _with_place(path, table)


def _with_place(path: Path, table: Table) -> Table:
    try:
        _check_keys(table, Config, "")
        tidied = _tidied(table, Config)
        _convert(tidied)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    return tidied


def _check_keys(table: Table, section: type[msgspec.Struct], place: str) -> None:
    known = fields_of(section)
    for key, value in table.items():
        if key not in known:
            raise ConfigError(_unknown(key, known, place))
        inner = section_in(known[key].type)
        for part in _tables_in(value) if inner else ():
            _check_keys(part, inner, f"{place}{key}.")  # type: ignore[arg-type]  # the loop runs only with a section


def _unknown(key: str, known: Iterable[str], place: str) -> str:
    guess = difflib.get_close_matches(key, known, n=1)
    kind = "setting" if place else "section"
    return f"{place}{key}: there is no such {kind}; {_suggestion(guess, place, known)}"


def _suggestion(guess: list[str], place: str, known: Iterable[str]) -> str:
    return f'did you mean "{place}{guess[0]}"?' if guess else f"known here: {', '.join(known)}"


def _tables_in(value: Any) -> Iterator[Table]:
    for part in value if isinstance(value, list) else [value]:
        if isinstance(part, dict):
            yield part


# --- the environment -------------------------------------------------------------------------------------------------


def _from_environment(environ: Mapping[str, str]) -> Table:
    variables = dict(variables_of(Config, ()))
    table: Table = {}
    for name, text in environ.items():
        if name in variables:
            _put(table, variables[name], _variable(name, variables[name], text))
        elif name.startswith(PREFIX) and name not in OTHER_VARIABLES:
            _refuse_near_miss(name, variables)
    return table


def _variable(name: str, place: tuple[str, ...], text: str) -> Any:
    section: type[msgspec.Struct] = Config
    for key in place[:-1]:
        section = section_in(fields_of(section)[key].type) or section
    try:
        value = _tidied_value(place[-1], text, section)
        return value if value is not text else _from_text(text, fields_of(section)[place[-1]].default)
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from None


def variables_of(section: type[msgspec.Struct], place: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every environment variable that sets something, with the path of the setting. Sites and other tables of names
    come from a file only."""
    for name, field in fields_of(section).items():
        inner = section_in(field.type)
        if inner is None and field.default_factory is not dict:
            yield PREFIX + "_".join((*place, name)).upper(), (*place, name)
        elif inner is not None and not isinstance(field.default, tuple):
            yield from variables_of(inner, (*place, name))


def _refuse_near_miss(name: str, variables: Iterable[str]) -> None:
    """A misspelt variable is an error; one that merely shares the prefix (an orchestrator's, say) is not ours."""
    section = any(name.startswith(f"{PREFIX}{known}_".upper()) for known in fields_of(Config))
    guess = difflib.get_close_matches(name, variables, n=1, cutoff=0.6 if section else 0.85)
    if section or guess:
        raise ConfigError(f"{name}: there is no such variable" + (f"; did you mean {guess[0]}?" if guess else ""))


def _put(table: Table, place: tuple[str, ...], value: Any) -> None:
    for key in place[:-1]:
        table = table.setdefault(key, {})
    table[place[-1]] = value


# --- values ----------------------------------------------------------------------------------------------------------


def _tidied(table: Table, section: type[msgspec.Struct]) -> Table:
    """The same table with what people write turned into what settings hold."""
    return {key: _tidied_value(key, value, section) for key, value in table.items()}


def _tidied_value(key: str, value: Any, section: type[msgspec.Struct]) -> Any:
    field = fields_of(section)[key]
    inner = section_in(field.type)
    if inner is not None:
        return _tidied_tables(value, inner)
    if isinstance(value, str) and key.endswith(tuple(_DURATION_UNITS)):
        return _duration(key, value)
    if isinstance(field.default, str) and isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # memory = 0, name = 7
    return value


def _tidied_tables(value: Any, section: type[msgspec.Struct]) -> Any:
    if isinstance(value, list):
        return [_tidied_tables(part, section) for part in value]
    return _tidied(value, section) if isinstance(value, dict) else value


def _duration(key: str, text: str) -> float:
    """A number is in the unit that ends the name; "90s" or "2d" says its own."""
    try:
        return float(text)
    except ValueError:
        unit = next(size for end, size in _DURATION_UNITS.items() if key.endswith(end))
    try:
        return parse_duration(text) / unit
    except ConfigError as error:
        raise ConfigError(f"{key}: {error}") from None


def _from_text(text: str, like: object) -> Any:
    """The value in a variable, of the type of the setting's default."""
    if isinstance(like, tuple):
        return [part.strip() for part in text.split(",") if part.strip()]
    if isinstance(like, str) or like is msgspec.NODEFAULT:
        return text
    try:
        return msgspec.convert(text, type(like), strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(_placed(str(error))) from None


def _merge(base: Table, above: Table) -> None:
    """Lay `above` over `base`, table by table; lists are replaced whole."""
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        else:
            base[key] = value
