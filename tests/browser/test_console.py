"""The console in Chromium, on a real server with a real load: what it shows, to whom, and how it is used."""

from __future__ import annotations

import json
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from cairn.interface.admission.secret import NodeSecret
from cairn.interface.sites.bundled import web_folder
from cairn.testing.chains import Writer, random_block
from cairn.wire.messages import encode_entries
from tests.browser.axe import NODE_MODULES, findings
from tests.harness import Server, serving
from tests.waiting import wait_for

PAGES = ("overview", "cache", "clients", "storage")
TRANSFER_BYTES_MAX = 80 * 1024
AFAR = {"X-Forwarded-For": "203.0.113.9"}

OWN = re.compile(r'in_flight|free_disk|^cairn_connections$|^process_|route="(get_metrics|get_console_data|site)"')
"""What asking and showing changes by itself, and what others on this machine change."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One whose cache is small enough to evict."""
    with serving(
        tmp_path_factory.mktemp("console"), deployment="one", cache={"memory": "96KiB", "disk": "8MiB"}
    ) as started:
        yield started


@contextmanager
def load_on(server: Server) -> Iterator[None]:
    """Somebody puts, gets, misses and appends, as long as this lasts."""
    stop = threading.Event()
    thread = threading.Thread(target=_work, args=(server, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _work(server: Server, stop: threading.Event) -> None:
    blocks = [random_block(f"load {number}", 1_000 + 400 * number) for number in range(40)]
    writer = Writer(str(time.monotonic_ns()))
    chain = f"/v1/chains/{writer.keys.chain_id.hex()}/entries"
    server.ask("POST", chain, encode_entries(writer.entries))
    while not stop.is_set():
        for block in blocks:
            path = f"/v1/blocks/{block.id.hex()}"
            server.ask("PUT", path, block.data)
            server.ask("GET", path)
            server.ask("GET", f"/v1/blocks/{blocks[0].id.hex()}")
            server.ask("GET", "/v1/blocks/" + "0" * 64)
            if stop.wait(0.01):
                return


FADING = "cairn_cache_hot_requests"


def metrics(server: Server) -> dict[str, float]:
    lines = [line for line in server.ask("GET", "/metrics").body.decode().splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def open_page(page: Page, server: Server, name: str = "overview") -> None:
    page.goto(f"{server.url}/console/#{name}")
    expect(page.locator("#page[data-time]")).to_be_attached()


def shown(page: Page) -> dict[str, float]:
    """Every number that the page takes from /metrics as it is."""
    found = page.evaluate("[...document.querySelectorAll('data')].map((datum) => [datum.dataset.metric, datum.value])")
    return {name: float(value) for name, value in found}


def sample_time(page: Page) -> float:
    return float(page.locator("#page").get_attribute("data-time") or 0) / 1_000


def wait_for_sample(page: Page, after: float) -> None:
    """Wait until what is shown is from later than `after` (unix seconds)."""
    page.wait_for_function("(after) => Number(document.getElementById('page').dataset.time) > after", arg=after * 1_000)


# --- the numbers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_every_number_is_the_one_in_metrics(page: Page, server: Server, name: str) -> None:
    with load_on(server):
        open_page(page, server, name)
        before, at = metrics(server), time.time()
        wait_for_sample(page, at + 1)
        under_load = shown(page)
        after = metrics(server)
    assert len(under_load) >= 5
    for metric, value in under_load.items():
        if metric.split("{")[0].endswith("_total"):
            assert before.get(metric, 0) <= value <= after[metric], metric
    wait_for_sample(page, time.time() + 1)
    at_rest, known = shown(page), metrics(server)
    for metric, value in at_rest.items():
        if FADING in metric:  # the last of the list may have left it meanwhile
            assert value == pytest.approx(known.get(metric, value), rel=0.01), metric
        elif not OWN.search(metric):
            assert value == known[metric], metric
    assert {metric for metric in under_load if FADING not in metric} <= known.keys()


def test_what_is_shown_is_what_was_done(page: Page, tmp_path: Path) -> None:
    blocks = [random_block(f"shown {number}", 5_000) for number in range(3)]
    with serving(tmp_path, deployment="one") as server:
        for block in blocks:
            server.ask("PUT", f"/v1/blocks/{block.id.hex()}", block.data)
            for _ in range(4):
                server.ask("GET", f"/v1/blocks/{block.id.hex()}")
        done = time.time()
        open_page(page, server, "storage")
        wait_for_sample(page, done)
        expect(page.locator(".tile", has_text="Blocks").locator("data").first).to_have_text("3")
        page.get_by_role("link", name="Cache").click()
        memory = page.locator("section", has_text="Memory")
        expect(memory.locator(".tile", has_text="Hits")).to_contain_text("12")
        expect(memory.locator(".tile", has_text="Hits")).to_contain_text("58.6 KiB")
        page.get_by_role("link", name="Clients").click()
        row = page.locator("tr", has_text="put_block").first
        expect(row).to_contain_text("put_block")
        assert row.locator("td").all_inner_texts()[-1] == "" or "3" in row.locator("td").all_inner_texts()


def test_charts_have_a_past_at_once(page: Page, server: Server) -> None:
    with load_on(server):
        wait_for(lambda: len(server.ask("GET", "/console/data").json["rows"]) >= 8)
    open_page(page, server, "overview")
    chart = page.locator("figure", has_text="Answers per second")
    chart.get_by_text("As a table").click()
    rows = chart.locator("tbody tr")
    expect(rows.nth(7)).to_be_attached()
    assert chart.locator("thead th").all_inner_texts() == ["Time", "done", "refused", "failed"]
    done = [
        float(text.removesuffix("/s"))
        for text in chart.locator("tbody td:nth-child(2)").all_inner_texts()
        if text != "–"
    ]
    assert max(done) > 5
    label = chart.get_by_role("img").get_attribute("aria-label") or ""
    assert re.match(r"Requests\. Last: done [\d.,]+/s, refused [\d.,]+/s, failed 0/s\.", label)


def test_every_chart_can_be_read_as_a_table(page: Page, server: Server) -> None:
    for name in PAGES:
        open_page(page, server, name)
        for chart in page.locator("figure:visible").all():
            chart.get_by_text("As a table").click()
            expect(chart.locator("details table, details p")).to_be_visible()


def test_the_window_can_be_longer(page: Page, server: Server) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_page(page, server)
    page.get_by_label("Last", exact=True).select_option("2 hours")
    expect(page.locator("#page[data-time]")).to_be_attached()
    assert any("step=10&since=0" in url for url in asked)


def test_where_storage_is_apart_it_shows_the_way_there(page: Page, tmp_path: Path) -> None:
    with serving(tmp_path, deployment="split", cache={"memory": "0"}) as server:
        with load_on(server):
            open_page(page, server, "storage")
            expect(page.get_by_text("Storage is a process of its own")).to_be_visible()
            chart = page.get_by_role("img", name=re.compile(r"Round trip. Last: median [0-9.]+ (µs|ms), 99 % "))
            expect(chart).to_be_visible()
            expect(page.locator("figure", has_text="Commits")).to_be_hidden()
        wait_for_sample(page, time.time())
        at_rest, known = shown(page), metrics(server)
        assert at_rest['cairn_link_connections{end="asks"}'] >= 1
        assert at_rest == {metric: known[metric] for metric in at_rest}
        page.get_by_role("link", name="Overview").click()
        expect(page.locator(".tile", has_text="Storage answers in")).to_be_visible()
        expect(page.get_by_text("This node stores nothing itself.")).to_be_visible()


# --- when there is nothing, or something is wrong ---------------------------------------------------------------------


def test_where_nothing_is_it_says_so(page: Page, tmp_path: Path) -> None:
    with serving(tmp_path, cache={"memory": "0"}) as server:
        open_page(page, server, "cache")
        expect(page.get_by_text("The cache is off. Give it room with cache.memory")).to_be_visible()
        expect(page.get_by_text("No block was read in this time.").first).to_be_visible()
        expect(page.get_by_text("No block stands out yet.")).to_be_visible()


def test_numbers_that_are_old_are_grey_and_say_how_old(page: Page, server: Server) -> None:
    open_page(page, server)
    expect(page.locator("#state")).to_have_text("Live")
    assert page.locator("#page").evaluate("(page) => getComputedStyle(page).filter") == "none"
    assert server.process is not None
    server.process.send_signal(signal.SIGSTOP)
    try:
        expect(page.locator("#state")).to_have_text("Stale")
        expect(page.locator("#age")).to_have_text(re.compile(r"^\d+ s old$"))
        assert page.locator("#page").evaluate("(page) => getComputedStyle(page).filter") == "grayscale(1)"
    finally:
        server.process.send_signal(signal.SIGCONT)
    expect(page.locator("#state")).to_have_text("Live")
    expect(page.locator("#trouble")).to_be_hidden()


def test_a_server_that_is_gone_and_comes_back(page: Page, tmp_path: Path) -> None:
    with serving(tmp_path, deployment="one") as server:
        open_page(page, server)
        server.kill()
        trouble = page.locator("#trouble")
        expect(trouble).to_contain_text("The server does not answer. Is it running")
        expect(trouble).to_contain_text("What you see is from")
        server.start()
        expect(page.locator("#state")).to_have_text("Live")
        expect(trouble).to_be_hidden()
        wait_for_sample(page, time.time())


def test_from_afar_it_asks_for_its_token(browser: Browser, server: Server) -> None:
    token = NodeSecret.load(server.data / "secret").tokens("console")[0]
    context = browser.new_context(extra_http_headers=AFAR)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{server.url}/console/")
    expect(page.get_by_role("heading", name="The console needs its token")).to_be_visible()
    expect(page.get_by_label("Console token")).to_be_focused()
    expect(page.locator("#content")).to_be_hidden()
    page.keyboard.type("crn1console_wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#token-problem")).to_contain_text("does not open the console")
    expect(page.get_by_label("Console token")).to_have_value("")
    page.get_by_label("Console token").fill(f" {token} ")
    page.get_by_role("button", name="Open").click()
    expect(page.locator("#page[data-time]")).to_be_attached()
    expect(page.locator("#sign-in")).to_be_hidden()
    page.reload()
    expect(page.locator("#page[data-time]")).to_be_attached()
    assert not [url for url in asked if token in url]
    assert page.evaluate("JSON.stringify({...localStorage})").find(token) < 0
    other = context.new_page()  # another tab does not have it; a link can bring it
    other.goto(f"{server.url}/console/#token={token}")
    expect(other.locator("#page[data-time]")).to_be_attached()
    assert token not in other.url
    context.close()


# --- the reader -------------------------------------------------------------------------------------------------------


def test_the_whole_console_is_small(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path, deployment="one") as server:
        check_size(browser, server)


def check_size(browser: Browser, server: Server) -> None:
    """What all pages take, each with its first numbers: those that follow depend on how long one looks."""
    context = browser.new_context()
    page = context.new_page()
    finished: list[Any] = []
    page.on("requestfinished", lambda request: finished.append(request))
    open_page(page, server)
    for name in PAGES:
        page.goto(f"{server.url}/console/#{name}")
        expect(page.locator("#page[data-time]")).to_be_attached()
    sizes = {
        request.url: sum(request.sizes()[part] for part in ("responseBodySize", "responseHeadersSize"))
        for request in finished
        if "since=" not in request.url or "since=0&" in request.url
    }
    print(json.dumps(sizes, indent=1), sum(sizes.values()))
    assert any("uPlot" in url for url in sizes)
    assert sum("/data?" in url for url in sizes) >= len(PAGES) - 1
    assert sum(sizes.values()) < TRANSFER_BYTES_MAX
    context.close()


def test_the_keyboard_reaches_everything(page: Page, server: Server) -> None:
    open_page(page, server)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the numbers")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("summary").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("details[open] table")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator("details[open] .scroll")).to_be_focused()
    page.reload()
    expect(page.locator("#page[data-time]")).to_be_attached()
    reached = [*(page.get_by_label(label, exact=True) for label in ("Last", "Theme"))]
    reached += [page.get_by_role("link", name=name.title()) for name in PAGES]
    page.keyboard.press("Tab")
    for control in reached:
        page.keyboard.press("Tab")
        expect(control).to_be_focused()
        outline = control.evaluate("(control) => getComputedStyle(control).outlineStyle")
        assert outline == "solid"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Storage", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Storage")).to_have_attribute("aria-current", "page")
    expect(page).to_have_title("Storage – Cairn console")


