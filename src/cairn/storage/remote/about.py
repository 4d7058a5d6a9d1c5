"""What the storage at the other end tells of itself, asked for again and again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from cairn.core.block import BlockId
from cairn.core.errors import CairnError
from cairn.link import Link
from cairn.link.asking import CREDIT_BYTES
from cairn.wire.link import About, Operation, decode_about, encode_credit

_EVERY_SECONDS: Final = 2.0
_ANSWER_SECONDS: Final = 5.0


class StorageAbout:
    """The newest that is known."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._known = About()

    @property
    def restored_ms(self) -> int:
        """When the store was restored from a backup; 0 if never, or not known yet."""
        return self._known.restored_ms

    @property
    def trouble(self) -> str:
        """Why requests to it fail now; empty while they do not."""
        if not self._link.is_connected:
            return self._link.trouble or "the connection was lost"
        return self._known.trouble

    async def ask(self) -> None:
        """Ask, as long as this runs."""
        while True:
            with contextlib.suppress(CairnError):
                self._known = await self._link.ask(Operation.ABOUT, b"", decode_about, seconds=_ANSWER_SECONDS)
            await asyncio.sleep(_EVERY_SECONDS)


async def removals(link: Link) -> AsyncIterator[BlockId]:
    """The blocks that lose a pin from now on, through whomever. Raises Unavailable: ask again."""
    credit = encode_credit(CREDIT_BYTES)
    async with contextlib.aclosing(link.stream(Operation.REMOVALS, credit)) as items:  # type: ignore[type-var]
        async for item in items:
            yield BlockId(item)


@contextlib.asynccontextmanager
async def told_about(link: Link) -> AsyncIterator[StorageAbout]:
    """What is told of the storage at the other end of a link, kept new while this is open."""
    about = StorageAbout(link)
    asking = asyncio.create_task(about.ask())
    try:
        yield about
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
