"""Putting objects of any size: chunks are sealed in threads, uploaded some at a time, and listed in manifests.

Memory is bounded by the chunks under way (`_AHEAD`) and the references of one manifest, whatever the object's size.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from cairn.client.concurrency.pipeline import in_order
from cairn.client.format.manifest import REFERENCES_MAX, Manifest, chunk_count
from cairn.client.format.reference import MANIFEST_MAGIC, Reference, seal_block
from cairn.client.state.journal import UploadJournal
from cairn.core.block import NO_GRANT, Block, BlockId, Pin, pin_hash
from cairn.core.errors import Invalid, TooLarge
from cairn.core.store import BlockStore

PinOf = Callable[[BlockId], Pin]
"""The pin that keeps an upload of a block, and removes it."""

Progress = Callable[[int, int | None], None]
"""Told bytes done and, where it is known, bytes in all."""

Seal = Callable[[bytes], tuple[Block, Reference]]

_AHEAD: Final = 16
_KNOWN_AT_ONCE: Final = 1_024


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk to be put: how to read it, its size, and its reference if it stands already."""

    index: int
    size: int
    read: Callable[[], bytes]
    known: Reference | None = None


async def file_chunks(
    file: int, total_bytes: int, chunk_bytes: int, journal: UploadJournal | None, blocks: BlockStore
) -> AsyncGenerator[Chunk, None]:
    """The chunks of an open file. What the journal knows is asked for again before it is trusted."""
    count = chunk_count(total_bytes, chunk_bytes)
    for start in range(0, count, _KNOWN_AT_ONCE):
        known = await _standing(journal, blocks, start, min(_KNOWN_AT_ONCE, count - start))
        for index, reference in enumerate(known, start):
            at = index * chunk_bytes
            size = min(chunk_bytes, total_bytes - at)
            yield Chunk(index, size, _reading(file, at, size), reference)


async def stream_chunks(pieces: AsyncIterable[bytes], chunk_bytes: int) -> AsyncGenerator[Chunk, None]:
    """The chunks of a stream whose length is not known."""
    rest = bytearray()
    index = 0
    async for piece in pieces:
        rest += piece
        while len(rest) >= chunk_bytes:
            data = bytes(rest[:chunk_bytes])
            del rest[:chunk_bytes]
            yield Chunk(index, len(data), _holding(data))
            index += 1
    if rest:
        yield Chunk(index, len(rest), _holding(bytes(rest)))


class Upload:
    """Puts one object."""

    def __init__(
        self, blocks: BlockStore, pin_of: PinOf, chunk_bytes: int, *, seal: Seal = seal_block,
        journal: UploadJournal | None = None, progress: Progress | None = None, total_bytes: int | None = None,
    ) -> None:  # fmt: skip
        self._blocks = blocks
        self._pin_of = pin_of
        self._chunk_bytes = chunk_bytes
        self._seal = seal
        self._journal = journal
        self._progress = progress
        self._total_bytes = total_bytes
        self.done_bytes = 0

    async def run(self, chunks: AsyncGenerator[Chunk, None]) -> Reference:
        """Put all chunks and their manifests. Returns the reference of the object: one block, or a manifest.

        Raises:
            TooLarge: over 10^8 chunks. Others as the store's.
        """
        lower: list[Reference] = []
        current: list[Reference] = []
        async with aclosing(chunks), aclosing(in_order(chunks, self._put_chunk, _AHEAD)) as placed:
            async for reference in placed:
                if len(current) == REFERENCES_MAX:
                    lower.append(await self._put_full(current))
                    current = []
                current.append(reference)
        return await self._finish(lower, current)

    async def _finish(self, lower: list[Reference], last: list[Reference]) -> Reference:
        if not lower:
            return await self._put_small(last)
        full = len(lower) * REFERENCES_MAX * self._chunk_bytes
        lower.append(await self._put_manifest(Manifest(self.done_bytes - full, self._chunk_bytes, tuple(last))))
        if len(lower) > REFERENCES_MAX:
            raise TooLarge("the object has more chunks than two levels of manifests hold")
        return await self._put_manifest(Manifest(self.done_bytes, self._chunk_bytes, tuple(lower), is_upper=True))

    async def _put_small(self, chunks: list[Reference]) -> Reference:
        """Nothing, or one chunk, needs no manifest."""
        if not chunks:
            return await self._put(*self._seal(b""))
        if len(chunks) == 1:
            return chunks[0]
        return await self._put_manifest(Manifest(self.done_bytes, self._chunk_bytes, tuple(chunks)))

    async def _put_full(self, chunks: list[Reference]) -> Reference:
        total_bytes = REFERENCES_MAX * self._chunk_bytes
        return await self._put_manifest(Manifest(total_bytes, self._chunk_bytes, tuple(chunks)))

    async def _put_manifest(self, manifest: Manifest) -> Reference:
        return await self._put(*await asyncio.to_thread(seal_block, manifest.encode(), head=MANIFEST_MAGIC))

    async def _put_chunk(self, chunk: Chunk) -> Reference:
        reference = chunk.known or await self._put_new(chunk)
        self.done_bytes += chunk.size
        if self._progress is not None:
            self._progress(self.done_bytes, self._total_bytes)
        return reference

    async def _put_new(self, chunk: Chunk) -> Reference:
        reference = await self._put(*await asyncio.to_thread(lambda: self._seal(chunk.read())))
        if self._journal is not None:
            self._journal.record(chunk.index, reference)
        return reference

    async def _put(self, block: Block, reference: Reference) -> Reference:
        await self._blocks.put(block, pin_hash(self._pin_of(block.id)), NO_GRANT)
        return reference


async def _standing(
    journal: UploadJournal | None, blocks: BlockStore, start: int, count: int
) -> list[Reference | None]:
    """What the journal says of these chunks, as far as it still stands on the server."""
    known = journal.known(start, count) if journal is not None else [None] * count
    ids = [reference.block_id for reference in known if reference is not None]
    present = await blocks.has(ids) if ids else set()
    return [reference if reference is not None and reference.block_id in present else None for reference in known]


def _reading(file: int, at: int, size: int) -> Callable[[], bytes]:
    def read() -> bytes:
        data = os.pread(file, size, at)
        if len(data) != size:
            raise Invalid("the file became shorter while it was read: put it again")
        return data

    return read


def _holding(data: bytes) -> Callable[[], bytes]:
    return lambda: data
