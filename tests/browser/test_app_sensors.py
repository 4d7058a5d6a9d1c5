"""The sensor dashboard, with the program that writes as a process of its own."""

from __future__ import annotations

import itertools
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from cairn.client import Payload, WriteCapability, sync
from cairn.core.chain import Kind
from cairn.interface.sites.bundled import web_folder
from tests.browser.apps import Visitor, check_accessible, check_link_is_gone, tapped
from tests.browser.known import ROOT
from tests.browser.published import Published
from tests.harness import Server, serving
from tests.waiting import wait_for

PROGRAM = ROOT / "examples" / "sensors.py"
ENVIRON = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
NAMES = ["temperature °C", "humidity %", "light klx"]
SHOWN = """() => [...document.querySelectorAll("#cards article")].map((card) =>
    ["h2", ".now", ".help"].map((part) => card.querySelector(part).textContent))"""
TOP_ROW = """(canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, 1);
    return Array.from({ length: canvas.width }, (_, x) => data[4 * x + 3] > 0);
}"""


class Program:
    """examples/sensors.py, with its folder. It is ended by its own pid, as a power cut would end it."""

    def __init__(self, server: Server, folder: Path, *words: str) -> None:
        self.server = server
        self.folder = folder
        self.words = [sys.executable, str(PROGRAM), server.url, "--folder", str(folder), "--simulate", "7", *words]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Program:
        self.folder.mkdir(exist_ok=True)
        with (self.folder / "said").open("wb") as said:
            self.process = subprocess.Popen(self.words, stdout=said, stderr=said, env=ENVIRON)
        wait_for(lambda: "Dashboard: " in self.said)
        return self

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    @property
    def said(self) -> str:
        return (self.folder / "said").read_text()

    @property
    def link(self) -> str:
        (link,) = set(re.findall(r"Dashboard: (\S+)", self.said))
        return str(link)

    @property
    def capability(self) -> WriteCapability:
        return WriteCapability.parse((self.folder / "sensors.key").read_text())

    def readings(self) -> list[dict[str, Any]]:
        """All that stand in the chain."""
        with sync.connect(self.server.url) as session:
            entries = list(session.chain(self.link.partition("#")[2]).entries())
        return [entry.json() for entry in entries if entry.kind == Kind.LINK]

    def wait_for_more(self, count: int) -> None:
        """So many more readings than stand now."""
        wanted = self.head() + count
        wait_for(lambda: self.head() >= wanted, 120)

    def head(self) -> int:
        with sync.connect(self.server.url) as session:
            return session.chain(self.capability).head().seq


@pytest.fixture
def program(demo: Server, tmp_path: Path) -> Iterator[Program]:
    made = Program(demo, tmp_path / "sensors", "--checkpoint", "100").start()
    yield made
    made.kill()


@pytest.fixture
def reader(browser: Browser, demo: Server) -> Iterator[Visitor]:
    made = Visitor(browser, demo.url)
    yield made
    made.close()


def shown(page: Page) -> dict[str, list[str]]:
    """What the cards say, by sensor: the newest value, and the words below it."""
    return {name: words for name, *words in page.evaluate(SHOWN)}


def pause(page: Page) -> dict[str, list[str]]:
    """What they say of the last hour, and go on saying."""
    expect(page.locator(".now").last).to_have_text(re.compile(r"\d"))
    page.locator("#span").select_option("1 hour")
    page.get_by_label("Pause").check()
    expect(page.locator("#age")).to_contain_text("Paused")
    return shown(page)


def go_on(page: Page) -> None:
    page.get_by_label("Pause").uncheck()
    expect(page.locator("#age")).to_contain_text("Up to")


def agrees(told: dict[str, list[str]], readings: list[dict[str, Any]]) -> int:
    """Check what is shown against what was written; returns how many readings it is made of."""
    (count,) = {int(words.rpartition(" ")[2]) for _, words in told.values()}
    behind = readings[:count]
    for name, (now, words) in told.items():
        values = [reading["values"][name] for reading in behind]
        low, high, mean = (float(number) for number in re.findall(r"-?\d+\.\d+", words))
        assert float(now) == values[-1]
        assert (low, high) == (min(values), max(values))
        assert mean == pytest.approx(sum(values) / count, abs=0.011)
    return count


