"""The browser follows on a socket, or by events where none is let through; and hears what is said in passing."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from cairn.client import WriteCapability, connect
from cairn.interface.sites.bundled import web_folder
from tests.browser.published import Published
from tests.harness import Server, serving

_FOLLOW = """async (capabilities) => {
    const { ChainReader, Keyring, Live, Pins, Server, parseCapability } = await import('/sdk/cairn.js');
    const server = new Server();
    window.seen = {}, window.heard = [], window.states = [];
    for (const text of capabilities) {
        const reader = new ChainReader(server, await Keyring.of(await parseCapability(text)), new Pins());
        const seqs = window.seen[text] = (await reader.catchUp()).map(({ seq }) => seq);
        new Live(reader, {
            onItems: (items) => seqs.push(...items.map(({ seq }) => seq)),
            onState: (state) => window.states.push(state),
            onFailure: (error) => window.states.push(String(error)),
            onMessage: (data) => window.heard.push(new TextDecoder().decode(data)),
        }).start();
    }
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("live")
    (folder / "www").mkdir()
    shutil.copytree(web_folder("sdk"), folder / "www" / "sdk")
    (folder / "www" / "index.html").write_text("<!doctype html><title>live</title>")
    with serving(folder / "server", sites=[{"static": str(folder / "www")}]) as server:
        yield server
        server.assert_healthy()


def _published(server: Server, count: int, seed: str) -> list[Published]:
    return [Published(server, f"{seed} {number}") for number in range(count)]


def _capability(chain: Published) -> str:
    return chain.read_link().partition("#")[2]


def _until(page: Page, what: str) -> None:
    """Until an expression is true; asked from outside, for the page's policy lets nobody watch from within."""
    for _ in range(600):
        if page.evaluate(what):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never: {what}; {page.evaluate('[window.states, window.seen, window.heard]')}")


def test_many_chains_on_one_socket_that_is_cut(page: Page, server: Server) -> None:
    """Every entry of each, once, in order, whenever the socket ends."""
    opened: list[str] = []
    page.on("websocket", lambda socket: opened.append(socket.url))
    page.add_init_script("""
        const Real = WebSocket; window.sockets = [];
        window.WebSocket = class extends Real { constructor(...words) { super(...words); window.sockets.push(this); } };
    """)
    chains = _published(server, 10, "many")
    page.goto(server.url)
    page.evaluate(_FOLLOW, [_capability(chain) for chain in chains])
    _until(page, "window.states.filter((state) => state === 'live').length >= 10")
    assert opened == [server.url.replace("http", "ws") + "/v1/live"]
    for number in range(6):
        for chain in chains:
            chain.add(str(number))
        if number % 2 == 0:
            page.evaluate("window.sockets.at(-1).close()")
    _until(page, "Object.values(window.seen).every((seqs) => seqs.length >= 7)")
    assert page.evaluate("Object.values(window.seen)") == [list(range(7))] * 10
    assert 2 <= len(opened) <= 5


def test_where_no_socket_is_let_through(page: Page, demo: Server, chain: Published) -> None:
    page.route_web_socket("**/v1/live", lambda socket: socket.close())
    page.goto(chain.read_link())
    expect(page.locator("#connection")).to_have_text("Live")
    chain.add("by events")
    expect(page.locator(".entry").first).to_contain_text("by events")


def test_what_python_says_the_page_hears_and_the_other_way(page: Page, server: Server) -> None:
    """What is said on one socket is heard on the other; what does not verify, or was heard, is not."""
    (chain,) = _published(server, 1, "heard")
    page.goto(server.url)
    page.evaluate(_FOLLOW, [_capability(chain)])
    _until(page, "window.states.at(-1) === 'live'")
    capability = WriteCapability(chain.writer.keys)

    async def say(*words: str) -> None:
        async with connect(server.url) as session:
            for word in words:
                await session.chain(capability).send(word)

    async def hear(count: int) -> list[str]:
        """What Python hears."""
        async with connect(server.url) as session, aclosing(session.chain(capability).messages()) as messages:
            heard: list[str] = []
            async for data in messages:
                heard.append(data.decode())
                if len(heard) == count:
                    break
        return heard

    with ThreadPoolExecutor(1) as pool:  # Playwright's own event loop runs in this thread
        pool.submit(lambda: asyncio.run(say("one", "two", "three"))).result(60)
    _until(page, "window.heard.length === 3")
    assert page.evaluate("window.heard") == ["one", "two", "three"]
    with ThreadPoolExecutor(1) as pool:
        listening = pool.submit(lambda: asyncio.run(hear(1)))
        while not listening.done():  # until somebody listens
            raw = chain.writer.message(b"from the page", time.time_ns() // 1_000_000).raw
            page.evaluate(
                """(bytes) => new Promise((sent) => {
                    const socket = new WebSocket(location.origin.replace('http', 'ws') + '/v1/live');
                    socket.onopen = () => { socket.send(Uint8Array.from(bytes)); socket.send('{"beat":1}'); };
                    socket.onmessage = () => { socket.close(); sent(); };
                })""",
                list(raw),
            )
        assert listening.result(60) == ["from the page"]


def test_the_sdk_of_a_page_on_another_origin(page: Page, server: Server, tmp_path: Path) -> None:
    """Reading needs no account, from any page."""
    (chain,) = _published(server, 1, "elsewhere")
    shutil.copytree(web_folder("sdk"), tmp_path / "www" / "sdk")
    (tmp_path / "www" / "index.html").write_text("<!doctype html><title>elsewhere</title>")
    headers = {"Content-Security-Policy": ""}
    with serving(tmp_path / "other", sites=[{"static": str(tmp_path / "www"), "headers": headers}]) as other:
        page.goto(other.url)
        page.evaluate(_FOLLOW.replace("new Server()", f"new Server({server.url!r})"), [_capability(chain)])
        _until(page, "window.states.at(-1) === 'live'")
        chain.add("hello")
        _until(page, "Object.values(window.seen)[0].length === 2")
