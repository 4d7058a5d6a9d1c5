"""The SDK follows many chains on one socket, over cuts and where sockets are not let through; and speaks in passing."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from cairn.client import ChainCapability, Session, VerifyCapability, WriteCapability, connect
from cairn.client.sync import connect as connect_blocking
from cairn.core.errors import Forbidden, NotFound, TooLarge, Unavailable
from cairn.testing.chains import Writer
from cairn.testing.contract import take
from tests.harness import Server, serving
from tests.integration.http.api import Holder

_SEED = 8


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as started:
        yield started
        started.assert_healthy()


class Passage:
    """What stands before a server: passes connections on, cuts them when told, and may let no upgrade through."""

    def __init__(self, port: int, *, upgrades: bool) -> None:
        self.asked_upgrades = 0
        self._to = port
        self._upgrades = upgrades
        self._writers: set[asyncio.StreamWriter] = set()
        self._ended = asyncio.Event()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        self._writers.add(writer)
        self._ended.clear()
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._to)
            await asyncio.gather(_pass_on(reader, to_server, self._seen), _pass_on(from_server, writer, bytes))
        finally:
            self._writers.discard(writer)
            if not self._writers:
                self._ended.set()

    def cut(self) -> None:
        """End every connection, in the midst of whatever it carries."""
        for writer in self._writers:
            writer.transport.abort()

    async def end(self) -> None:
        """Cut all, and wait until nothing is carried any more."""
        self.cut()
        if self._writers:
            await self._ended.wait()

    def _seen(self, data: bytes) -> bytes:
        """What goes to the server: a proxy that knows nothing of upgrades leaves out what asks for them."""
        self.asked_upgrades += b"Upgrade: websocket" in data
        return data if self._upgrades else data.replace(b"Upgrade: websocket", b"Left-Out: upgrade:")


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Callable[[bytes], bytes]) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(seen(data))
            await writer.drain()
    writer.close()


@asynccontextmanager
async def passage(server: Server, *, upgrades: bool = True) -> AsyncIterator[tuple[Passage, str]]:
    """A passage, and the URL at which it takes connections."""
    made = Passage(server.port, upgrades=upgrades)
    listener = await asyncio.start_server(made.accept, "127.0.0.1", 0)
    try:
        yield made, f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    finally:
        listener.close()
        await made.end()


async def _written(session: Session, count: int) -> list[WriteCapability]:
    writers = [WriteCapability.new() for _ in range(count)]
    for writer in writers:
        await session.chain(writer).append("first")
    return writers


async def _write(session: Session, writers: list[WriteCapability], count: int) -> None:
    for number in range(count):
        await asyncio.gather(*(session.chain(writer).append(str(number)) for writer in writers))


async def _followed(session: Session, writers: list[WriteCapability], count: int) -> dict[bytes, list[str | None]]:
    """What comes of each chain behind its first entry."""
    seen: dict[bytes, list[str | None]] = {writer.chain_id: [] for writer in writers}
    async with aclosing(session.live({writer.to_read(): 2 for writer in writers})) as entries:
        async for chain_id, entry in entries:
            seen[chain_id].append(entry.text())
            if all(len(texts) == count for texts in seen.values()):
                break
    return seen


@pytest.mark.parametrize("upgrades", [True, False], ids=["socket", "event streams"])
async def test_many_chains_over_cuts(server: Server, upgrades: bool) -> None:
    """All on one socket, or, where none is let through, on a stream each; no gap and no repeat."""
    print("seed", _SEED)
    rng = random.Random(_SEED)
    async with connect(server.url) as there, passage(server, upgrades=upgrades) as (way, url):
        writers = await _written(there, 12)
        async with connect(url) as here:
            following = asyncio.create_task(_followed(here, writers, 30))
            writing = asyncio.create_task(_write(there, writers, 30))
            cuts = 0
            while not (following.done() and writing.done()):
                await asyncio.wait([following], timeout=rng.random() * 0.4)
                if cuts < 8:
                    way.cut()
                    cuts += 1
            assert await following == {writer.chain_id: [str(number) for number in range(30)] for writer in writers}
            # One that was cut off before it was refused is asked for again.
            assert 1 <= way.asked_upgrades <= cuts + (4 if upgrades else 1)


async def test_three_hundred_chains_within_the_usual_limits(tmp_path: Path) -> None:
    """What is followed in the same moment is asked for together, so that no socket ends for asking too much."""
    limits = {"requests_per_second": 0, "free_grant_appends_per_second": 0, "live_messages_per_second": 1}
    with serving(tmp_path, interface={"admission": "open", "limits": limits}) as server:
        made = [Writer(f"many {number}") for number in range(300)]
        for writer in made:
            writer.add()
            assert Holder(server).append(writer.entries).status == 201
        places: dict[str | ChainCapability, int] = {VerifyCapability(w.keys.chain_id): 2 for w in made}
        async with connect(server.url) as session, aclosing(session.live(places)) as entries:
            for writer in made:
                taking = asyncio.create_task(take(entries, 1))
                assert (await asyncio.to_thread(Holder(server).append, [writer.add()])).status == 201
                assert [chain_id for chain_id, _ in await taking] == [writer.keys.chain_id]
        metrics = server.ask("GET", "/metrics").body.decode()
        assert 'cairn_requests_total{route="get_live"' not in metrics


async def test_who_follows_a_chain_twice_sees_it_twice(server: Server) -> None:
    """From wherever each began, on the same socket; and one leaves without harm to the other."""
    async with connect(server.url) as session:
        (writer,) = await _written(session, 1)
        await _write(session, [writer], 5)
        chain = session.chain(writer)
        async with aclosing(session.chain(writer).follow(4)) as late:
            assert [entry.text() for entry in await take(late, 3)] == ["2", "3", "4"]
            async with aclosing(session.chain(writer).follow(1)) as early:
                assert [entry.text() for entry in await take(early, 6)] == ["first", "0", "1", "2", "3", "4"]
                await chain.append("5")
                assert [entry.text() for entry in await take(early, 1)] == ["5"]
            assert [entry.text() for entry in await take(late, 1)] == ["5"]
            await chain.append("6")
            assert [entry.text() for entry in await take(late, 1)] == ["6"]


async def test_a_slow_follower_misses_nothing(server: Server) -> None:
    """Far more comes than waits for it, while another on the same socket takes all at once."""
    async with connect(server.url) as here, connect(server.url) as there:
        (writer,) = await _written(there, 1)
        async with aclosing(here.chain(writer).follow(1)) as slow, aclosing(here.chain(writer).follow(1)) as quick:
            await take(slow, 1)
            await take(quick, 1)
            begun = asyncio.create_task(take(slow, 1))
            taking = asyncio.create_task(take(quick, 900))
            for start in range(0, 900, 100):
                chain = there.chain(writer)
                await asyncio.gather(*(chain.append(str(number)) for number in range(start, start + 100)))
            wanted = [entry.entry.seq for entry in await taking]
            assert wanted == list(range(2, 902))
            assert [entry.entry.seq for entry in [*await begun, *await take(slow, 899)]] == wanted


@asynccontextmanager
async def _listening(
    session: Session, capability: WriteCapability, as_reader: bool = True
) -> AsyncIterator[asyncio.Queue[bytes]]:
    """What somebody hears who is known to listen."""
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def listen() -> None:
        async with aclosing(session.chain(capability.to_read() if as_reader else capability).messages()) as messages:
            async for data in messages:
                heard.put_nowait(data)

    listening = asyncio.create_task(listen())
    try:
        while heard.empty():
            await session.chain(capability).send(b"is anybody there?")
            await asyncio.sleep(0.02)
        yield heard
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def _hear(heard: asyncio.Queue[bytes], count: int) -> list[bytes]:
    found: list[bytes] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            data = await heard.get()
            found += [data] if data != b"is anybody there?" else []
    return found


async def test_what_is_said_in_passing_is_heard_by_who_listens(server: Server) -> None:
    async with connect(server.url) as ann, connect(server.url) as bob:
        (writer,) = await _written(ann, 1)
        async with _listening(ann, writer, as_reader=False) as at_ann, _listening(bob, writer) as at_bob:
            said = [b"%d" % number for number in range(20)]
            for data in said:
                await ann.chain(writer).send(data)
            assert await _hear(at_ann, 20) == said
            assert await _hear(at_bob, 20) == said
            capability = await ann.chain(writer).rotate()
            await bob.chain(writer).send("after the rotation")  # bob learns of it when he is refused
            assert await _hear(at_ann, 1) == [b"after the rotation"]
        with pytest.raises(Forbidden):
            await bob.chain(capability).send("not mine to say")
        with pytest.raises(TooLarge):
            await ann.chain(writer).send(bytes(16_381))
        with pytest.raises(NotFound):
            await ann.chain(WriteCapability.new()).send("nowhere")


async def test_listening_goes_on_over_cuts(server: Server) -> None:
    async with connect(server.url) as there, passage(server) as (way, url):
        (writer,) = await _written(there, 1)
        async with connect(url) as here, _listening(here, writer) as heard:
            for number in range(5):
                way.cut()
                while (b"%d" % number) not in [heard.get_nowait() for _ in range(heard.qsize())]:
                    await there.chain(writer).send(b"%d" % number)
                    await asyncio.sleep(0.02)


async def test_where_no_socket_is_let_through_nothing_is_said(server: Server) -> None:
    async with connect(server.url) as there, passage(server, upgrades=False) as (_, url):
        (writer,) = await _written(there, 1)
        async with connect(url) as here:
            with pytest.raises(Unavailable, match="live socket"):
                await here.chain(writer).send("hello")


def test_the_blocking_face(server: Server) -> None:
    writer = WriteCapability.new()
    with connect_blocking(server.url) as session:
        session.chain(writer).append("hello")
        live = session.live({str(writer): 1})
        chain_id, entry = next(iter(live))
        assert (chain_id, entry.text()) == (writer.chain_id, "hello")
        live.close()  # type: ignore[attr-defined]
        session.chain(writer).send("in passing")