def all_shown(page: Page, program: Program) -> list[dict[str, Any]]:
    """All that stand, when the page shows as many. What a killed program had sent may come in a moment later."""
    readings: list[dict[str, Any]] = []

    def are_shown() -> bool:
        readings[:] = program.readings()
        return (page.locator("#cards .help").first.text_content() or "").endswith(f" of {len(readings)}")

    wait_for(are_shown, 60)
    time.sleep(1)
    wait_for(are_shown, 60)
    return readings


def assert_whole(readings: list[dict[str, Any]]) -> None:
    """None is lost, none stands twice, all are in order."""
    assert [reading["n"] for reading in readings] == list(range(1, len(readings) + 1))
    times = [reading["at"] for reading in readings]
    assert times == sorted(set(times))


def test_what_is_shown_is_what_was_written(program: Program, reader: Visitor) -> None:
    page = reader.open(program.link)
    expect(page.locator("#cards h2")).to_have_text(NAMES)
    expect(page.locator("#connection")).to_have_text("online")
    for _ in range(3):
        program.wait_for_more(60)
        told = pause(page)
        assert agrees(told, program.readings()) > 0
        rows = page.locator("#table tr").evaluate_all(
            "(rows) => rows.map((row) => [...row.cells].map((c) => c.textContent))"
        )
        assert rows[0] == ["Sensor", "Now", "Lowest", "Mean", "Highest"]
        for name, now, low, mean, high in rows[1:]:
            assert told[name] == [now, f"{low} to {high}, mean {mean} of {told[name][1].rpartition(' ')[2]}"]
        go_on(page)
    check_link_is_gone(page)


def test_each_reading_is_an_entry_and_all_arrive(program: Program, reader: Visitor) -> None:
    page = reader.open(program.link)
    expect(page.locator("#cards h2")).to_have_count(3)
    program.wait_for_more(250)
    program.kill()
    page.locator("#span").select_option("1 hour")
    readings = all_shown(page, program)
    assert_whole(readings)
    seconds = (readings[-1]["at"] - readings[0]["at"]) / 1000
    print(f"{(len(readings) - 1) / seconds:.1f} readings a second, {len(readings)} in all")
    assert agrees(shown(page), readings) == len(readings)


def test_who_comes_later_begins_at_a_checkpoint(program: Program, reader: Visitor) -> None:
    program.wait_for_more(700)
    asked: list[str] = []
    reader.context.on("request", lambda request: asked.append(request.url))
    page = reader.open(program.link)
    expect(page.locator("#cards h2")).to_have_text(NAMES)
    told = pause(page)
    readings = program.readings()
    assert agrees(told, readings) > 600
    starts = [int(url.rpartition("from=")[2].partition("&")[0]) for url in asked if "/entries?from=" in url]
    assert starts[0] == 0
    assert len(starts) == 2
    with sync.connect(program.server.url) as session:
        (entry,) = session.chain(program.capability).entries(starts[1], starts[1] + 1)
    assert entry.kind == Kind.CHECKPOINT


def test_alarms(program: Program, reader: Visitor) -> None:
    page = reader.open(program.link)
    alarm = page.locator("#alarms")
    above = page.get_by_label("light klx: alarm above")
    expect(above).to_be_visible()
    expect(alarm).to_have_text("")
    above.fill("-1")
    above.press("Enter")
    expect(alarm).to_have_text(re.compile(r"^light klx: \d+(\.\d+)? is above -1$"))
    expect(page.get_by_role("alert").filter(has_text="light klx")).to_be_visible()
    expect(page.locator("#cards [data-alarm] h2")).to_have_text(["light klx"])
    page.reload()
    expect(above).to_have_value("-1")
    expect(alarm).to_contain_text("is above -1")
    below = page.get_by_label("humidity %: alarm below")
    below.fill("1000")
    below.press("Enter")
    expect(alarm).to_contain_text("is below 1000")
    for field in (above, below):
        field.fill("")
        field.press("Enter")
    expect(alarm).to_have_text("")
    expect(page.locator("#cards [data-alarm]")).to_have_count(0)


