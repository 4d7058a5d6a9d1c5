"""The application for files: put, paused, given up, looked at, played, saved, shared, removed."""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.apps import Visitor, check_accessible, check_link_is_gone, tapped
from tests.browser.pages import Gate
from tests.browser.test_chain_page_attachments import png
from tests.browser.webm import film
from tests.harness import Server
from tests.waiting import wait_for

MIB = 1_048_576


@pytest.fixture
def ann(browser: Browser, demo: Server) -> Iterator[Visitor]:
    """Whose files they are."""
    visitor = Visitor(browser, demo.url)
    yield visitor
    visitor.close()


@pytest.fixture
def bob(browser: Browser, demo: Server) -> Iterator[Visitor]:
    """Somebody with a link."""
    visitor = Visitor(browser, demo.url)
    yield visitor
    visitor.close()


def choose(page: Page, folder: Path, files: dict[str, bytes]) -> None:
    """Choose files, and wait until they stand."""
    begin(page, folder, files)
    for name in files:
        expect(tile(page, name)).to_be_visible(timeout=60_000)
    expect(page.get_by_role("list", name="On their way").get_by_role("listitem")).to_have_count(0)


def begin(page: Page, folder: Path, files: dict[str, bytes]) -> None:
    """Choose files."""
    expect(page.get_by_text("Choose files")).to_be_visible()
    paths = []
    for name, data in files.items():
        paths.append(folder / name)
        if not paths[-1].exists():
            paths[-1].write_bytes(data)
    page.get_by_label("Choose files").set_input_files(paths)


def tile(page: Page, name: str) -> Locator:
    """What stands for a file."""
    return page.get_by_role("list", name="Files", exact=True).get_by_role("button", name=name)


def link_of(page: Page, label: str) -> str:
    """A link from the dialog."""
    page.get_by_role("button", name="Share…").click()
    field = page.get_by_label(label)
    expect(field).to_have_value(re.compile("#crn1"))
    link = field.input_value()
    page.get_by_role("button", name="Done").click()
    return link


def test_pictures_are_shown_small_and_large(ann: Visitor, tmp_path: Path) -> None:
    page = ann.open("files/")
    expect(page.get_by_text("Nothing here yet.")).to_be_visible()
    expect(page.get_by_role("status").first).to_have_text("online")
    check_accessible(page)
    choose(page, tmp_path, {"lake.png": png(600, 400)})
    choose(page, tmp_path, {"sea.png": png(500, 500), "list.txt": b"eggs"})
    expect(page.get_by_text("3 files,")).to_be_visible()
    for name in ("lake.png", "sea.png"):
        picture = tile(page, name).locator("img")
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("(image) => Math.min(image.naturalWidth, image.naturalHeight)") == 360
    expect(tile(page, "list.txt")).to_contain_text("txt")
    check_accessible(page)
    last = page.get_by_role("list", name="Files", exact=True).get_by_role("button").last
    expect(last).to_contain_text("lake.png")
    last.press("Enter")
    large = page.get_by_role("dialog").get_by_role("img", name="lake.png")
    expect(large).to_have_js_property("naturalWidth", 600)
    check_accessible(page)
    page.keyboard.press("ArrowRight")  # there is nothing behind it
    seen = set()
    for _ in range(2):
        page.keyboard.press("ArrowLeft")
        seen.add(page.get_by_role("dialog").get_by_role("heading").inner_text().split()[0])
    assert seen == {"sea.png", "list.txt"}
    page.get_by_role("button", name="Next").click()
    page.keyboard.press("ArrowRight")
    expect(large).to_be_visible()
    page.keyboard.press("Escape")
    expect(last).to_be_focused()
    page.reload()
    expect(tile(page, "sea.png")).to_be_visible()


def test_a_film_plays_in_it_and_seeks(ann: Visitor, tmp_path: Path) -> None:
    page = ann.open("files/")
    choose(page, tmp_path, {"film.webm": film(page, 40, 320, 180)})
    expect(tile(page, "film.webm").locator("img")).to_have_js_property("complete", True)
    tile(page, "film.webm").click()
    video = page.get_by_role("dialog").locator("video")
    expect(video).to_have_js_property("readyState", 4)
    played = video.evaluate("""async (video) => {
        const at = (time) => new Promise((done) => (video.ontimeupdate = () => video.currentTime >= time && done()));
        video.muted = true;
        video.currentTime = 6;
        await new Promise((done) => (video.onseeked = done));
        await video.play();
        await at(6.4);
        video.pause();
        return [video.duration, video.error];
    }""")
    assert played == [8, None]
    page.get_by_role("button", name="Close").click()
    expect(page.locator("video")).to_have_count(0)


