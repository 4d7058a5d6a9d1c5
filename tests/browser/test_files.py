"""Files in Chromium, on a real server: put, got back, streamed in parts, broken off and gone on with, removed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Request

from cairn.client import sync
from cairn.client.format.capability import BlockCapability
from tests.browser.pages import Device, Gate
from tests.command import Cairn
from tests.harness import Server

NEW = """
    window.log = await cairn.newLog();
    window.bytes = (size) => {
        const all = new Uint8Array(size);
        for (let at = 0, x = 1; at < size; at++) all[at] = (x = (x * 16807) % 2147483647) >> 8;
        return all;
    };
    window.digest = async (blob) => sdk.toHex(new Uint8Array(
        await crypto.subtle.digest('SHA-256', blob instanceof Blob ? await blob.arrayBuffer() : blob)));
    const about = { type: 'image/jpeg', lastModified: 1700000000000 };
    window.file = (size) => new File([bytes(size)], 'photos/a.jpg', about);
    return log.capabilityText('write');
"""


@pytest.mark.parametrize("size", [0, 1, 5_000, 1_048_572, 1_048_573, 5_000_000])
def test_a_file_comes_back_as_it_was(device: Callable[[], Device], size: int) -> None:
    one = device()
    one.run(NEW)
    got = one.run(
        """
        const put = file(given);
        const told = [];
        await log.putFile(put, { about: { album: 'sea' }, onProgress: (done, total) => told.push([done, total]) });
        const entry = log.list[0];
        const got = await log.getFile(entry);
        const isSame = await digest(put) === await digest(got);
        return [isSame, got.name, got.type, got.lastModified, entry.value, told.at(-1)];
        """,
        size,
    )
    value = {"album": "sea", "name": "photos/a.jpg", "bytes": size, "type": "image/jpeg", "modified_ms": 1700000000000}
    assert got[:5] == [True, "photos/a.jpg", "image/jpeg", 1700000000000, value]
    assert got[5] == (None if size <= 1_048_572 else [size, size])


def test_the_command_line_gets_what_the_browser_put_and_the_other_way(
    device: Callable[[], Device], app: Server, tmp_path: Path
) -> None:
    one = device()
    capability = one.run(NEW)
    one.run("await log.putFile(file(3_000_000), { preview: new Blob(['small']) });")
    cairn = Cairn(tmp_path)
    cairn("get", capability, "-o", str(tmp_path / "got"), "--server", app.url)
    expected = bytes(one.run("return [...bytes(3_000_000).subarray(0, 1000)];"))
    got = (tmp_path / "got" / "photos" / "a.jpg").read_bytes()
    assert (len(got), got[:1000]) == (3_000_000, expected)
    (tmp_path / "put.bin").write_bytes(got[::-1])
    cairn("put", str(tmp_path / "put.bin"), "--chain", capability, "--server", app.url)
    same = """
        const entry = (await log.catchUp(), log.list.at(-1));
        return [entry.value.name, await digest(await log.getFile(entry)) === await digest(bytes(3_000_000).reverse())];
    """
    assert one.run(same) == ["put.bin", True]


def test_parts_of_a_file_are_streamed(device: Callable[[], Device]) -> None:
    one = device()
    one.run(NEW)
    one.run("await log.putFile(file(3_500_000));")
    fetched: list[str] = []
    one.page.on("request", lambda request: fetched.append(request.url) if "/v1/blocks/" in request.url else None)
    for start, stop in ((0, 10), (1_048_570, 1_048_580), (2_000_000, 3_500_000), (3_499_999, 9_999_999), (7, 7)):
        same = one.run(
            """
            const [start, stop] = given;
            const stream = await log.streamFile(log.list[0], { start, stop });
            const got = new Uint8Array(await new Response(stream).arrayBuffer());
            return await digest(got) === await digest(bytes(3_500_000).slice(start, stop));
            """,
            [start, stop],
        )
        assert same
    assert len(fetched) <= 1 + 1 + 3 + 4 + 3 + 2  # the manifest each time, and only the chunks that are needed


def test_an_upload_goes_on_where_its_tab_was_closed(device: Callable[[], Device]) -> None:
    size = 24_000_000
    one = device()
    capability = one.run(NEW)
    Gate(one.page).close_after(9_000_000)
    one.page.evaluate(
        "(size) => { window.done = 0; void log.putFile(file(size), { onProgress: (done) => (window.done = done) }); }",
        size,
    )
    one.run("await until(() => window.done > 8_000_000);")
    one.page.close()
    one.page = one.open()
    one.run(NEW)
    sent: list[int] = []

    def count(request: Request) -> None:
        if "blocks/put" in request.url:
            sent.append(len(request.post_data_buffer or b""))

    one.page.on("request", count)
    one.run("window.log = await cairn.openLink(given);", capability)
    one.run("await log.putFile(file(given));", size)
    assert 0 < sum(sent) < size - 8_000_000 + 1_500_000
    assert one.run("return await digest(await log.getFile(log.list[0])) === await digest(file(given));", size)


def test_an_upload_can_be_aborted_and_leaves_no_entry(device: Callable[[], Device]) -> None:
    one = device()
    one.run(NEW)
    outcome = one.run("""
        const controller = new AbortController();
        const { signal } = controller;
        const putting = log.putFile(file(10_000_000), { signal, onProgress: () => controller.abort() });
        return [await putting.then(() => 'done', (error) => error.name), log.list.length];
    """)
    assert outcome == ["AbortError", 0]


def test_a_removed_file_is_gone(device: Callable[[], Device], app: Server) -> None:
    one = device()
    capability = one.run(NEW)
    one.run("await log.putFile(file(2_500_000));")
    one.run("await log.add('again', { references: log.list[0].references });")
    one.run("await log.removeFile(log.list[0]);")
    assert "value" in one.run("return attempt(async () => (await log.getFile(log.list[0])).size);")
    with sync.connect(app.url) as session:
        reference = next(entry for entry in session.chain(capability).entries(start=1)).references[0]
        assert len(session.objects.get(BlockCapability(reference))) == 2_500_000
    one.run("await log.putFile(new File([bytes(2_600_000)], 'other')); await log.removeFile(log.list[2]);")
    assert one.run("return attempt(() => log.getFile(log.list[2]));")["code"] == "not_found"


def test_an_altered_block_is_refused(device: Callable[[], Device]) -> None:
    one = device()
    one.run(NEW)
    one.run("await log.putFile(file(2_000_000));")

    def alter(route: Any) -> None:
        response = route.fetch()
        body = bytearray(response.body())
        body[100] ^= 1
        route.fulfill(response=response, body=bytes(body))

    one.page.route("**/v1/blocks/*", alter)
    assert one.run("return attempt(() => log.getFile(log.list[0]));")["code"] == "tampered"


def test_many_small_files_go_together(device: Callable[[], Device]) -> None:
    one = device()
    one.run(NEW)
    requests: list[str] = []
    one.page.on("request", lambda request: requests.append(request.url) if request.method == "POST" else None)
    one.run("""
        const files = [...Array(60).keys()].map((n) => new File([bytes(16_000 + n)], `${n}.bin`));
        await Promise.all(files.map((one) => log.putFile(one)));
    """)
    assert one.run("return log.list.length;") == 60
    assert len(requests) < 60


def test_an_upload_that_is_given_up_leaves_nothing(device: Callable[[], Device], app: Server) -> None:
    one = device()
    one.run(NEW)
    stored: list[str] = []

    def note(request: Request) -> None:
        if "blocks/put" in request.url and (response := request.response()) and response.ok:
            answer = response.body()
            stored.extend(answer[at : at + 32].hex() for at in range(0, len(answer), 33))

    one.page.on("requestfinished", note)
    one.run("""
        const controller = new AbortController();
        const onProgress = (done) => done > 3_000_000 && controller.abort();
        window.put = file(12_000_000);
        await log.putFile(put, { onProgress, signal: controller.signal }).catch(() => {});
    """)
    one.run("await log.removeFile(put);")
    assert len(stored) >= 3
    assert [block for block in stored if app.ask("HEAD", f"/v1/blocks/{block}").status != 404] == []
    one.run("await log.putFile(put);")
    assert one.run("return (await log.getFile(log.list[0])).size;") == 12_000_000
