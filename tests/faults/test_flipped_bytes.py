"""Flipped bytes under a real server: none is ever served, and a scrub names the file that each is in."""

from __future__ import annotations

import asyncio
import json
import random
import re
import shutil
from collections.abc import Collection
from pathlib import Path

from cairn.core.block import Block
from cairn.core.slot import slot_of
from cairn.storage.embedded.engine import shard_number
from cairn.wire.messages import GotBlocksReader, decode_entries, encode_ids
from tests.command import Cairn
from tests.faults.acknowledged import Acknowledged, Chain
from tests.faults.api import Api, Lost, open_api
from tests.faults.workload import Workload
from tests.harness import Server

SHARDS = 4
ROUNDS = 24 // SHARDS  # of one flip in each shard
NOT_VERIFIED = 5


async def test_a_flipped_byte_is_never_served_and_scrub_reports_it(tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rand, server = random.Random(seed), Server(tmp_path, {"storage": {"shards": SHARDS}})
    told = await _filled(server, seed)
    whole, found, refused = tmp_path / "whole", 0, 0
    assert _damaged_shards(server.data) == set()
    server.data.rename(whole)
    for _ in range(ROUNDS):
        shutil.copytree(whole, server.data)
        for shard in range(SHARDS):
            _flip(server.data / f"shard-{shard:02}" / "data.mdb", rand)
        damaged = await asyncio.to_thread(_damaged_shards, server.data)
        try:
            refused += await _check(server, told, damaged)
        finally:
            server.kill()
        found += len(damaged)
        shutil.rmtree(server.data)
    print(f"{ROUNDS * SHARDS} flips, {found} reported, {refused} reads refused or not found")
    assert found > 1  # of about half; the rest lay where nothing is


async def _filled(server: Server, seed: int) -> Acknowledged:
    workload = Workload(seed)
    try:
        await asyncio.to_thread(server.start)
        async with open_api(server.url) as api:
            await workload.run(api, 12)
    finally:
        server.stop()
    assert not workload.acknowledged.refused
    return workload.acknowledged


def _flip(file: Path, rand: random.Random) -> None:
    place = rand.randrange(file.stat().st_size)
    with file.open("r+b") as opened:
        opened.seek(place)
        byte = opened.read(1)[0]
        opened.seek(place)
        opened.write(bytes((byte ^ (1 << rand.randrange(8)),)))


def _damaged_shards(data: Path) -> set[int]:
    """The shards in which `cairn scrub` finds something."""
    done = Cairn(data.parent)("scrub", "--data", data, "--json", code=None)
    report = json.loads(done.out.splitlines()[0])
    assert done.code == (0 if report["ok"] else NOT_VERIFIED), done.err
    assert report["ok"] == (not report["damaged"])
    return {int(found[1]) for finding in report["damaged"] if (found := re.match(r"shard-(\d+): ", finding))}


async def _check(server: Server, told: Acknowledged, damaged: Collection[int]) -> int:
    """What is in whole shards is there; of the rest what comes is right. Returns how many reads of the rest failed."""
    try:
        await asyncio.to_thread(server.start)
    except AssertionError:
        assert damaged, "a store in which scrub finds nothing does not start"
        return 0
    async with open_api(server.url) as api:
        assert await _failed_reads(api, told, set(range(SHARDS)) - set(damaged)) == 0
        try:
            return await _failed_reads(api, told, damaged)
        except Lost:
            return 1  # a damaged tree may crash who walks it


async def _failed_reads(api: Api, told: Acknowledged, shards: Collection[int]) -> int:
    blocks = [block_id for block_id in [*told.blocks, *told.pins] if _shard(block_id) in shards]
    chains = [chain for chain in told.chains if _shard(chain.writer.keys.chain_id) in shards]
    failed = 0
    for at in range(0, len(blocks), 16):
        status, body = await api.ask("POST", "/v1/blocks/get", encode_ids(blocks[at : at + 16]))
        found = dict(GotBlocksReader().feed(body)) if status == 200 else {}
        for block_id in blocks[at : at + 16]:
            data = found.get(block_id)
            if isinstance(data, bytes):
                Block.verified(block_id, data)
            else:
                failed += 1
    return failed + sum([await _failed_entries(api, chain) for chain in chains])


async def _failed_entries(api: Api, chain: Chain) -> int:
    status, body = await api.ask("GET", f"/v1/chains/{chain.writer.keys.chain_id.hex()}/entries?from=0")
    raws = decode_entries(body) if status == 200 else []
    sent = [entry.raw for entry in chain.writer.entries]
    assert all(raw in sent for raw in raws), "an entry was served that was never sent"
    return chain.acknowledged - len(raws)


def _shard(any_id: bytes) -> int:
    return shard_number(slot_of(any_id), SHARDS)
