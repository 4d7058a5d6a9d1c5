"""Notes in Chromium, on a real server: accounts, two devices, search, without a connection, and shared by a link."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

from playwright.sync_api import Browser, Page, expect

from cairn.client import sync
from tests.browser.apps import Visitor, check_accessible, check_link_is_gone, tapped
from tests.browser.dishonest import lie_about_entries
from tests.browser.pages import PASSWORD
from tests.harness import Server

FIRST_BYTES_MAX = 60 * 1024

Visitors = Callable[..., Visitor]
NAMES = (f"ann{number}" for number in itertools.count())  # accounts of one server


def fill_in(page: Page, way: str, name: str, password: str, code: str = "") -> None:
    page.get_by_role("radio", name=way).check()
    if code:
        page.get_by_label("Recovery code").first.fill(code)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password" if way != "Recover" else "New password", exact=True).first.fill(password)
    page.get_by_role("button", name=way).click()


def sign_up(page: Page, name: str, password: str = PASSWORD) -> str:
    """The recovery code, which is confirmed."""
    fill_in(page, "Sign up", name, password)
    expect(page.get_by_role("heading", name="Keep your recovery code")).to_be_visible()
    code = page.locator("#recovery").input_value()
    page.get_by_label("I have kept it").check()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name=f"Notes of {name}")).to_be_visible()
    return code


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    fill_in(page, "Sign in", name, password)
    expect(page.get_by_role("heading", name=f"Notes of {name}")).to_be_visible()


def add(page: Page, text: str) -> None:
    page.get_by_label("Note", exact=True).fill(text)
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#list .text", has_text=text)).to_have_count(1)


def shows(page: Page, *texts: str) -> None:
    """These notes, in this order, and all of them are sent."""
    expect(page.locator("#list .text")).to_have_text(list(texts))
    expect(page.locator("#list .badge:visible")).to_have_count(0)


def read_link(page: Page) -> str:
    page.get_by_role("button", name="Share").click()
    link = page.get_by_label("Link", exact=True)
    expect(link).to_have_value(re.compile("crn1r_"))
    found = link.input_value()
    page.get_by_role("button", name="Done").click()
    return found


def test_a_second_browser_signs_in_and_both_are_live(visitor: Visitors) -> None:
    name, first, second = next(NAMES), visitor().open("notes/"), visitor().open("notes/")
    sign_up(first, name)
    add(first, "from the first")
    sign_in(second, name)
    shows(second, "from the first")
    add(second, "from the second")
    shows(first, "from the second", "from the first")
    second.get_by_role("button", name="Pin: from the first").click()
    shows(first, "from the first", "from the second")
    second.get_by_role("button", name="Edit: from the second").click()
    second.get_by_label("Note", exact=True).fill("changed by the second")
    second.get_by_role("button", name="Save").click()
    shows(first, "from the first", "changed by the second")
    second.on("dialog", lambda dialog: dialog.accept())
    second.get_by_role("button", name="Delete: from the first").click()
    shows(first, "changed by the second")
    first.reload()
    shows(first, "changed by the second")


def test_the_recovery_code_must_be_confirmed_and_opens_the_account(visitor: Visitors) -> None:
    name, first, second = next(NAMES), visitor().open("notes/"), visitor().open("notes/")
    fill_in(first, "Sign up", name, PASSWORD)
    expect(first.locator("#recovery")).to_have_value(re.compile("^crn1w_"))
    code = first.locator("#recovery").input_value()
    first.context.grant_permissions(["clipboard-read", "clipboard-write"])
    first.get_by_role("button", name="Copy").first.click()
    expect(first.get_by_role("button", name="Copied")).to_be_visible()
    assert first.evaluate("navigator.clipboard.readText()") == code
    first.get_by_role("button", name="Go on").click()
    expect(first.locator("#paper")).to_be_visible()
    first.get_by_label("I have kept it").check()
    first.get_by_role("button", name="Go on").click()
    add(first, "kept")
    assert code not in first.content() + str(first.locator("#recovery").input_value())
    fill_in(second, "Recover", name, "another password", code[:-1])
    expect(second.get_by_role("alert")).to_contain_text("Copy the whole link again")
    fill_in(second, "Recover", name, "another password", code)
    shows(second, "kept")
    sign_in(visitor().open("notes/"), name, "another password")


def test_a_wrong_password_says_what_to_try(visitor: Visitors) -> None:
    name, first, second = next(NAMES), visitor().open("notes/"), visitor().open("notes/")
    sign_up(first, name)
    fill_in(second, "Sign in", name, "not this one")
    expect(second.get_by_role("alert")).to_contain_text("Check name and password, or use the recovery code.")
    expect(second.locator("#notebook")).to_be_hidden()
    second.get_by_label("Password", exact=True).fill(PASSWORD)
    second.get_by_role("button", name="Sign in").click()
    expect(second.get_by_role("heading", name=f"Notes of {name}")).to_be_visible()
    expect(second.get_by_role("alert")).to_be_hidden()


def test_a_changed_password_is_the_one_that_opens(visitor: Visitors) -> None:
    name, first, second = next(NAMES), visitor().open("notes/"), visitor().open("notes/")
    sign_up(first, name)
    add(first, "kept")
    for present, answer in (("wrong one", "Check name and password"), (PASSWORD, "The password is changed")):
        first.get_by_role("button", name="Account").click()
        first.get_by_label("Present password").fill(present)
        first.get_by_label("New password").last.fill("the newer password")
        first.get_by_role("button", name="Change password").click()
        expect(first.get_by_role("alert")).to_contain_text(answer)
    fill_in(second, "Sign in", name, PASSWORD)
    expect(second.get_by_role("alert")).to_contain_text("password was changed")
    sign_in(second, name, "the newer password")
    shows(second, "kept")


def test_signing_out_leaves_nothing_in_any_tab(visitor: Visitors) -> None:
    name, someone = next(NAMES), visitor()
    first = someone.open("notes/")
    sign_up(first, name)
    add(first, "not for the next one here")
    other = someone.open("notes/")
    shows(other, "not for the next one here")
    first.get_by_role("button", name="Account").click()
    first.get_by_role("button", name="Sign out").click()
    for page in (first, other):
        expect(page.locator("#welcome")).to_be_visible()
        assert "not for the next one here" not in page.content()


def test_search_is_done_here(visitor: Visitors) -> None:
    page = visitor().open("notes/")
    sign_up(page, next(NAMES))
    for text in ("Crème brûlée for Zoë", "a rope for the trip", "<b>bold</b> & more"):
        add(page, text)
    shows(page, "<b>bold</b> & more", "a rope for the trip", "Crème brûlée for Zoë")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    search = page.get_by_label("Search these notes")
    both = ["a rope for the trip", "Crème brûlée for Zoë"]
    for words, found in (("creme ZOE", both[1:]), ("for", both), ("<b>", ["<b>bold</b> & more"]), ("rope brulee", [])):
        search.fill(words)
        expect(page.locator("#list .text")).to_have_text(found)
    expect(page.get_by_text("No note has all of these words.")).to_be_visible()
    assert page.locator("#list b").count() == 0
    assert asked == []


def test_it_opens_and_writes_without_a_connection(visitor: Visitors, demo: Server) -> None:
    name, someone = next(NAMES), visitor()
    page = someone.open("notes/")
    sign_up(page, name)
    add(page, "before")
    shows(page, "before")
    wait_until_kept(page)
    someone.context.set_offline(True)
    page.close()
    page = someone.open("notes/")
    shows(page, "before")
    for text in ("first of all", "second", "third"):
        add(page, text)
    expect(page.locator("#list .badge:visible")).to_have_count(3)
    expect(page.locator("#connection")).to_have_text("Offline, 3 waiting")
    page.close()
    page = someone.open("notes/")
    expect(page.locator("#list .text")).to_have_text(["third", "second", "first of all", "before"])
    someone.context.set_offline(False)
    shows(page, "third", "second", "first of all", "before")
    expect(page.locator("#connection")).to_have_text("Online")
    with sync.connect(demo.url) as session:
        entries = list(session.chain(read_link(page).partition("#")[2]).entries(start=1))
    assert [entry.json()["text"] for entry in entries] == ["before", "first of all", "second", "third"]


def wait_until_kept(page: Page) -> None:
    """The page, and every file that it has loaded."""
    page.evaluate("navigator.serviceWorker.ready")
    page.wait_for_function("""async () => {
        const kept = await caches.open('cairn.page');
        const loaded = performance.getEntriesByType('resource').map(({ name }) => name);
        const files = [location.href, ...loaded.filter((url) => !url.includes('/v1/'))];
        return (await Promise.all(files.map((url) => kept.match(url)))).every(Boolean);
    }""")


def test_a_stranger_with_a_link_reads_and_cannot_write(visitor: Visitors, demo: Server) -> None:
    owner, stranger = visitor().open("notes/"), visitor()
    sign_up(owner, next(NAMES))
    add(owner, "for whoever has the link")
    link = read_link(owner)
    page = stranger.open(link)
    shows(page, "for whoever has the link")
    expect(page.get_by_text("Shared with you, to read.")).to_be_visible()
    assert page.locator("#notebook button:visible").count() == 0
    check_link_is_gone(page)
    check_accessible(page)
    add(owner, "and live")
    shows(page, "and live", "for whoever has the link")
    page.reload()
    shows(page, "and live", "for whoever has the link")
    check_link_is_gone(page)
    page.goto(f"{demo.url}/")  # another page of the same site, in the same tab: the link is not its own
    page.goto(f"{demo.url}/stream/")
    expect(page.get_by_role("heading", name="Your stream")).to_be_visible()


def test_an_altered_notebook_is_named_and_not_shown(visitor: Visitors) -> None:
    owner, stranger = visitor().open("notes/"), visitor()
    sign_up(owner, next(NAMES))
    add(owner, "true words")
    link = read_link(owner)
    page = stranger.open("")
    lie_about_entries(page, lambda raws: [*raws[:-1], bytes([*raws[-1][:-1], raws[-1][-1] ^ 1])])
    page.goto(link)
    expect(page.get_by_role("alert")).to_contain_text("Do not trust this server")
    expect(page.locator("#list .text")).to_have_count(0)


def test_nothing_of_it_is_ever_seen_by_the_server(browser: Browser, demo: Server) -> None:
    kinds = ("note, höhle", "shared note", "note without a connection", "password", "newer password")
    note, shared, offline, password, newer = (f"marker of a {kind}" for kind in kinds)
    secrets = {"name": "marker-ann", "note": note, "shared": shared, "offline": offline, "password": password}
    with tapped(demo) as tap:
        owner, stranger = Visitor(browser, tap.url), Visitor(browser, tap.url)
        page = owner.open("notes/")
        secrets["recovery code"] = sign_up(page, secrets["name"], password)
        add(page, note)
        link = read_link(page)
        reader = stranger.open(link)
        shows(reader, note)
        add(page, shared)
        shows(reader, shared, note)
        owner.context.set_offline(True)
        add(page, offline)
        owner.context.set_offline(False)
        shows(page, offline, shared, note)
        page.get_by_label("Search these notes").fill("marker of a search")
        page.get_by_role("button", name="Account").click()
        page.get_by_label("Present password").fill(password)
        page.get_by_label("New password").last.fill(newer)
        page.get_by_role("button", name="Change password").click()
        expect(page.get_by_role("alert")).to_contain_text("The password is changed")
        with sync.connect(demo.url) as session:
            public = session.chain(link.partition("#")[2]).head().chain_id.hex()
        for one in (owner, stranger):
            one.close()
        tap.check_nowhere({**secrets, "newer": newer, "search": "marker of a search"}, public=public)


def test_the_first_load_is_small(browser: Browser, demo: Server) -> None:
    with tapped(demo) as tap:
        someone = Visitor(browser, tap.url)
        page = someone.open("notes/")
        expect(page.get_by_role("heading", name="Notes that only you can read")).to_be_visible()
        wait_until_kept(page)
        first = tap.answer_bytes  # headers, and what is asked to be kept for later, too
        sign_up(page, next(NAMES))  # what stretches passwords and follows is loaded when it is needed
        add(page, "and usable")
        shows(page, "and usable")
        print(f"{first} bytes until one can sign up, {tap.answer_bytes} until a note stands")
        assert 20_000 < first < FIRST_BYTES_MAX
        assert first < tap.answer_bytes < 2 * FIRST_BYTES_MAX
        someone.close()


def test_axe_finds_nothing_serious(visitor: Visitors) -> None:
    page = visitor().open("notes/")
    expect(page.locator("#welcome")).to_be_visible()
    check_accessible(page)
    page.get_by_role("radio", name="Recover").check()
    check_accessible(page)
    fill_in(page, "Sign up", next(NAMES), PASSWORD)
    expect(page.locator("#paper")).to_be_visible()
    check_accessible(page)
    page.get_by_label("I have kept it").check()
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#notebook")).to_be_visible()
    check_accessible(page)
    add(page, "a note")
    check_accessible(page)
    for button in ("Share", "Account"):
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        check_accessible(page)
        page.keyboard.press("Escape")


def test_the_keyboard_is_enough(visitor: Visitors) -> None:
    page = visitor().open("notes/")
    expect(page.locator("#welcome")).to_be_visible()
    page.get_by_role("radio", name="Sign in").focus()
    page.keyboard.press("ArrowRight")
    for words in (next(NAMES), PASSWORD):
        page.keyboard.press("Tab")
        page.keyboard.type(words)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Keep your recovery code")).to_be_focused()
    for key in ("Tab", "Tab", "Tab", "Space", "Tab", "Enter"):
        page.keyboard.press(key)
    expect(page.locator("#title")).to_be_focused()
    for key in ("Tab", "Tab", "Tab"):
        page.keyboard.press(key)
    page.keyboard.type("typed")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    shows(page, "typed")
    pin = page.get_by_role("button", name="Pin: typed")
    pin.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Unpin: typed")).to_be_focused()
