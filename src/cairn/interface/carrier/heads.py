"""Heads of requests in HTTP/1.1 (RFC 9112), read strictly: what two parsers could read in two ways is refused.

Pure: bytes in, a `Head` out, or `Refused` with the status to say. A body has a Content-Length or there is none: where a
chunked body breaks off cannot always be told from its end, and most of request smuggling needs one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import unquote

from cairn.interface.http.answers import other_problem
from cairn.interface.http.exchange import Headers

FIELDS_MAX: Final = 100

# The second group is a target that is a path and no more, the third any other.
_LINE: Final = re.compile(rb"""([!#$%&'*+\-.^_`|~0-9A-Za-z]+) (?:(/[!"$&->@-~]*)|([!-~]+)) HTTP/1\.([01])\r\n""")
_FIELDS: Final = re.compile(rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]++:[\t\x20-\x7e\x80-\xff]*+\r\n)*+")
_ABSOLUTE: Final = re.compile(r"https?://([^/?#]*)(.*)", re.IGNORECASE)
_LENGTH: Final = re.compile(r"[0-9]{1,19}")
_NOT_REMEMBERED: Final = ("authorization", "cookie", "cairn-pin", "cairn-pin-secret", "content-length")
_MEMO_MAX: Final = 256
_MEMO_BYTES_MAX: Final = 2_048


_PROBLEMS: Final = {
    400: ("invalid", "Invalid request"),
    411: ("length", "Length required"),
    431: ("headers", "Headers too large"),
}


class Refused(Exception):
    """A head that nobody should act on: a status of these, and why. In HTTP/1.1 the connection ends with the answer."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self._status = status
        self._why = why

    def answer(self) -> tuple[int, Headers, bytes]:
        """What to say: a problem document, with its length."""
        response = other_problem(self._status, *_PROBLEMS[self._status], self._why)
        assert isinstance(response.body, bytes)
        return response.status, [*response.headers, ("content-length", str(len(response.body)))], response.body


class Fields:
    """The headers of a request: see `RequestHeaders`. Not changed once it is made."""

    __slots__ = ("_all", "_first", "size")

    def __init__(self, fields: Headers, size: int) -> None:
        self._all = fields
        self._first = dict(reversed(fields))
        self.size = size

    def __contains__(self, name: str) -> bool:
        return name in self._first

    def get(self, name: str, default: str | None = None) -> str | None:
        """The first value of a header."""
        return self._first.get(name, default)

    def get_all(self, name: str) -> list[str]:
        """All values of a header, in order."""
        return [value for found, value in self._all if found == name]


@dataclass(slots=True)
class Head:
    """What a request says before its body. `authority` is of the target or the Host header; `length` of the body."""

    method: str
    path: str
    query: str
    authority: str
    fields: Fields
    length: int
    stays: bool  # whether the connection outlives the answer, as far as the client is concerned
    is_old: bool  # HTTP/1.0: no chunks in the answer


class _Section(NamedTuple):
    """The lines behind the first one, and what follows from them."""

    fields: Fields
    hosts: list[str]
    options: str  # of the connection
    length: int
    is_coded: bool  # the body is to be read by something else than its length


class HeadParser:
    """Reads heads. Clients say the same headers again and again, so some are remembered."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._memo: dict[bytes, _Section] = {}

    def check_size(self, size: int) -> None:
        """Raises Refused if a head of this size, whole or not, is too long."""
        if size > self._bytes_max:
            raise Refused(431, f"a request's headers hold at most {self._bytes_max} bytes")

    def parse(self, head: bytes) -> Head:
        """Read a head, which ends with an empty line. Raises Refused."""
        self.check_size(len(head))
        line = _LINE.match(head)
        if line is None:
            raise Refused(400, "this is no request line of HTTP/1.1")
        method_, plain, other, minor = line.groups()
        method = method_.decode()
        block = head[line.end() : -2]
        section = self._memo.get(block) or self._read(block)
        path, query, authority = (plain.decode(), "", "") if plain is not None else split_target(method, other.decode())
        is_old = minor == b"0"
        hosts = section.hosts
        if len(hosts) != 1 and not (is_old and not hosts):
            raise Refused(400, "a request has one Host header")
        if section.is_coded or method == "CONNECT":
            raise Refused(411, "a request's body has a Content-Length here: chunks and tunnels are refused")
        stays = "keep-alive" in section.options if is_old else "close" not in section.options
        authority = authority or (hosts[0] if hosts else "")
        return Head(method, path, query, authority, section.fields, section.length, stays, is_old)

    def _read(self, block: bytes) -> _Section:
        """Read what is not remembered; remember it, if others will say the same, and it is no secret."""
        fields = _read_fields(block)
        section = _Section(
            fields, fields.get_all("host"), ",".join(fields.get_all("connection")).lower(), content_length(fields),
            "transfer-encoding" in fields,
        )  # fmt: skip
        if len(block) <= _MEMO_BYTES_MAX and not any(name in fields for name in _NOT_REMEMBERED):
            if len(self._memo) >= _MEMO_MAX:
                self._memo.clear()
            self._memo[block] = section
        return section


def _read_fields(block: bytes) -> Fields:
    if _FIELDS.fullmatch(block) is None:
        raise Refused(400, "there is a line among the headers that is none")
    lines = block.decode("latin-1").split("\r\n")[:-1]
    if len(lines) > FIELDS_MAX:
        raise Refused(431, f"a request has at most {FIELDS_MAX} headers")
    fields = []
    for line in lines:
        name, _, value = line.partition(":")
        fields.append((name.lower(), value.strip(" \t")))
    return Fields(fields, len(block))


def content_length(fields: Fields) -> int:
    """The length of a body; 0 where nothing is said. Raises Refused."""
    lengths = fields.get_all("content-length")
    if not lengths:
        return 0
    if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):
        raise Refused(400, "a request has one Content-Length, a number of at most 19 digits")
    return int(lengths[0])


def split_target(method: str, target: str) -> tuple[str, str, str]:
    """Path, query and authority of a target (RFC 9112, 3.2). Raises Refused."""
    authority = ""
    if not target.startswith("/"):
        absolute = _ABSOLUTE.fullmatch(target)
        if absolute is not None:
            authority, target = absolute[1].rpartition("@")[2], absolute[2]
            target = target if target.startswith("/") else "/" + target
        elif method not in ("OPTIONS", "CONNECT"):
            raise Refused(400, "a request's target begins with /")
    if "#" in target:
        raise Refused(400, "a request's target has no fragment")
    path, _, query = target.partition("?")
    return (unquote(path) if "%" in path else path), query, authority
