"""Getting objects of any size: manifests are judged before chunks are fetched, chunks come some at a time, in order.

Memory is bounded by the chunks under way (`_AHEAD`) and the references of two manifests, whatever the object's size.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from cairn.client.concurrency.pipeline import in_order
from cairn.client.format.manifest import REFERENCES_MAX, Manifest
from cairn.client.format.reference import MANIFEST_MAGIC, Reference, open_block
from cairn.client.format.secret import CannotOpen
from cairn.core.block import Block
from cairn.core.errors import Invalid, TooLarge
from cairn.core.store import BlockStore

OBJECT_BYTES_MAX: Final = 1 << 50
"""What is fetched unless the caller sets another limit: more than any disk holds, less than nonsense."""

_AHEAD: Final = 16


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes of an object and where they begin in it."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class _Chunk:
    offset: int
    size: int
    reference: Reference


class Download:
    """One object, its outermost block fetched and judged."""

    def __init__(self, blocks: BlockStore, data: bytes | None, manifest: Manifest | None) -> None:
        """Made by `open_object`."""
        self._blocks = blocks
        self._data = data
        self._manifest = manifest

    @property
    def total_bytes(self) -> int:
        """The size of the whole object."""
        return self._manifest.total_bytes if self._manifest else len(self._data or b"")

    @property
    def chunk_bytes(self) -> int:
        """The size of every chunk but the last."""
        return self._manifest.chunk_bytes if self._manifest else max(1, self.total_bytes)

    async def parts(self, start: int = 0, stop: int | None = None) -> AsyncGenerator[Part, None]:
        """The bytes with start <= offset < stop, in order.

        Raises:
            NotFound, Unavailable: a chunk is not to be had. Invalid, CannotOpen: it is not what the reference names.
        """
        stop = self.total_bytes if stop is None else min(stop, self.total_bytes)
        if self._manifest is None:
            assert self._data is not None
            if start < stop:
                yield Part(start, self._data[start:stop])
            return
        chunks = self._chunks(self._manifest, start, stop)
        async with aclosing(chunks), aclosing(in_order(chunks, self._fetch, _AHEAD)) as parts:
            async for part in parts:
                yield _cut(part, start, stop)

    async def _chunks(self, manifest: Manifest, start: int, stop: int) -> AsyncGenerator[_Chunk, None]:
        span = manifest.chunk_bytes * (REFERENCES_MAX if manifest.is_upper else 1)
        for index in range(start // span, -(-stop // span)):
            offset, reference = index * span, manifest.references[index]
            if not manifest.is_upper:
                yield _Chunk(offset, manifest.bytes_of(index), reference)
                continue
            lower = Manifest.decode(await self._opened(reference, MANIFEST_MAGIC))
            manifest.check_lower(index, lower)
            async for chunk in self._chunks(lower, max(0, start - offset), min(stop - offset, lower.total_bytes)):
                yield _Chunk(offset + chunk.offset, chunk.size, chunk.reference)

    async def _fetch(self, chunk: _Chunk) -> Part:
        block = await self._blocks.get(chunk.reference.block_id)
        data = await asyncio.to_thread(open_block, chunk.reference, block)
        if len(data) != chunk.size:
            raise Invalid("a chunk has another size than its manifest names")
        return Part(chunk.offset, data)

    async def _opened(self, reference: Reference, head: bytes) -> bytes:
        block = await self._blocks.get(reference.block_id)
        return await asyncio.to_thread(open_block, reference, block, head=head)


async def open_object(blocks: BlockStore, reference: Reference, bytes_max: int = OBJECT_BYTES_MAX) -> Download:
    """Fetch an object's outermost block and see what it is.

    Raises:
        NotFound, Unavailable. TooLarge: over `bytes_max`. Invalid, CannotOpen: not what the reference names.
    """
    block = await blocks.get(reference.block_id)
    data, manifest = await asyncio.to_thread(_open_outermost, reference, block)
    if manifest is not None:
        manifest.check_total(bytes_max)
    elif len(data or b"") > bytes_max:
        raise TooLarge(f"the object is larger than the limit of {bytes_max} bytes")
    return Download(blocks, data, manifest)


def _open_outermost(reference: Reference, block: Block) -> tuple[bytes | None, Manifest | None]:
    """Data, or a manifest: the key says which, as each is sealed with a head of its own."""
    try:
        return open_block(reference, block), None
    except CannotOpen:
        return None, Manifest.decode(open_block(reference, block, head=MANIFEST_MAGIC))


def _cut(part: Part, start: int, stop: int) -> Part:
    """What of a part lies within the range."""
    before = max(0, start - part.offset)
    data = part.data[before : max(0, stop - part.offset)]
    return Part(part.offset + before, data)
