"""Both ends of a link against peers that misbehave, and the bounds that hold when there is too much to do."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from cairn.core.block import NO_GRANT, Block, BlockId
from cairn.core.chain import Kind, Seq
from cairn.core.errors import CairnError, NotFound, Unavailable, Unknown
from cairn.core.store import Store
from cairn.interface.peers.link import StoreResponder
from cairn.link import Answer, AnsweringLink, Link, Place, answering, asking, connection, open_answering, open_link
from cairn.link.handshake import ANSWERS, ASKS, Handshake
from cairn.link.socket import Socket, connect, listening
from cairn.storage.memory import memory_store
from cairn.storage.remote import remote_store
from cairn.testing.chains import Writer, random_block
from cairn.testing.contract import take
from cairn.testing.faults import Faults, with_faults
from cairn.wire.link import About, Assembler, Frame, Operation, encode_frame, encode_request
from tests.waiting import until

KEYS = [b"k" * 32]
HERE = Place("127.0.0.1")
BLOCK = Block.of(b"one block")
PATIENCE_SECONDS = 20.0


@asynccontextmanager
async def answered(store: Store) -> AsyncIterator[AnsweringLink]:
    async with open_answering(HERE, KEYS, StoreResponder(store, About)) as link:
        yield link


@asynccontextmanager
async def linked(port: int, connections: int = 2) -> AsyncIterator[Link]:
    async with open_link(Place("127.0.0.1", port), KEYS, connections=connections) as link:
        yield link


# --- an answering end that lies --------------------------------------------------------------------------------------

Answers = Callable[[Frame], list[bytes]]


@asynccontextmanager
async def peer(answers: Answers) -> AsyncIterator[int]:
    """A port where somebody who knows the secret answers each request with any messages."""
    sockets = []

    async def serve(socket: Socket) -> None:
        handshake = Handshake(ANSWERS, KEYS, os.urandom(32), socket.channel)
        handshake.meet(await socket.receive())
        socket.send(handshake.hello)
        handshake.verify(await socket.receive())
        assembler = Assembler()

        def take(message: bytes) -> None:
            for frame in assembler.feed(message):
                for sent in answers(frame):
                    socket.send(sent)

        socket.on_message = take
        socket.send(handshake.proof())

    tasks = []

    def opened(socket: Socket) -> None:
        sockets.append(socket)
        tasks.append(asyncio.create_task(serve(socket)))

    async with listening(HERE, opened, None, lambda _path, _headers: None) as port:
        yield port
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for socket in sockets:
            socket.drop()


def whole(frame: Frame, payload: bytes, operation: Operation = Operation.ANSWER) -> list[bytes]:
    return encode_frame(frame.request_id, operation, payload)


GARBAGE: dict[str, Answers] = {
    "no frame": lambda _: [b""],
    "an operation that is none": lambda frame: [frame.request_id.to_bytes(4, "big") + b"\x07abc"],
    "nothing": lambda frame: whole(frame, b""),
    "noise": lambda frame: whole(frame, os.urandom(100)),
    "another block": lambda frame: whole(frame, BlockId(bytes(32)) + (4).to_bytes(4, "big") + b"data"),
    "a question": lambda frame: whole(frame, frame.payload, Operation.GET_BLOCK),
    "a broken error": lambda frame: whole(frame, b"\1\2", Operation.ERROR),
    "an error that is no document": lambda frame: whole(frame, bytes(7) + b"[]", Operation.ERROR),
    "parts without end": lambda frame: [encode_frame(n, Operation.ANSWER, bytes(200_000))[0] for n in range(9)],
    "parts of another size": lambda frame: [frame.request_id.to_bytes(4, "big") + bytes((96,)) + b"short"],
    "a conflict without a head": lambda frame: whole(
        frame, b"\x01\x99" + bytes(5) + b'{"code": "conflict"}', Operation.ERROR
    ),
}


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_garbage_is_never_believed(garbage: str) -> None:
    writer = Writer("garbage")
    async with peer(GARBAGE[garbage]) as port, linked(port) as link:
        store = remote_store(link)
        reads = [
            lambda: store.blocks.get(BLOCK.id),
            lambda: store.blocks.has([BLOCK.id]),
            lambda: store.chains.head(writer.keys.chain_id),
            lambda: anext(store.chains.read(writer.keys.chain_id, Seq(0), Seq(5))),
            lambda: store.ledger.usage(NO_GRANT),
            lambda: anext(store.chains.watch(writer.keys.chain_id, Seq(0))),
            lambda: anext(store.relay.listen(writer.keys.chain_id)),
        ]
        for read in reads:
            with pytest.raises(Unavailable):
                await read()
        for write in (
            lambda: store.blocks.put(BLOCK, None, NO_GRANT),
            lambda: store.chains.append(writer.entries, NO_GRANT),
        ):
            with pytest.raises((Unknown, Unavailable)) as caught:
                await write()
            assert isinstance(caught.value, Unknown) or link.counts.reconnects


async def test_a_block_with_an_altered_byte_is_not_taken() -> None:
    altered = BLOCK.id + len(BLOCK).to_bytes(4, "big") + BLOCK.data[:-1] + b"x"
    async with peer(lambda frame: whole(frame, altered)) as port, linked(port) as link:
        with pytest.raises(Unavailable, match="broken"):
            await remote_store(link).blocks.get(BLOCK.id)


async def test_a_stream_that_ignores_the_credit_is_ended() -> None:
    writer = Writer("flood")
    item = len(writer.entries[0].raw).to_bytes(4, "big") + writer.entries[0].raw

    def flood(frame: Frame) -> list[bytes]:
        if frame.operation is not Operation.WATCH:
            return []
        return whole(frame, item, Operation.ITEM) * (2 * asking.CREDIT_BYTES // len(item))

    async with peer(flood) as port, linked(port, 1) as link:
        items = link.stream(Operation.WATCH, bytes(44))
        assert await anext(items) == item
        await until(lambda: link.counts.reconnects > 0)
        with pytest.raises(Unavailable):
            async for _ in items:
                pass


async def test_a_silent_peer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes requests and says nothing, not even that it lives: what is asked meanwhile fails, and means what it
    should. A deadline of one's own comes first."""
    monkeypatch.setattr(connection, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(connection, "SILENCE_SECONDS", 0.3)
    monkeypatch.setattr(Socket, "ping", lambda _: None)
    async with peer(lambda _: []) as port, linked(port) as link:
        store = remote_store(link)
        await until(lambda: link.is_connected)
        with pytest.raises(Unknown):
            await store.blocks.put(BLOCK, None, NO_GRANT)
        with pytest.raises(Unavailable):
            await store.blocks.get(BLOCK.id)
        await until(lambda: link.counts.reconnects > 0)


@asynccontextmanager
async def two_ends() -> AsyncIterator[tuple[Socket, Socket]]:
    """Both ends of a connection."""
    accepted: list[Socket] = []
    async with listening(HERE, accepted.append, None, lambda _path, _headers: None) as port:
        asking_end = await connect(Place("127.0.0.1", port), None)
        await until(lambda: bool(accepted))
        yield asking_end, accepted[0]
        asking_end.drop()
        accepted[0].drop()


def connected(socket: Socket) -> connection.Connection:
    return connection.Connection(socket, lambda _: None, lambda: None)


async def test_who_says_nothing_for_three_seconds_is_gone() -> None:
    """Not after less; nor where nothing could be heard, since this process stood still."""
    async with two_ends() as (socket, _):
        one, heard = connected(socket), socket.heard
        for silence, was_away in ((100.0, True), (2.9, False)):
            socket.heard = heard
            one.beat(heard + silence, was_away=was_away)
            assert not one.is_lost
        socket.heard = heard
        one.beat(heard + 3.1, was_away=False)
        await until(lambda: one.is_lost)


async def test_who_does_not_read_says_that_it_lives() -> None:
    async with two_ends() as (socket, other):
        one, two = connected(socket), connected(other)
        one.pause()
        before = other.heard = socket.heard - 10
        one.beat(socket.heard, was_away=False)
        await until(lambda: other.heard > before)
        assert not two.is_lost


async def test_a_deadline_ends_the_waiting_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    cancelled: list[int] = []

    def note(frame: Frame) -> list[bytes]:
        if frame.operation is Operation.CANCEL:
            cancelled.append(frame.request_id)
        return []

    async with peer(note) as port, linked(port, 1) as link:
        with pytest.raises(Unavailable):
            await link.ask(Operation.GET_BLOCK, BLOCK.id, bytes, seconds=0.2)
        with pytest.raises(Unknown):
            await link.ask(Operation.UNPIN_BLOCK, bytes(64), bytes, seconds=0.2)
        await until(lambda: len(cancelled) == 2)


# --- an asking end that misbehaves -----------------------------------------------------------------------------------


@asynccontextmanager
async def asker(port: int, key: bytes = KEYS[0]) -> AsyncIterator[Socket]:
    """A connection of somebody who may know the secret."""
    socket = await connect(Place("127.0.0.1", port), None)
    try:
        handshake = Handshake(ASKS, [key], os.urandom(32), socket.channel)
        socket.send(handshake.hello)
        handshake.meet(await socket.receive())
        socket.send(handshake.proof())
        handshake.verify(await socket.receive())
        yield socket
    finally:
        socket.drop()


def request(number: int, operation: Operation, body: bytes, left_ms: int = 5_000, sent_ms: int = 0) -> list[bytes]:
    return encode_frame(number, operation, encode_request(sent_ms, left_ms, body))


BAD_MESSAGES = [
    [b""],
    [b"abc"],
    [bytes(4) + b"\xff"],
    [bytes(4) + bytes((Operation.GET_BLOCK,)) + b"short"],
    encode_frame(1, Operation.ANSWER, b"x"),
    [encode_frame(n, Operation.APPEND, bytes(200_000))[0] for n in range(4)],
    [bytes(4) + bytes((Operation.BUNDLE,)) + b"\0\0\1\0"],
    request(1, Operation.WATCH, bytes(44)) + request(1, Operation.WATCH, bytes(44)),
]


@pytest.mark.parametrize("messages", BAD_MESSAGES, ids=range(len(BAD_MESSAGES)))
async def test_who_does_not_speak_the_protocol_is_cut_off(messages: list[bytes]) -> None:
    async with answered(memory_store()) as link, asker(link.port) as socket:
        await until(lambda: link.counts.connections == 1)
        for message in messages:
            socket.send(message)
        await until(lambda: socket.is_lost)
        await until(lambda: link.counts.connections == 0)


@pytest.mark.parametrize("first", [b"", b"x" * 40, b"CRL1" + bytes(36), b"y" * 100_000])
async def test_strangers_get_nothing(first: bytes) -> None:
    async with answered(memory_store()) as link:
        socket = await connect(Place("127.0.0.1", link.port), None)
        socket.send(first)
        await until(lambda: socket.is_lost)
        assert (link.counts.connections, link.counts.refused) == (0, 1)
        with pytest.raises(CairnError):
            async with asker(link.port, b"w" * 32):
                raise AssertionError("a wrong key was believed")


async def test_strangers_keep_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many say nothing, who knows the secret gets in; those who have been silent longest go."""
    monkeypatch.setattr(answering, "STRANGERS_MAX", 3)
    monkeypatch.setattr(answering, "GREETING_SECONDS", 10 * PATIENCE_SECONDS)
    async with answered(memory_store()) as link:
        silent = [await connect(Place("127.0.0.1", link.port), None) for _ in range(4)]
        await until(lambda: silent[0].is_lost)
        async with asyncio.timeout(PATIENCE_SECONDS), asker(link.port):
            await until(lambda: link.counts.connections == 1 and link.counts.refused == 2)
        assert [socket.is_lost for socket in silent] == [True, True, False, False]
        for socket in silent:
            socket.drop()


PING = b"\x89\xfd" + bytes(4) + bytes(125)  # masked with zeros (RFC 6455, 5.2)
UPGRADE = (
    b"GET /v1/link HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)


async def test_a_stranger_is_not_answered_when_it_pings() -> None:
    async with answered(memory_store()) as link:
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        writer.write(UPGRADE)
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        writer.write(PING * 100 + b"\x88\x80" + bytes(4))  # a close frame: all before it was seen
        assert await reader.read() == b""
        writer.close()


async def test_who_pings_and_does_not_read_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    sockets: list[Socket] = []
    take_socket = AnsweringLink.take

    def note(link: AnsweringLink, socket: Socket) -> None:
        sockets.append(socket)
        take_socket(link, socket)

    monkeypatch.setattr(AnsweringLink, "take", note)
    async with answered(memory_store()) as link, asker(link.port) as greedy:
        await until(lambda: link.counts.connections == 1)
        greedy.pause()
        transport = greedy._transport
        assert transport is not None
        for _ in range(200):
            for _ in range(1_000):
                transport.send_ping(bytes(125))
            await asyncio.sleep(0)
        taken = sockets[0]
        await until(lambda: not taken.is_writable or transport.underlying_transport.get_write_buffer_size() == 0)
        assert taken._transport is not None
        assert taken._transport.underlying_transport.get_write_buffer_size() < 1024 * 1024


async def test_bad_bodies_are_answered_and_the_connection_goes_on() -> None:
    bodies = {one: b"abc" for one in Operation if one < Operation.CANCEL}
    async with answered(memory_store()) as link, asker(link.port) as socket:
        answers: dict[int, Operation] = {}
        assembler = Assembler()

        def take(message: bytes) -> None:
            answers.update({frame.request_id: frame.operation for frame in assembler.feed(message)})

        socket.on_message = take
        for operation, body in bodies.items():
            socket.send(request(operation, operation, body)[0])
        await until(lambda: len(answers) == len(bodies))
        assert {one for one, told in answers.items() if told is not Operation.ERROR} == {Operation.ABOUT}
        assert not socket.is_lost


async def test_what_comes_after_its_time_is_not_begun() -> None:
    store = memory_store()
    async with answered(store) as link, asker(link.port) as socket:
        answers: list[Frame] = []
        assembler = Assembler()
        socket.on_message = lambda message: answers.extend(assembler.feed(message))
        put = NO_GRANT + bytes(32) + len(BLOCK).to_bytes(4, "big") + BLOCK.data
        socket.send(request(1, Operation.PUT_BLOCK, put, left_ms=0)[0])
        await until(lambda: len(answers) == 1)
        assert answers[0].operation is Operation.ERROR
        assert await store.blocks.has([BLOCK.id]) == set()
        assert link.counts.refused == 1


# --- back-pressure and bounds ----------------------------------------------------------------------------------------


async def test_who_asks_and_does_not_read_fills_no_memory() -> None:
    """The answers wait in the sockets and within the bound; more is not begun, and more is not read."""
    store = memory_store()
    large = random_block("large", 1_000_000)
    await store.blocks.put(large, None, NO_GRANT)
    async with answered(store) as link, asker(link.port) as greedy:
        greedy.pause()
        for number in range(400):
            greedy.send(request(number, Operation.GET_BLOCK, large.id, left_ms=60_000)[0])
        await until(lambda: any(each.outbox.bytes for each in link.connections()))
        for _ in range(50):
            await asyncio.sleep(0.01)
            waiting = sum(each.outbox.bytes for each in link.connections())
            assert waiting <= 3 * answering.HELD_BYTES_MAX, "as many as are begun at once may all be large"
        async with linked(link.port) as other:  # and nobody else suffers
            assert (await remote_store(other).blocks.get(large.id)).data == large.data


async def test_large_blocks_do_not_starve_small_requests() -> None:
    """While many large blocks are under way on the only connection, small ones are answered long before their end."""
    store = memory_store()
    larges = [random_block(f"large {number}", 1_000_000) for number in range(60)]
    for block in larges:
        await store.blocks.put(block, None, NO_GRANT)
    async with answered(store) as answering_link, linked(answering_link.port, 1) as link:
        remote = remote_store(link)
        await until(lambda: link.is_connected)
        getting = [asyncio.create_task(remote.blocks.get(block.id)) for block in larges]
        await asyncio.sleep(0)
        assert await remote.blocks.has([BLOCK.id]) == set()
        assert sum(not task.done() for task in getting) > 30
        assert [block.data for block in await asyncio.gather(*getting)] == [block.data for block in larges]


async def test_a_slow_watcher_holds_nobody_back() -> None:
    store = memory_store()
    writer = Writer("slow")
    for _ in range(400):
        writer.add(bytes(4_000))
    writer.add(b"", kind=Kind.CLOSE)
    await store.chains.append(writer.entries, NO_GRANT)
    async with answered(store) as answering_link, linked(answering_link.port, 1) as link:
        remote = remote_store(link)
        dawdling = remote.chains.watch(writer.keys.chain_id, Seq(0))
        await anext(dawdling)
        assert [entry async for entry in remote.chains.watch(writer.keys.chain_id, Seq(0))] == writer.entries
        assert await remote.blocks.has([BLOCK.id]) == set()
        (connection_here,) = answering_link.connections()
        assert connection_here.outbox.bytes < 2 * asking.CREDIT_BYTES
        rest = [entry async for entry in dawdling]
        assert rest == writer.entries[1:]


async def test_a_thousand_followers_of_a_chain_cost_the_link_what_one_does() -> None:
    streams = []

    class Counting(StoreResponder):
        def stream(self, operation: Operation, body: bytes) -> Answer:
            streams.append(operation)
            return super().stream(operation, body)

    store, writer = memory_store(), Writer("crowd")
    writer.add_many(5)
    await store.chains.append(writer.entries, NO_GRANT)
    async with (
        open_answering(HERE, KEYS, Counting(store, About)) as answering_link,
        linked(answering_link.port, 1) as link,
    ):
        remote = remote_store(link)
        following = [
            asyncio.create_task(take(remote.chains.watch(writer.keys.chain_id, Seq(n % 6)), 16 - n % 6))
            for n in range(1_000)
        ]
        await until(lambda: len(streams) == 1)
        for _ in range(10):
            await store.chains.append([writer.add()], NO_GRANT)
        for number, seen in enumerate(await asyncio.gather(*following)):
            assert seen == writer.entries[number % 6 :]
        assert streams == [Operation.WATCH]


async def test_too_many_requests_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cairn.link.link.REQUESTS_MAX", 10)
    slow = with_faults(memory_store(), Faults(delay_seconds=0.2))
    async with answered(slow) as answering_link, linked(answering_link.port) as link:
        remote = remote_store(link)
        outcomes = await asyncio.gather(*(remote.blocks.has([BLOCK.id]) for _ in range(30)), return_exceptions=True)
        assert sum(isinstance(outcome, Unavailable) for outcome in outcomes) == 20
        assert link.counts.refused == 20
        assert await remote.blocks.has([BLOCK.id]) == set()


async def test_without_a_link_requests_wait_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cairn.link.link.PATIENCE_SECONDS", 0.1)
    async with peer(lambda _: []) as port:
        pass
    async with linked(port) as link:
        with pytest.raises(Unavailable, match="cannot be reached"):
            await remote_store(link).blocks.get(BLOCK.id)
        await until(lambda: "connection refused" in link.trouble)


async def test_a_cancelled_asker_cancels_the_work() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    class Slow(StoreResponder):
        async def answer(self, operation: Operation, body: bytes) -> bytes:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
            return b""

    async with (
        open_answering(HERE, KEYS, Slow(memory_store(), About)) as answering_link,
        linked(answering_link.port) as link,
    ):
        waiting = asyncio.create_task(remote_store(link).blocks.get(BLOCK.id))
        await begun.wait()
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        async with asyncio.timeout(PATIENCE_SECONDS):
            await ended.wait()
        assert link.counts.in_flight == 0
        await until(lambda: answering_link.counts.in_flight == 0)


async def test_a_lost_connection_is_made_anew_and_reads_are_asked_again() -> None:
    store = memory_store()
    await store.blocks.put(BLOCK, None, NO_GRANT)
    slow = with_faults(store, Faults(delay_seconds=0.1))
    async with answered(slow) as answering_link, linked(answering_link.port) as link:
        remote = remote_store(link)
        await until(lambda: len(link.connections()) == 2)
        getting = asyncio.create_task(remote.blocks.get(BLOCK.id))
        await until(lambda: answering_link.counts.in_flight == 1)
        link.connections()[0].drop()
        link.connections()[0].drop()
        assert (await getting).data == BLOCK.data
        with pytest.raises(NotFound):
            await remote.blocks.get(BlockId(bytes(32)))
        await until(lambda: len(link.connections()) == 2)


async def test_a_drain_answers_what_was_begun_and_refuses_the_rest() -> None:
    slow = with_faults(memory_store(), Faults(delay_seconds=0.2))
    async with (
        open_answering(HERE, KEYS, StoreResponder(slow, About)) as answering_link,
        linked(answering_link.port, 1) as link,
    ):
        remote = remote_store(link)
        putting = asyncio.create_task(remote.blocks.put(BLOCK, None, NO_GRANT))
        await until(lambda: answering_link.counts.in_flight == 1)
        draining = asyncio.create_task(answering_link.drain())
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await remote.blocks.put(random_block("later"), None, NO_GRANT)
        assert await putting is True
        await draining
