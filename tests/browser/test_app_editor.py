"""The editor in Chromium, on a real server: several people write one document, and nobody else reads it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from cairn.interface.sites.bundled import web_folder
from tests.browser.apps import Visitor, check_accessible, check_link_is_gone, tapped
from tests.harness import Server, serving

TITLE = "Minutes of the club"


@dataclass
class Writer:
    """Somebody with the editor open."""

    visitor: Visitor
    page: Page

    @property
    def text(self) -> Locator:
        """The text of the document."""
        return self.page.locator(".cm-content")

    def types(self, words: str, at: str = "Control+End") -> None:
        """Type as people do, at the end or where a key leads."""
        self.text.focus()
        self.page.keyboard.press(at)
        self.page.keyboard.type(words)

    def is_saved(self) -> None:
        """Wait until all has arrived."""
        expect(self.page.locator("#connection")).to_have_text("Saved")

    def makes_link(self, button: str) -> str:
        """What the dialog gives for a button."""
        self.page.get_by_role("button", name=button).click()
        expect(self.page.locator("#link")).to_have_value(re.compile("#crn1"))
        link = self.page.locator("#link").input_value()
        self.page.get_by_role("button", name="Close").click()
        return link

    def invites(self, name: str) -> str:
        """A link for one more writer."""
        self.page.get_by_role("button", name="Share").click()
        self.page.get_by_label("Invite somebody").fill(name)
        return self.makes_link("Make an invitation")

    def shares(self) -> str:
        """A link that reads."""
        self.page.get_by_role("button", name="Share").click()
        return self.makes_link("Make a link that only reads")

    def removes(self, name: str) -> None:
        """Remove a member."""
        self.page.once("dialog", lambda dialog: dialog.accept())
        self.page.get_by_role("button", name=f"Remove {name}").click()
        expect(self.page.locator("#people")).not_to_contain_text(name)
        expect(self.page.locator("#people [aria-busy=true]")).to_have_count(0)


People = Callable[[], Visitor]


@pytest.fixture
def people(browser: Browser, demo: Server) -> Iterator[People]:
    """Makes people with browsers of their own."""
    visitors: list[Visitor] = []

    def make() -> Visitor:
        visitors.append(Visitor(browser, demo.url))
        return visitors[-1]

    yield make
    for visitor in visitors:
        visitor.close()


def maker(visitor: Visitor, title: str = TITLE, name: str = "Ann") -> Writer:
    """Who makes a document."""
    page = visitor.open("editor/")
    page.get_by_label("Title").fill(title)
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Make the document").click()
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    return Writer(visitor, page)


def comer(visitor: Visitor, link: str, title: str = TITLE) -> Writer:
    """Who opens a link."""
    page = visitor.open(link)
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    return Writer(visitor, page)


def test_three_write_at_once_and_one_of_them_without_a_connection(people: People) -> None:
    ann = maker(people())
    bob, eve = comer(people(), ann.invites("Bob")), comer(people(), ann.invites("Eve"))
    writers = [ann, bob, eve]
    ann.types("The first line.\n")
    for writer in writers:
        expect(writer.text).to_have_text("The first line.")
    eve.visitor.context.set_offline(True)
    expect(eve.page.locator("#connection")).to_have_text("Offline")
    for letters in zip("Ann at the end", "Bob at the top", "Eve far away..", strict=True):
        for writer, letter, at in zip(writers, letters, ("Control+End", "Control+Home", "Control+End"), strict=True):
            writer.types(letter, at if letter in "ABE" else "F8")
    expect(eve.page.locator("#connection")).to_have_text("Offline: changes wait here")
    expect(ann.text).to_contain_text("Bob at the top")
    expect(bob.text).to_contain_text("Ann at the end")
    expect(bob.text).not_to_contain_text("Eve far")
    eve.visitor.context.set_offline(False)
    for writer in writers:
        for words in ("The first line.", "Ann at the end", "Bob at the top", "Eve far away.."):
            expect(writer.text).to_contain_text(words)
        writer.is_saved()
    assert len({writer.text.inner_text().strip() for writer in writers}) == 1


def test_they_see_each_others_cursors(people: People) -> None:
    ann = maker(people())
    bob = comer(people(), ann.invites("Bob"))
    ann.types("One two three")
    expect(bob.text).to_have_text("One two three")
    bob.text.focus()
    bob.page.keyboard.press("Control+Home")
    for _ in range(3):
        bob.page.keyboard.press("Shift+ArrowRight")
    expect(ann.page.locator(".caret[title=Bob]")).to_have_count(1)
    expect(ann.page.locator(".selected")).to_have_text("One")
    colors = [
        ann.page.locator(one).evaluate("(element) => getComputedStyle(element).getPropertyValue('--who')")
        for one in (".caret", "#people li:nth-child(2)")
    ]
    assert colors[0] == colors[1] != ""
    expect(ann.page.locator("#people li")).to_have_text(["Ann (you)", "Bob×"])
    expect(bob.page.locator("#people li")).to_have_text(["Ann (owner)", "Bob (you)"])
    expect(ann.page.locator("#people [title=here]")).to_have_count(2)
    bob.page.close()
    expect(ann.page.locator(".caret")).to_have_count(0)
    expect(ann.page.locator("#people [title=here]")).to_have_count(1)


def test_who_was_removed_reads_nothing_more_and_writes_nothing(people: People) -> None:
    ann = maker(people())
    bob, eve = comer(people(), ann.invites("Bob")), comer(people(), ann.invites("Eve"))
    eve.types("Eve was here. ")
    for writer in (ann, bob):
        expect(writer.text).to_have_text("Eve was here.")
    ann.removes("Eve")
    expect(eve.page.locator("#notice")).to_contain_text("You were removed")
    bob.types("A secret.")
    expect(ann.text).to_have_text("Eve was here. A secret.")
    expect(eve.text).to_have_attribute("contenteditable", "false")
    eve.page.reload()
    expect(eve.page.locator("#notice")).to_contain_text("You were removed")
    expect(eve.text).to_have_text("Eve was here.")
    expect(eve.page.locator("#people")).not_to_contain_text("Eve")
    link = ann.shares()
    reader = comer(people(), link)
    expect(reader.text).to_have_text("Eve was here. A secret.")


@pytest.mark.parametrize("how", ["Escape", "Close", "Make a link that only reads"])
def test_a_link_is_not_kept_in_the_dialog(people: People, how: str) -> None:
    """However it is closed; also while a link is being made, which then comes for nobody."""
    ann = maker(people())
    page, link = ann.page, ann.page.locator("#link")
    page.get_by_role("button", name="Share").click()
    name = page.get_by_label("Invite somebody")
    name.fill("Bob")
    page.get_by_role("button", name="Make an invitation").click()
    expect(link).to_have_value(re.compile("#crn1"))
    expect(page.get_by_label("For Bob alone, who writes by it")).to_be_visible()
    if how == "Escape":
        page.keyboard.press(how)
    elif how == "Close":
        page.get_by_role("button", name=how).click()
    else:
        page.evaluate("document.querySelector('#reader').click(), document.querySelector('#sharing').close()")
        expect(page.locator("#invite")).to_have_attribute("aria-busy", "false")
    expect(page.locator("#sharing")).not_to_be_visible()
    expect(link).to_have_value("")
    page.get_by_role("button", name="Share").click()
    expect(page.get_by_label("Link", exact=True)).to_have_value("")
    expect(name).to_have_value("")


def test_a_readers_link_reads_along(people: People) -> None:
    ann = maker(people())
    reader = comer(people(), ann.shares())
    expect(reader.page.locator("#notice")).to_have_text("You read along.")
    ann.types("Read this")
    expect(reader.text).to_have_text("Read this")
    expect(reader.text).to_have_attribute("contenteditable", "false")
    expect(reader.page.get_by_role("button", name="Remove")).to_have_count(0)
    reader.page.get_by_role("button", name="Share").click()
    expect(reader.page.get_by_label("Invite somebody")).to_be_hidden()
    check_link_is_gone(reader.page)


def test_the_browser_knows_its_documents(people: People) -> None:
    ann = maker(people())
    ann.types("Kept")
    ann.is_saved()
    ann.page.get_by_role("link", name="All documents").click()
    expect(ann.page.locator("#documents li")).to_have_text([f"{TITLE}You write as Ann"])
    ann.page.get_by_role("link", name=TITLE).click()
    expect(ann.text).to_have_text("Kept")
    expect(ann.page.get_by_role("button", name="Share")).to_be_visible()
    bob = comer(people(), ann.invites("Bob"))  # so Ann still owns it
    other = bob.visitor.open("editor/")
    other.get_by_role("link", name=TITLE).click()
    expect(other.locator("#people")).to_contain_text("Bob (you)")


def test_the_page_opens_and_keeps_what_is_typed_without_a_connection(people: People) -> None:
    ann = maker(people())
    bob = comer(people(), ann.invites("Bob"))
    bob.types("Before. ")
    bob.is_saved()
    bob.page.evaluate("navigator.serviceWorker.ready")
    bob.page.reload()
    expect(bob.text).to_have_text("Before.")
    bob.visitor.context.set_offline(True)
    bob.page.reload()
    expect(bob.text).to_have_text("Before.")
    bob.types("On a train.")
    expect(bob.page.locator("#connection")).to_have_text("Offline: changes wait here")
    bob.page.reload()
    expect(bob.text).to_have_text("Before. On a train.")
    expect(ann.text).to_have_text("Before.")
    bob.visitor.context.set_offline(False)
    expect(ann.text).to_have_text("Before. On a train.")
    bob.is_saved()


def test_what_is_no_text_breaks_no_editor(people: People) -> None:
    ann = maker(people())
    eve = people().open("editor/")
    eve.evaluate(
        """async (link) => {
            const { connect } = await import('/sdk/cairn.min.js');
            const { bindYjs } = await import('/sdk/yjs.js');
            const { Y } = await import('/editor/vendor/collab.js');
            const space = await connect().openSpace(link);
            const doc = new Y.Doc();
            const binding = bindYjs({ Y, doc, space });
            await binding.loaded;
            doc.getText('text').insertEmbed(0, { length: 5 });
            await binding.flush();
            await space.add(new Uint8Array([1, 2, 3, 250]));
        }""",
        ann.invites("Eve"),
    )
    expect(ann.page.get_by_role("alert")).to_contain_text("Eve wrote an entry that is no change of this document")
    bob = comer(people(), ann.invites("Bob"))
    ann.types("Well")
    expect(bob.text).to_have_text("Well")
    bob.types(" done")
    for writer in (ann, bob):
        expect(writer.text).to_have_text("Well done")


def test_a_link_that_is_not_whole_is_told(people: People) -> None:
    ann = maker(people())
    page = people().open(ann.invites("Bob")[:-3])
    expect(page.get_by_role("alert")).to_contain_text("Copy the whole link again")


def test_nothing_of_it_is_found_anywhere_else(browser: Browser, tmp_path: Path) -> None:
    words = {
        "title": "Quartzite Ledger",
        "owner": "Wilhelmina",
        "member": "Bartholomew",
        "text": "obsidian lanterns at dusk",
    }
    with (
        serving(tmp_path, sites=[{"static": str(web_folder("apps"))}]) as server,
        tapped(server) as tap,
    ):
        ann = maker(Visitor(browser, tap.url), words["title"], words["owner"])
        bob = comer(Visitor(browser, tap.url), ann.invites(words["member"]), words["title"])
        reader = comer(Visitor(browser, tap.url), ann.shares(), words["title"])
        bob.types(words["text"])
        for writer in (ann, reader):
            expect(writer.text).to_have_text(words["text"])
        expect(ann.page.locator(".caret")).to_have_count(1)
        for writer in (ann, bob, reader):
            check_link_is_gone(writer.page)
        chain = bob.page.evaluate(
            "performance.getEntriesByType('resource').map(({ name }) => name).find((name) => name.includes('/entries'))"
        )
        for writer in (ann, bob, reader):
            writer.visitor.close()
        tap.check_nowhere(words, public=chain.split("/chains/")[1][:64])


def test_all_can_use_it(people: People) -> None:
    ann = maker(people())
    bob = comer(people(), ann.invites("Bob"))
    ann.types("# A heading\n\nWith *some* text, and `code`.")
    bob.types(" More.")
    expect(ann.page.locator(".caret")).to_have_count(1)
    check_accessible(ann.page)
    ann.page.get_by_role("button", name="Share").click()
    check_accessible(ann.page)
    ann.page.get_by_role("button", name="Close").click()
    ann.page.get_by_role("link", name="All documents").click()
    expect(ann.page.get_by_role("link", name=TITLE)).to_be_visible()
    check_accessible(ann.page)


def test_it_is_used_by_keyboard_alone(people: People) -> None:
    page = people().open("editor/")
    expect(page.get_by_label("Title")).to_be_visible()
    page.get_by_label("Title").focus()
    page.keyboard.type(TITLE)
    page.keyboard.press("Tab")
    page.keyboard.type("Ann")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=TITLE)).to_be_visible()
    page.get_by_role("button", name="Share").focus()
    page.keyboard.press("Enter")
    page.keyboard.type("Bob")
    page.keyboard.press("Enter")
    expect(page.locator("#link")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#people")).to_contain_text("Bob")
