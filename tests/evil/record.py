"""The record of one case: what its server says, true or not, what it was sent, and what it has claimed.

What it says is the truth of `world.py` until the client says that the case turns (or, live, until it subscribes); from
there on each answer passes through the lies of its case.
"""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cairn.client.format.ephemeral import seal_ephemeral
from cairn.client.format.payload import ContentType, Payload
from cairn.client.format.secret import ChainKeys, open_seal, unpad
from cairn.core.block import Block
from cairn.core.chain import HEADER_BYTES, Entry, Head, Receipt, Seq
from cairn.core.crypto import domain
from cairn.core.receipt import receipt_message
from cairn.wire.live import encode_frame
from cairn.wire.messages import ABSENT, ALREADY, STORED, decode_entries, decode_put, head_to_json
from tests.evil.cases import Case
from tests.evil.lies.answers import refusal
from tests.evil.lies.appends import Ack
from tests.evil.lies.blocks import Frames
from tests.evil.lies.catalogue import Answer, History, Live
from tests.evil.lies.events import Stream, event_of
from tests.evil.lies.messages import Said
from tests.evil.lies.puts import PutAlone, Puts

SIGNER = ChainKeys(bytes(range(32)))
TIME_MS = 1_700_000_000_000
OVER = "over"
"""The last that is said."""
_ONCE = ("live", "event", "said")  # or it would go on for ever
_OFTEN = ("page", "ack", "put", "alone")
BYTES = {"Content-Type": "application/octet-stream"}


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
    blocks_kept: dict[bytes, bytes] = field(default_factory=dict)
    vouched: set[bytes] = field(default_factory=set)
    """The ids of blocks that were said, by their names, to be kept."""
    listeners: int = 0
    said_aloud: list[str] = field(default_factory=list)
    contradicted: set[bytes] = field(default_factory=set)
    """The hashes of entries whose last acknowledgement was of something else."""
    occasions: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.kept = list(self.case.story.main.entries)

    def turn(self, *, is_honest: bool) -> None:
        """From here on the lies are told, or no more."""
        self.is_turned, self.is_honest = True, is_honest

    def of(self, chain_id: bytes) -> Record | None:
        """The record of one chain, if this is about it."""
        return self if chain_id == self.case.story.keys.chain_id else None

    # --- the truth, and what becomes of it

    def history(self) -> History:
        """The chain as it is shown now."""
        case = self.case
        if case.writes:
            return History.of(self.kept)
        entries = case.story.shown() if self.is_turned else list(case.story.main.entries[: case.seen + 1])
        told: History = self._lied("history", History.of(entries))
        return self._lied("member", told) if told.rows and not told.is_gone else told

    def payload(self, entry: Entry) -> Payload:
        """What is inside an entry that the client sent."""
        key = self.case.story.keys.read_key(entry.key_epoch)
        return Payload.decode(unpad(open_seal(key, entry.raw[:HEADER_BYTES], entry.body)))

    def said(self, entry: Entry) -> str:
        """The same in the words of `world.py`."""
        payload = self.payload(entry)
        return f"t:{payload.text()}" if payload.content_type == ContentType.TEXT else f"j:{payload.data.decode()}"

    def page(self, start: int, stop: int, limit: int) -> Answer:
        """An answer to who asks for entries."""
        told = self.history()
        if told.is_gone:
            return refusal(404)
        head = self._lied("head", told)
        raws = [raw for seq, raw in told.rows if start <= seq < stop][:limit]
        body = b"".join(len(raw).to_bytes(4, "big") + raw for raw in raws)
        truth = Answer(200, {**BYTES, "Cairn-Head": f"{head.seq} {head.hash}"}, body)
        return self._lied_of_page(truth, head)

    def head(self) -> Answer:
        """An answer to who asks for the head."""
        told = self.history()
        if told.is_gone:
            return refusal(404)
        told = self._lied("head", told)
        return self._lied_of_page(json_answer(200, self._document(told)), told)

    def append(self, body: bytes) -> Answer:
        """An answer to who appends: by the rule of all servers, as far as it is not a lie."""
        entries = [Entry.decode(raw) for raw in decode_entries(body)]
        self.posted += entries
        new = [entry for entry in entries if entry.seq > self.kept[-1].seq]
        if self._conflicts(entries, new):
            return self._conflict()
        after = [*self.kept, *new]
        before = self._document(History.of(self.kept))
        truth = Ack(201 if new else 200, self._document(History.of(after)), before)
        told: Ack = self._lied("ack", truth)
        self._note(entries[-1], told)
        if told.is_kept:
            self.kept = after
        if told.status == 409:
            return self._conflict()
        return json_answer(told.status, told.head) if told.status < 300 else refusal(told.status)

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

    def put(self, body: bytes) -> Answer:
        """An answer to who puts many blocks."""
        sent = [Block.of(item.data) for item in decode_put(body)]
        outcomes = tuple((bytes(block.id), int(block.id in self.blocks_kept)) for block in sent)
        told: Puts = self._lied("put", Puts(outcomes, tuple(True for _ in sent)))
        self.blocks_kept.update({block.id: block.data for block, kept in zip(sent, told.kept, strict=True) if kept})
        answer = told.answer or Answer(200, BYTES, told.body)
        if answer.status < 300 and len(answer.body) == 33 * len(sent):
            said = [answer.body[at : at + 33] for at in range(0, len(answer.body), 33)]
            self.vouched |= {bytes(one.id) for one, words in zip(sent, said, strict=True) if _vouches(one.id, words)}
        return answer

    def put_alone(self, block_id: bytes, data: bytes) -> Answer:
        """An answer to who puts one."""
        status = 200 if block_id in self.blocks_kept else 201
        told: PutAlone = self._lied("alone", PutAlone(Answer(status, {"ETag": f'"{block_id.hex()}"'}, b"")))
        if told.is_kept:
            self.blocks_kept[block_id] = data
        if told.answer.status < 300:
            self.vouched.add(block_id)
        return told.answer

    def block(self, block_id: bytes) -> bytes | None:
        """The bytes under an id."""
        truth = self.case.story.blocks.get(block_id) or self.blocks_kept.get(block_id)
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

    def messages(self) -> tuple[bytes, ...]:
        """What is said to who listens, as frames; the last is always genuine. It turns the case."""
        self.is_turned = True
        self.listeners += 1
        words = [f"said {self.listeners}.{number}" for number in range(4)]
        now_ms = time.time_ns() // 1_000_000
        told: Said = self._lied("said", Said(tuple(self._message(one, now_ms) for one in words), now_ms))
        last = self._message(OVER, now_ms)
        return tuple(encode_frame(self.case.story.keys.chain_id, raw) for raw in (*told.messages, last))

    def _message(self, words: str, now_ms: int) -> bytes:
        self.said_aloud.append(words)
        story = self.case.story
        data = json.dumps(words).encode()
        return seal_ephemeral(story.keys, story.main.state.key_epoch, data, now_ms).raw

    def events(self, start: int) -> Stream:
        """The same as an event stream."""
        told = self.live(start)
        blocks = tuple(event_of(frame) for frame in told.frames)
        stream: Stream = self._lied("event", Stream(blocks, told.is_cut)) if blocks else Stream(blocks, told.is_cut)
        last = event_of(encode_frame(self.case.story.keys.chain_id, self.case.story.main.entries[-1].raw))
        return stream if stream.is_cut or not self.case.lies else replace(stream, blocks=(*stream.blocks, last))

    def info(self) -> Any:
        """What the server says of itself."""
        key = SIGNER.public_key.hex()
        truth = {"name": "cairn", "version": "1", "format": 1, "receipt_key": key, "receipt_keys": [key], "limits": {}}
        return self._lied("info", truth)

    # --- inside

    def _lied(self, aim: str, truth: Any, at: bytes = b"") -> Any:
        told = truth
        for lie in self.case.lies_of(aim):
            occasion = self.occasions.setdefault(f"{lie.seed}/{at.hex()}", 0)
            is_over = occasion and (aim in _ONCE or (aim in _OFTEN and not lie.always))
            if not self.is_turned or self.is_honest or is_over:
                continue
            self.occasions[f"{lie.seed}/{at.hex()}"] += 1
            told = replace(lie, seed=lie.seed + at.hex()).tell(told, self.case.about)
            if not _goes_further(told):
                break
        self.was_altered = self.was_altered or told != truth
        return told

    def _lied_of_page(self, truth: Answer, named: History) -> Answer:
        """Who is refused was not told of a head; that there is no chain can be believed by who has never seen it."""
        told: Answer = self._lied("page", truth)
        if self.is_turned and told.status < 300:
            self.claimed.append(named.seq)
        if self.is_turned and told.status == 404 and not self.case.seen:
            self.claimed.append(0)
        return told

    def _document(self, told: History) -> dict[str, Any]:
        chain_id, digest, seq = self.case.story.keys.chain_id, bytes.fromhex(told.hash), Seq(told.seq)
        last = told.rows[-1][1] if told.rows else self.case.story.main.entries[-1].raw
        floor, epoch = _numbers(last)
        floor = floor if told.floor is None else told.floor
        vouched = receipt_message(chain_id, seq, digest, TIME_MS).removeprefix(domain("receipt"))
        receipt = Receipt(TIME_MS, SIGNER.sign("receipt", vouched))
        head = Head(chain_id, seq, digest, Seq(floor), epoch, told.closed, len(told.rows), 1, receipt=receipt)
        return head_to_json(head)


def _vouches(block_id: bytes, words: bytes) -> bool:
    return words[:32] == block_id and words[32] in (STORED, ALREADY)


def _goes_further(told: Any) -> bool:
    """Whether another lie has something left to change."""
    if isinstance(told, History):
        return len(told.rows) > 0
    if isinstance(told, Live):
        return any(isinstance(frame, bytes) for frame in told.frames)
    if isinstance(told, Puts):
        return len(told.outcomes) == len(told.kept) and told.answer is None
    if isinstance(told, Said):
        return bool(told.messages)
    if isinstance(told, PutAlone):
        return told.answer.status < 300
    if isinstance(told, Stream):
        return bool(told.blocks) and not told.is_cut
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


def json_answer(status: int, document: Any) -> Answer:
    return Answer(status, {"Content-Type": "application/json"}, json.dumps(document).encode())
