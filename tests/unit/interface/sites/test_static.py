from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import pytest

from cairn.interface.http.exchange import FileSlice, Response
from cairn.interface.sites.folder import SMALL_BYTES_MAX
from cairn.interface.sites.static import StaticFiles
from tests.asking import asked, content, header

LARGE = bytes(range(256)) * (SMALL_BYTES_MAX // 256 + 1)
PAGE = "text/html,application/xhtml+xml,*/*;q=0.8"


NEVER_SECONDS = 1e9


@pytest.fixture(autouse=True)
def rests_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cairn.interface.sites.folder.SETTLE_SECONDS", 0.0)


@pytest.fixture
def www(tmp_path: Path) -> Path:
    folder = tmp_path / "www"
    for name, data in {
        "index.html": b"<h1>home</h1>",
        "about.txt": b"hello world",
        "docs/index.html": b"<h1>docs</h1>",
        "assets/app-3f9a2c1b.js": b"export {};",
        "empty.txt": b"",
        "large.bin": LARGE,
        "\u00fcber uns.txt": "gr\u00fc\u00df".encode(),
        ".env": b"SECRET=1",
        ".git/config": b"[core]",
        ".well-known/security.txt": b"Contact: x",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


async def started(
    folder: Path, *, spa: bool = False, headers: dict[str, str] | None = None, is_compressed: bool = False
) -> StaticFiles:
    files = StaticFiles(folder, spa=spa, headers=headers, is_compressed=is_compressed)
    await files.start()
    return files


async def answer(files: StaticFiles, path: str, method: str = "GET", **headers: str) -> Response:
    response = await files.handle(asked(path, method, **headers))
    assert response is not None, path
    return response


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/", b"<h1>home</h1>", "text/html; charset=utf-8"),
        ("/index.html", b"<h1>home</h1>", "text/html; charset=utf-8"),
        ("/docs/", b"<h1>docs</h1>", "text/html; charset=utf-8"),
        ("/about.txt", b"hello world", "text/plain; charset=utf-8"),
        ("/empty.txt", b"", "text/plain; charset=utf-8"),
        ("/large.bin", LARGE, "application/octet-stream"),
        ("/\u00fcber uns.txt", "gr\u00fc\u00df".encode(), "text/plain; charset=utf-8"),
        ("/.well-known/security.txt", b"Contact: x", "text/plain; charset=utf-8"),
        ("/assets/app-3f9a2c1b.js", b"export {};", "text/javascript; charset=utf-8"),
    ],
)
async def test_a_file_is_served_whole(www: Path, path: str, body: bytes, kind: str) -> None:
    response = await answer(await started(www), path)
    assert (response.status, content(response)) == (200, body)
    assert header(response, "content-type") == kind
    assert isinstance(response.body, FileSlice) or header(response, "content-length") == str(len(body))
    assert header(response, "x-content-type-options") == "nosniff"


@pytest.mark.parametrize(
    "path",
    ["/none", "/.env", "/.git/config", "/docs/none", "//", "//docs/", "/docs//", "/./about.txt", "/docs/../about.txt",
     "/../about.txt", "/..", "", "about.txt", "/about.txt/", "/about.txt\0", "/%2e%2e/about.txt", "/etc/passwd"],
)  # fmt: skip
async def test_what_is_not_in_the_index_is_not_there(www: Path, path: str) -> None:
    assert await (await started(www)).handle(asked(path)) is None


