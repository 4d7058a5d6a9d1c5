"""The browser SDK in Chromium against a real server: blocks sealed and sent, and a long log shown and verified.
`python -m benchmarks.browser`
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks import chromium, machine
from benchmarks.chromium import Chromium, Page
from cairn.client.format.payload import Payload
from cairn.testing.chains import Writer
from cairn.wire.messages import encode_entries
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.pages import application
from tests.browser.published import Published
from tests.harness import Server

_BLOCKS: Final = 400
_BLOCK_BYTES: Final = 16_384
_ENTRIES: Final = 10_000
_BATCH: Final = 256
_GOAL_MS: Final = 250
_LIMITS: Final = {"requests_per_second": 0, "free_grant_bytes": 0, "free_grant_appends_per_second": 0}

_PREPARE: Final = """
    const [{ Blocks }, { sealBlock }, { sha256 }, { putObject }] = await Promise.all(
        ["remote/blocks", "format/block", "format/crypto", "objects/upload"].map((name) => import(`/sdk/${name}.js`)));
    const log = window.log ??= await cairn.newLog();
    await log.add("first");
    const random = (size) => {
        const data = new Uint8Array(size);
        for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(data.subarray(at, at + 65_536));
        return data;
    };
    const datas = Array.from({ length: given.count }, () => random(given.size));
    const files = datas.map((data, at) => new File([data], `${given.round}-${at}.bin`));
    const pinOf = log.keys.pin.bind(log.keys);
    const blocks = new Blocks(cairn.browser.server);
    const sealed = async (data) => {
        const { stored, reference } = await sealBlock(data);
        return { blockId: reference.blockId, stored, pinHash: await sha256(await pinOf(reference.blockId)) };
    };
    const puts = await Promise.all(datas.map(sealed));
    window.works = {
        "sealed": () => Promise.all(datas.map(sealed)),
        "sent": () => Promise.all(puts.map((put) => blocks.put(put))),
        "sealed and sent": () => Promise.all(datas.map(async (data) => blocks.put(await sealed(data)))),
        "one object of so many chunks": () => putObject(blocks, new Blob(datas), { pinOf, chunkBytes: given.size }),
        "so many files, with an entry each": () => Promise.all(files.map((file) => log.putFile(file))),
    };
    return Object.keys(works);
"""

_TIMED: Final = """
    const began = performance.now();
    await works[given]();
    return performance.now() - began;
"""

_SHOW: Final = """
    const ms = {};
    const began = performance.now();
    window.log = await cairn.openLink(given.link);
    await new Promise((resolve) => {
        const stop = log.watch((list) => {
            if (list.length === 0) return;
            document.body.textContent = `${list.length} ${list.at(-1).value.text}`;
            requestAnimationFrame(() => setTimeout(() => {
                ms["first paint"] ??= performance.now() - began;
                if (list.length === given.count) resolve(stop);
            }));
        });
    }).then((stop) => stop());
    ms["all of it"] = performance.now() - began;
    return ms;
"""

_VERIFY: Final = """
    const began = performance.now();
    const report = await log.verify();
    if (!report.isGood || report.entries !== given.count + 1) throw new Error(JSON.stringify(report));
    return { "verified anew": performance.now() - began };
"""


class _Run(NamedTuple):
    ms: float
    browser_seconds: float  # of CPU
    server_seconds: float


_Results = dict[str, list[_Run]]


def main() -> None:
    """Measure, and print medians."""
    asyncio.run(_measure(_arguments()))


async def _measure(arguments: argparse.Namespace) -> None:
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cairn-bench-", dir=arguments.folder)))
        about = machine.describe(folder)
        browser = await stack.enter_async_context(chromium.running(CHROMIUM, FLAGS))
        about["browser"] = await browser.version()
        for name, value in about.items():
            print(f"{name:8} {value}")
        print(f"runs     {arguments.rounds}; medians, and all runs behind them, in ms\n")
        server = stack.enter_context(application(folder / "app", interface={"limits": _LIMITS}))
        works = {f"{_BLOCKS} blocks of 16 KiB": _uploads, f"a log of {_ENTRIES:,} entries": _shows}
        results = {
            name: await work(browser, server, arguments.rounds)
            for name, work in works.items()
            if arguments.only in name
        }
    for test, found in results.items():
        print(f"{test:48}{'ms':>8}{'CPU s: browser':>17}{'server':>9}")
        for name, runs in found.items():
            middle = [statistics.median(column) for column in zip(*runs, strict=True)]
            row = f"  {name:46}{middle[0]:8,.0f}{middle[1]:17.2f}{middle[2]:9.2f}"
            print(row, "  ", ", ".join(f"{run.ms:,.0f}" for run in runs))
    if arguments.json is not None:
        rows = {
            test: {name: [run._asdict() for run in runs] for name, runs in found.items()}
            for test, found in results.items()
        }
        arguments.json.write_text(json.dumps({"machine": about, "results": rows}, indent=2) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.browser", description=__doc__)
    parser.add_argument("--only", default="", help='what has this in its name: "blocks", or "log"')
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the server keeps its data")
    parser.add_argument("--json", type=Path, help="write the results there, too")
    return parser.parse_args()


async def _uploads(browser: Chromium, server: Server, rounds: int) -> _Results:
    """Each round on a page that was used before, as an application's is."""
    page = await _connected(await (await browser.profile()).page(server.url))
    found: _Results = {}
    for number in range(rounds + 1):
        for name in await page.run(_PREPARE, {"count": _BLOCKS, "size": _BLOCK_BYTES, "round": number}):
            with _counting(server) as counted:
                ms = await page.run(_TIMED, name)
            found.setdefault(name, []).append(_Run(ms, *counted))
    return {name: runs[1:] for name, runs in found.items()}


async def _shows(browser: Chromium, server: Server, rounds: int) -> _Results:
    asked = {"link": _long_log(server).read_link(), "count": _ENTRIES}
    found: _Results = {}
    for _ in range(rounds):
        profile = await browser.profile()
        pages = [await _connected(await profile.page(server.url)) for _ in range(2)]
        works = (("new here", _SHOW, 0), ("", _VERIFY, 0), ("from this browser's cache", _SHOW, 1))
        for name, body, at in works:
            with _counting(server) as counted:
                told = await pages[at].run(body, asked)
            for part, ms in told.items():
                found.setdefault(f"{name}: {part}".removeprefix(": "), []).append(_Run(ms, *counted))
        await profile.close()
    return found


async def _connected(page: Page) -> Page:
    """The page with the SDK on it."""
    await page.run("window.cairn = (await import('/sdk/cairn.js')).connect({ realm: 'bench' });")
    return page


@contextlib.contextmanager
def _counting(server: Server) -> Iterator[list[float]]:
    """The CPU seconds that browser and server take meanwhile: to be read when it is over."""
    counted: list[float] = []
    before = [machine.cpu_seconds(pid) for pid in (os.getpid(), server.pid)]
    yield counted
    everything, ours = (
        machine.cpu_seconds(pid) - at for pid, at in zip((os.getpid(), server.pid), before, strict=True)
    )
    counted += [everything - ours, ours]


def _long_log(server: Server) -> Published:
    published = Published(server, "bench", is_sent=False)
    writer: Writer = published.writer
    for number in range(1, _ENTRIES + 1):
        writer.add(Payload.of_json({"text": f"entry {number}", "done": False}).encode())
    for start in range(0, len(writer.entries), _BATCH):
        body = encode_entries(writer.entries[start : start + _BATCH])
        assert server.ask("POST", f"/v1/chains/{published.id}/entries", body).status == 201
    return published


if __name__ == "__main__":
    main()
