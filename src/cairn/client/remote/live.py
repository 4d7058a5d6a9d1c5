"""One live socket to a server, for all that a client follows. See docs/protocol.md, "One socket, many chains".

Whoever follows a chain has an inbox on the connection. The server keeps one place per chain and socket, so when several
follow the same chain, or one fell behind, the chain is subscribed anew from the least seq that one of them wants, and
each passes over what it has. Before that it is unsubscribed, up to the echo of a beat: nothing of the old subscription
can come after it, so no inbox sees a gap. The echo also settles messages: a problem comes before it, or not at all.

A connection that is lost ends all inboxes with Unavailable. Whoever follows asks again, and so opens the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from typing import Final

from cairn.client.remote.http import HttpServer
from cairn.client.remote.websocket import NoSockets, WebSocket
from cairn.core.chain import SEQ_MAX, ChainId, Entry, Seq
from cairn.core.ephemeral import Ephemeral
from cairn.core.errors import CairnError, Invalid, TooLarge, Unavailable
from cairn.wire.live import Command, Notice, decode_frame, decode_notice, encode_command

_PATH: Final = "/v1/live"
_INBOX_MAX: Final = 256
_SILENT_SECONDS_MAX: Final = 40.0
_CHAINS_AT_ONCE: Final = 1_000  # a text of the server's bound has room for 1,024
_NO_ENTRIES: Final = Seq(SEQ_MAX)


class LiveSocket:
    """The socket of one client. It is opened when it is needed, again when it was lost, and closed by `aclose`."""

    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._connection: _Connection | None = None
        self._opening = asyncio.Lock()
        self.is_refused = False
        """The server takes no sockets: nothing here will work."""

    async def entries(self, chain_id: ChainId, start: Seq, found: Callable[[], None]) -> AsyncIterator[Entry]:
        """The entries of a chain from `start` on, parsed and not verified. Ends after a close.

        `found` is called when the server has taken the subscription.

        Raises:
            NotFound, NoSockets. Unavailable: the connection is lost; ask again from the next seq.
        """
        connection = await self._connected()
        inbox = _Inbox(start)
        try:
            await connection.follow(chain_id, inbox)
            found()
            while True:
                if inbox.is_behind and not inbox.waiting:
                    await connection.follow(chain_id, inbox)
                item = await inbox.next()
                if item is None:
                    return
                assert isinstance(item, Entry)
                yield item
        finally:
            await connection.leave(chain_id, inbox)

    async def messages(self, chain_id: ChainId) -> AsyncIterator[Ephemeral]:
        """The ephemeral messages of a chain from now on, parsed and not verified. Raises as `entries`."""
        connection = await self._connected()
        inbox = _Inbox(None)
        try:
            await connection.follow(chain_id, inbox)
            while (item := await inbox.next()) is not None:
                assert isinstance(item, Ephemeral)
                yield item
        finally:
            await connection.leave(chain_id, inbox)

    async def send(self, message: Ephemeral) -> None:
        """Have an ephemeral message passed on. Raises what the server says of it, and NoSockets, Unavailable."""
        await (await self._connected()).send(message)

    async def aclose(self) -> None:
        """End the connection, if there is one."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _connected(self) -> _Connection:
        async with self._opening:
            if self.is_refused:
                raise NoSockets("the server takes no live sockets")
            if self._connection is None or self._connection.is_lost:
                await self.aclose()
                try:
                    self._connection = _Connection(await WebSocket.open(self._server, _PATH))
                except NoSockets:
                    self.is_refused = True
                    raise
            return self._connection


class _Inbox:
    """What one follower has not taken yet: entries from a seq on, or messages, of which the oldest are lost first."""

    def __init__(self, following: Seq | None) -> None:
        self.following = following
        self.is_behind = False
        self.is_left = False
        self.waiting: deque[Entry | Ephemeral] = deque(maxlen=_INBOX_MAX)
        self._end: CairnError | None = None
        self._is_ended = False
        self._came = asyncio.Event()

    def take(self, item: Entry | Ephemeral) -> None:
        """Let one wait, if it is wanted here. Entries for which there is no room must be asked for again."""
        if isinstance(item, Ephemeral):
            if self.following is None:
                self._put(item)
        elif self.following is not None and item.seq >= self.following and not self.is_behind:
            self.is_behind = len(self.waiting) == _INBOX_MAX
            if not self.is_behind:
                self.following = Seq(item.seq + 1)
                self._put(item)
        self._came.set()

    def end(self, error: CairnError | None) -> None:
        """Nothing more comes, for a reason or because the chain has ended."""
        if error is not None or self.following is not None:
            self._end = error
            self._is_ended = True
            self._came.set()

    async def next(self) -> Entry | Ephemeral | None:
        """The next item; None at the end. Raises what ended it."""
        while not self.waiting:
            if self._is_ended:
                if self._end is not None:
                    raise self._end
                return None
            self._came.clear()
            await self._came.wait()
        return self.waiting.popleft()

    def _put(self, item: Entry | Ephemeral) -> None:
        self.waiting.append(item)


_Wanted = tuple[ChainId, _Inbox, asyncio.Future[None]]


