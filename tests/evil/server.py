"""The server that lies: many cases at once, each at an address of its own, `/{number}/v1/...`.

What it says is the truth of `world.py` until the client says that the case turns (or, live, until it subscribes); from
there on each answer passes through the lies of its case. It keeps a record of what it said and was sent.
"""

from __future__ import annotations

import asyncio
import json
import logging
import struct
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import WSMsgType, web

from cairn.client.format.secret import ChainKeys
from cairn.core.chain import Entry, Head, Receipt, Seq
from cairn.core.crypto import domain
from cairn.core.receipt import receipt_message
from cairn.wire.live import decode_command, encode_beat, encode_frame
from cairn.wire.messages import ABSENT, decode_entries, decode_ids, head_to_json
from tests.browser.known import ROOT
from tests.evil.cases import Case
from tests.evil.lies import Ack, Answer, Frames, History, Live, refusal

_SIGNER = ChainKeys(bytes(range(32)))
_TIME_MS = 1_700_000_000_000
_PAGE = "<!doctype html><meta charset=utf-8><title>Evil</title><link rel=icon href=data:,>"
_BYTES = {"Content-Type": "application/octet-stream"}


@dataclass
class Record:
    """What one case was told, and sent."""

    case: Case
    is_turned: bool = False
    is_honest: bool = False
    was_altered: bool = False
    claimed: list[int] = field(default_factory=list)
    """The heads that were named since the turn."""
    posted: list[Entry] = field(default_factory=list)
    kept: list[Entry] = field(default_factory=list)
    contradicted: set[bytes] = field(default_factory=set)
    """The hashes of entries whose last acknowledgement was of something else."""
    occasions: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.kept = list(self.case.story.main.entries)

    # --- the truth, and what becomes of it

    def history(self) -> History:
        """The chain as it is shown now."""
        case = self.case
        if case.scenario == "add":
            return History.of(self.kept)
        entries = case.story.shown() if self.is_turned else list(case.story.main.entries[: case.seen + 1])
        told: History = self._lied("history", History.of(entries))
        return told

    def page(self, start: int, stop: int, limit: int) -> Answer:
        """An answer to who asks for entries."""
        told = self.history()
        if told.is_gone:
            return refusal(404)
        head = self._lied("head", told)
        raws = [raw for seq, raw in told.rows if start <= seq < stop][:limit]
        self._claim(head)
        body = b"".join(len(raw).to_bytes(4, "big") + raw for raw in raws)
        truth = Answer(200, {**_BYTES, "Cairn-Head": f"{head.seq} {head.hash}"}, body)
        return self._lied_of_page(truth)

    def head(self) -> Answer:
        """An answer to who asks for the head."""
        told = self.history()
        if told.is_gone:
            return refusal(404)
        told = self._lied("head", told)
        self._claim(told)
        return self._lied_of_page(_json(200, self._document(told)))

    def append(self, body: bytes) -> Answer:
        """An answer to who appends: by the rule of all servers, as far as it is not a lie."""
        entries = [Entry.decode(raw) for raw in decode_entries(body)]
        self.posted += entries
        new = [entry for entry in entries if entry.seq > self.kept[-1].seq]
        if self._conflicts(entries, new):
            return self._conflict()
        after = [*self.kept, *new]
        truth = Ack(201 if new else 200, self._document(History.of(after)))
        told: Ack = self._lied("ack", truth)
        self._note(entries[-1], told)
        if told.is_kept:
            self.kept = after
        if told.status == 409:
            return self._conflict()
        return _json(told.status, told.head) if told.status < 300 else refusal(told.status)

    def _note(self, last: Entry, told: Ack) -> None:
        seq, digest = told.head.get("seq"), told.head.get("hash")
        is_head = told.head.get("chain") == last.chain_id.hex() and isinstance(seq, int) and isinstance(digest, str)
        reaches = is_head and told.head["seq"] >= last.seq
        is_true = reaches and (seq != last.seq or digest == last.hash.hex())
        (self.contradicted.discard if is_true or told.status >= 300 else self.contradicted.add)(last.hash)

    def _conflicts(self, entries: Sequence[Entry], new: Sequence[Entry]) -> bool:
        known = {entry.seq: entry.hash for entry in self.kept}
        is_other = any(known.get(entry.seq, entry.hash) != entry.hash for entry in entries)
        return is_other or bool(new and new[0].prev != self.kept[-1].hash)

    def _conflict(self) -> Answer:
        return refusal(409, head=self._document(History.of(self.kept)))

    def block(self, block_id: bytes) -> bytes | None:
        """The bytes under an id."""
        truth = self.case.story.blocks.get(block_id)
        return None if truth is None else self._lied("block", truth, at=block_id)

    def blocks(self, ids: Sequence[bytes]) -> bytes:
        """An answer to who asks for many."""
        frames: Frames = self._lied("frames", [(block_id, self.block(block_id)) for block_id in ids])
        return b"".join(
            block_id + struct.pack(">I", ABSENT if data is None else len(data)) + (data or b"")
            for block_id, data in frames
        )

    def live(self, start: int) -> Live:
        """What comes after a subscription: entries up to the last, which is always genuine. It turns the case."""
        self.is_turned = True
        chain_id = self.case.story.keys.chain_id
        entries = [entry for entry in self.case.story.main.entries if entry.seq >= start]
        frames = tuple(encode_frame(chain_id, entry.raw) for entry in entries)
        if not frames:
            return Live(())
        told: Live = self._lied("live", Live(frames))
        return told if told.is_cut or not self.case.lies else replace(told, frames=(*told.frames, frames[-1]))

    def info(self) -> Any:
        """What the server says of itself."""
        key = _SIGNER.public_key.hex()
        truth = {"name": "cairn", "version": "1", "format": 1, "receipt_key": key, "receipt_keys": [key], "limits": {}}
        return self._lied("info", truth)

    # --- inside

    def _lied(self, aim: str, truth: Any, at: bytes = b"") -> Any:
        told = truth
        for lie in self.case.lies_of(aim):
            occasion = self.occasions.setdefault(f"{lie.seed}/{at.hex()}", 0)
            if not self.is_turned or self.is_honest or (occasion and not lie.always and aim in ("page", "ack", "live")):
                continue
            if aim == "live" and occasion:
                continue  # once, or it would go on for ever
            self.occasions[f"{lie.seed}/{at.hex()}"] += 1
            told = replace(lie, seed=lie.seed + at.hex()).tell(told, self.case.about)
            if not _goes_further(told):
                break
        self.was_altered = self.was_altered or told != truth
        return told

    def _lied_of_page(self, truth: Answer) -> Answer:
        told: Answer = self._lied("page", truth)
        return told

    def _claim(self, told: History) -> None:
        if self.is_turned:
            self.claimed.append(told.seq)

    def _document(self, told: History) -> dict[str, Any]:
        chain_id, digest, seq = self.case.story.keys.chain_id, bytes.fromhex(told.hash), Seq(told.seq)
        last = told.rows[-1][1] if told.rows else self.case.story.main.entries[-1].raw
        floor, epoch = _numbers(last)
        floor = floor if told.floor is None else told.floor
        vouched = receipt_message(chain_id, seq, digest, _TIME_MS).removeprefix(domain("receipt"))
        receipt = Receipt(_TIME_MS, _SIGNER.sign("receipt", vouched))
        head = Head(chain_id, seq, digest, Seq(floor), epoch, told.closed, len(told.rows), 1, receipt=receipt)
        return head_to_json(head)


