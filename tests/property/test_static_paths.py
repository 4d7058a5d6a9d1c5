"""No path that a request can name leads to a byte outside of a site's index."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cairn.interface.http.encodings import IDENTITY, best_of
from cairn.interface.http.ranges import Unsatisfiable, parse_range
from cairn.interface.sites.static import StaticFiles
from tests.asking import asked, content, header

SECRET = b"secret"
PUBLIC = b"public"

PIECES = st.sampled_from(
    (
        *("..", ".", "", "/", "//", "\\", "%2e%2e", "%2f", "%5c", "..%2f", "%00", "\0", "~", "C:", "..;", " "),
        *(
            "a.txt",
            "sub",
            "b.txt",
            "secret.txt",
            ".env",
            ".git",
            "index.html",
            "outside",
            "site",
            "tmp",
            "etc",
            "passwd",
        ),
        *("\u2025", "\uff0e\uff0e"),  # characters that some normalise to dots
    )
)
PATHS = st.one_of(
    st.text(max_size=40),
    st.lists(PIECES, max_size=8).map("/".join),
    st.lists(PIECES, max_size=8).map("".join),
    st.lists(PIECES, max_size=6).map("/".join).map(quote),
)


@pytest.fixture(scope="module")
def site() -> Iterator[tuple[StaticFiles, Path]]:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for path in ("secret.txt", "outside/b.txt", "site/.env", "site/.git/config"):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(SECRET)
        for path in ("site/a.txt", "site/sub/b.txt", "site/index.html"):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(PUBLIC)
        (root / "site" / "sub" / "up").symlink_to("../..")
        (root / "site" / "out.txt").symlink_to("../secret.txt")
        files = StaticFiles(root / "site", spa=True)
        asyncio.run(files.start())
        yield files, root


@settings(max_examples=1500, deadline=None)
@given(path=PATHS, decoded=st.booleans(), leading=st.booleans(), accept=st.sampled_from(["*/*", "text/html"]))
def test_no_path_reaches_a_file_outside_of_the_index(
    site: tuple[StaticFiles, Path], path: str, decoded: bool, leading: bool, accept: str
) -> None:
    files, root = site
    asked_for = ("/" if leading else "") + (unquote(path) if decoded else path)
    for candidate in (asked_for, str(root) + asked_for, asked_for + "/sub/up/secret.txt"):
        response = asyncio.run(files.handle(asked(candidate, accept=accept)))
        if response is None:
            continue
        assert response.status in (200, 308)
        assert SECRET not in content(response)
        if response.status == 200:
            assert content(response) == PUBLIC
        location = header(response, "location") or "./"
        assert location.startswith("./")
        assert "//" not in location.partition("?")[0]


@settings(max_examples=500, deadline=None)
@given(
    accept=st.text(max_size=60)
    | st.lists(st.sampled_from(["br", "gzip", "*", ";q=0", ";q=0.5", ",", "identity", " "])).map("".join)
)
def test_some_encoding_is_always_found(accept: str) -> None:
    sizes = {IDENTITY: 100, "br": 40, "gzip": 50}
    assert best_of(accept, sizes) in sizes


@settings(max_examples=500, deadline=None)
@given(text=st.text(max_size=30) | st.from_regex(r"bytes=\d{0,4}-\d{0,4}"), size=st.integers(0, 2000))
def test_a_range_lies_within_the_file(text: str, size: int) -> None:
    try:
        part = parse_range(text, size)
    except Unsatisfiable:
        return
    if part is not None:
        assert 0 <= part[0] < part[1] <= size
