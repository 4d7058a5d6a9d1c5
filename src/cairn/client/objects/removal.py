"""Which blocks an object is made of, for whoever lets go of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from cairn.client.format.manifest import Manifest
from cairn.client.format.reference import MANIFEST_MAGIC, Reference, open_block
from cairn.client.format.secret import CannotOpen
from cairn.core.block import BlockId
from cairn.core.errors import NotFound
from cairn.core.store import BlockStore


async def blocks_of(blocks: BlockStore, reference: Reference) -> AsyncGenerator[BlockId, None]:
    """Every block of an object, chunks before the manifests that name them, so that a removal can be begun again."""
    manifest = await _manifest(blocks, reference)
    for lower in manifest.references if manifest else ():
        if manifest and not manifest.is_upper:
            yield lower.block_id
            continue
        async for block_id in blocks_of(blocks, lower):
            yield block_id
    yield reference.block_id


async def _manifest(blocks: BlockStore, reference: Reference) -> Manifest | None:
    """The manifest in a block; None if it holds data, or is gone."""
    try:
        block = await blocks.get(reference.block_id)
        return Manifest.decode(await asyncio.to_thread(open_block, reference, block, head=MANIFEST_MAGIC))
    except (NotFound, CannotOpen):
        return None
