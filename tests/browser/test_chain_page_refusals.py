"""What the page of a chain refuses: every lie of a server about a chain is named, and nothing of it is shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from cairn.client.format.capability import ReadCapability
from cairn.client.format.payload import Payload
from cairn.core.chain import Kind
from cairn.testing.chains import Writer
from tests.browser.dishonest import flip, lie_about_entries, lie_live
from tests.browser.published import Published
from tests.harness import Server

Raws = list[bytes]

LIES: dict[str, Callable[[Raws], Raws]] = {
    "ciphertext": lambda raws: [*raws[:2], flip(raws[2], 150), *raws[3:]],
    "signature": lambda raws: [*raws[:2], flip(raws[2], -1), *raws[3:]],
    "last signature": lambda raws: [*raws[:-1], flip(raws[-1], -40)],
    "key in the genesis": lambda raws: [flip(raws[0], 96), *raws[1:]],
    "kind": lambda raws: [*raws[:2], flip(raws[2], 4), *raws[3:]],
    "left out": lambda raws: [*raws[:2], *raws[3:]],
    "swapped": lambda raws: [raws[0], raws[2], raws[1], *raws[3:]],
    "cut off": lambda raws: raws[:-1],
    "no genesis": lambda raws: raws[1:],
    "nothing": lambda raws: [],
    "cut entry": lambda raws: [*raws[:-1], raws[-1][:-1]],
    "another chain's": lambda raws: [*raws[:2], Writer("other").add_many(2)[1].raw, *raws[3:]],
}


def expect_refusal(page: Page, code: str, title: str) -> None:
    expect(page.locator("#failure")).to_be_visible()
    expect(page.locator("#failure")).to_have_attribute("data-code", code)
    expect(page.get_by_role("alert").get_by_role("heading")).to_have_text(title)


def expect_nothing_shown(page: Page) -> None:
    expect(page.locator("#chain")).to_be_hidden()
    expect(page.locator("#connection")).to_be_hidden()
    for words in ("first words", "second words", "third words"):
        assert words not in page.content()


@pytest.fixture
def spoken(chain: Published) -> Published:
    """A chain with three entries."""
    for words in ("first words", "second words", "third words"):
        chain.add(words)
    return chain


@pytest.mark.parametrize("lie", LIES)
def test_an_altered_history_is_refused_whole(page: Page, spoken: Published, lie: str) -> None:
    lie_about_entries(page, LIES[lie])
    page.goto(spoken.read_link())
    expect_refusal(page, "tampered", "Verification failed")
    expect_nothing_shown(page)


def test_what_is_sent_twice_is_shown_once(page: Page, spoken: Published) -> None:
    lie_about_entries(page, lambda raws: [*raws[:2], raws[1], *raws[2:]])
    page.goto(spoken.read_link())
    expect(page.locator(".badge")).to_have_text("Verified")
    expect(page.locator(".entry .seq")).to_have_text(["#3", "#2", "#1", "#0"])


@pytest.mark.parametrize("alter", [lambda text: text[:-1], lambda text: text[:-9] + "AAAAAAAAA", lambda _: "nonsense"])
def test_a_wrong_link(page: Page, spoken: Published, alter: Callable[[str], str]) -> None:
    base, _, capability = spoken.read_link().partition("#")
    page.goto(f"{base}#{alter(capability)}")
    expect_refusal(page, "wrong_capability", "This link does not work")
    expect_nothing_shown(page)


def test_a_key_of_another_chain(page: Page, demo: Server, spoken: Published) -> None:
    other = Published(demo, "another chain").writer.keys
    page.goto(spoken.link(ReadCapability(spoken.writer.keys.chain_id, 0, other.read_key())))
    expect_refusal(page, "wrong_capability", "This link does not work")
    expect_nothing_shown(page)


def test_a_chain_that_is_not_here_yet(page: Page, demo: Server, spoken: Published) -> None:
    later = Published(demo, "later", is_sent=False)
    page.goto(later.read_link())
    expect_refusal(page, "not_found", "This server does not have the chain")
    later.send(later.writer.entries)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".badge")).to_have_text("Verified")
    expect(page.locator("#failure")).to_be_hidden()


def test_an_altered_entry_that_arrives_live(page: Page, spoken: Published) -> None:
    lie_live(page, [flip(spoken.writer.next(Payload.of_text("never said").encode()).raw, 150)])
    page.goto(spoken.read_link())
    expect_refusal(page, "tampered", "Verification failed")
    expect(page.locator("#failure")).to_contain_text("The entries below were verified before this happened.")
    expect(page.locator(".badge")).to_have_text("Not verified further")
    expect(page.locator("#connection")).to_have_text("Stopped")
    expect(page.locator(".entry")).to_have_count(4)
    assert "never said" not in page.content()


def test_a_rollback_is_refused(page: Page, spoken: Published) -> None:
    page.goto(spoken.read_link())
    expect(page.locator(".entry")).to_have_count(4)
    lie_about_entries(page, lambda raws: raws[:-1], head_seq=2)
    page.reload()
    expect_refusal(page, "rollback", "The server shows less than before")
    expect_nothing_shown(page)


def test_a_fork_is_refused(page: Page, spoken: Published) -> None:
    page.goto(spoken.read_link())
    expect(page.locator(".entry")).to_have_count(4)
    other = Writer(spoken.seed)
    for words in ("first words", "second words", "another third", "and a fourth"):
        other.add(Payload.of_text(words).encode())
    lie_about_entries(page, lambda _: [entry.raw for entry in other.entries], head_seq=4)
    page.reload()
    expect_refusal(page, "fork", "Two histories")
    expect_nothing_shown(page)


def test_an_early_end_is_a_fork(page: Page, spoken: Published) -> None:
    page.goto(spoken.read_link())
    expect(page.locator(".entry")).to_have_count(4)
    end = spoken.writer.next(Payload.of_text("the end").encode(), Kind.CLOSE, after=1)
    lie_about_entries(page, lambda raws: [*raws[:2], end.raw], head_seq=2)
    page.reload()
    expect_refusal(page, "fork", "Two histories")
    assert "the end" not in page.content()


def test_two_histories_live_are_a_fork(page: Page, spoken: Published) -> None:
    other = spoken.writer.next(Payload.of_text("another third").encode(), after=2)
    lie_live(page, [other.raw])
    page.goto(spoken.read_link())
    expect_refusal(page, "fork", "Two histories")
    assert "another third" not in page.content()


def test_an_insecure_page_says_so(page: Page, spoken: Published) -> None:
    page.goto(spoken.read_link(host="cairn.test"))
    expect_refusal(page, "unsupported", "Open this page over https")
    expect_nothing_shown(page)
