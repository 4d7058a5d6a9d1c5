"""An interface whose storage is another process: killed, frozen, away at the start, or of another secret."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp
import pytest

from cairn.core.block import Block
from cairn.testing.chains import Writer
from cairn.wire.messages import encode_entries, encode_ids
from tests.faults.api import Api, open_api
from tests.faults.crash import scrubbed
from tests.faults.verify import Verifier
from tests.faults.workload import Workload
from tests.harness import Split

OUTAGES = 3
FROZEN_SECONDS = 12.0
_PATIENCE_SECONDS = 60.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Split]:
    server = Split(tmp_path)
    try:
        yield server
    finally:
        if server.process is not None:
            server.kill()


@asynccontextmanager
async def writing(workload: Workload, api: Api) -> AsyncIterator[None]:
    """Sixteen writers, as long as this is open."""
    running = asyncio.create_task(workload.run(api))
    try:
        yield
    finally:
        running.cancel()
        outcome = (await asyncio.gather(running, return_exceptions=True))[0]
    assert isinstance(outcome, asyncio.CancelledError), outcome


async def test_a_storage_that_is_killed_under_load_loses_nothing(server: Split) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    rand = random.Random(f"outages {seed}")
    await asyncio.to_thread(server.start)
    workload, cached = Workload(seed), Block.of(b"asked for all the time")
    async with open_api(server.url) as api:
        assert await put(api, cached) == 201
        async with writing(workload, api):
            for _ in range(OUTAGES):
                await until_written(workload, 32)
                await asyncio.sleep(rand.uniform(0, 0.3))
                server.keeper.kill()
                await until_refused(server, cached)
                await asyncio.to_thread(server.keeper.start)
                await until(lambda: server.ask("GET", "/readyz").status == 200)
        await Verifier(workload.acknowledged, rand).check_all(api)
    refused = workload.acknowledged.refused
    print(f"{workload.acknowledged.writes} writes acknowledged; refused by status: {refused}")
    assert refused.get(503, 0) > 0
    assert set(refused) <= {503, 504}
    server.assert_healthy()
    assert await asyncio.to_thread(server.stop) == 0
    assert await asyncio.to_thread(scrubbed, server.data) > 0


async def test_a_storage_that_is_frozen_keeps_nobody_waiting(server: Split) -> None:
    """All that is asked meanwhile is answered meanwhile; and what was not acknowledged is not done when it wakes, for
    its time is over then."""
    await asyncio.to_thread(server.start)
    near, far, late = Block.of(b"near"), Block.of(b"far" * 300_000), [Block.of(b"late %d" % n) for n in range(40)]
    writer = Writer("frozen")
    async with open_api(server.url) as api:
        assert await put(api, near) == 201
        with frozen(server):
            began = time.monotonic()
            asked = [put(api, block) for block in (*late, far)] + [
                ask(api, "GET", f"/v1/blocks/{far.id.hex()}"),
                ask(api, "GET", f"/v1/chains/{writer.keys.chain_id.hex()}"),
                ask(api, "POST", "/v1/blocks/has", encode_ids([near.id])),
                ask(api, "POST", f"/v1/chains/{writer.keys.chain_id.hex()}/entries", encode_entries(writer.entries)),
                ask(api, "GET", f"/v1/live?chain={writer.keys.chain_id.hex()}"),
            ]
            answers = await asyncio.gather(*asked)
            assert answers[-3] == 200  # every block of a batch is told to be unavailable
            assert set(answers[:-3] + answers[-2:]) <= {503, 504}
            assert 504 in answers, "nothing was sent before the silence was noticed"
            assert await ask(api, "GET", f"/v1/blocks/{near.id.hex()}") == 200
            assert await put(api, near) == 503
            await asyncio.sleep(FROZEN_SECONDS - (time.monotonic() - began))
        await until(lambda: server.ask("GET", "/readyz").status == 200)
        there = server.ask("POST", "/v1/blocks/has", encode_ids(block.id for block in (*late, far)))
        assert there.body == bytes(len(late) + 1)
        assert server.ask("GET", f"/v1/chains/{writer.keys.chain_id.hex()}").status == 404
        assert await put(api, late[0]) == 201
    server.assert_healthy()


async def test_a_storage_that_is_frozen_counts_as_gone_until_it_wakes(server: Split) -> None:
    """What is asked then is refused at once, as not done; who follows a chain goes on with the next entry."""
    await asyncio.to_thread(server.start)
    writer = Writer("silent")
    chain = writer.keys.chain_id.hex()
    async with open_api(server.url) as api:
        path = f"/v1/chains/{chain}/entries"
        assert await ask(api, "POST", path, encode_entries(writer.entries)) == 201
        async with api.session.get(f"{server.url}/v1/live?chain={chain}@0") as stream:
            assert (await event(stream.content))["seq"] == 0
            with frozen(server):
                await until(lambda: b'cairn_link_connections{end="asks"} 0.0' in server.ask("GET", "/metrics").body)
                assert await ask(api, "POST", path, encode_entries([writer.add()])) == 503
                assert server.ask("GET", "/readyz").status == 503
            await until(lambda: server.ask("GET", "/readyz").status == 200)
            assert await ask(api, "POST", path, encode_entries(writer.entries[1:])) == 201
            assert (await event(stream.content))["seq"] == 1
    server.assert_healthy()


async def test_an_interface_without_its_storage_says_so_and_recovers(server: Split) -> None:
    await asyncio.to_thread(server.start)
    server.kill()
    await asyncio.to_thread(server.start_interface)
    await until(lambda: "cannot be reached" in server.ask("GET", "/readyz").json["layers"]["storage"])
    layers = server.ask("GET", "/readyz")
    assert layers.status == 503
    assert layers.json["layers"]["interface"] == "ok"
    block = Block.of(b"later")
    async with open_api(server.url) as api:
        assert await put(api, block) == 503
        refused = server.ask("GET", f"/v1/blocks/{block.id.hex()}")
        assert (refused.status, refused.code, refused.headers["retry-after"]) == (503, "unavailable", "1")
        assert b"127.0.0.1" not in refused.body
        await asyncio.to_thread(server.keeper.start)
        await until(lambda: server.ask("GET", "/readyz").status == 200)
        assert await put(api, block) == 201
    log = server.log.read_text()
    assert log.index("no link to 127.0.0.1:") < log.index("is there again"), "who reads the log sees the end of it, too"
    server.assert_healthy()


async def test_another_secret_is_refused(server: Split, tmp_path: Path) -> None:
    await asyncio.to_thread(server.start)
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    secret = server.data / "secret"
    right = secret.read_text()
    secret.write_text("ab" * 32 + "\n")
    await asyncio.to_thread(server.start_interface)
    await until(lambda: "secret" in server.ask("GET", "/readyz").json["layers"]["storage"])
    block = Block.of(b"refused")
    async with open_api(server.url) as api:
        assert await put(api, block) == 503
    metrics = server.keeper.ask("GET", "/metrics").body.decode()
    assert 'cairn_link_connections{end="answers"} 0.0' in metrics
    assert 'cairn_link_refused_total{end="answers"} 0.0' not in metrics
    server.process.kill()
    server.process.wait()
    secret.write_text("ab" * 32 + "\n" + right)  # while a secret is changed: the first line makes, all verify
    await asyncio.to_thread(server.start_interface)
    await until(lambda: "secret" in server.ask("GET", "/readyz").json["layers"]["storage"])
    server.process.kill()
    server.process.wait()
    secret.write_text(right + "ab" * 32 + "\n")
    await asyncio.to_thread(server.start_interface)
    await until(lambda: server.ask("GET", "/readyz").status == 200)


async def test_a_live_stream_outlives_its_storage(server: Split) -> None:
    await asyncio.to_thread(server.start)
    writer = Writer("live")
    chain = writer.keys.chain_id.hex()
    async with open_api(server.url) as api:
        path = f"/v1/chains/{chain}/entries"
        assert await ask(api, "POST", path, encode_entries(writer.entries)) == 201
        async with api.session.get(f"{server.url}/v1/live?chain={chain}@0") as stream:
            assert (await event(stream.content))["seq"] == 0
            for seq in (1, 2):
                server.keeper.kill()
                await asyncio.to_thread(server.keeper.start)
                await until(lambda: server.ask("GET", "/readyz").status == 200)
                assert await ask(api, "POST", path, encode_entries([writer.add()])) == 201
                assert (await event(stream.content))["seq"] == seq


# --- short ways ------------------------------------------------------------------------------------------------------


@contextmanager
def frozen(server: Split) -> Iterator[None]:
    """The storage stands still."""
    os.kill(server.keeper.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.keeper.pid, signal.SIGCONT)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not await asyncio.to_thread(holds):
            await asyncio.sleep(0.02)


async def until_written(workload: Workload, count: int) -> None:
    """Until so many more writes were acknowledged."""
    enough = workload.acknowledged.writes + count
    await until(lambda: workload.acknowledged.writes >= enough)


async def until_refused(server: Split, cached: Block) -> None:
    """Until the interface has noticed; what it has near it gives all the time."""

    def is_refused() -> bool:
        assert server.ask("GET", f"/v1/blocks/{cached.id.hex()}").body == cached.data
        answer = server.ask("GET", f"/v1/blocks/{os.urandom(32).hex()}")
        assert answer.status in (404, 503), answer
        return answer.status == 503 and answer.headers["retry-after"] == "1"

    await until(is_refused)


async def ask(api: Api, method: str, path: str, body: bytes | None = None) -> int:
    return (await api.ask(method, path, body))[0]


async def put(api: Api, block: Block) -> int:
    return await ask(api, "PUT", f"/v1/blocks/{block.id.hex()}", block.data)


async def event(lines: aiohttp.StreamReader) -> dict[str, object]:
    """The data of the next event."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            line = await lines.readline()
            assert line, "the stream ended"
            if line.startswith(b"data: "):
                return dict(json.loads(line[6:]))
