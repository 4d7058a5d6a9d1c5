"""What a static file is, told by its name. A table of our own: the system's differs from machine to machine."""

from __future__ import annotations

import re
from typing import Final

_TEXT: Final = "; charset=utf-8"
_TYPES: Final = {
    "html": "text/html" + _TEXT,
    "htm": "text/html" + _TEXT,
    "css": "text/css" + _TEXT,
    "js": "text/javascript" + _TEXT,
    "mjs": "text/javascript" + _TEXT,
    "ts": "text/plain" + _TEXT,
    "txt": "text/plain" + _TEXT,
    "md": "text/markdown" + _TEXT,
    "csv": "text/csv" + _TEXT,
    "json": "application/json",
    "map": "application/json",
    "jsonld": "application/ld+json",
    "webmanifest": "application/manifest+json",
    "xml": "application/xml",
    "rss": "application/rss+xml",
    "atom": "application/atom+xml",
    "wasm": "application/wasm",
    "pdf": "application/pdf",
    "zip": "application/zip",
    "gz": "application/gzip",
    "zst": "application/zstd",
    "svg": "image/svg+xml",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "ico": "image/vnd.microsoft.icon",
    "woff": "font/woff",
    "woff2": "font/woff2",
    "ttf": "font/ttf",
    "otf": "font/otf",
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "mp4": "video/mp4",
    "m4v": "video/mp4",
    "webm": "video/webm",
    "mov": "video/quicktime",
    "ogv": "video/ogg",
    "vtt": "text/vtt" + _TEXT,
    "glb": "model/gltf-binary",
    "gltf": "model/gltf+json",
}

UNKNOWN: Final = "application/octet-stream"

# A digit and a letter are asked for, lest a date or a word pass for a hash and be kept for a year.
_HASH_IN_NAME: Final = re.compile(r"[-._](?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{8,64}\.[^/]+$")


def type_of(path: str) -> str:
    """The media type of a file."""
    return _TYPES.get(extension_of(path), UNKNOWN)


def extension_of(path: str) -> str:
    """What follows the last dot of the name, in lower case; empty without a dot."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2].lower() if "." in name else ""


def has_hashed_name(path: str) -> bool:
    """The name holds a hash of the content, as in `app-3f9a2c1b.js`, so what it names never changes."""
    return extension_of(path) not in ("html", "htm") and _HASH_IN_NAME.search(path) is not None
