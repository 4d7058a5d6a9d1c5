"""The page of a chain and its server: breaks and resumes, what is asked of it, and the ways to open a link."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, Request, expect

from cairn.interface.sites.bundled import web_folder
from tests.browser.published import Published
from tests.harness import Server, serving


def test_it_resumes_after_the_server_was_away(page: Page, tmp_path: Path) -> None:
    with serving(tmp_path / "server", sites=[{"static": str(web_folder("apps"))}]) as server:
        chain = Published(server, "resumes")
        page.goto(chain.read_link())
        expect(page.locator("#connection")).to_have_text("Live")
        for words in ("before the first restart", "before the second"):
            server.stop()
            expect(page.locator("#connection")).to_have_text("Reconnecting…")
            server.start()
            chain.add(words)
            expect(page.locator(".entry").first).to_contain_text(words, timeout=60_000)
            expect(page.locator("#connection")).to_have_text("Live", timeout=60_000)
        expect(page.locator(".entry .seq")).to_have_text(["#2", "#1", "#0"])
        assert page.locator("#failure").is_hidden()


def test_an_unreachable_server_is_told_and_asked_again(page: Page, chain: Published) -> None:
    page.route("**/v1/chains/**", lambda route: route.abort())
    page.goto(chain.read_link())
    expect(page.locator("#failure")).to_have_attribute("data-code", "unavailable")
    page.unroute("**/v1/chains/**")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".badge")).to_have_text("Verified")


def test_no_key_leaves_the_page(page: Page, demo: Server, chain: Published) -> None:
    sent: list[str] = []

    def note(request: Request) -> None:
        # The protocol reports a document's address with its fragment, which no request carries.
        url = request.url.partition("#")[0] if request.is_navigation_request() else request.url
        sent.append(f"{url} {request.all_headers()} {request.post_data}")

    page.on("request", note)
    printed: list[str] = []
    page.on("console", lambda message: printed.append(message.text))
    chain.add("for readers only")
    page.goto(chain.read_link())
    expect(page.locator(".entry").first).to_contain_text("for readers only")
    expect(page.locator("#connection")).to_have_text("Live")
    key = chain.writer.keys.read_key()
    capability = chain.read_link().partition("#")[2]
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    seen = [*sent, *printed, kept, demo.log.read_text()]
    assert any(chain.id in request for request in sent)
    for secret in (capability[6:], capability[-30:], key.hex(), "for readers only"):
        assert [text for text in seen if secret in text] == []


def test_a_link_can_be_pasted(page: Page, demo: Server, chain: Published) -> None:
    chain.add("hello")
    page.goto(f"{demo.url}/chain/")
    field = page.get_by_label("Link or read capability")
    field.fill("https://example.org/")
    field.press("Enter")
    expect(page.locator("#open-problem")).to_be_visible()
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill(f"  {chain.read_link()}\n")
    page.get_by_role("button", name="Open").click()
    expect(page.locator(".entry").first).to_contain_text("hello")
    assert page.url == chain.read_link()
    page.go_back()
    expect(page.get_by_role("heading", name="Read a chain")).to_be_visible()
    expect(page.locator("#chain")).to_be_hidden()
    expect(field).to_have_value("")


def test_another_link_in_the_same_tab(page: Page, demo: Server, chain: Published) -> None:
    other = Published(demo, "the other one")
    chain.add("in the first chain")
    other.add("in the other chain")
    page.goto(chain.read_link())
    expect(page.locator("#connection")).to_have_text("Live")
    page.goto(other.read_link())
    expect(page.locator(".entry").first).to_contain_text("in the other chain")
    expect(page.locator("#connection")).to_have_text("Live")
    chain.add("not for the page that shows another")
    other.add("still in the other chain")
    expect(page.locator(".entry .text")).to_have_text(["still in the other chain", "in the other chain"])


def test_the_keyboard_reaches_what_matters(page: Page, chain: Published) -> None:
    chain.add("hello")
    page.goto(chain.read_link())
    expect(page.locator(".badge")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    assert page.url == chain.read_link()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("details")).to_have_attribute("open", "")
    expect(page.locator("details code").first).to_have_text(chain.id)
    chain.add("more")
    expect(page.locator(".entry").first).to_contain_text("more")
    expect(page.locator("details")).to_have_attribute("open", "")
    expect(page.locator("summary")).to_be_focused()