async def test_links_are_followed_only_within_the_folder(www: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x.txt").write_text("secret")
    (www / "out.txt").symlink_to(secret)
    (www / "outfolder").symlink_to(tmp_path / "outside")
    (www / "hidden.txt").symlink_to(www / ".env")
    (www / "alias.txt").symlink_to("about.txt")
    (www / "manual").symlink_to("docs")
    (www / "docs" / "loop").symlink_to("..")
    os.mkfifo(www / "pipe")
    files = await started(www)
    for path in ("/out.txt", "/outfolder/x.txt", "/hidden.txt", "/docs/loop/about.txt", "/pipe"):
        assert await files.handle(asked(path)) is None, path
    assert content(await answer(files, "/alias.txt")) == b"hello world"
    assert content(await answer(files, "/manual/")) == b"<h1>docs</h1>"


async def test_a_file_that_becomes_a_link_out_is_not_followed(www: Path, tmp_path: Path) -> None:
    files = await started(www)
    (tmp_path / "secret").write_bytes(b"s" * len(LARGE))
    (www / "large.bin").unlink()
    (www / "large.bin").symlink_to(tmp_path / "secret")
    assert await files.handle(asked("/large.bin")) is None


async def test_a_folder_redirects_to_itself_with_a_slash(www: Path) -> None:
    response = await files_redirect(www, "/docs", "a=1&b=%20")
    assert (response.status, header(response, "location")) == (308, "./docs/?a=1&b=%20")
    assert header(await files_redirect(www, "/docs", "a\r\nx: y"), "location") == "./docs/"


async def files_redirect(www: Path, path: str, query: str) -> Response:
    response = await (await started(www)).handle(asked(path, query=query))
    assert response is not None
    return response


async def test_head_is_get_without_the_body(www: Path) -> None:
    files = await started(www)
    for path in ("/about.txt", "/large.bin"):
        got, head = await answer(files, path), await answer(files, path, "HEAD", range="bytes=0-0")
        assert (head.status, head.body) == (200, b"")
        length = ("content-length", str(len(content(got))))
        assert head.headers == [*(pair for pair in got.headers if pair != length), length]


async def test_an_unchanged_file_is_not_sent_again(www: Path) -> None:
    files = await started(www)
    etag = header(await answer(files, "/about.txt"), "etag") or ""
    for value in (etag, "W/" + etag, f'"other", {etag}', "*"):
        response = await answer(files, "/about.txt", if_none_match=value)
        assert (response.status, response.body, header(response, "etag")) == (304, b"", etag)
    assert (await answer(files, "/about.txt", if_none_match='"other"')).status == 200


@pytest.mark.parametrize(
    ("asked_for", "start", "stop"),
    [("bytes=0-0", 0, 1), ("bytes=3-5", 3, 6), ("bytes=6-", 6, 11), ("bytes=-4", 7, 11), ("bytes=-99", 0, 11),
     ("bytes=4-99", 4, 11)],
)  # fmt: skip
async def test_one_range(www: Path, asked_for: str, start: int, stop: int) -> None:
    response = await answer(await started(www), "/about.txt", range=asked_for)
    assert (response.status, content(response)) == (206, b"hello world"[start:stop])
    assert header(response, "content-range") == f"bytes {start}-{stop - 1}/11"
    assert header(response, "content-length") == str(stop - start)


async def test_a_range_of_a_large_file_is_a_slice_of_it(www: Path) -> None:
    response = await answer(await started(www), "/large.bin", range="bytes=1000-2000")
    assert isinstance(response.body, FileSlice)
    assert content(response) == LARGE[1000:2001]


@pytest.mark.parametrize("ignored", ["bytes=2-1", "bytes=0-1,3-4", "lines=0-1", "bytes=x-", "bytes=-", "bytes=1"])
async def test_other_ranges_are_ignored(www: Path, ignored: str) -> None:
    assert (await answer(await started(www), "/about.txt", range=ignored)).status == 200


async def test_a_range_behind_the_end_is_refused(www: Path) -> None:
    files = await started(www)
    for path, value in (("/about.txt", "bytes=11-"), ("/about.txt", "bytes=-0"), ("/empty.txt", "bytes=0-")):
        response = await answer(files, path, range=value)
        assert (response.status, content(response)) == (416, b"")
        assert header(response, "content-range") in ("bytes */11", "bytes */0")


async def test_a_range_of_another_version_gives_the_whole(www: Path) -> None:
    files = await started(www)
    etag = header(await answer(files, "/about.txt"), "etag") or ""
    assert (await answer(files, "/about.txt", range="bytes=0-1", if_range=etag)).status == 206
    for other in ('"other"', "W/" + etag, "Tue, 15 Nov 1994 12:45:26 GMT"):
        assert (await answer(files, "/about.txt", range="bytes=0-1", if_range=other)).status == 200


async def test_compressed_siblings_are_chosen_by_weight(www: Path) -> None:
    (www / "about.txt.gz").write_bytes(gzip.compress(b"hello world"))
    (www / "about.txt.br").write_bytes(b"brotli")
    (www / "about.txt.zst").write_bytes(b"zstandard")
    files = await started(www)
    for accepted, chosen in {
        "gzip, deflate, br, zstd": "br",
        "gzip": "gzip",
        "gzip;q=1, br;q=0.5": "gzip",
        "br;q=0, zstd;q=0.1": "zstd",
        "*": "br",
        "*;q=0.2, br;q=0": "zstd",
        "identity, br;q=0.5": None,
        "br;q=x": None,
        "deflate": None,
        "": None,
    }.items():
        response = await answer(files, "/about.txt", accept_encoding=accepted)
        assert header(response, "content-encoding") == chosen, accepted
        assert header(response, "vary") == "accept-encoding"
        assert header(response, "content-type") == "text/plain; charset=utf-8"
    plain, packed = await answer(files, "/about.txt"), await answer(files, "/about.txt", accept_encoding="br")
    assert header(plain, "etag") != header(packed, "etag")
    assert (
        await answer(files, "/about.txt", accept_encoding="br", if_none_match=header(packed, "etag") or "")
    ).status == 304
    assert header(await answer(files, "/empty.txt"), "vary") is None


async def test_a_compressed_sibling_of_an_older_version_is_not_used(www: Path) -> None:
    (www / "about.txt.gz").write_bytes(gzip.compress(b"hello old world"))
    os.utime(www / "about.txt.gz", (1_000_000_000, 1_000_000_000))
    assert header(await answer(await started(www), "/about.txt", accept_encoding="gzip"), "content-encoding") is None


async def test_text_is_compressed_where_that_is_wished(www: Path) -> None:
    script = b"export const words = [];\n" * 200
    (www / "long.js").write_bytes(script)
    (www / "own.js").write_bytes(script)
    (www / "own.js.gz").write_bytes(gzip.compress(b"by its builder"))
    (www / "picture.png").write_bytes(script)
    files = await started(www, is_compressed=True)
    sent = await answer(files, "/long.js", accept_encoding="gzip")
    assert header(sent, "content-encoding") == "gzip"
    assert gzip.decompress(content(sent)) == script
    assert header(sent, "content-length") == str(len(content(sent)))
    assert gzip.decompress(content(await answer(files, "/own.js", accept_encoding="gzip"))) == b"by its builder"
    assert header(await answer(files, "/picture.png", accept_encoding="gzip"), "content-encoding") is None
    assert header(await answer(await started(www), "/long.js", accept_encoding="gzip"), "content-encoding") is None
    (www / "long.js").write_bytes(script + b"// changed")
    (www / "own.js.gz").unlink()
    await files.start()  # it waits for what is being written
    assert gzip.decompress(content(await answer(files, "/long.js", accept_encoding="gzip"))) == script + b"// changed"
    assert gzip.decompress(content(await answer(files, "/own.js", accept_encoding="gzip"))) == script
    before = content(await answer(files, "/own.js", accept_encoding="gzip"))
    (www / "new.js").write_bytes(script)
    await files.start()
    assert content(await answer(files, "/own.js", accept_encoding="gzip")) is before  # made once


async def test_only_names_that_hold_a_hash_are_kept_for_ever(www: Path) -> None:
    for name in ("report-20240101.js", "my-decorated.js", "page-3f9a2c1b.html", "x.3f9a2c1b.css"):
        (www / name).write_bytes(b"x")
    files = await started(www)
    for path, is_kept in {
        "/assets/app-3f9a2c1b.js": True,
        "/x.3f9a2c1b.css": True,
        "/report-20240101.js": False,
        "/my-decorated.js": False,
        "/page-3f9a2c1b.html": False,
        "/": False,
    }.items():
        expected = "public, max-age=31536000, immutable" if is_kept else "no-cache"
        assert header(await answer(files, path), "cache-control") == expected, path


async def test_single_page_applications_get_their_page_for_navigation_only(www: Path) -> None:
    files = await started(www, spa=True)
    response = await answer(files, "/todo/7", accept=PAGE)
    assert (response.status, content(response)) == (200, b"<h1>home</h1>")
    assert header(response, "vary") == "accept, sec-fetch-mode"
    for path, headers in [
        ("/todo/7", {"accept": "application/json"}),
        ("/todo/7", {"accept": PAGE, "sec_fetch_mode": "cors"}),
        ("/todo/7", {}),
        ("/app-00000000.js", {"accept": PAGE}),
    ]:
        assert await files.handle(asked(path, **headers)) is None, (path, headers)
    assert await (await started(www)).handle(asked("/todo/7", accept=PAGE)) is None


async def test_headers_can_be_replaced_added_and_removed(www: Path) -> None:
    plain = await answer(await started(www), "/about.txt")
    policy = header(plain, "content-security-policy") or ""
    for part in ("default-src 'self'", "'wasm-unsafe-eval'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert part in policy
    changed = {"X-Robots-Tag": "noindex", "Referrer-Policy": "", "Content-Security-Policy": "default-src 'none'",
               "Cache-Control": "max-age=60"}  # fmt: skip
    response = await answer(await started(www, headers=changed), "/about.txt")
    assert header(response, "x-robots-tag") == "noindex"
    assert header(response, "referrer-policy") is None
    assert header(response, "content-security-policy") == "default-src 'none'"
    assert header(response, "cache-control") == "max-age=60"
    assert header(response, "cross-origin-opener-policy") == "same-origin"


@pytest.mark.parametrize("headers", [{"x y": "1"}, {"": "1"}, {"x": "a\r\nb: c"}, {"x": "\u00e9"}, {"ETag": '"1"'}])
def test_headers_that_cannot_be_set_are_refused(www: Path, headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"site\.headers"):
        StaticFiles(www, headers=headers)


async def test_changes_are_seen(www: Path) -> None:
    files = await started(www)
    before = header(await answer(files, "/about.txt"), "etag")
    (www / "new.txt").write_text("new")
    (www / "about.txt").write_text("HELLO WORLD")
    (www / "empty.txt").unlink()
    shutil.rmtree(www / "docs")
    await files.start()
    assert content(await answer(files, "/about.txt")) == b"HELLO WORLD"
    assert header(await answer(files, "/about.txt"), "etag") != before
    assert content(await answer(files, "/new.txt")) == b"new"
    assert await files.handle(asked("/empty.txt")) is None
    assert await files.handle(asked("/docs")) is None


async def test_a_folder_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    files = await started(tmp_path / "later")
    assert await files.handle(asked("/")) is None
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "index.html").write_text("now")
    await files.start()
    assert content(await answer(files, "/")) == b"now"


async def test_a_small_file_that_is_being_written_is_served_as_it_was(
    www: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = await started(www)
    etag = header(await answer(files, "/about.txt"), "etag")
    monkeypatch.setattr("cairn.interface.sites.folder.SETTLE_SECONDS", NEVER_SECONDS)
    (www / "about.txt").write_text("half")
    await files.refresh()
    response = await answer(files, "/about.txt")
    assert (content(response), header(response, "etag")) == (b"hello world", etag)


async def test_a_large_file_that_is_being_written_is_not_served(www: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = await started(www)
    monkeypatch.setattr("cairn.interface.sites.folder.SETTLE_SECONDS", NEVER_SECONDS)
    (www / "large.bin").write_bytes(LARGE[::-1])
    response = await answer(files, "/large.bin")
    assert (response.status, header(response, "retry-after")) == (503, "1")
    monkeypatch.setattr("cairn.interface.sites.folder.SETTLE_SECONDS", 0.0)
    await files.refresh()
    assert content(await answer(files, "/large.bin")) == LARGE[::-1]


async def test_a_large_file_that_was_replaced_is_served_as_it_is_now(www: Path) -> None:
    files = await started(www)
    (www / "next.bin").write_bytes(LARGE[::-1])
    await files.start()
    (www / "next.bin").rename(www / "large.bin")
    assert content(await answer(files, "/large.bin")) == LARGE[::-1]


async def test_the_memory_for_small_files_is_bounded(www: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cairn.interface.sites.folder.MEMORY_BYTES_MAX", 20)
    files = await started(www)
    bodies = [(await answer(files, path)).body for path in ("/about.txt", "/docs/", "/", "/assets/app-3f9a2c1b.js")]
    assert sum(len(body) for body in bodies if isinstance(body, bytes)) <= 20
    assert sum(isinstance(body, FileSlice) for body in bodies) >= 2


async def test_the_number_of_files_is_bounded(www: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cairn.interface.sites.folder.FILES_MAX", 2)
    files = await started(www)
    paths = ("/", "/about.txt", "/large.bin", "/docs/", "/empty.txt", "/.well-known/security.txt")
    found = [path for path in paths if await files.handle(asked(path)) is not None]
    assert len(found) == 2 or (len(found) == 1 and await files.handle(asked("/assets/app-3f9a2c1b.js")) is not None)
