from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cairn.config import ConfigError, Site
from cairn.interface.http.exchange import Response
from cairn.interface.sites.sites import Sites
from cairn.interface.sites.static import StaticFiles
from tests.asking import asked, content, header

PAGE = "text/html"


def folder(path: Path, **files: str) -> str:
    path.mkdir()
    for name, text in files.items():
        (path / name.replace("_", ".")).write_text(text)
    return str(path)


def sites_in(tmp_path: Path) -> Sites:
    return Sites(
        (
            Site(
                host=("a.example", "www.a.example"), static=folder(tmp_path / "a", index_html="a", **{"404_html": "A?"})
            ),
            Site(host=("*.b.example",), static=folder(tmp_path / "b", index_html="b")),
            Site(host=("*.deep.b.example",), static=folder(tmp_path / "deep", index_html="deep")),
            Site(host=("proxied.example",)),
            Site(static=folder(tmp_path / "rest", index_html="rest")),
        ),
        mounts={"/sdk/": StaticFiles(Path(folder(tmp_path / "sdk", cairn_js="export {};")))},
    )


@pytest.mark.parametrize(
    ("host", "body"),
    [
        ("a.example", b"a"),
        ("a.example.", b"a"),
        ("www.a.example", b"a"),
        ("x.b.example", b"b"),
        ("x.y.b.example", b"b"),
        ("x.deep.b.example", b"deep"),
        ("b.example", b"rest"),
        ("xb.example", b"rest"),
        ("127.0.0.1", b"rest"),
        ("[::1]", b"rest"),
        ("", b"rest"),
    ],
)
async def test_the_host_names_the_site(tmp_path: Path, host: str, body: bytes) -> None:
    async with sites_in(tmp_path) as sites:
        response = await sites.handle(asked("/", host=host))
        assert (response.status, content(response)) == (200, body)


async def test_a_mount_is_there_on_every_host_and_hides_what_a_site_has_there(tmp_path: Path) -> None:
    async with sites_in(tmp_path) as sites:
        for host in ("a.example", "proxied.example", "127.0.0.1"):
            response = await sites.handle(asked("/sdk/cairn.js", host=host))
            assert (response.status, content(response)) == (200, b"export {};")
            assert (await sites.handle(asked("/sdk/none.js", host=host))).status == 404


async def test_what_is_not_there(tmp_path: Path) -> None:
    async with sites_in(tmp_path) as sites:
        own = await sites.handle(asked("/none", host="a.example", accept=PAGE))
        assert (own.status, content(own), header(own, "etag")) == (404, b"A?", None)
        assert header(own, "cache-control") == "no-cache"
        page = await sites.handle(asked("/<none>", accept=PAGE))
        assert page.status == 404
        assert header(page, "content-type") == "text/html; charset=utf-8"
        assert b"<h1>There is nothing at this address" in content(page)
        assert b"<none>" not in content(page)
        document = await sites.handle(asked("/none"))
        assert (document.status, header(document, "content-type")) == (404, "application/problem+json")
        assert content(await sites.handle(asked("/none", "HEAD", accept=PAGE))) == b""


async def test_without_a_site_the_first_page_says_how_to_get_one() -> None:
    async with Sites(()) as sites:
        response = await sites.handle(asked("/", accept=PAGE))
        assert response.status == 404
        assert b"--www" in content(response)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get"])
async def test_files_can_only_be_read(tmp_path: Path, method: str) -> None:
    async with sites_in(tmp_path) as sites:
        there = await sites.handle(asked("/index.html", method))
        assert (there.status, header(there, "allow")) == (405, "GET, HEAD")
        absent = await sites.handle(asked("/none", method))
        assert (absent.status, header(absent, "allow")) == (404, None)
        assert not leaks_a_file(there)


def leaks_a_file(response: Response) -> bool:
    return content(response) in (b"a", b"b", b"rest")


@pytest.mark.parametrize(
    "sites",
    [
        (Site(host=("a.example",)), Site(host=("A.example.",))),
        (Site(), Site()),
        (Site(), Site(host=("*",))),
        (Site(host=("*.*.example",)),),
        (Site(host=("a*.example",)),),
        (Site(host=("",)),),
        (Site(host=("http://a.example",)),),
        (Site(host=("a.example:80",)),),
        (Site(static=".", headers={"x y": "1"}),),
    ],
)
def test_what_cannot_be_meant_is_refused(sites: tuple[Site, ...]) -> None:
    with pytest.raises(ConfigError, match="site"):
        Sites(sites)


async def test_changes_are_followed_while_it_is_open(tmp_path: Path) -> None:
    async with sites_in(tmp_path) as sites:
        (tmp_path / "rest" / "index.html").write_text("changed")
        while content(await sites.handle(asked("/"))) != b"changed":  # what a visitor would do
            await asyncio.sleep(0.01)
