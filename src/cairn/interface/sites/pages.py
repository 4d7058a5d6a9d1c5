"""What stands at each path of a site: its representations, with headers made beforehand. Pure, from an index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from cairn.interface.http.encodings import IDENTITY
from cairn.interface.http.exchange import Headers
from cairn.interface.sites.folder import FileRecord, Index
from cairn.interface.sites.media import has_hashed_name, type_of

IMMUTABLE: Final = "public, max-age=31536000, immutable"
REVALIDATE: Final = "no-cache"

_SUFFIXES: Final = {"br": ".br", "zstd": ".zst", "gzip": ".gz"}
_SLACK_NS: Final = 2_000_000_000  # copying a folder sets times in any order


@dataclass(frozen=True, slots=True)
class Variant:
    """One representation: plain, or in one content encoding."""

    record: FileRecord
    etag: str  # strong, with its quotes
    headers: Headers  # those that do not depend on the request


@dataclass(frozen=True, slots=True)
class Page:
    """All representations of one path, by encoding."""

    variants: dict[str, Variant]
    sizes: dict[str, int]

    @classmethod
    def of(cls, path: str, index: Index, headers: Headers, vary: tuple[str, ...] = ()) -> Self:
        """The page for a file of the index."""
        records = _representations(path, index)
        if len(records) > 1:
            vary = (*vary, "accept-encoding")
        common = [*_cached(path, headers), ("content-type", type_of(path)), ("accept-ranges", "bytes")]
        if vary:
            common.append(("vary", ", ".join(vary)))
        variants = {encoding: _variant(record, encoding, common) for encoding, record in records.items()}
        return cls(variants, {encoding: record.size for encoding, record in records.items()})


def pages_of(index: Index, headers: Headers) -> dict[str, Page]:
    """Every page of an index, by path."""
    return {path: Page.of(path, index, headers) for path in index.files}


def _representations(path: str, index: Index) -> dict[str, FileRecord]:
    """A file, and its compressed siblings; one that is older than the file is a remnant of another version."""
    plain = index.files[path]
    found = {IDENTITY: plain}
    for encoding, suffix in _SUFFIXES.items():
        sibling = index.files.get(path + suffix)
        if sibling is not None and sibling.changed_ns >= plain.changed_ns - _SLACK_NS:
            found[encoding] = sibling
    return found


def _variant(record: FileRecord, encoding: str, common: Headers) -> Variant:
    etag = f'"{record.digest[:32]}"'
    headers = [*common, ("etag", etag)]
    if encoding != IDENTITY:
        headers.append(("content-encoding", encoding))
    return Variant(record, etag, headers)


def _cached(path: str, headers: Headers) -> Headers:
    """The site's headers, with our cache-control unless the site has its own."""
    if any(name == "cache-control" for name, _ in headers):
        return headers
    return [*headers, ("cache-control", IMMUTABLE if has_hashed_name(path) else REVALIDATE)]
