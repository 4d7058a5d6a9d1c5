"""A Relay that asks. A listener here takes what comes at once and keeps the newest, so nobody waits for it anywhere."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final

from cairn.core.chain import ChainId, Seq
from cairn.core.ephemeral import Ephemeral
from cairn.core.errors import Invalid, TooLarge, Unavailable
from cairn.core.store import WAITING_MIN
from cairn.link import Link
from cairn.link.asking import CREDIT_BYTES
from cairn.wire.link import Operation, decode_message, decode_truth
from cairn.wire.messages import ReadItem, encode_read

_WAITING_MAX: Final = 4 * WAITING_MIN


class RemoteRelay:
    """Ephemeral messages at the other end of a link."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def send(self, message: Ephemeral) -> bool:
        """See `Relay.send`."""
        return await self._link.ask(Operation.SEND, message.raw, decode_truth)

    async def listen(self, chain_id: ChainId) -> AsyncIterator[Ephemeral]:
        """See `Relay.listen`."""
        waiting: deque[Ephemeral] = deque(maxlen=_WAITING_MAX)
        heard = asyncio.Event()
        hearing = asyncio.create_task(self._hear(chain_id, waiting, heard))
        try:
            while True:
                while waiting:
                    yield waiting.popleft()
                if hearing.done():
                    hearing.result()
                heard.clear()
                await heard.wait()
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)

    async def _hear(self, chain_id: ChainId, waiting: deque[Ephemeral], heard: asyncio.Event) -> None:
        """Take all that comes. Raises what `listen` does."""
        body = encode_read([ReadItem(chain_id, Seq(0), CREDIT_BYTES)])
        try:
            async with aclosing(self._link.stream(Operation.LISTEN, body)) as items:  # type: ignore[type-var]
                async for item in items:
                    waiting.append(self._believed(item, chain_id))
                    heard.set()
            raise Unavailable("the storage listens no more: listen again")
        finally:
            heard.set()

    def _believed(self, item: bytes, chain_id: ChainId) -> Ephemeral:
        try:
            return decode_message(item, chain_id)
        except (Invalid, TooLarge):
            self._link.drop_all()
            raise Unavailable("the storage sent something else than this chain's messages: listen again") from None
