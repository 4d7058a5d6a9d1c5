"""Files at addresses of a page's own, in Chromium: played, looked at and saved by range; nothing of them runs."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Download, Page, expect

from tests.browser.apps import check_link_is_gone
from tests.browser.pages import Device
from tests.browser.test_chain_page_attachments import png
from tests.browser.webm import film

MIB = 1_048_576
CHUNK = 1_048_572
NEW = """
    window.log = await cairn.newLog();
    window.streaming = await cairn.streaming('worker.js');
    const input = Object.assign(document.createElement('input'), { type: 'file', id: 'input', multiple: true });
    document.body.append(input);
    window.add = async (type, options) => {
        const [file] = input.files;
        await log.putFile(new File([file], file.name, { type }), options);
        return streaming.url(log.list.at(-1));
    };
    window.ask = async (url, headers) => {
        const answer = await fetch(url, { headers });
        const bytes = new Uint8Array(await answer.arrayBuffer());
        return { status: answer.status, headers: Object.fromEntries(answer.headers), length: bytes.length, bytes };
    };
"""


@pytest.fixture
def one(device: Callable[[], Device]) -> Device:
    """A page that streams the files of a new log."""
    made = device()
    made.run(NEW)
    return made


def put(one: Device, folder: Path, name: str, data: bytes, media_type: str, options: str = "{}") -> str:
    """Keep a file; its address."""
    (folder / name).write_bytes(data)
    one.page.set_input_files("#input", folder / name)
    return str(one.run(f"return add(given, {options});", media_type))


def blocks_asked(page: Page) -> list[str]:
    """A list that fills with the blocks that the page asks the server for."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/v1/blocks/" in request.url else None)
    return asked


def random_bytes(seed: str, size: int) -> bytes:
    """Bytes that pack badly."""
    return random.Random(seed).randbytes(size)


RANGES: list[tuple[str | None, int, int, int]] = [
    (None, 200, 0, 5_000_000),
    ("bytes=0-", 206, 0, 5_000_000),
    ("bytes=0-0", 206, 0, 1),
    ("bytes=1048570-1048579", 206, 1_048_570, 1_048_580),
    ("bytes=4999999-", 206, 4_999_999, 5_000_000),
    ("bytes=3000000-99999999", 206, 3_000_000, 5_000_000),
    ("bytes=-10", 206, 4_999_990, 5_000_000),
    ("bytes=-9999999", 206, 0, 5_000_000),
    ("bytes=5000000-", 416, 0, 0),
    ("bytes=-0", 416, 0, 0),
    ("bytes=9-3", 200, 0, 5_000_000),
    ("bytes=0-1,5-6", 200, 0, 5_000_000),
    ("bytes=x", 200, 0, 5_000_000),
]


