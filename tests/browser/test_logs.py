"""Logs in Chromium, on a real server: written, watched, shared by links, rotated, written offline and in two tabs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser

from cairn.client import sync
from cairn.core.chain import Entry, Kind
from tests.browser.dishonest import lie_about_entries
from tests.browser.pages import Device, application
from tests.harness import Server

NEW = "window.log = await cairn.newLog(); return log.capabilityText('write');"
OPEN = "window.log = await cairn.openLink(given);"
WATCH = "window.list = []; window.calls = 0; log.watch((list) => { window.list = list; window.calls += 1; });"
SHOWN = "return list.map(({ seq, value, isPending }) => [seq, value, isPending]);"


def python_values(server: Server, capability: str) -> list[Any]:
    """The log as the Python SDK reads it: JSON values, and texts."""
    with sync.connect(server.url) as session:
        entries = list(session.chain(capability).entries(start=1))
        return [entry.json() if entry.payload.content_type == 2 else entry.text() for entry in entries]


def test_what_is_added_is_watched_everywhere(device: Callable[[], Device]) -> None:
    writer, reader = device(), device()
    writer.run(NEW)
    writer.run(WATCH)
    assert writer.run("return log.add({ n: 1 });") == {"seq": 1}
    reader.run(OPEN, writer.run("return log.link();"))
    reader.run(WATCH)
    reader.run("await until(() => list.length === 1);")
    writer.run("await Promise.all([2, 3, 4].map((n) => log.add({ n })));")
    for one in (writer, reader):
        one.run("await until(() => list.length === 4 && list.every(({ isPending }) => !isPending));")
        assert one.run(SHOWN) == [[n, {"n": n}, False] for n in range(1, 5)]
    writer.run("await until(() => cairn.pending.value === 0 && cairn.status.value === 'online');")


def test_python_reads_what_the_browser_writes_and_the_other_way(device: Callable[[], Device], app: Server) -> None:
    one = device()
    capability = one.run(NEW)
    one.run("await log.add({ from: 'browser', text: 'höhle \\u{1F600}' }); await log.add('text');")
    assert python_values(app, capability) == [{"from": "browser", "text": "höhle \U0001f600"}, "text"]
    with sync.connect(app.url) as session:
        chain = session.chain(capability)
        chain.append_json({"from": "python"})
        read = chain.rotate()
        chain.append("after the rotation")
        chain.checkpoint("the state", trims=True)
        chain.append("after the checkpoint")
    assert one.run("return values(log);")[2:] == [
        {"from": "python"}, "after the rotation", "the state", "after the checkpoint",
    ]  # fmt: skip
    one.run("await log.rotate(); await log.add('after both'); await log.snapshot((state) => state + 1, 0);")
    other = device()
    other.run(OPEN, str(read))
    assert "after both" not in other.run("return values(log);")
    with sync.connect(app.url) as session:
        last = list(session.chain(capability).entries())[-1]
        assert (last.kind, last.text()) == (Kind.CHECKPOINT, "the state11")
        assert session.chain(capability).verify().unreadable == 0


def test_a_stranger_with_a_link_reads_and_cannot_write(device: Callable[[], Device], app: Server) -> None:
    writer, stranger = device(), device()
    writer.run(NEW)
    writer.run("await log.add('for you');")
    link = writer.run("return log.link({ page: location.origin + '/' });")
    page = stranger.open("#" + link.partition("#")[2])
    stranger.run("window.log = await cairn.openLink();", page=page)
    assert stranger.run("return values(log);", page=page) == ["for you"]
    for attempt in ("log.add('mine')", "log.rotate()", "log.end()", "log.link({ can: 'write' })"):
        assert stranger.run(f"return attempt(() => {attempt});", page=page)["code"] == "forbidden"
    assert page.url == f"{app.url}/"
    assert "crn1" not in stranger.run("return JSON.stringify([history.state, { ...sessionStorage }]);", page=page)
    page.reload()
    again = """async () => {
        const { connect } = await import('/sdk/cairn.js');
        const log = await connect().openLink();
        await log.catchUp();
        return log.list[0].value;
    }"""
    assert page.evaluate(again) == "for you"


def test_a_verify_link_reads_nothing(device: Callable[[], Device]) -> None:
    writer, stranger = device(), device()
    writer.run(NEW)
    writer.run("await log.add('hidden');")
    stranger.run(OPEN, writer.run("return log.link({ can: 'verify' });"))
    assert stranger.run("await log.catchUp(); return log.list.map(({ problem }) => problem.code);") == ["key_missing"]
    report = stranger.run(
        "const { isGood, entries, unreadable } = await log.verify(); return [isGood, entries, unreadable];"
    )
    assert report == [True, 2, 1]


def test_who_is_left_out_reads_nothing_that_comes_after(device: Callable[[], Device]) -> None:
    writer, removed, kept = device(), device(), device()
    writer.run(NEW)
    writer.run("await log.add('before');")
    removed.run(OPEN, writer.run("return log.link();"))
    removed.run(WATCH)
    writer.run("await log.rotate(); await log.add('after');")
    kept.run(OPEN, writer.run("return log.link();"))
    assert kept.run("return values(log);") == ["before", "after"]
    removed.run("await until(() => list.length === 3);")
    assert removed.run("return list.map(({ value, problem }) => value ?? problem.code);") == [
        "before", "key_missing", "key_missing",
    ]  # fmt: skip


def test_a_snapshot_is_where_others_begin(device: Callable[[], Device]) -> None:
    writer, reader = device(), device()
    capability = writer.run(NEW)
    sum_up = "(sum, { value }) => sum + (value?.n ?? 0)"
    writer.run("for (const n of [1, 2, 3]) await log.add({ n });")
    assert writer.run(f"return log.reduce({sum_up}, 0);") == 6
    assert writer.run(f"return log.snapshot({sum_up}, 0);") == {"seq": 4}
    writer.run("await log.add({ n: 10 });")
    reader.run(OPEN, capability)
    assert reader.run(f"return log.reduce({sum_up}, 0);") == 16
    assert reader.run("return log.list.map(({ kind }) => kind);") == [*["entry"] * 3, "snapshot", "entry"]


def test_a_snapshot_and_what_belongs_to_it_are_written_together(device: Callable[[], Device]) -> None:
    one, other = device(), device()
    capability = one.run(NEW)
    other.run(OPEN, capability)
    one.run("await log.add('a'); await log.add('b');")
    other.page.evaluate("() => { window.adding = Promise.all([...'cdefgh'].map((text) => log.add(text))); }")
    one.run("await log.snapshotOf(() => [log.list.length, 'part 2', 'part 3']); await log.snapshotOf(() => []);")
    other.run("await adding;")
    one.run("await log.catchUp();")
    values = one.run("return log.list.map(({ kind, value }) => [kind, value]);")
    at = next(index for index, (kind, _) in enumerate(values) if kind == "snapshot")
    assert values[at : at + 3] == [["snapshot", at], ["entry", "part 2"], ["entry", "part 3"]]
    assert len(values) == 11


def test_a_log_that_another_device_is_to_begin_is_followed(device: Callable[[], Device]) -> None:
    writer, other = device(), device()
    other.run(OPEN, writer.run(NEW))
    other.run(WATCH)
    other.run("await until(() => calls > 0);")
    writer.run("await log.add('first');")
    other.run("await until(() => list.length === 1);")
    writer.run("await log.add('second');")
    other.run("await until(() => list.length === 2);")


def test_what_is_added_offline_arrives_later_in_order_and_once(device: Callable[[], Device], app: Server) -> None:
    one = device()
    capability = one.run(NEW)
    one.run("await log.add('first');")
    one.run(WATCH)
    one.context.set_offline(True)
    assert one.run("return Promise.all(['a', 'b', 'c'].map((text) => log.add(text)));") == [{"seq": None}] * 3
    one.run("await until(() => cairn.pending.value === 3);")
    one.run("await until(() => list.length === 4);")
    assert one.run(SHOWN)[1:] == [[None, "a", True], [None, "b", True], [None, "c", True]]
    one.run("await until(() => cairn.status.value === 'offline');")
    one.page.close()
    one.context.set_offline(False)
    one.page = one.open()
    one.run(OPEN, capability)
    one.run("await until(() => cairn.pending.value === 0 && log.list.every(({ isPending }) => !isPending));")
    assert python_values(app, capability) == ["first", "a", "b", "c"]


def test_an_answer_that_is_lost_makes_no_second_entry(device: Callable[[], Device], app: Server) -> None:
    one = device()
    capability = one.run(NEW)
    lost: list[str] = []

    def lose(route: Any) -> None:
        route.fetch()  # the server has it
        lost.append(route.request.url)
        route.abort()

    one.page.route("**/v1/chains/*/entries", lose)
    assert one.run("return log.add('once');") == {"seq": None} or len(lost) > 0
    one.page.close()
    one.page = one.open()
    one.run(OPEN, capability)
    one.run("await until(() => cairn.pending.value === 0);")
    one.run("await log.add('twice');")
    assert python_values(app, capability) == ["once", "twice"]


TOGETHER = """
    const begin = await new Promise((held) => {
        navigator.locks.request(`cairn.chain.${log.id}`, () => new Promise((done) => held(done)));
    });
    const adding = Promise.all(["is it there?", "and this?"].map((text) => log.add(text)));
    await until(() => cairn.pending.value === 2);
    begin();
    return adding;