def test_an_alarm_ends_when_the_sensor_has_been_well_for_a_while(reader: Visitor, demo: Server) -> None:
    chain = Published(demo, "alarm", page="/sensors/")
    times = iter(range(1_700_000_000_000, 1_800_000_000_000, 1_000))
    page = reader.open(chain.read_link())

    def measure(value: float) -> None:
        chain.add(Payload.of_json({"n": 1, "at": next(times), "values": {"level": value}}))

    measure(5)
    page.get_by_label("level: alarm above").fill("10")
    page.get_by_label("level: alarm above").press("Enter")
    for value in (11, 9, 10.5, 9, 9):
        measure(value)
    expect(page.locator(".now")).to_have_text("9.00")
    expect(page.locator("#alarms")).to_have_text("level: 11 is above 10")
    for _ in range(3):
        measure(9)
    expect(page.locator("#alarms")).to_have_text("")


def test_a_writer_that_was_killed_goes_on(program: Program, reader: Visitor) -> None:
    page = reader.open(program.link)
    expect(page.locator("#cards h2")).to_have_text(NAMES)
    link = program.link
    program.wait_for_more(150)
    program.kill()
    expect(page.locator("#age")).to_contain_text("Nothing since", timeout=30_000)
    expect(page.locator("#cards.stale")).to_be_visible()
    program.start()
    assert program.link == link
    expect(page.locator("#age")).to_contain_text("Up to")
    program.wait_for_more(120)
    page.locator("#span").select_option("1 min")
    told = pause(page)
    page.locator("#span").select_option("1 min")
    expect(page.locator("#cards.stale")).to_have_count(0)
    readings = program.readings()
    assert_whole(readings)
    agrees(told, readings)
    page.locator("#span").select_option("10 min")
    wait_for(lambda: breaks(page) >= 3)  # nothing before it began, readings, the gap, and readings


def breaks(page: Page) -> int:
    """How often the first chart goes from shade to readings, or back."""
    shaded = page.locator("canvas").first.evaluate(TOP_ROW)
    return sum(before != after for before, after in itertools.pairwise(shaded))


def test_a_folder_is_for_one_writer(program: Program) -> None:
    second = subprocess.run(program.words, capture_output=True, text=True, env=ENVIRON, check=False)
    assert second.returncode == 1
    assert second.stderr.startswith("error: another program writes from")


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_server_that_is_started_again(browser: Browser, tmp_path: Path, how: str) -> None:
    with serving(tmp_path / "server", sites=[{"static": str(web_folder("apps"))}]) as server:
        program = Program(server, tmp_path / "sensors", "--checkpoint", "100").start()
        reader = Visitor(browser, server.url)
        try:
            page = reader.open(program.link)
            expect(page.locator("#cards h2")).to_have_text(NAMES)
            for _ in range(2):
                program.wait_for_more(80)
                getattr(server, how)()
                expect(page.locator("#connection")).to_have_text("offline")
                server.start()
                expect(page.locator("#connection")).to_have_text("online", timeout=60_000)
            program.wait_for_more(200)
            program.kill()
            page.locator("#span").select_option("1 hour")
            readings = all_shown(page, program)
            assert_whole(readings)
            assert agrees(shown(page), readings) == len(readings)
            assert all(fault.startswith("WebSocket connection") for fault in reader.faults)
            reader.faults.clear()
            reader.close()
        finally:
            program.kill()


def test_a_reader_can_not_write(program: Program, reader: Visitor) -> None:
    page = reader.open(program.link)
    expect(page.locator("#cards h2")).to_have_text(NAMES)
    code = page.evaluate(
        """async (capability) => {
            const { connect } = await import("/sdk/cairn.min.js");
            const log = await connect().openLink(capability);
            return log.add({ n: 1, at: 1, values: {} }).catch(({ code }) => code);
        }""",
        program.link.partition("#")[2],
    )
    assert code == "forbidden"


