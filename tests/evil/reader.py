"""The Python SDK as an application uses it: cases as JSON lines on standard input, what was shown on its output.

Pauses between tries are shorter than they would be; deadlines are what they are.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import tempfile
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Any

import aiohttp

from cairn.client import BlockCapability, Chain, Opened, Payload, Session, WriteCapability, connect
from cairn.client.format.errors import Contradiction
from cairn.core.chain import Kind
from cairn.core.errors import CairnError

AT_ONCE = 128
QUICKER = 20
STEP_SECONDS = 600.0  # a machine may be busy
_KINDS = {Kind.LINK: "entry", Kind.ROTATE: "rotation", Kind.CHECKPOINT: "snapshot", Kind.CLOSE: "end"}


class Client:
    """One device of one case."""

    def __init__(self, case: dict[str, Any], http: aiohttp.ClientSession, stack: AsyncExitStack) -> None:
        self.case = case
        self.http = http
        self.stack = stack
        self.folder: Path | None = None
        if any(step["do"] == "reopen" for step in case["steps"]):
            self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.session: Session | None = None
        self.open: AsyncExitStack | None = None
        self.chain: Chain | None = None
        self.entries: dict[int, Opened] = {}

    async def step(self, step: dict[str, Any]) -> dict[str, Any]:
        """Do one thing, and tell what it showed."""
        told: dict[str, Any] = {"problem": None}
        try:
            async with asyncio.timeout(STEP_SECONDS):
                await getattr(self, step["do"])(told, step)
        except CairnError as error:
            told["problem"] = problem_of(error)
        except Exception as error:  # whatever else comes out is a fault of the SDK
            told["crash"] = repr(error)
        return told

    async def connected(self) -> Chain:
        """The chain, on a session that is opened at first use."""
        if self.chain is None:
            self.open = AsyncExitStack()
            self.session = await self.open.enter_async_context(connect(self.case["url"], state=self.folder))
            self.chain = self.session.chain(self.case["capability"])
        return self.chain

    async def close(self) -> None:
        """End the session."""
        if self.open is not None:
            await self.open.aclose()
        self.session = self.open = self.chain = None

    async def turn(self, told: dict[str, Any], step: dict[str, Any]) -> None:
        async with self.http.post(f"{self.case['url']}/{step['do']}"):
            pass

    honest = turn

    async def reopen(self, told: dict[str, Any], step: dict[str, Any]) -> None:
        await self.close()

    async def read(self, told: dict[str, Any], step: dict[str, Any]) -> None:
        told["entries"] = []
        async with aclosing((await self.connected()).entries()) as entries:
            async for entry in entries:
                self.show(told, entry)

    async def follow(self, told: dict[str, Any], step: dict[str, Any]) -> None:
        told["entries"] = []
        async with aclosing((await self.connected()).follow()) as entries:
            async for entry in entries:
                self.show(told, entry)
                if entry.seq >= step["until"]:
                    return

    async def hear(self, told: dict[str, Any], step: dict[str, Any]) -> None:
        told["heard"] = []
        async with aclosing((await self.connected()).messages()) as messages:
            async for data in messages:
                told["heard"].append(json.loads(data))
                if told["heard"][-1] == "over":
                    return

    async def verify(self, told: dict[str, Any], step: dict[str, Any]) -> None:
        found = await (await self.connected()).verify()
        told.update(seq=found.state.seq, count=found.entries, missing=found.skipped)

    async def add(self, told: dict[str, Any], step: dict[str, Any]) -> None:
        told["seq"] = (await (await self.connected()).append(step["text"])).seq

    async def add_many(self, told: dict[str, Any], step: dict[str, Any]) -> None:
        told["seqs"] = [entry.seq for entry in await (await self.connected()).append_all(step["texts"])]

    async def put(self, told: dict[str, Any], step: dict[str, Any]) -> None:
        """Put all files at once; what fails first is told, and which were said to be kept."""
        chain = await self.connected()

        async def one(at: int, size: int) -> None:
            assert self.session is not None
            assert isinstance(chain.capability, WriteCapability)
            put = await self.session.objects.put(content_of(step, at, size), owner=chain.capability)
            await chain.append_json({"name": str(at)}, [put.capability.reference])

        ended = await asyncio.gather(*(one(*of) for of in enumerate(step["sizes"])), return_exceptions=True)
        told["kept"] = [at for at, error in enumerate(ended) if error is None]
        for error in ended:
            if error is not None:
                raise error

    async def fetch(self, told: dict[str, Any], step: dict[str, Any]) -> None:
        """What was put, if its entry is there."""
        assert self.session is not None
        for entry in self.entries.values():
            if entry.references and entry.content and entry.content.json()["name"] == str(step["file"]):
                data = await self.session.objects.get(BlockCapability(entry.references[0]))
                told["value"] = hashlib.sha256(data).hexdigest()

    async def get(self, told: dict[str, Any], step: dict[str, Any]) -> None:
        await self.connected()
        assert self.session is not None
        capability = BlockCapability(self.entries[step["seq"]].references[0])
        told["value"] = hashlib.sha256(await self.session.objects.get(capability)).hexdigest()

    async def door(self, told: dict[str, Any], step: dict[str, Any]) -> None:
        await self.connected()
        assert self.session is not None
        account = await self.session.recover(self.case["capability"])
        told["value"] = f"{account.chain.chain_id.hex()} {account.home}"

    def show(self, told: dict[str, Any], entry: Opened) -> None:
        """What an application sees of an entry."""
        if entry.kind == Kind.GENESIS:
            return
        self.entries[entry.seq] = entry
        code = entry.problem.code if entry.problem else None
        told["entries"].append([entry.seq, _KINDS[entry.kind], value_of(entry.content), code, entry.skipped])


def content_of(step: dict[str, Any], at: int, size: int) -> bytes:
    """The bytes of a file that is put."""
    return bytes((7 * place + 31 * at + step["seed"]) % 256 for place in range(size))


def value_of(content: Payload | None) -> str | None:
    """A value in the words of `world.py`."""
    if content is None:
        return None
    if content.content_type == 1:
        return f"t:{content.text()}"
    if content.content_type == 2:
        return f"j:{json.dumps(content.json(), ensure_ascii=False, separators=(',', ':'))}"
    return f"b:{content.data.hex()}"


def problem_of(error: CairnError) -> dict[str, Any]:
    """What a person would be shown; and the server's receipts, which a program can show to others."""
    sides = [error.before, error.now] if isinstance(error, Contradiction) else []
    evidence = [
        [side.seq, (side.hash or b"").hex(), side.receipt.time_ms, side.receipt.signature.hex()]
        for side in sides
        if side.receipt and side.receipt_key
    ]
    return {"code": error.code, "message": str(error), "evidence": evidence}


async def run(case: dict[str, Any], http: aiohttp.ClientSession) -> dict[str, Any]:
    """All steps of a case, on devices of its own."""
    async with AsyncExitStack() as stack:
        client = Client(case, http, stack)
        try:
            told = [await client.step(step) for step in case["steps"]]
        finally:
            await client.close()
    return {"number": case["number"], "told": told}


def hurry() -> None:
    """Have the SDK pause for less long."""
    sleep = asyncio.sleep
    asyncio.sleep = lambda seconds: sleep(seconds / QUICKER)  # type: ignore[assignment]


async def main() -> None:
    """All cases, many at once."""
    hurry()
    room = asyncio.Semaphore(AT_ONCE)

    async def one(line: str) -> None:
        async with room:
            print(json.dumps(await run(json.loads(line), http)), flush=True)

    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        for line in sys.stdin:
            group.create_task(one(line))


if __name__ == "__main__":
    asyncio.run(main())
