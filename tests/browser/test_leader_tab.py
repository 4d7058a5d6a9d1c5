"""One live socket for all tabs of a browser: the leader has it; when its tab is closed, another one goes on."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, WebSocket

from tests.browser.pages import Device

OPEN = "window.log = await cairn.openLink(given);"
WATCH = """
    window.list = [];
    window.heard = [];
    log.watch((list) => { window.list = list; });
    log.hear((value) => heard.push(value));
"""
SEEN = "await until(() => list.length === given && list.every(({ isPending }) => !isPending));"


def count_sockets(pages: list[Page]) -> list[list[WebSocket]]:
    """The live sockets that each page opens from here on."""
    opened: list[list[WebSocket]] = [[] for _ in pages]

    def collect(page: Page, sockets: list[WebSocket]) -> None:
        page.on("websocket", lambda socket: sockets.append(socket))

    for page, sockets in zip(pages, opened, strict=True):
        collect(page, sockets)
    return opened


def test_tabs_share_a_socket_and_outlive_their_leader(device: Callable[[], Device]) -> None:
    writer, one = device(), device()
    capability = writer.run("window.log = await cairn.newLog(); await log.add(1); return log.capabilityText('write');")
    tabs = [one.page, one.open(), one.open()]
    sockets = count_sockets(tabs)
    for tab in tabs:
        one.run(OPEN, capability, page=tab)
        one.run(WATCH, page=tab)
        one.run(SEEN, 1, page=tab)
    writer.run("await log.add(2);")
    for tab in tabs:
        one.run(SEEN, 2, page=tab)
    assert [len(opened) for opened in sockets] == [1, 0, 0]
    for count in (3, 4):
        tabs.pop(0).close()
        writer.run("await log.add(given);", count)
        for tab in tabs:
            one.run(SEEN, count, page=tab)
    assert [len(opened) for opened in sockets] == [1, 1, 1]
    one.page = tabs[0]


def test_what_is_said_in_any_tab_is_heard_in_all(device: Callable[[], Device]) -> None:
    one, other = device(), device()
    capability = one.run("window.log = await cairn.newLog(); await log.add(1); return log.capabilityText('write');")
    tabs = [(one, one.page), (one, one.open()), (other, other.page)]
    for owner, tab in tabs:
        owner.run(OPEN, capability, page=tab)
        owner.run(WATCH, page=tab)
        owner.run(SEEN, 1, page=tab)
    for number, (owner, tab) in enumerate(tabs):
        owner.run("window.saying = setInterval(() => void log.say(given), 200);", number, page=tab)
        for hearer, heard in tabs:
            hearer.run("await until(() => heard.includes(given));", number, page=heard)
        owner.run("clearInterval(saying);", page=tab)
