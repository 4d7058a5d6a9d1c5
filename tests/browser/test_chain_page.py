"""The page of a chain in Chromium, on a real server: what it shows of a chain, and that it follows it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from cairn.client.format.payload import ContentType, Payload
from tests.browser.published import Published
from tests.harness import Server

HOSTILE = '<img src=x onerror="document.title=1"><script>alert(1)</script> \u202eback'


@pytest.mark.parametrize(
    "path", ["/chain/", "/base.css", "/chain/chain.css", "/chain/chain.js", "/icon.svg", "/sdk/cairn.js"]
)
def test_every_file_is_there(demo: Server, path: str) -> None:
    answer = demo.ask("GET", path)
    assert answer.status == 200
    assert "'unsafe" not in answer.headers["content-security-policy"].replace("'wasm-unsafe-eval'", "")


def test_without_a_link_it_says_how_to_come_by_one(page: Page, demo: Server) -> None:
    page.goto(f"{demo.url}/chain/")
    expect(page.get_by_role("heading", name="Read a chain")).to_be_visible()
    for command in ("cairn new write", 'cairn chain append CAP "hello"', "cairn cap diminish CAP --to read"):
        expect(page.get_by_text(command, exact=True)).to_be_visible()
    expect(page.locator("#connection")).to_be_hidden()


def test_a_chain_is_verified_and_shown(page: Page, chain: Published) -> None:
    chain.add("hello")
    chain.add(Payload.of_json({"temperature": 21.5, "place": "höhle"}))
    chain.add(Payload(bytes(range(100))))
    chain.add(Payload(b"\xa1\x61\x61\x01", ContentType.CBOR))
    chain.add(Payload(b"own", 77))
    page.goto(chain.read_link())
    expect(page.locator(".badge")).to_have_text("Verified")
    expect(page.locator("#chain")).to_contain_text("6 entries: signature and link of each checked in this browser.")
    expect(page.locator("#chain-title")).to_have_text(f"Chain {chain.id[:8]}")
    texts = page.locator(".entry").all_inner_texts()
    assert [text.split("\n")[0] for text in texts] == ["#5", "#4", "#3", "#2", "#1", "#0"]
    assert "Application type 77, 3 bytes" in texts[0]
    assert "CBOR, 4 bytes" in texts[1]
    assert "Bytes, 100 bytes" in texts[2]
    assert "00010203 04050607" in texts[2]
    assert '{\n  "temperature": 21.5,\n  "place": "höhle"\n}' in texts[3]
    assert texts[4].endswith("hello")
    assert "The chain begins here" in texts[5]


def test_entries_arrive_live(page: Page, chain: Published) -> None:
    page.goto(chain.read_link())
    expect(page.locator("#connection")).to_have_text("Live")
    for number in range(3):
        chain.add(f"stone {number}")
        expect(page.locator(".entry").first).to_contain_text(f"stone {number}")
    assert page.locator(".entry.arrived").count() == 3
    expect(page.locator("#arrivals")).to_have_text("1 entry arrived")
    expect(page.locator(".facts")).to_contain_text("#3")


def test_a_close_ends_it(page: Page, chain: Published) -> None:
    page.goto(chain.read_link())
    expect(page.locator("#connection")).to_have_text("Live")
    chain.close("farewell")
    expect(page.locator("#connection")).to_have_text("Closed")
    expect(page.locator(".entry").first).to_contain_text("farewell")
    expect(page.locator(".facts")).to_contain_text("Closed")
    page.reload()
    expect(page.locator("#connection")).to_have_text("Closed")
    expect(page.locator(".entry").first).to_contain_text("The chain ends here")


def test_content_is_never_markup(page: Page, chain: Published) -> None:
    chain.add(HOSTILE)
    chain.add(Payload.of_json({HOSTILE: [HOSTILE]}))
    page.goto(chain.read_link())
    expect(page.locator(".entry .text")).to_have_text(HOSTILE)
    assert page.locator("main img, main script").count() == 0
    expect(page).to_have_title(f"Chain {chain.id[:8]} – Cairn")


def test_a_later_key_walks_back_and_an_older_one_does_not_go_forward(page: Page, chain: Published) -> None:
    chain.add("under the first key")
    chain.rotate()
    chain.add("under the second key")
    chain.rotate()
    chain.add("under the third key")
    page.goto(chain.read_link(2))
    for words in ("under the first key", "under the second key", "under the third key"):
        expect(page.get_by_text(words)).to_be_visible()
    page.goto(chain.read_link(1))
    expect(page.get_by_text("under the second key")).to_be_visible()
    expect(page.get_by_text("under the third key")).to_have_count(0)
    expect(page.get_by_text("Key missing")).to_have_count(2)
    expect(page.locator(".badge")).to_have_text("Verified")


def test_a_verify_capability_reads_nothing(page: Page, chain: Published) -> None:
    chain.add("not for you")
    page.goto(chain.verify_link())
    expect(page.locator(".badge")).to_have_text("Verified")
    expect(page.locator(".entry").first).to_contain_text("Sealed.")
    assert "not for you" not in page.content()


def test_a_write_capability_is_weakened_in_the_address(page: Page, chain: Published) -> None:
    chain.rotate()
    chain.add("hello")
    page.goto(chain.write_link())
    expect(page.locator(".entry").first).to_contain_text("hello")
    expect(page.locator(".notice")).to_contain_text("could also write")
    assert page.url == chain.read_link(1)


def test_many_entries_are_shown_in_parts(page: Page, chain: Published) -> None:
    chain.send(chain.writer.add_many(300))
    page.goto(chain.read_link())
    expect(page.locator(".facts")).to_contain_text("#300")
    expect(page.locator(".entry")).to_have_count(200)
    page.get_by_role("button", name="Show earlier entries").click()
    expect(page.locator(".entry")).to_have_count(301)
    expect(page.locator("#earlier")).to_be_hidden()
