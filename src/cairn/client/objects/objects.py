"""Objects: data of any size, sealed here and kept as blocks. What is put in is opened with a block capability."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import aclosing, asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from cairn.client.format.capability import BlockCapability, WriteCapability
from cairn.client.format.manifest import CHUNK_BYTES
from cairn.client.format.reference import Reference, seal_block, seal_convergent_block
from cairn.client.objects.download import OBJECT_BYTES_MAX, open_object
from cairn.client.objects.removal import blocks_of
from cairn.client.objects.upload import PinOf, Progress, Seal, Upload, file_chunks, stream_chunks
from cairn.client.state.journal import PartialFile, UploadJournal
from cairn.core.block import Pin
from cairn.core.crypto import sha256
from cairn.core.errors import Invalid
from cairn.core.store import BlockStore

GET_BYTES_MAX: Final = 64 * 1024 * 1024
"""What `Objects.get` holds in memory unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Put:
    """An object that is kept: the capability that opens it, and the pin that removes it (None: its chain's keys do)."""

    capability: BlockCapability
    total_bytes: int
    pin: Pin | None

    def __repr__(self) -> str:
        return f"Put({self.total_bytes} bytes)"


class Objects:
    """Puts and gets objects on one server."""

    def __init__(self, blocks: BlockStore, target: str, journals: Path | None = None) -> None:
        """`target` tells this server from others in the `journals` folder; without one, nothing can be resumed."""
        self._blocks = blocks
        self._target = target
        self._journals = journals

    async def put(self, data: bytes, *, owner: WriteCapability | None = None, convergence: bytes | None = None) -> Put:
        """Keep some bytes. `owner` is the chain whose keys remove them; without one a pin of their own does.

        `convergence` (`reference.convergence_secret`) makes equal data of one account equal blocks.
        """

        async def whole() -> AsyncIterator[bytes]:
            yield data

        return await self.put_stream(whole(), owner=owner, convergence=convergence)

    async def put_stream(
        self,
        pieces: AsyncIterable[bytes],
        *,
        owner: WriteCapability | None = None,
        convergence: bytes | None = None,
        chunk_bytes: int = CHUNK_BYTES,
        progress: Progress | None = None,
    ) -> Put:
        """Keep the bytes of a stream, in bounded memory. It cannot be resumed: see `put_file`."""
        pin = None if owner else Pin(os.urandom(32))
        upload = Upload(self._blocks, _pin_of(owner, pin), chunk_bytes, seal=_seal(convergence), progress=progress)
        reference = await upload.run(stream_chunks(pieces, chunk_bytes))
        return Put(BlockCapability(reference), upload.done_bytes, pin)

    async def put_file(
        self,
        path: Path,
        *,
        owner: WriteCapability | None = None,
        convergence: bytes | None = None,
        chunk_bytes: int = CHUNK_BYTES,
        progress: Progress | None = None,
    ) -> Put:
        """Keep a file. If an earlier try was broken off, what is on the server already is not sent again.

        Raises:
            OSError: it cannot be read. Invalid: it changed meanwhile, or is a pipe or the like.
        """
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise Invalid("this is no file with a size: put what it gives as a stream")
            journal = self._journal(path, status, chunk_bytes, owner, convergence)
            pin = None if owner else journal.pin if journal else Pin(os.urandom(32))
            upload = Upload(
                self._blocks, _pin_of(owner, pin), chunk_bytes, seal=_seal(convergence), journal=journal,
                progress=progress, total_bytes=status.st_size,
            )  # fmt: skip
            try:
                chunks = file_chunks(file.fileno(), status.st_size, chunk_bytes, journal, self._blocks)
                reference = await upload.run(chunks)
                _check_unchanged(status, os.fstat(file.fileno()), journal)
            finally:
                if journal is not None:
                    journal.close()
        if journal is not None:
            journal.remove()
        return Put(BlockCapability(reference), status.st_size, pin)

    async def get(self, capability: BlockCapability, *, bytes_max: int = GET_BYTES_MAX) -> bytes:
        """A whole object in memory.

        Raises:
            TooLarge: over `bytes_max`. NotFound, Unavailable. Invalid, CannotOpen: the server sent something else.
        """
        whole = bytearray()
        async with aclosing(self.stream(capability, bytes_max=bytes_max)) as pieces:
            async for piece in pieces:
                whole += piece
        return bytes(whole)

    async def stream(
        self,
        capability: BlockCapability,
        *,
        start: int = 0,
        stop: int | None = None,
        bytes_max: int = OBJECT_BYTES_MAX,
    ) -> AsyncGenerator[bytes, None]:
        """The bytes of an object from `start` to before `stop`, piece by piece, each verified; raises as `get`."""
        download = await open_object(self._blocks, capability.reference, bytes_max)
        async with aclosing(download.parts(start, stop)) as parts:
            async for part in parts:
                yield part.data

    async def get_file(
        self,
        capability: BlockCapability,
        dest: Path,
        *,
        progress: Progress | None = None,
        bytes_max: int = OBJECT_BYTES_MAX,
    ) -> int:
        """Write an object to `dest`, which appears when it is whole. What an earlier try wrote is not fetched again.

        Returns its size in bytes; raises as `get`, and OSError.
        """
        download = await open_object(self._blocks, capability.reference, bytes_max)
        async with _partial_file(dest, capability.reference) as file:
            async with aclosing(download.parts(file.done_bytes)) as parts:
                async for part in parts:
                    await asyncio.to_thread(file.write, part.data)
                    if progress is not None:
                        progress(file.done_bytes, download.total_bytes)
            if file.done_bytes != download.total_bytes:
                file.discard()
                raise Invalid("what an earlier try wrote does not fit the object: run it again")
            await asyncio.to_thread(file.finish)
        return download.total_bytes

    async def remove(self, put: Put, *, owner: WriteCapability | None = None) -> None:
        """Let go of an object's blocks: each goes with its last pin. No error for what is gone already.

        Raises:
            Invalid: neither the pin nor the owner is given.
        """
        if owner is None and put.pin is None:
            raise Invalid("to remove an object its pin is needed, or the chain that it belongs to")
        pin_of = _pin_of(owner, put.pin)
        async with aclosing(blocks_of(self._blocks, put.capability.reference)) as block_ids:
            async for block_id in block_ids:
                await self._blocks.unpin(block_id, pin_of(block_id))

    def _journal(
        self, path: Path, status: os.stat_result, chunk_bytes: int, owner: WriteCapability | None, secret: bytes | None
    ) -> UploadJournal | None:
        if self._journals is None or status.st_size <= chunk_bytes:
            return None
        payer = owner.chain_id.hex() if owner else ""
        mode = sha256(secret).hex() if secret else ""
        return UploadJournal.of_file(self._journals, path, status, chunk_bytes, f"{self._target} {payer} {mode}")


def _pin_of(owner: WriteCapability | None, pin: Pin | None) -> PinOf:
    if owner is not None:
        return owner.keys.pin
    assert pin is not None
    return lambda block_id: pin


def _seal(convergence: bytes | None) -> Seal:
    return seal_block if convergence is None else partial(seal_convergent_block, secret=convergence)


def _check_unchanged(before: os.stat_result, after: os.stat_result, journal: UploadJournal | None) -> None:
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        if journal is not None:
            journal.remove()
        raise Invalid("the file was changed while it was read: put it again")


@asynccontextmanager
async def _partial_file(dest: Path, reference: Reference) -> AsyncIterator[PartialFile]:
    opening = asyncio.ensure_future(asyncio.to_thread(PartialFile, dest, sha256(reference.encode())))
    try:
        file = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_late)  # the thread is still at it
        raise
    with closing(file):
        yield file


def _close_late(opening: asyncio.Future[PartialFile]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