def test_each_range_is_answered_and_no_block_too_many_is_fetched(one: Device, tmp_path: Path) -> None:
    data = random_bytes("ranges", 5_000_000)
    url = put(one, tmp_path, "a.mp4", data, "video/mp4")
    asked = blocks_asked(one.page)
    for range_header, status, start, stop in RANGES:
        asked.clear()
        answer = one.run(
            "const { bytes, ...rest } = await ask(given[0], given[1]); window.bytes = bytes; return rest;",
            [url, {"Range": range_header} if range_header else {}],
        )
        headers = answer["headers"]
        assert (answer["status"], answer["length"]) == (status, stop - start)
        assert bytes(one.run("return [...bytes.subarray(0, 20)];")) == data[start:stop][:20]
        assert bytes(one.run("return [...bytes.slice(-20)];")) == data[start:stop][-20:]
        assert headers["accept-ranges"] == "bytes"
        expected = {206: f"bytes {start}-{stop - 1}/5000000", 416: "bytes */5000000"}.get(status)
        assert headers.get("content-range") == expected
        assert headers.get("content-length") == (str(stop - start) if status != 416 else None)
        chunks = -(-stop // CHUNK) - start // CHUNK if stop else 0
        assert len(set(asked)) == len(asked)
        assert chunks <= len(asked) <= chunks + 1, "what is needed, and the manifest the first time"


def test_a_film_plays_and_seeks_and_only_what_is_needed_is_fetched(one: Device, tmp_path: Path) -> None:
    data = film(one.page, 200)
    assert len(data) > 30 * MIB
    url = put(one, tmp_path, "film.webm", data, "video/webm; codecs=vp8")
    asked = blocks_asked(one.page)
    shown = one.run(
        """
        window.video = Object.assign(document.createElement('video'), { preload: 'metadata', muted: true, src: given });
        document.body.append(video);
        await until(() => video.readyState >= 1);
        video.currentTime = 36;
        return [video.duration, video.videoWidth, streaming.kindOf(log.list[0])];
        """,
        url,
    )
    assert shown == [40, 640, "video"]
    one.run("await until(() => !video.seeking && video.readyState >= 2);")
    colour = """
        const canvas = new OffscreenCanvas(640, 360);
        const drawing = canvas.getContext('2d');
        drawing.drawImage(video, 0, 0);
        return [...drawing.getImageData((180 % 8) * 80 + 40, 180, 1, 1).data];
    """
    red, green, blue, _ = one.run(colour)
    assert red < 80 < 190 < green, "the fifth picture, which has a field of this colour"
    assert 120 < blue < 200
    assert len(set(asked)) < len(data) / MIB * 0.9
    one.run("await video.play(); await until(() => video.currentTime > 36.5); video.pause();")
    assert one.run("return streaming.problem.value;") is None


def test_a_large_file_is_saved_as_it_comes(one: Device, tmp_path: Path) -> None:
    data = random_bytes("save", 30_000_000)
    put(one, tmp_path, "large.bin", data, "application/x-thing")
    download = saved(one.page, lambda: one.run("await streaming.save(log.list[0]);"))
    assert download.suggested_filename == "large.bin"
    assert Path(download.path()).read_bytes() == data
    check_link_is_gone(one.page)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../../etc/a'b\"c é.txt", "a'b_c é.txt"),
        ("a\r\nSet-Cookie: x.html", "a__Set-Cookie_ x.html"),
        ("holiday\u202egpj.exe", "holiday_gpj.exe"),
        ("C:\\new\\x.bin", "x.bin"),
        ("", "file"),
        ("\ud800.txt", "\ufffd.txt"),
    ],
)
def test_a_name_is_no_way_out(one: Device, name: str, expected: str) -> None:
    one.run("await log.putFile(new File(['x'], 'x'), { about: { a: 1 }, name: 'x' });")
    one.run("window.entry = { ...log.list[0], value: { ...log.list[0].value, name: given } };", name)
    download = saved(one.page, lambda: one.run("await streaming.save(entry);"))
    assert download.suggested_filename == expected


def saved(page: Page, work: Callable[[], Any]) -> Download:
    """What is saved meanwhile."""
    with page.expect_download() as download:
        work()
    return download.value


def test_an_address_tells_nothing_and_means_something_to_its_page_alone(one: Device, tmp_path: Path) -> None:
    url = put(one, tmp_path, "secret-name.png", png(4, 4), "image/png")
    assert "secret" not in url
    held = one.run("return [...log.list[0].references[0].blockId, ...log.list[0].references[0].key];")
    assert bytes(held).hex()[:16] not in url
    assert one.run("return [streaming.url(log.list[0]) === given, (await ask(given)).status];", url) == [True, 200]
    assert one.run("return (await ask(given)).status;", url[:-3] + "abc") == 404
    other = one.open()
    assert one.run("return (await fetch(given)).status;", url, other) == 200  # of a page that lives
    one.run("streaming.close();")
    assert one.run("return (await ask(given)).status;", url) == 404
    one.page.close()
    assert one.run("return (await fetch(given)).status;", url, other) == 404
    one.page = other


EVIL = b"<!doctype html><script>localStorage.ran = 1</script>"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>localStorage.ran = 1</script></svg>"


@pytest.mark.parametrize(
    ("media_type", "data"),
    [("text/html", EVIL), ("image/svg+xml", SVG), ("text/javascript", b"localStorage.ran = 1"), ("video/mp4", EVIL)],
)
def test_no_file_runs(one: Device, tmp_path: Path, media_type: str, data: bytes) -> None:
    url = put(one, tmp_path, "evil", data, media_type)
    download = saved(one.page, lambda: one.run("open(given);", url))  # as a document, from a page or from outside
    assert Path(download.path()).read_bytes() == data
    outcomes = one.run(
        """
        const outcome = (name, attributes) => new Promise((done) => {
            const element = document.createElement(name);
            element.onload = () => done('load');
            element.onerror = () => done('error');
            Object.assign(element, attributes);
            document.body.append(element);
        });
        return [
            await outcome('script', { src: given }),
            await outcome('script', { src: given, type: 'module' }),
            await outcome('img', { src: given }),
            await outcome('link', { href: given, rel: 'stylesheet' }),
        ];
        """,
        url,
    )
    assert outcomes == ["error"] * 4
    headers = one.run("return (await ask(given)).headers;", url)
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-disposition"].startswith("attachment;")
    assert headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert one.run("return localStorage.ran ?? null;") is None