def _goes_further(told: Any) -> bool:
    """Whether another lie has something left to change."""
    if isinstance(told, History):
        return len(told.rows) > 0
    if isinstance(told, Live):
        return any(isinstance(frame, bytes) for frame in told.frames)
    if isinstance(told, Ack):
        return isinstance(told.head.get("seq"), int)
    return bool(told)


def _numbers(raw: bytes) -> tuple[int, int]:
    """Floor and key epoch of an entry, if it has them."""
    try:
        entry = Entry.decode(raw)
    except Exception:
        return 0, 0
    return entry.floor, entry.key_epoch


def _json(status: int, document: Any) -> Answer:
    return Answer(status, {"Content-Type": "application/json"}, json.dumps(document).encode())


class EvilServer:
    """All cases that were announced to it."""

    def __init__(self) -> None:
        self.records: dict[int, Record] = {}
        self.port = 0
        self.faults: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def announce(self, case: Case) -> Record:
        """Begin a case."""
        self.records[case.number] = Record(case)
        return self.records[case.number]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Any request."""
        if request.method == "OPTIONS":
            return web.Response(headers=_OPEN)
        number, _, path = request.path.lstrip("/").partition("/")
        record = self.records[int(number)]
        if path == "v1/live":
            return await self._live(request, record)
        try:
            answer = await self._answer(request, record, path)
        except Exception:
            self.faults.append(f"{record.case}: {traceback.format_exc()}")
            raise
        if answer.is_broken:
            return await _broken(request, answer)
        return web.Response(status=answer.status, headers={**answer.headers, **_OPEN}, body=answer.body)

    async def _answer(self, request: web.Request, record: Record, path: str) -> Answer:
        parts = path.split("/")
        if path in ("turn", "honest"):
            record.is_turned, record.is_honest = True, path == "honest"
            return Answer(200, {}, b"")
        if path == "v1/info":
            return _json(200, record.info())
        if parts[1] in ("chains", "doors"):
            return await _of_chain(request, record, parts)
        if path == "v1/blocks/get":
            return Answer(200, _BYTES, record.blocks(decode_ids(await request.read())))
        data = record.block(bytes.fromhex(parts[2]))
        return refusal(404) if data is None else Answer(200, _BYTES, data)

    async def _live(self, request: web.Request, record: Record) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type != WSMsgType.TEXT:
                continue
            command = decode_command(message.data)
            if command.beat is not None:
                await socket.send_str(encode_beat(_TIME_MS, command.beat))
            for start in command.subscribe.values():
                told = record.live(start)
                for frame in told.frames:
                    await (socket.send_str(frame) if isinstance(frame, str) else socket.send_bytes(frame))
                if told.is_cut:
                    await socket.close()
        return socket


_OPEN = {
    "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*", "Access-Control-Allow-Methods": "*",
    "Access-Control-Expose-Headers": "Cairn-Head, Retry-After",
}  # fmt: skip


async def _of_chain(request: web.Request, record: Record, parts: Sequence[str]) -> Answer:
    if bytes.fromhex(parts[2]) != record.case.story.keys.chain_id:
        return refusal(404)
    if request.method == "POST":
        return record.append(await request.read())
    if len(parts) == 3:
        return record.head()
    query = request.query
    return record.page(int(query.get("from", 0)), int(query.get("to", 2**53)), int(query.get("limit", 256)))


async def _broken(request: web.Request, answer: Answer) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers={**answer.headers, **_OPEN})
    response.content_length = len(answer.body) + 1
    await response.prepare(request)
    await response.write(answer.body[: len(answer.body) // 2])
    assert request.transport is not None
    request.transport.abort()
    return response


async def _page(_: web.Request) -> web.Response:
    return web.Response(text=_PAGE, content_type="text/html")


@contextmanager
def lying() -> Iterator[EvilServer]:
    """The server, in a thread of its own."""
    server, loop = EvilServer(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    runner = asyncio.run_coroutine_threadsafe(_started(server), loop).result(60)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _started(server: EvilServer) -> web.AppRunner:
    app = web.Application(client_max_size=2**24)
    app.router.add_static("/sdk", ROOT / "web" / "sdk")
    app.router.add_static("/tests", ROOT / "tests" / "evil")
    app.router.add_get("/", _page)
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None, logger=logging.getLogger("evil"), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.port = runner.addresses[0][1]
    return runner
