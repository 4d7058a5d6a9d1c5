"""The contract over the link: a Store that another process keeps is a Store, over TCP, TLS and a Unix socket."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cairn.core.store import Store
from cairn.interface.peers.link import StoreResponder
from cairn.link import Place, open_answering, open_link
from cairn.storage.embedded import open_embedded
from cairn.storage.memory import memory_store
from cairn.storage.remote import remote_store
from cairn.testing.contract import StoreContract
from cairn.testing.faults import Faults, with_faults
from cairn.wire.link import About

KEYS = [b"k" * 32]


@asynccontextmanager
async def linked(below: Store, place: Place) -> AsyncIterator[Store]:
    """The store, asked over a link."""
    async with open_answering(place, KEYS, StoreResponder(below, About)) as answering:
        reached = place._replace(port=answering.port)
        async with open_link(reached, KEYS) as link:
            yield remote_store(link)


class TestOverTcp(StoreContract):
    @asynccontextmanager
    async def make(self) -> AsyncIterator[Store]:
        async with linked(memory_store(), Place("127.0.0.1")) as store:
            yield store


class TestOverUnixSocket(StoreContract):
    @asynccontextmanager
    async def make(self) -> AsyncIterator[Store]:
        with tempfile.TemporaryDirectory() as folder:
            async with linked(memory_store(), Place(path=f"{folder}/link")) as store:
                yield store


class TestOverTcpToEmbedded(StoreContract):
    """What an interface role has below it."""

    @asynccontextmanager
    async def make(self) -> AsyncIterator[Store]:
        with tempfile.TemporaryDirectory() as folder:
            async with (
                open_embedded(Path(folder) / "data") as embedded,
                linked(embedded.store, Place("127.0.0.1")) as store,
            ):
                yield store


class TestOverTcpToSlow(StoreContract):
    @asynccontextmanager
    async def make(self) -> AsyncIterator[Store]:
        async with linked(with_faults(memory_store(), Faults(delay_seconds=0.002)), Place("127.0.0.1")) as store:
            yield store