def test_one_can_pause_go_on_and_give_up(ann: Visitor, demo: Server, tmp_path: Path) -> None:
    page = ann.open("files/")
    size = 24
    data = random.Random("pause").randbytes(size * MIB)
    free = stored_blocks(demo)
    gate = Gate(page)
    gate.close_after(3_000_000)
    begin(page, tmp_path, {"long.bin": data})
    page.wait_for_function("() => document.querySelector('progress')?.value > 2_000_000")
    page.get_by_role("button", name="Pause long.bin").click()
    expect(page.get_by_text("paused")).to_be_visible()
    check_accessible(page)
    gate.open()
    page.get_by_role("button", name="Resume long.bin").click()
    expect(tile(page, "long.bin")).to_be_visible(timeout=60_000)
    stored = -(-size * MIB // 1_048_572) + 1  # and the manifest: nothing was sent again
    assert stored_blocks(demo) - free == stored
    gate.close_after(3_000_000)
    begin(page, tmp_path, {"other.bin": data[: 20 * MIB]})
    page.wait_for_function("() => document.querySelector('progress')?.value > 2_000_000")
    page.get_by_role("button", name="Cancel other.bin").click()
    expect(page.get_by_text("other.bin")).to_have_count(0)
    gate.open()
    wait_for(lambda: page.evaluate("1") == 1 and stored_blocks(demo) - free == stored, 60)
    expect(page.get_by_role("alert")).to_be_hidden()


def test_what_a_closed_tab_broke_off_goes_on(ann: Visitor, demo: Server, tmp_path: Path) -> None:
    page = ann.open("files/")
    data = random.Random("closed").randbytes(24 * MIB)
    free = stored_blocks(demo)
    Gate(page).close_after(9_000_000)
    begin(page, tmp_path, {"film.bin": data})
    page.wait_for_function("() => document.querySelector('progress')?.value > 8_000_000")
    page.close(run_before_unload=False)
    again = ann.open("files/")
    choose(again, tmp_path, {"film.bin": data})
    assert stored_blocks(demo) - free <= -(-len(data) // 1_048_572) + 1 + 16  # what was under way
    tile(again, "film.bin").click()
    with again.expect_download() as download:
        again.get_by_role("button", name="Save").click()
    assert download.value.suggested_filename == "film.bin"
    assert Path(download.value.path()).read_bytes() == data


def stored_blocks(server: Server) -> int:
    """How many blocks the server has."""
    text = server.ask("GET", "/metrics").body.decode()
    return next(int(float(line.split()[1])) for line in text.splitlines() if line.startswith("cairn_storage_blocks"))


def test_a_stranger_sees_and_saves_and_changes_nothing(ann: Visitor, bob: Visitor, tmp_path: Path) -> None:
    page = ann.open("files/")
    choose(page, tmp_path, {"lake.png": png(80, 60), "evil.html": b"<script>document.title = 'ran'</script>"})
    other = bob.open(link_of(page, "To look and save"))
    expect(tile(other, "lake.png").locator("img")).to_have_js_property("complete", True)
    check_link_is_gone(other)
    expect(other.get_by_label("Choose files")).to_be_hidden()
    check_accessible(other)
    tile(other, "evil.html").click()
    expect(other.get_by_text("Files of this kind are not shown here")).to_be_visible()
    expect(other.get_by_role("button", name="Remove")).to_be_hidden()
    with other.expect_download() as download:
        other.get_by_role("button", name="Save").click()
    assert download.value.suggested_filename == "evil.html"
    other.keyboard.press("Escape")
    other.get_by_role("button", name="Share…").click()
    expect(other.get_by_label("To look and save")).to_be_visible()
    expect(other.get_by_label("To add and remove")).to_be_hidden()
    other.get_by_role("button", name="Done").click()
    check_link_is_gone(other)
    tile(page, "lake.png").click()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Remove").click()
    for one in (page, other):
        expect(tile(one, "lake.png")).to_have_count(0)
        expect(tile(one, "evil.html")).to_be_visible()


def test_another_device_takes_part(ann: Visitor, bob: Visitor, tmp_path: Path) -> None:
    page = ann.open("files/")
    choose(page, tmp_path, {"one.txt": b"1"})
    phone = bob.open(link_of(page, "To add and remove"))
    expect(tile(phone, "one.txt")).to_be_visible()
    check_link_is_gone(phone)
    drop = """(name) => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File(['dropped'], name));
        document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
    }"""
    phone.evaluate(drop, "two.txt")
    for one in (phone, page):
        expect(tile(one, "two.txt")).to_be_visible()
    page.get_by_role("button", name="Share…").click()
    ann.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_label("To look and save").click()
    expect(page.get_by_role("heading", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").startswith(f"{ann.url}/files/#crn1r_")
    check_accessible(page)


def test_without_a_connection_it_is_said_and_goes_on_later(ann: Visitor, tmp_path: Path) -> None:
    page = ann.open("files/")
    choose(page, tmp_path, {"one.txt": b"1"})
    ann.context.set_offline(True)
    begin(page, tmp_path, {"two.bin": random.Random("two").randbytes(2 * MIB)})
    expect(page.get_by_text("Nothing is lost")).to_be_visible(timeout=30_000)
    ann.context.set_offline(False)
    page.get_by_role("button", name="Resume two.bin").click()
    expect(tile(page, "two.bin")).to_be_visible(timeout=60_000)


def test_nothing_of_the_files_reaches_the_server(browser: Browser, demo: Server, tmp_path: Path) -> None:
    with tapped(demo) as tap:
        visitor, stranger = Visitor(browser, tap.url), Visitor(browser, tap.url)
        page = visitor.open("files/")
        secrets = {"name": "holiday-marker-71c2.txt", "content": "a marker that stands in a file 90af"}
        choose(page, tmp_path, {secrets["name"]: secrets["content"].encode(), "lake.png": png(40, 40)})
        link = link_of(page, "To look and save")
        chain = base64.urlsafe_b64decode(link.partition("#crn1r_")[2][:44])[:32].hex()
        other = stranger.open(link)
        tile(other, secrets["name"]).click()
        with other.expect_download() as download:
            other.get_by_role("button", name="Save").click()
        assert Path(download.value.path()).read_text() == secrets["content"]
        visitor.close()
        stranger.close()
        tap.check_nowhere({**secrets, "link": link.partition("#")[2]}, public=chain)