def test_what_is_no_reading_is_passed_over(reader: Visitor, demo: Server) -> None:
    chain = Published(demo, "odd", page="/sensors/")
    odd: list[Any] = [
        "text", None, 7, [], {}, {"at": "now"}, {"at": 1.5, "values": {"a": 1}}, {"at": 10, "values": None},
        {"at": 11, "values": {"words": "x", "none": None, "__proto__": 3, "<b>bold</b>": 4}},
        {"at": 12, "values": {f"sensor {number}": number for number in range(40)}},
    ]  # fmt: skip
    for value in odd:
        chain.add(Payload.of_json(value))
    chain.add(Payload(b"\0\1\2"))
    for value in ("text", None, 7, {}, {"buckets": 3}, {"buckets": [1, [2], [3, None], [4, {"a": None}]]}):
        chain.add(Payload.of_json(value), Kind.CHECKPOINT)
    page = reader.open(chain.read_link())
    expect(page.locator("#cards h2", has_text="<b>bold</b>")).to_be_visible()
    expect(page.locator("#cards h2", has_text="__proto__")).to_be_visible()
    assert page.locator("#cards h2").count() <= 2 + 12


def test_the_command_of_the_empty_page(demo: Server, reader: Visitor, tmp_path: Path) -> None:
    page = reader.open("sensors/")
    words = shlex.split(page.locator("#command").inner_text())
    assert words[:2] == [".venv/bin/python", "examples/sensors.py"]
    with (tmp_path / "said").open("wb") as said:
        command = [sys.executable, *words[1:], "--folder", str(tmp_path / "made")]
        process = subprocess.Popen(command, stdout=said, stderr=said, env=ENVIRON, cwd=ROOT)
    try:
        wait_for(lambda: "Dashboard: " in (tmp_path / "said").read_text())
        page = reader.open((tmp_path / "said").read_text().split()[1])
        expect(page.locator("#cards h2")).to_have_text(NAMES)
    finally:
        process.kill()
        process.wait()


def test_a_sensor_in_the_page(reader: Visitor, browser: Browser, demo: Server) -> None:
    page = reader.open("sensors/")
    page.get_by_role("button", name="Start a sensor").click()
    expect(page.locator("#cards h2")).to_have_text(["temperature °C", "noise dB"])
    other = Visitor(browser, demo.url)
    there = other.open(str(page.locator("#share").get_attribute("href")))
    expect(there.locator("#cards h2")).to_have_text(["temperature °C", "noise dB"])
    expect(there.locator("#age")).to_contain_text("Up to")
    check_link_is_gone(there)
    other.close()


def test_nothing_of_it_is_on_the_server(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path / "server", sites=[{"static": str(web_folder("apps"))}]) as server, tapped(server) as tap:
        program = Program(server, tmp_path / "sensors", "--checkpoint", "50")
        program.words[2] = tap.url
        reader = Visitor(browser, tap.url)
        try:
            page = reader.open(program.start().link)
            page.get_by_label("light klx: alarm above").fill("-7654321")
            page.get_by_label("light klx: alarm above").press("Enter")
            expect(page.locator("#alarms")).to_contain_text("is above -7654321")
            program.wait_for_more(120)
            program.kill()
            key = str(program.capability)
            secrets = {"name": "light klx", "threshold": "-7654321", "key": key, "link": program.link.partition("#")[2]}
            tap.check_nowhere(secrets, public=program.capability.chain_id.hex())
            reader.close()
        finally:
            program.kill()


def test_it_is_accessible(program: Program, reader: Visitor) -> None:
    page = reader.open("sensors/")
    check_accessible(page)
    page = reader.open(program.link)
    page.get_by_label("light klx: alarm above").fill("-1")
    page.get_by_label("light klx: alarm above").press("Enter")
    expect(page.locator("#alarms")).to_contain_text("is above -1")
    page.get_by_text("As a table").click()
    check_accessible(page)


@pytest.mark.parametrize("alter", [lambda link: link[:-3], lambda link: link.replace("crn1r_", "crn1x_")])
def test_a_link_that_is_none(program: Program, reader: Visitor, alter: Callable[[str], str]) -> None:
    page = reader.open(alter(program.link))
    expect(page.get_by_role("alert").filter(has_text=re.compile("whole|link"))).to_be_visible()
    expect(page.locator("#dashboard")).to_be_hidden()
