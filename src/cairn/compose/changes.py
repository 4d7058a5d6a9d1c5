"""The cache's sizes while it runs: told by a configuration that is loaded anew or by a request, to all who follow."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import msgspec

from cairn.config import Config


class Changes:
    """Passes sizes of the cache on. Of a configuration nothing else is taken: the rest needs a start."""

    def __init__(self) -> None:
        self._followers: set[asyncio.Queue[dict[str, str]]] = set()

    def load(self, config: Config) -> None:
        """A configuration was loaded anew."""
        self.tell({"memory": config.cache.memory, "disk": config.cache.disk})

    def tell(self, sizes: Mapping[str, str]) -> None:
        """Sizes by tier, as the settings have them."""
        for follower in self._followers:
            follower.put_nowait(dict(sizes))

    @contextmanager
    def following(self) -> Iterator[asyncio.Queue[dict[str, str]]]:
        """All that is told from now on, until this ends."""
        queue: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._followers.add(queue)
        try:
            yield queue
        finally:
            self._followers.discard(queue)


def with_sizes(config: Config, sizes: Mapping[str, str]) -> Config:
    """The same configuration with other sizes of the cache."""
    return msgspec.structs.replace(config, cache=msgspec.structs.replace(config.cache, **sizes))