def test_altered_bytes_are_never_given(one: Device, tmp_path: Path) -> None:
    url = put(one, tmp_path, "a.mp4", random_bytes("altered", 4_000_000), "video/mp4")
    seen: list[str] = []

    def alter(route: Any) -> None:
        seen.append(route.request.url)
        if len(seen) == 3:  # after the manifest and a chunk
            response = route.fetch()
            body = bytearray(response.body())
            body[500_000] ^= 1
            route.fulfill(response=response, body=bytes(body))
        else:
            route.continue_()

    one.page.route("**/v1/blocks/*", alter)
    given = one.run(
        """
        const reader = (await fetch(given)).body.getReader();
        let size = 0;
        try {
            for (;;) {
                const { done, value } = await reader.read();
                if (done) return ['done', size];
                size += value.length;
            }
        } catch (error) { return [error.name, size, streaming.problem.value.code]; }
        """,
        url,
    )
    name, size, code = given
    assert (name, code) == ("TypeError", "tampered")
    assert size <= CHUNK, "what came before it, if that was read in time, and nothing of what was altered"
    one.page.unroute_all(behavior="wait")
    one.run("await log.removeFile(log.list[0]);")
    gone = "return attempt(() => streaming.save(log.list[0]));"
    assert one.run(gone)["code"] == "not_found"


def test_a_worker_that_was_stopped_goes_on(one: Device, tmp_path: Path) -> None:
    data = random_bytes("stopped", 3_000_000)
    url = put(one, tmp_path, "a.mp4", data, "video/mp4")
    session = one.context.new_cdp_session(one.page)
    session.send("ServiceWorker.enable")
    for _ in range(3):
        assert one.run("return (await ask(given)).length;", url) == len(data)
        session.send("ServiceWorker.stopAllWorkers")
    download = saved(one.page, lambda: one.run("await streaming.save(log.list[0]);"))
    assert Path(download.path()).read_bytes() == data


def test_a_page_that_was_loaded_past_the_worker_gets_it_back(one: Device, tmp_path: Path) -> None:
    session = one.context.new_cdp_session(one.page)
    session.send("Page.reload", {"ignoreCache": True})
    one.page.wait_for_function("() => !window.cairn")
    one.start(one.page)
    one.run(NEW)
    url = put(one, tmp_path, "a.png", png(8, 8), "image/png")
    one.run("document.body.append(Object.assign(new Image(), { src: given, alt: 'A picture' }));", url)
    one.run("await until(() => document.querySelector('img').naturalWidth === 8);")


def test_what_stops_reading_stops_fetching(one: Device, tmp_path: Path) -> None:
    url = put(one, tmp_path, "a.mp4", random_bytes("cancel", 12_000_000), "video/mp4")
    asked = blocks_asked(one.page)
    one.run("const reader = (await fetch(given)).body.getReader(); await reader.read(); await reader.cancel();", url)
    one.run("await new Promise((done) => setTimeout(done, 1_000));")
    so_far = len(asked)
    one.run("await new Promise((done) => setTimeout(done, 500));")
    assert len(asked) == so_far < 12


def test_where_no_worker_starts_it_is_said(device: Callable[[], Device]) -> None:
    one = device()
    refused = one.run("return attempt(() => cairn.streaming('nothing.js'));")
    assert (refused["code"], "another browser" in refused["hint"]) == ("unsupported", True)


def test_a_preview_comes_and_goes_with_its_file(one: Device, tmp_path: Path) -> None:
    picture, small = png(40, 30), png(4, 3)
    (tmp_path / "small.png").write_bytes(small)
    options = (
        f"{{ preview: new Blob([new Uint8Array({list(small)})], {{ type: 'image/png' }}), about: {{ album: 'sea' }} }}"
    )
    put(one, tmp_path, "a.png", picture, "image/png", options)
    one.run("""
        const image = new Image();
        image.alt = 'Preview';
        image.src = streaming.url(log.list[0], { preview: true });
        document.body.append(image);
        await image.decode();
    """)
    expect(one.page.get_by_alt_text("Preview")).to_have_js_property("naturalWidth", 4)
    got = one.run("""
        const [entry] = log.list;
        const [file, preview] = [await log.getFile(entry), await log.getFile(entry, { preview: true })];
        return [file.size, preview.size, preview.type, entry.value.album, entry.value.preview];
    """)
    assert got == [len(picture), len(small), "image/png", "sea", "image/png"]
    one.run("await log.removeFile(log.list[0]);")
    for preview in ("true", "false"):
        gone = one.run(f"return attempt(() => log.getFile(log.list[0], {{ preview: {preview} }}));")
        assert gone["code"] == "not_found"