class _Connection:
    """One open socket, and the inboxes of those who follow through it."""

    def __init__(self, socket: WebSocket) -> None:
        self.is_lost = False
        self._socket = socket
        self._inboxes: dict[ChainId, list[_Inbox]] = {}
        self._used: set[ChainId] = set()
        self._changing = asyncio.Lock()
        self._asking = asyncio.Lock()
        self._numbers = itertools.count(1)
        self._wanted: list[_Wanted] = []
        self._subscribing: asyncio.Task[None] | None = None
        self._asked: Collection[ChainId] = ()
        self._problems: dict[ChainId, CairnError] = {}
        self._echo: asyncio.Future[int] | None = None
        self._reading = asyncio.create_task(self._read())

    async def follow(self, chain_id: ChainId, inbox: _Inbox) -> None:
        """Fill an inbox from where it stands. Raises NotFound, Limited, Unavailable.

        Once begun it is done, also for whoever is cancelled meanwhile: others may follow the same chain.
        """
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        taken.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._wanted.append((chain_id, inbox, taken))
        if self._subscribing is None or self._subscribing.done():
            self._subscribing = asyncio.create_task(self._subscribe())
        await asyncio.shield(taken)

    async def _subscribe(self) -> None:
        """Ask for all that is wanted; what is wanted in the same moment goes together."""
        await asyncio.sleep(0)
        while self._wanted:
            async with self._changing:
                wanted, self._wanted = self._wanted[:_CHAINS_AT_ONCE], self._wanted[_CHAINS_AT_ONCE:]
                problems = await self._resubscribed(wanted)
            for chain_id, _, taken in wanted:
                problem = problems.get(chain_id)
                if taken.done():
                    continue
                if problem is None:
                    taken.set_result(None)
                else:
                    taken.set_exception(problem)

    async def _resubscribed(self, wanted: Sequence[_Wanted]) -> dict[ChainId, CairnError]:
        """Begin anew for each chain that is wanted; the problems that there were."""
        present = [(chain_id, inbox) for chain_id, inbox, _ in wanted if not inbox.is_left]
        chain_ids = {chain_id for chain_id, _ in present}
        try:
            if again := chain_ids & self._used:
                await self._ask(again, Command({}, again))
            for chain_id, inbox in present:
                inboxes = self._inboxes.setdefault(chain_id, [])
                if inbox not in inboxes:
                    inboxes.append(inbox)
            self._used |= chain_ids
            places = {chain_id: self._place_of(chain_id) for chain_id in chain_ids}
            return await self._ask(chain_ids, Command(places)) if places else {}
        except CairnError as error:
            return dict.fromkeys(chain_ids, error)

    def _place_of(self, chain_id: ChainId) -> Seq:
        """The least seq that an inbox of a chain wants; those with room again want all that follows it."""
        inboxes = self._inboxes[chain_id]
        for inbox in inboxes:
            inbox.is_behind = len(inbox.waiting) == _INBOX_MAX
        return min((inbox.following for inbox in inboxes if inbox.following is not None), default=_NO_ENTRIES)

    async def leave(self, chain_id: ChainId, inbox: _Inbox) -> None:
        """Fill an inbox no more."""
        inbox.is_left = True
        async with self._changing:
            inboxes = self._inboxes.get(chain_id, [])
            if inbox in inboxes:
                inboxes.remove(inbox)
            if not inboxes and self._inboxes.pop(chain_id, None) is not None and not self.is_lost:
                with contextlib.suppress(Unavailable):
                    await self._socket.send(encode_command(Command({}, [chain_id])))

    async def send(self, message: Ephemeral) -> None:
        """Send a message, and wait for what becomes of it."""
        problems = await self._ask({message.chain_id}, Command({}), message.raw)
        for problem in problems.values():
            raise problem

    async def close(self) -> None:
        """End it."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        await self._socket.close()

    async def _ask(
        self, chain_ids: Collection[ChainId], command: Command, message: bytes | None = None
    ) -> dict[ChainId, CairnError]:
        """Send something about chains, and wait until it is settled; the problems that there were."""
        async with self._asking:
            if self.is_lost:
                raise Unavailable("the live socket is lost: try again")
            number = next(self._numbers)
            self._asked, self._problems = chain_ids, {}
            self._echo = asyncio.get_running_loop().create_future()
            try:
                if message is not None:
                    await self._socket.send(message)
                await self._socket.send(encode_command(Command(command.subscribe, command.unsubscribe, number)))
                while await self._echo != number:
                    self._echo = asyncio.get_running_loop().create_future()
            finally:
                self._asked = ()
            return self._problems

    async def _read(self) -> None:
        error: CairnError = Unavailable("the live socket is lost: try again")
        try:
            while True:
                message = await self._socket.receive(_SILENT_SECONDS_MAX)
                if isinstance(message, str):
                    self._heed(decode_notice(message))
                else:
                    held = decode_frame(message)
                    for inbox in self._inboxes.get(held.chain_id, ()):
                        inbox.take(held)
        except CairnError as failed:
            is_refused = isinstance(failed, Invalid | TooLarge)
            error = Invalid(str(failed)) if is_refused else Unavailable(str(failed))
        finally:
            self._lose(error)

    def _heed(self, notice: Notice) -> None:
        for chain_id in notice.ended:
            self._end(chain_id, None)
        if notice.problem is not None:
            if notice.chain_id is None:
                raise Unavailable(str(notice.problem))
            if notice.chain_id in self._asked:
                self._problems[notice.chain_id] = notice.problem
            else:
                self._end(notice.chain_id, notice.problem)
        if notice.echo is not None and self._echo is not None and not self._echo.done():
            self._echo.set_result(notice.echo)

    def _end(self, chain_id: ChainId, error: CairnError | None) -> None:
        for inbox in self._inboxes.get(chain_id, ()):
            inbox.end(error)

    def _lose(self, error: CairnError) -> None:
        self.is_lost = True
        for chain_id in self._inboxes:
            self._end(chain_id, error)
        if self._echo is not None and not self._echo.done():
            self._echo.set_exception(error)
            self._echo.exception()  # whoever asked may be gone