@pytest.mark.parametrize("name", PAGES)
def test_it_fits_a_narrow_screen(page: Page, server: Server, name: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    open_page(page, server, name)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for details in page.locator("summary:visible").all():
        details.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    canvas = page.locator("figure canvas").first.bounding_box()
    assert canvas is not None
    assert 200 < canvas["width"] <= 360
    page.set_viewport_size({"width": 800, "height": 740})
    page.wait_for_function(
        "() => document.querySelector('figure canvas').getBoundingClientRect().width > 330 || innerWidth < 800"
    )


def test_light_and_dark_are_the_systems_choice_or_the_readers(page: Page, server: Server) -> None:
    def ground() -> str:
        return str(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))

    page.emulate_media(color_scheme="dark")
    open_page(page, server)
    dark, dark_chart = ground(), page.locator("figure").first.screenshot()
    page.emulate_media(color_scheme="light")
    light = ground()
    assert sum(map(int, re.findall(r"\d+", dark))) < 150 < 600 < sum(map(int, re.findall(r"\d+", light)))
    assert page.locator("figure").first.screenshot() != dark_chart
    page.get_by_label("Theme").select_option("Dark")
    assert ground() == dark
    page.reload()
    assert ground() == dark
    expect(page.get_by_label("Theme")).to_have_value("dark")
    page.get_by_label("Theme").select_option("System")
    assert ground() == light


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(page: Page, server: Server, name: str, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    open_page(page, server, name)
    page.locator("summary").first.click()
    assert findings(page) == []


def test_axe_finds_nothing_serious_where_the_token_is_asked_for(browser: Browser, server: Server) -> None:
    context = browser.new_context(extra_http_headers=AFAR)
    page = context.new_page()
    page.goto(f"{server.url}/console/")
    expect(page.get_by_label("Console token")).to_be_visible()
    assert findings(page) == []
    context.close()


# --- what it is made of -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["dist/uPlot.iife.min.js", "dist/uPlot.min.css", "LICENSE"])
def test_the_library_that_comes_with_it_is_the_published_one(name: str) -> None:
    vendored = web_folder("console") / "vendor" / "uplot" / Path(name).name
    assert vendored.read_bytes() == (NODE_MODULES / "uplot" / name).read_bytes()


def test_no_other_file_is_vendored() -> None:
    assert len(list((web_folder("console") / "vendor").rglob("*.*"))) == 2
