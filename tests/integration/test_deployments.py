"""One process, interface and storage apart, several workers: the same promises from each.

The whole HTTP suite runs against another deployment with CAIRN_TEST_DEPLOYMENT (see tests/harness.py), as CI does, too.
This is the part of it that always runs, and what is special to several processes.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from cairn.core.block import Block, Pin, pin_hash
from cairn.core.chain import Kind
from cairn.core.ephemeral import Ephemeral
from cairn.testing.chains import Writer
from tests.harness import DEPLOYMENTS, Server, Split, TwoWorkers, serving
from tests.integration.http.api import FREE_OF_RATES, Holder, has, mint
from tests.integration.http.events import Subscriber
from tests.integration.http.sockets import Front, fronts
from tests.waiting import wait_for

_COUNTED = re.compile(r'^cairn_requests_total\{route="get_block",status="404"\} (\S+)$', re.MULTILINE)


@pytest.fixture(scope="module", params=DEPLOYMENTS)
def server(request, tmp_path_factory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp(request.param)
    with serving(folder, deployment=request.param, interface={"admission": "grant"}) as server:
        yield server
        server.assert_healthy()


@pytest.fixture
def holder(server: Server) -> Holder:
    return Holder(server, mint(server))


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[TwoWorkers]:
    with serving(tmp_path, deployment="workers") as server:
        assert isinstance(server, TwoWorkers)
        yield server


def is_absent(server: Server, block: Block) -> bool:
    return server.ask("GET", f"/v1/blocks/{block.id.hex()}").status == 404


def test_blocks_are_kept_found_and_removed(server, holder):
    blocks = [Block.of(os.urandom(size)) for size in (0, 1, 70_000, 1_179_648)]
    pin = Pin(os.urandom(32))
    for block in blocks:
        assert holder.put(block, pin_hash(pin)).status == 201
        assert holder.put(block, pin_hash(pin)).status == 200
        for _ in range(4):
            assert server.ask("GET", f"/v1/blocks/{block.id.hex()}").body == block.data
    assert has(server, *blocks) == [True] * 4
    for block in blocks:
        assert holder.unpin(block, pin).status == 204
    assert has(server, *blocks) == [False] * 4
    for block in blocks:  # from every cache, too: the storage tells of removals
        for _ in range(4):
            wait_for(partial(is_absent, server, block))


def test_chains_grow_and_conflict(server, holder):
    writer = Writer(os.urandom(8).hex())
    chain = writer.keys.chain_id.hex()
    assert holder.append(writer.entries).status == 201
    rival = writer.next(b"rival")
    grown = holder.append([writer.add()])
    assert (grown.status, grown.json["seq"]) == (201, 1)
    assert holder.append(writer.entries).status == 200
    refused = holder.append([rival])
    assert (refused.status, refused.code) == (409, "conflict")
    assert refused.json["head"]["hash"] == grown.json["hash"]
    assert server.ask("GET", f"/v1/chains/{chain}").json["receipt"]
    late = writer.next(b"late")
    assert holder.append([writer.add(b"", Kind.CLOSE)]).status == 201
    assert holder.append([late]).status == 410


def test_doors_are_doors(server, holder):
    door = Writer(os.urandom(8).hex(), 1)
    assert holder.append(door.entries, kind="doors").status == 201
    assert server.ask("GET", f"/v1/doors/{door.keys.chain_id.hex()}").status == 200
    assert server.ask("GET", f"/v1/chains/{door.keys.chain_id.hex()}").status == 404


def test_a_quota_ends(server):
    poor = Holder(server, mint(server, bytes_max=1_000))
    assert poor.put(Block.of(os.urandom(900)), pin_hash(Pin(os.urandom(32)))).status == 201
    wait_for(lambda: poor.put(Block.of(os.urandom(900)), pin_hash(Pin(os.urandom(32)))).status == 429)


def test_who_follows_a_chain_sees_what_is_appended_through_another_connection(server, holder):
    """Eight followers and many connections: with several workers they are not all of one."""
    writer = Writer(os.urandom(8).hex())
    assert holder.append(writer.entries).status == 201

    async def follow() -> list[int]:
        async with await Subscriber.open(server.port, [f"{writer.keys.chain_id.hex()}@0"]) as subscriber:
            return [(await subscriber.next_entry())[1].seq for _ in range(21)]

    async def run() -> list[list[int]]:
        following = [asyncio.create_task(follow()) for _ in range(8)]
        for _ in range(20):
            assert (await asyncio.to_thread(holder.append, [writer.add()])).status == 201
        return await asyncio.gather(*following)

    assert asyncio.run(run()) == [list(range(21))] * 8


def test_sockets_see_what_is_appended_and_hear_what_is_said(server, holder):
    """Eight of them: with several workers they are not all of one."""
    writer = Writer(os.urandom(8).hex())
    assert holder.append(writer.entries).status == 201

    async def run() -> None:
        async with fronts() as opened:
            sockets = [await opened.open(server) for _ in range(8)]
            for front in sockets:
                await front.subscribe({writer: 0})
                await front.next_entry()
            for _ in range(20):
                assert (await asyncio.to_thread(holder.append, [writer.add()])).status == 201
            for front in sockets:
                assert [await front.next_entry() for _ in range(20)] == writer.entries[1:]
            listening = [asyncio.create_task(_hear_anything(front)) for front in sockets]
            while not all(task.done() for task in listening):
                await sockets[0].socket.send_bytes(writer.message(b"hello", time.time_ns() // 1_000_000).raw)
                await asyncio.sleep(0.2)  # by default 20 a second are relayed

    asyncio.run(run())


def test_sockets_outlive_a_storage_that_is_killed(tmp_path):
    """They are not closed; when it is back they go on, without a gap."""
    writer = Writer(os.urandom(8).hex())
    with serving(tmp_path, deployment="split") as server:
        assert isinstance(server, Split)
        holder = Holder(server)
        assert holder.append(writer.entries).status == 201

        async def run() -> None:
            async with fronts() as opened:
                front = await opened.open(server)
                await front.subscribe({writer: 0})
                assert await front.next_entry() == writer.entries[0]
                for _ in range(2):
                    await asyncio.to_thread(server.keeper.kill)
                    await asyncio.to_thread(server.keeper.start)
                    entry = writer.add()
                    while (await asyncio.to_thread(holder.append, [entry])).status not in (200, 201):
                        await asyncio.sleep(0.1)
                    assert await front.next_entry() == entry
                listening = asyncio.create_task(_hear_anything(front))
                while not listening.done():
                    await front.socket.send_bytes(writer.message(b"hello", time.time_ns() // 1_000_000).raw)
                    await asyncio.sleep(0.05)

        asyncio.run(run())
        server.assert_healthy()


async def _hear_anything(front: Front) -> None:
    while not isinstance(await front.next(), Ephemeral):
        pass


@pytest.mark.parametrize("deployment", ["split", "workers"])
def test_many_large_blocks_at_once_break_no_link(tmp_path, deployment):
    """More than the sockets between hold, so that much waits to be sent."""
    blocks = [Block.of(os.urandom(1_000_000)) for _ in range(24)]
    with serving(tmp_path, deployment=deployment, cache={"memory": "0"}) as server, ThreadPoolExecutor(24) as pool:
        for _ in range(2):
            assert {answer.status for answer in pool.map(Holder(server).put, blocks)} <= {200, 201}
            answers = pool.map(lambda block: server.ask("GET", f"/v1/blocks/{block.id.hex()}"), 3 * blocks)
            assert [answer.body for answer in answers] == [block.data for block in 3 * blocks]
        server.assert_healthy()
    assert b"ProtocolError" not in server.log.read_bytes()


# --- workers ---------------------------------------------------------------------------------------------------------


def test_any_worker_shows_the_numbers_of_all(workers):
    for _ in range(40):
        assert workers.ask("GET", f"/v1/blocks/{os.urandom(32).hex()}").status == 404

    def counts() -> list[str]:
        with suppress(ConnectionError):  # what was queued for the worker that was killed
            return [_COUNTED.findall(workers.ask("GET", "/metrics").body.decode())[0] for _ in range(10)]
        return []

    wait_for(lambda: set(counts()) == {"40.0"})
    (first,) = workers.workers
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: workers.workers not in ([], [first]))
    wait_for(lambda: b"worker 1 ended" in workers.log.read_bytes())
    wait_for(lambda: set(counts()) == {"40.0"})


def test_workers_share_the_limits_of_an_address(tmp_path):
    """Each has its half, whichever of them the kernel gives a connection to."""
    interface = {"admission": "open", "limits": {**FREE_OF_RATES, "live_sockets": 8}}

    async def run(server: Server) -> int:
        opened = 0
        async with AsyncExitStack() as stack:
            for _ in range(60):
                session = await stack.enter_async_context(fronts())  # of its own, or it keeps to one connection
                with suppress(aiohttp.WSServerHandshakeError):
                    await session.open(server)
                    opened += 1
        return opened

    with serving(tmp_path, deployment="workers", interface=interface) as server:
        assert asyncio.run(run(server)) == 8


def test_a_worker_that_is_killed_is_replaced(workers):
    (first,) = workers.workers
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: workers.workers not in ([], [first]))
    block = Block.of(os.urandom(100))
    with suppress(ConnectionError):
        workers.ask("GET", "/healthz")
    wait_for(lambda: Holder(workers).put(block).status in (200, 201))
    assert b"worker 1 ended with code -9" in workers.log.read_bytes()


def test_workers_end_with_the_store_process(workers):
    (worker,) = workers.workers
    workers.kill()
    wait_for(lambda: not Path(f"/proc/{worker}").exists())
    workers.start()  # the port and the folder are free again
    assert workers.ask("GET", "/readyz").status == 200


def test_a_graceful_stop_ends_all_and_answers_what_is_under_way(workers):
    (worker,) = workers.workers
    assert workers.stop() == 0
    assert not Path(f"/proc/{worker}").exists()
    assert not (workers.data / "link.sock").exists()
    assert b"Traceback" not in workers.log.read_bytes()


def test_only_the_owner_reaches_the_socket(workers):
    assert (workers.data / "link.sock").stat().st_mode & 0o777 == 0o600
