"""Chromium with pages that nobody looks into: a test driver is told of each request with its body, which costs more CPU
than to send it. Here a page is only told what to evaluate (Chrome DevTools Protocol, Runtime).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import aiohttp

_SECONDS_MAX: Final = 600.0
_START_SECONDS: Final = 60.0


class Chromium:
    """One browser. Made by `running`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._reading = asyncio.create_task(self._read())

    async def version(self) -> str:
        """What it is."""
        return str((await self.ask("Browser.getVersion"))["product"])

    async def profile(self) -> Profile:
        """A new profile."""
        return Profile(self, (await self.ask("Target.createBrowserContext"))["browserContextId"])

    async def ask(self, method: str, session: str | None = None, **parameters: Any) -> Any:
        """Give a command, and wait for its result."""
        number = next(self._numbers)
        self._waiting[number] = waiting = asyncio.get_running_loop().create_future()
        command = {"id": number, "method": method, "params": parameters}
        await self._socket.send_json(command if session is None else {**command, "sessionId": session})
        async with asyncio.timeout(_SECONDS_MAX):
            answer = await waiting
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    async def close(self) -> None:
        """Listen no more."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        async for message in self._socket:
            told = json.loads(message.data)
            if "id" in told:
                self._waiting.pop(told["id"]).set_result(told)


class Profile:
    """One profile of it."""

    def __init__(self, chromium: Chromium, context: str) -> None:
        self._chromium = chromium
        self._context = context

    async def page(self, url: str) -> Page:
        """A page that is loaded."""
        ask = self._chromium.ask
        target = (await ask("Target.createTarget", url=url, browserContextId=self._context))["targetId"]
        session = (await ask("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        page = Page(self._chromium, session)
        await _until(page.is_loaded)
        return page

    async def close(self) -> None:
        """Close it with all of its pages."""
        await self._chromium.ask("Target.disposeBrowserContext", browserContextId=self._context)


class Page:
    """One page: `run` evaluates the body of an async function on it."""

    def __init__(self, chromium: Chromium, session: str) -> None:
        self._chromium = chromium
        self._session = session

    async def is_loaded(self) -> bool:
        """Whether it is there, and not the empty one that was before it."""
        with contextlib.suppress(RuntimeError):
            return bool(await self.run("return location.href !== 'about:blank' && document.readyState === 'complete'"))
        return False

    async def run(self, body: str, argument: Any = None) -> Any:
        """What the function with this body returns."""
        expression = f"(async (given) => {{ {body} }})({json.dumps(argument)})"
        answer = await self._chromium.ask(
            "Runtime.evaluate", self._session, expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"].get("exception", {}).get("description")))
        return answer["result"].get("value")


async def _until(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(_START_SECONDS):
        while not await is_so():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def running(executable: Path, flags: Sequence[str]) -> AsyncIterator[Chromium]:
    """A Chromium of its own, with a folder that goes with it."""
    with tempfile.TemporaryDirectory(prefix="cairn-chromium-", ignore_cleanup_errors=True) as folder:
        port = Path(folder) / "DevToolsActivePort"
        process = await asyncio.create_subprocess_exec(
            str(executable), *flags, "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            await _until(lambda: asyncio.to_thread(lambda: port.exists() and "\n" in port.read_text()))
            number, path = port.read_text().split("\n")[:2]
            async with (
                aiohttp.ClientSession() as http,
                http.ws_connect(f"ws://127.0.0.1:{number}{path}", max_msg_size=0) as socket,
            ):
                chromium = Chromium(socket)
                try:
                    yield chromium
                finally:
                    await chromium.close()
        finally:
            os.killpg(process.pid, signal.SIGTERM)  # what is started may be a script that starts it
            await process.wait()
