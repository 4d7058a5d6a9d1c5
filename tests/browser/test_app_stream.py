"""The published stream in Chromium, on a real server: written in one browser, read and verified in others by a link."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from cairn.client.format.payload import Payload
from cairn.core.chain import Entry
from cairn.testing.chains import Writer
from cairn.wire.messages import encode_entries
from tests.browser.apps import Visitor, check_accessible, check_link_is_gone, tapped
from tests.browser.dishonest import flip, lie_about_entries, lie_live
from tests.browser.published import Published
from tests.harness import Server

Visitors = Callable[..., Visitor]


def publish(page: Page, text: str) -> None:
    page.get_by_label("New post").fill(text)
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.locator("#posts .text").first).to_have_text(text)
    expect(page.locator("#posts .badge:visible")).to_have_count(0)


def reading_link(page: Page) -> str:
    link = page.get_by_label("Link for readers")
    if not link.is_visible():
        page.get_by_text("Give it away").click()
    expect(link).not_to_have_value("")
    return link.input_value()


def shows(page: Page, *texts: str) -> None:
    """These posts, the newest first."""
    expect(page.locator("#posts .text")).to_have_text(list(texts))


def stream_of(server: Server, seed: str, *posts: str) -> Published:
    """A stream that another program writes."""
    chain = Published(server, seed, page="/stream/")
    for text in posts:
        chain.add(Payload.of_json({"text": text, "at": 1_790_000_000_000}))
    return chain


def test_what_is_published_is_read_live_by_link_and_verified(visitor: Visitors) -> None:
    writer, reader = visitor().open("stream/"), visitor()
    expect(writer.locator("#badge")).to_have_text("Not begun")
    publish(writer, "Day one.")
    expect(writer.locator("#badge")).to_have_text("2 entries verified")
    page = reader.open(reading_link(writer))
    shows(page, "Day one.")
    expect(page.locator("#badge")).to_have_text("2 entries verified")
    writer.get_by_label("Name of this stream").fill("Letters from the ridge")
    writer.get_by_role("button", name="Rename").click()
    for one in (writer, page):
        expect(one.get_by_role("heading", level=1)).to_have_text("Letters from the ridge")
        expect(one).to_have_title("Letters from the ridge")
    publish(writer, "Day two.\n<b>Fog.</b>")
    shows(page, "Day two. <b>Fog.</b>", "Day one.")
    expect(page.locator("#badge")).to_have_text("4 entries verified")
    expect(page.locator("#connection")).to_have_text("Live")
    assert page.locator("#posts b").count() == 0
    page.get_by_text("What was checked").click()
    expect(page.locator("#checked")).to_have_text("4")
    page.get_by_role("button", name="Check again").click()
    expect(page.locator("#verdict")).to_have_text("Everything is as its writer signed it.")


def test_the_stream_belongs_to_the_browser_or_to_the_link_that_writes(visitor: Visitors) -> None:
    someone, elsewhere = visitor(), visitor()
    page = someone.open("stream/")
    publish(page, "written here")
    page.close()
    page = someone.open("stream/")
    shows(page, "written here")
    someone.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_text("Give it away").click()
    page.get_by_role("button", name="Copy the link that writes").click()
    expect(page.get_by_role("button", name="Copied: keep it secret")).to_be_visible()
    other = elsewhere.open(page.evaluate("navigator.clipboard.readText()"))
    check_link_is_gone(other)
    publish(other, "written elsewhere")
    shows(page, "written elsewhere", "written here")
    page.get_by_role("button", name="Copy link").click()
    assert "#crn1r_" in page.evaluate("navigator.clipboard.readText()")


def test_a_stranger_reads_and_cannot_write(visitor: Visitors) -> None:
    writer, reader = visitor().open("stream/"), visitor()
    publish(writer, "for whoever has the link")
    page = reader.open(reading_link(writer))
    shows(page, "for whoever has the link")
    for control in ("New post", "Name of this stream"):
        expect(page.get_by_label(control)).to_be_hidden()
    check_link_is_gone(page)
    page.reload()
    shows(page, "for whoever has the link")
    check_link_is_gone(page)


def test_a_forged_post_is_refused_by_the_server_and_by_the_reader(visitor: Visitors, demo: Server) -> None:
    chain = stream_of(demo, "forged", "first", "second")
    page = visitor().open(chain.read_link())
    shows(page, "second", "first")
    genuine = chain.writer.next(Payload.of_json({"text": "never said"}).encode())
    unsigned = genuine.raw[:-64]
    forged = Entry.decode(unsigned + Writer("a stranger").keys.sign("entry", unsigned))
    answer = demo.ask("POST", f"/v1/chains/{chain.id}/entries", encode_entries([forged]))
    assert (answer.status, answer.code) == (400, "invalid")
    for lie in ("at first", "live"):  # a server that was made to accept it
        page = visitor().open("")
        if lie == "live":
            lie_live(page, [forged.raw])
        else:
            lie_about_entries(page, lambda raws: [*raws, forged.raw], head_seq=3)
        page.goto(chain.read_link())
        expect(page.get_by_role("alert")).to_contain_text("not signed by the chain's key")
        assert "never said" not in page.content()
    shows(page, "second", "first")  # what came before the forgery stays


def test_what_does_not_verify_is_told_in_red(visitor: Visitors, demo: Server) -> None:
    chain = stream_of(demo, "altered", "first", "second")
    page = visitor().open("")
    lie_about_entries(page, lambda raws: [*raws[:-1], flip(raws[-1], 150)])
    page.goto(chain.read_link())
    badge = page.locator("#badge")
    expect(badge).to_have_text("Does not verify")
    expect(page.get_by_role("alert")).to_contain_text("Do not trust this server")
    red, _, blue = badge.evaluate("(badge) => getComputedStyle(badge).color.match(/\\d+/g).slice(0, 3).map(Number)")
    assert red > 2 * blue
    shows(page)
    check_accessible(page)


def test_a_server_that_hides_the_newest_is_found_out(visitor: Visitors, demo: Server) -> None:
    chain = stream_of(demo, "hidden", "first", "second")
    someone = visitor()
    page = someone.open(chain.read_link())
    shows(page, "second", "first")
    page.close()
    page = someone.open("")
    lie_about_entries(page, lambda raws: raws[:-1], head_seq=1)
    page.goto(chain.read_link())
    expect(page.get_by_role("alert")).to_contain_text("restored from a backup, or hides entries")
    expect(page.locator("#badge")).to_have_text("Does not verify")


def test_a_feed_is_made_here(visitor: Visitors, demo: Server) -> None:
    chain = stream_of(demo, "feed", "first", 'second: "<>&')
    page = visitor().open(chain.read_link())
    shows(page, 'second: "<>&', "first")
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as a feed").click()
    feed = json.loads(Path(download.value.path()).read_text("utf-8"))
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert [(item["content_text"], item["date_published"]) for item in feed["items"]] == [
        ('second: "<>&', "2026-09-21T14:13:20.000Z"), ("first", "2026-09-21T14:13:20.000Z"),
    ]  # fmt: skip
    assert len({item["id"] for item in feed["items"]}) == 2
    assert "crn1" not in json.dumps(feed)


def test_posts_written_without_a_connection_arrive_once_and_in_order(visitor: Visitors) -> None:
    someone, reader = visitor(), visitor()
    page = someone.open("stream/")
    publish(page, "before")
    other = reader.open(reading_link(page))
    shows(other, "before")
    someone.context.set_offline(True)
    for text in ("one", "two", "three"):
        page.get_by_label("New post").fill(text)
        page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.locator("#posts .badge:visible")).to_have_count(3)
    someone.context.set_offline(False)
    for one in (page, other):
        shows(one, "three", "two", "one", "before")


def test_nothing_of_it_is_ever_seen_by_the_server(browser: Browser, demo: Server) -> None:
    secrets = {"post": "marker of a post, höhle", "name": "marker of a name", "later": "marker of a later post"}
    with tapped(demo) as tap:
        writer, reader = Visitor(browser, tap.url), Visitor(browser, tap.url)
        page = writer.open("stream/")
        publish(page, secrets["post"])
        link = reading_link(page)
        page.get_by_label("Name of this stream").fill(secrets["name"])
        page.get_by_role("button", name="Rename").click()
        other = reader.open(link)
        expect(other.get_by_role("heading", level=1)).to_have_text(secrets["name"])
        publish(page, secrets["later"])
        shows(other, secrets["later"], secrets["post"])
        chain = other.locator("#chain").text_content() or ""
        for one in (writer, reader):
            one.close()
        tap.check_nowhere(secrets, public=chain)


def test_axe_finds_nothing_serious(visitor: Visitors, demo: Server) -> None:
    page = visitor().open("stream/")
    expect(page.locator("#badge")).to_have_text("Not begun")
    check_accessible(page)
    publish(page, "a post")
    expect(page.locator("#badge")).to_have_text("2 entries verified")
    for summary in ("What was checked", "Give it away"):
        page.get_by_text(summary).click()
    check_accessible(page)
    page = visitor().open(stream_of(demo, "axe", "first").read_link())
    expect(page.locator("#badge")).to_have_text("2 entries verified")
    check_accessible(page)
