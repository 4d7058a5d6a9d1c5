"""The WebSocket /v1/live: one socket, many chains, and ephemeral messages both ways.

Each socket has a reader and a writer. The reader takes commands and messages, one after the other; what it has to say
goes through a short queue, so a client that does not listen is not listened to. The writer sends what `Subscriptions`
says is next, waiting each time until the client took most of what was sent. Nothing is queued for it but ephemeral
messages: a client that takes nothing for `send_seconds` is told which chains it lagged behind in, and let go. Whatever
ends a socket is told in a text before: a close frame has little room for it.

Most of the time a client has all that there is, and its writer rests. Then one entry more is sent where it is told of,
without a turn of the writer, which is most of what it costs. What cannot go so at once is the writer's, as ever.

Whose page asks (`Origin`) does not matter: see docs/security.md, "Pages of other sites".
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from cairn.config import Limits
from cairn.core.chain import ChainId, Head, Seq
from cairn.core.clock import Clock
from cairn.core.ephemeral import Ephemeral
from cairn.core.errors import CairnError, Invalid, Limited, TooLarge, Unavailable
from cairn.core.store import Store
from cairn.interface.admission.rates import address_group
from cairn.interface.admission.traffic import Traffic
from cairn.interface.live.feeds import Feed, Feeds
from cairn.interface.live.subscriptions import Subscriptions
from cairn.interface.numbers.families import Families, counters, gauges
from cairn.wire.live import (
    COMMAND_BYTES_PER_CHAIN,
    MESSAGE_BYTES_MAX,
    Command,
    decode_command,
    encode_beat,
    encode_ended,
    encode_lagged,
    encode_problem,
)  # fmt: skip

HEARTBEAT_SECONDS: Final = 15.0

_TEXTS_MAX: Final = 16
_COMMAND_BYTES_MIN: Final = 16 * 1024
_FAREWELL_SECONDS: Final = 2.0

_log = logging.getLogger("cairn.interface")


class Lagged(Exception):
    """The client took nothing for too long."""


class Gone(Exception):
    """The connection has ended."""


class Socket(Protocol):
    """One connection, as a server of WebSockets carries it."""

    client: str  # the address, behind trusted proxies

    async def receive(self) -> str | bytes:
        """The next message. Raises Gone."""
        ...

    def send_now(self, message: bytes) -> bool:
        """Begin to send a message, if all before it is sent and the client has taken most of that. False: it was not
        sent, and `send` tells why."""
        ...

    async def send(self, message: str | bytes) -> None:
        """Send a message as soon as the client has taken most of what was sent. Raises Lagged, Gone."""
        ...

    async def send_last(self, message: str) -> None:
        """Send one that may be lost, without waiting for anybody. Raises Gone."""
        ...


class LiveSockets:
    """All live sockets of this process."""

    def __init__(
        self, store: Store, feeds: Feeds, head_of: Callable[[ChainId], Awaitable[Head]], traffic: Traffic,
        limits: Limits, clock: Clock,
    ) -> None:  # fmt: skip
        self.feeds = feeds
        self.lagged = 0
        self.sent_messages = 0
        self._store = store
        self._head_of = head_of
        self._traffic = traffic
        self._limits = limits
        self._clock = clock
        self._conversations: set[_Conversation] = set()
        self._numbers = itertools.count()
        self._is_stopping = False

    @property
    def bytes_max(self) -> int:
        """Of one message from a client."""
        commands = COMMAND_BYTES_PER_CHAIN * self._limits.live_socket_chains
        return max(_COMMAND_BYTES_MIN, MESSAGE_BYTES_MAX, commands)

    @property
    def socket_count(self) -> int:
        """How many are open."""
        return len(self._conversations)

    @contextmanager
    def place(self, client: str) -> Iterator[None]:
        """A place for one more socket of the client at an address.

        Raises:
            Limited: it has all of its places, or asks too fast. Unavailable: there are none left, or no longer any.
        """
        if self._is_stopping or len(self._conversations) >= self._limits.connections:
            raise Unavailable("the server takes no more sockets now: try again later")
        self._traffic.check_request(client)
        group = address_group(client)
        self._traffic.sockets.enter(group)
        try:
            yield
        finally:
            self._traffic.sockets.leave(group)

    async def serve(self, socket: Socket) -> None:
        """Speak with one client until either has enough, and say why."""
        conversation = _Conversation(
            self, self._store, self._head_of, self._traffic, self._limits, self._clock, socket, next(self._numbers)
        )  # fmt: skip
        self._conversations.add(conversation)
        try:
            await conversation.run()
        finally:
            self._conversations.discard(conversation)

    def stop(self) -> None:
        """End all sockets, and take no more: clients connect again elsewhere, or here after the restart."""
        self._is_stopping = True
        for conversation in self._conversations:
            conversation.stop()

    def metrics(self) -> Families:
        """The numbers of live sockets: a `Source`."""
        followed = sum(len(conversation.subscriptions) for conversation in self._conversations)
        yield from gauges({
            "cairn_live_sockets": (len(self._conversations), "Open WebSockets on /v1/live."),
            "cairn_live_subscriptions": (followed, "Chains that they follow, all together."),
            "cairn_live_feeds": (len(self.feeds), "Different chains that sockets and event streams follow."),
        })  # fmt: skip
        yield from counters({
            "cairn_live_lagged": (self.lagged, "Sockets let go because their client took nothing."),
            "cairn_ephemeral_sent": (self.sent_messages, "Ephemeral messages taken from clients and passed on."),
            "cairn_ephemeral_heard": (self.feeds.heard, "Ephemeral messages of chains that sockets follow."),
        })  # fmt: skip


class _Conversation:
    """One socket: a `Follower` of its chains."""

    def __init__(
        self, sockets: LiveSockets, store: Store, head_of: Callable[[ChainId], Awaitable[Head]], traffic: Traffic,
        limits: Limits, clock: Clock, socket: Socket, number: int,
    ) -> None:  # fmt: skip
        self.subscriptions = Subscriptions(limits.live_socket_chains)
        self._sockets = sockets
        self._feeds = sockets.feeds
        self._relay = store.relay
        self._head_of = head_of
        self._traffic = traffic
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._socket = socket
        self._number = str(number)
        self._seconds_to_return = limits.send_seconds
        self._sending: ChainId | None = None
        self._is_resting = False
        self._sent_at = self._loop.time()
        self._texts: asyncio.Queue[str] = asyncio.Queue(_TEXTS_MAX)
        self._work = asyncio.Event()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Read and write until one of them ends."""
        tasks = [asyncio.create_task(part) for part in (self._read(), self._write(), self._until_stopped())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            lagging = {*self.subscriptions.behind, *([self._sending] if self._sending else [])}
            self._leave(self.subscriptions.chains)
        await self._say_farewell(ends, lagging)

    def stop(self) -> None:
        """Let the client know that the server stops, and end."""
        self._stopping.set()

    # --- what feeds tell: never waits ---------------------------------------------------------------------------------

    def grew(self, chain_id: ChainId) -> bool:
        """See `Follower`."""
        feed = self._feeds.feed(chain_id)
        if feed is None or self._send_newest(feed):
            return True
        self.subscriptions.grew(chain_id, feed.stop, is_closed=feed.is_closed)
        self._work.set()
        return False

    def hear(self, frame: bytes) -> bool:
        """See `Follower`."""
        if self._send_now(frame):
            return True
        self.subscriptions.hear(frame)
        self._work.set()
        return False

    def _send_newest(self, feed: Feed) -> bool:
        """Send the newest entry of a chain at once, where nothing else is to be sent; False, with nothing done, where
        it is the writer's turn."""
        place = Seq(feed.stop - 1)
        if feed.is_closed or not self.subscriptions.is_at(feed.chain_id, place):
            return False
        frame = self._feeds.newest(feed.chain_id, place)
        if frame is None or not self._send_now(frame):
            return False
        self._sending = feed.chain_id
        return self.subscriptions.move(feed.chain_id, place, feed.stop, feed.stop)

    def _send_now(self, frame: bytes) -> bool:
        if not self._is_resting or self._work.is_set() or not self._socket.send_now(frame):
            return False
        self._sent_at = self._loop.time()
        return True

    # --- reading ------------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        while True:
            message = await self._socket.receive()
            if len(message) > self._sockets.bytes_max:
                raise TooLarge(f"a message on this socket has at most {self._sockets.bytes_max} bytes")
            self._traffic.check_message(self._number)
            if isinstance(message, bytes):
                await self._pass_on(Ephemeral.decode(message))
            else:
                await self._obey(decode_command(message))

    async def _obey(self, command: Command) -> None:
        self._leave(command.unsubscribe)
        if command.subscribe:
            await self._subscribe_all(command)
        if command.beat is not None:
            await self._say(encode_beat(self._clock.now_ms(), command.beat))

    async def _subscribe_all(self, command: Command) -> None:
        try:
            self._traffic.check_request(self._socket.client)
            self.subscriptions.check_room(command.subscribe)
            self._traffic.check_items(self._socket.client, len(command.subscribe))
        except CairnError as error:
            for chain_id in command.subscribe:
                await self._say(encode_problem(error, chain_id))
            return
        for chain_id, start in command.subscribe.items():
            await self._subscribe(chain_id, start)

    async def _subscribe(self, chain_id: ChainId, start: Seq) -> None:
        try:
            await self._feeds.follow(chain_id, self)
        except CairnError as error:
            await self._say(encode_problem(error, chain_id))
        else:
            self.subscriptions.put(chain_id, start)
            self.grew(chain_id)

    def _leave(self, chain_ids: Iterable[ChainId]) -> None:
        for chain_id in chain_ids:
            self.subscriptions.drop(chain_id)
            self._feeds.leave(chain_id, self)

    async def _pass_on(self, message: Ephemeral) -> None:
        client = self._socket.client
        try:
            self._traffic.check_signatures(client)
            self._traffic.check_ephemeral(message.chain_id, client)
            if message.chain_id not in self.subscriptions:
                await self._head_of(message.chain_id)  # which refuses doors
            if await self._relay.send(message):
                self._traffic.count_ephemeral(message.chain_id)
            self._sockets.sent_messages += 1
        except CairnError as error:
            await self._say(encode_problem(self._counted(error), message.chain_id))

    def _counted(self, error: CairnError) -> CairnError:
        """What to tell of a message that was refused, counting it if it did not verify."""
        if isinstance(error, Invalid):
            with contextlib.suppress(Limited):
                self._traffic.count_bad_entry(self._socket.client)
        return error

    async def _say(self, text: str) -> None:
        await self._texts.put(text)
        self._work.set()

    # --- writing ------------------------------------------------------------------------------------------------------

    async def _write(self) -> None:
        while True:
            self._work.clear()
            if not await self._write_next():
                await self._rest()

    async def _write_next(self) -> bool:
        """Send what is next; False if there is nothing."""
        if not self._texts.empty():
            await self._send(self._texts.get_nowait())
            return True
        heard = self.subscriptions.next_heard()
        if heard is not None:
            await self._send(heard)
            return True
        behind = self.subscriptions.next_behind()
        if behind is not None:
            await self._write_page(*behind)
        return behind is not None

    async def _rest(self) -> None:
        """Wait for something to send; after a while without, say that the server is there."""
        while not await self._has_work_by(self._sent_at + HEARTBEAT_SECONDS):
            if self._sent_at + HEARTBEAT_SECONDS <= self._loop.time():
                await self._send(encode_beat(self._clock.now_ms()))

    async def _has_work_by(self, when: float) -> bool:
        self._is_resting = True
        try:
            async with asyncio.timeout_at(when):
                return await self._work.wait()
        except TimeoutError:
            return False
        finally:
            self._is_resting = False

    async def _send(self, message: str | bytes) -> None:
        await self._socket.send(message)
        self._sent_at = self._loop.time()
        self._sending = None

    async def _write_page(self, chain_id: ChainId, place: Seq) -> None:
        feed = self._feeds.feed(chain_id)
        if feed is None:
            return
        stop = feed.stop
        try:
            frames = await self._feeds.page(feed, place)
        except CairnError as error:
            self._leave([chain_id])
            await self._send(encode_problem(error, chain_id))
            return
        for seq, frame in frames:
            if not self.subscriptions.move(chain_id, place, Seq(seq + 1), feed.stop):
                return
            place = Seq(seq + 1)
            self._sending = chain_id
            await self._send(frame)
        await self._finish_page(feed, place, place if frames else max(place, stop))

    async def _finish_page(self, feed: Feed, place: Seq, following: Seq) -> None:
        """Pass over what is trimmed; after the last entry of a closed chain say so, and leave it."""
        stands = self.subscriptions.move(feed.chain_id, place, following, feed.stop)
        if stands and feed.is_closed and following >= feed.stop:
            self._leave([feed.chain_id])
            await self._send(encode_ended([feed.chain_id]))

    # --- the end ------------------------------------------------------------------------------------------------------

    async def _until_stopped(self) -> None:
        await self._stopping.wait()
        raise Unavailable("the server is stopping: connect again")

    async def _say_farewell(self, ends: Iterable[object], lagging: set[ChainId]) -> None:
        for end in ends:
            if isinstance(end, CairnError):
                await self._say_last(encode_problem(end))
            elif isinstance(end, Lagged):
                self._sockets.lagged += 1
                await self._say_last(encode_lagged(lagging), self._seconds_to_return)
            elif isinstance(end, Exception) and not isinstance(end, Gone):
                _log.error("a live socket failed in an unexpected way", exc_info=end)

    async def _say_last(self, text: str, seconds_max: float = _FAREWELL_SECONDS) -> None:
        with contextlib.suppress(Gone, TimeoutError):
            async with asyncio.timeout(seconds_max):
                await self._socket.send_last(text)
