"""The configuration as a file: the commented example of `config init`, and what `config show` prints."""

from __future__ import annotations

import re
import textwrap
from typing import Any, Final

import msgspec

from cairn.config.settings import Config, description_of, fields_of, section_in

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")


def example() -> str:
    """A file with every setting, its description and its default, all commented out: it changes nothing."""
    parts = [_OPENING]
    for name, field in fields_of(Config).items():
        section = section_in(field.type)
        assert section is not None, "every field of Config is a section"
        parts.append(_example_section(name, section, is_list=isinstance(field.default, tuple)))
    return "\n".join(parts)


_OPENING = """\
# Cairn. Every setting with its default; remove the "#" before what you change.
# Each can also come from the environment (CAIRN_INTERFACE_LISTEN=...), which beats this file; flags beat both.
# Sizes: "512MiB", "20GB", "10%". Durations: a number in the unit of the name, or "90s", "10min", "24h", "365d".
"""


def _example_section(place: str, section: type[msgspec.Struct], *, is_list: bool) -> str:
    title = f"[[{place}]]" if is_list else f"[{place}]"
    lines = [f"# {_first_line(section)}", f"# {title}" if is_list else title]
    inner = []
    for name, field in fields_of(section).items():
        nested = section_in(field.type)
        if nested is None:
            lines += [*_comment(description_of(field)), f"# {name} = {toml_value(default_of(field))}", ""]
        else:
            inner.append(_example_inner(f"{place}.{name}", nested, field))
    return "\n".join([*lines, *inner])


def _example_inner(place: str, section: type[msgspec.Struct], field: msgspec.structs.FieldInfo) -> str:
    text = _example_section(place, section, is_list=isinstance(field.default, tuple))
    return text if isinstance(field.default, msgspec.Struct) else text.replace(f"\n[{place}]", f"\n# [{place}]")


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, 100)]


def _first_line(section: type[msgspec.Struct]) -> str:
    return (section.__doc__ or "").strip().splitlines()[0]


def default_of(field: msgspec.structs.FieldInfo) -> Any:
    """The default, or for a setting that has none an empty value of its type."""
    if field.default is not msgspec.NODEFAULT:
        return field.default
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return [] if "tuple" in str(field.type) else ""


def toml_value(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"{value:_}" if isinstance(value, int) and value >= 10_000 else str(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml_value(part) for part in value) + "]"
    if isinstance(value, dict):
        pairs = ", ".join(f"{_key(key)} = {toml_value(part)}" for key, part in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")  # else a JSON string is a TOML string


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else toml_value(name)


def as_toml(config: Config) -> str:
    """The whole configuration in force, as a file that would give it. Holds file names of secrets, never secrets."""
    sections = {name: section for name, section in msgspec.to_builtins(config).items() if section}
    return "\n".join(_tables(sections, "")).strip() + "\n"


def _tables(table: dict[str, Any], place: str) -> list[str]:
    plain = {key: value for key, value in table.items() if value is not None and not _is_table(value)}
    lines = [f"{_key(key)} = {toml_value(value)}" for key, value in plain.items()]
    for key, value in table.items():
        name = f"{place}{key}"
        for part in value if _is_list_of_tables(value) else [value] if _is_table(value) else []:
            lines += ["", f"[[{name}]]" if _is_list_of_tables(value) else f"[{name}]", *_tables(part, f"{name}.")]
    return lines


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) or _is_list_of_tables(value)


def _is_list_of_tables(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and any(isinstance(part, dict) for part in value)
