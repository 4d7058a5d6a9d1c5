"""The reader's rule over time, on the page of a chain: trims, pins of earlier visits, other tabs, kept pages."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, expect

from cairn.client.format.payload import Payload
from cairn.core.chain import Kind, decode_batch
from tests.browser.dishonest import lie_about_entries
from tests.browser.published import Published
from tests.browser.test_chain_page_refusals import expect_refusal


def checkpointed(chain: Published, floor: int) -> None:
    """Entries 1 to 5, a checkpoint as number 6 with this floor, and one more entry."""
    for number in range(1, 6):
        chain.add(f"stone {number}")
    chain.add("so far", Kind.CHECKPOINT, floor)
    chain.add("stone 7")


def leave_out(page: Page, first: int, last: int) -> None:
    """Drop the entries with these seqs, as a trim does."""
    lie_about_entries(page, lambda raws: [entry.raw for entry in decode_batch(raws) if not first <= entry.seq <= last])


def test_a_new_reader_begins_at_the_checkpoint(page: Page, chain: Published) -> None:
    checkpointed(chain, floor=4)
    leave_out(page, 1, 3)
    page.goto(chain.read_link())
    expect(page.locator(".badge")).to_have_text("Verified")
    expect(page.locator(".entry .seq")).to_have_text(["#7", "#6", "#0"])
    expect(page.locator(".facts")).to_contain_text("Dropped")
    expect(page.locator(".missing")).to_have_text("5 entries before this one: given up by the writer, not shown.")


def test_without_a_floor_nothing_may_be_left_out(page: Page, chain: Published) -> None:
    checkpointed(chain, floor=0)
    leave_out(page, 1, 3)
    page.goto(chain.read_link())
    expect_refusal(page, "tampered", "Verification failed")


def test_what_was_seen_before_is_met_again_after_a_trim(page: Page, chain: Published) -> None:
    for number in range(1, 6):
        chain.add(f"stone {number}")
    page.goto(chain.read_link())
    expect(page.locator(".entry")).to_have_count(6)
    page.goto("about:blank")
    chain.add("so far", Kind.CHECKPOINT, 4)
    leave_out(page, 1, 3)
    page.goto(chain.read_link())
    expect(page.locator(".entry .seq")).to_have_text(["#6", "#5", "#0"])
    expect(page.locator(".missing")).to_contain_text("4 entries")


def test_meeting_it_again_does_not_excuse_what_is_left_out(page: Page, chain: Published) -> None:
    for number in range(1, 6):
        chain.add(f"stone {number}")
    page.goto(chain.read_link())
    expect(page.locator(".entry")).to_have_count(6)
    leave_out(page, 1, 3)
    page.reload()
    expect_refusal(page, "tampered", "Verification failed")


def test_a_checkpoint_can_not_hide_what_was_seen(page: Page, chain: Published) -> None:
    for number in range(1, 6):
        chain.add(f"stone {number}")
    page.goto(chain.read_link())
    expect(page.locator(".entry")).to_have_count(6)
    page.goto("about:blank")
    chain.add("so far", Kind.CHECKPOINT, 4)
    leave_out(page, 1, 5)
    page.goto(chain.read_link())
    expect_refusal(page, "tampered", "Verification failed")


def test_a_close_stands_for_all(page: Page, chain: Published) -> None:
    chain.add("one")
    page.goto(chain.read_link())
    expect(page.locator(".entry")).to_have_count(2)
    page.goto("about:blank")
    chain.add("two")
    chain.close("the end")
    leave_out(page, 1, 2)
    page.goto(chain.read_link())
    expect(page.locator(".entry .seq")).to_have_text(["#3", "#0"])
    expect(page.locator("#connection")).to_have_text("Closed")


def test_a_page_that_the_browser_kept_is_not_the_head(page: Page, chain: Published) -> None:
    chain.send([*chain.writer.add_many(255)])
    page.goto(chain.read_link())
    expect(page.locator(".facts")).to_contain_text("#255")
    chain.add("after the page was full")
    expect(page.locator(".facts")).to_contain_text("#256")
    page.reload()
    expect(page.locator(".facts")).to_contain_text("#256")
    expect(page.locator("#failure")).to_be_hidden()


def test_another_tab_may_be_ahead(browser: Browser, chain: Published) -> None:
    context = browser.new_context()
    behind, ahead = context.new_page(), context.new_page()
    behind.goto(chain.read_link())
    expect(behind.locator("#connection")).to_have_text("Live")
    first, second = (chain.writer.add(Payload.of_text(words).encode()) for words in ("one", "two"))
    behind.evaluate(
        "([chain, head]) => localStorage.setItem(`cairn.head.${chain}`, head)", [chain.id, f"2 {second.hash.hex()}"]
    )
    chain.send([first])
    expect(behind.locator(".entry").first).to_contain_text("one")
    chain.send([second])
    expect(behind.locator(".entry").first).to_contain_text("two")
    ahead.goto(chain.read_link())
    expect(ahead.locator(".entry")).to_have_count(3)
    context.close()