"""


@pytest.mark.parametrize("more", ["", "await log.add('more');"])
def test_what_nobody_can_tell_any_more_is_sent_again_rather_than_lost(
    device: Callable[[], Device], app: Server, more: str
) -> None:
    """The snapshot names the entry right before it, so of that one it is known; not if others wrote more between."""
    one, other = device(), device()
    capability = one.run(NEW)
    one.run("await log.add('before');")

    def lose(route: Any) -> None:
        route.fetch()  # the server has it
        route.abort()

    one.page.route("**/v1/chains/*/entries", lose)
    one.page.route("**/v1/chains/*/entries?*", lambda route: route.abort())
    assert one.run(TOGETHER) == [{"seq": None}] * 2
    one.page.close()
    other.run(OPEN, capability)
    other.run("await log.catchUp();" + more + "await log.snapshot((all, { value }) => [...all, value], []);")
    (snapshot,) = [value for value in python_values(app, capability) if isinstance(value, list)]
    assert snapshot == ["before", "is it there?", "and this?", *(["more"] if more else [])]
    one.page = one.open()
    dropped = range(1, 1 + len(snapshot))
    lie_about_entries(
        one.page, lambda raws: [raw for raw in raws if Entry.decode(raw).seq not in dropped]
    )  # a day later
    one.run(OPEN, capability)
    one.run("await until(() => cairn.pending.value === 0);")
    one.run("await log.add('and goes on');")
    again = ["is it there?", "and this?"] if more else []
    assert python_values(app, capability)[len(snapshot) :] == [snapshot, *again, "and goes on"]


def test_two_tabs_share_one_queue(device: Callable[[], Device], app: Server) -> None:
    one = device()
    capability = one.run(NEW)
    tabs = [one.page, one.open()]
    one.run(OPEN, capability, page=tabs[1])
    for tab in tabs:
        one.run(WATCH, page=tab)
    for number, tab in enumerate(tabs):
        tab.evaluate(
            "(tab) => { window.adding = Promise.all([...Array(40).keys()].map((n) => log.add({ tab, n }))); }", number
        )
    for tab in tabs:
        one.run("await adding;", page=tab)
        one.run("await until(() => list.length === 80 && list.every(({ isPending }) => !isPending));", page=tab)
    values = python_values(app, capability)
    for number in range(2):
        assert [value["n"] for value in values if value["tab"] == number] == list(range(40))


def test_two_devices_write_at_once(device: Callable[[], Device], app: Server) -> None:
    first, second = device(), device()
    capability = first.run(NEW)
    second.run(OPEN, capability)
    for number, one in enumerate((first, second)):
        one.page.evaluate(
            "(who) => { window.adding = (async () => { for (let n = 0; n < 10; n++) await log.add([who, n]); })(); }",
            number,
        )
    for one in (first, second):
        one.run("await adding;")
    values = python_values(app, capability)
    assert sorted(values) == [[who, n] for who in range(2) for n in range(10)]


def test_what_cannot_be_added_says_so(device: Callable[[], Device]) -> None:
    one = device()
    one.run(NEW)
    for value, code in (
        ("undefined", "invalid"),
        ("'x'.repeat(70000)", "too_large"),
        ("'\\ud800'", "invalid"),
        ("10n", "invalid"),
    ):
        answer = one.run(f"return attempt(() => log.add({value}));")
        assert answer["code"] == code
        assert answer["hint"]
    one.run("await log.add('last'); await log.end('farewell');")
    assert one.run("return attempt(() => log.add('more'));")["code"] == "closed"
    one.run("await until(() => cairn.pending.value === 0 && log.list.length === 2);")


def test_without_a_grant_it_is_refused_and_says_what_to_try(browser: Browser, tmp_path: Any) -> None:
    with application(tmp_path, interface={"admission": "grant"}) as server:
        one = Device(browser, server)
        one.run(NEW)
        answer = one.run("return attempt(() => log.add('x'));")
        assert answer["code"] == "forbidden"
        assert "grant" in answer["hint"]
        one.run("await until(() => cairn.pending.value === 0);")
        one.close()


def test_an_insecure_page_is_refused_with_the_remedy(browser: Browser, app: Server) -> None:
    page = browser.new_page()
    page.goto(f"http://cairn.test:{app.port}/")
    answer = page.evaluate("""async () => {
        const { connect } = await import('/sdk/cairn.js');
        try { connect(); } catch ({ code, hint }) { return [code, hint]; }
    }""")
    page.close()
    assert answer[0] == "unsupported"
    assert "https" in answer[1]


def test_a_log_that_belongs_to_the_browser(device: Callable[[], Device], app: Server) -> None:
    one, other = device(), device()
    tabs = [one.page, one.open()]
    for tab in tabs:
        tab.evaluate("() => { window.opening = cairn.open('mine'); }")
    assert len({one.run("window.log = await opening; return log.id;", page=tab) for tab in tabs}) == 1
    one.context.set_offline(True)
    one.run("await log.add('made without a connection');")
    one.context.set_offline(False)
    one.run("await log.add('and with one');", page=tabs[1])
    capability = one.run("return log.capabilityText('write');")
    one.run("await until(() => cairn.pending.value === 0);")
    assert python_values(app, capability) == ["made without a connection", "and with one"]
    assert one.run("return (await cairn.open('another')).id !== log.id;")
    assert other.run("return (await cairn.open('mine')).id;") != one.run("return log.id;")
    kept = one.run("""
        const { database } = await cairn.browser.storage();
        const found = await database.list('keys', `log ${cairn.browser.server.base} ${cairn.realm} mine`);
        return new TextDecoder('latin1').decode(found[0].value);
    """)
    assert "crn1" not in kept


def test_a_link_is_remembered_for_the_page_that_it_opened(device: Callable[[], Device]) -> None:
    one = device()
    one.run(NEW)
    link = one.run("return log.capabilityText('read');")
    page = one.open(f"?here#{link}")
    one.run("await cairn.openLink();", page=page)
    assert one.run("return cairn.hasLink;", page=page)
    one.run("history.replaceState(null, '', '/elsewhere/');", page=page)
    assert not one.run("return cairn.hasLink;", page=page)


def test_a_log_is_there_again_without_a_connection(device: Callable[[], Device]) -> None:
    one = device()
    capability = one.run(NEW)
    one.run("await log.add('kept'); await log.add('too'); await log.catchUp();")
    page = one.open()
    one.run("await cairn.newLog();", page=page)  # the modules that write are loaded
    one.context.set_offline(True)
    one.run(OPEN, capability, page=page)
    assert one.run("return values(log);", page=page) == ["kept", "too"]
    assert one.run("return cairn.status.value;", page=page) == "offline"
