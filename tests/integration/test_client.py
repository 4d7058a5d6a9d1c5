"""The SDK and a real server: chains, objects and accounts, over breaks and restarts, blocking or not."""

import asyncio
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from cairn.client import NoAccount, Rollback, ServerChanged, Session, WriteCapability, connect, parse_capability
from cairn.client.remote.http import Unreachable
from cairn.client.state import known_servers
from cairn.client.state.known_servers import ReceiptKeys
from cairn.client.sync import connect as connect_blocking
from cairn.core.chain import Kind
from cairn.core.errors import Closed, Forbidden, Invalid, Limited
from cairn.core.receipt import verify_receipt
from tests.harness import Server, serving

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as started:
        yield started


async def test_a_chain_is_written_here_and_read_there(server: Server) -> None:
    writer = WriteCapability.new()
    async with connect(server.url) as here, connect(server.url) as there:
        await here.chain(writer).append("hello")
        await asyncio.gather(*(here.chain(writer).append(str(number)) for number in range(20)))
        found = [entry.text() async for entry in there.chain(str(writer.to_read())).entries(1)]
    assert found[0] == "hello"
    assert sorted(found[1:], key=int) == [str(number) for number in range(20)]


async def test_an_object_in_many_chunks(server: Server) -> None:
    data = random.Random(5).randbytes(5_000_000)
    async with connect(server.url) as session:
        put = await session.objects.put(data)
        assert await session.objects.get(put.capability) == data
        async with aclosing(session.objects.stream(put.capability, start=1_048_570, stop=2_100_000)) as pieces:
            assert b"".join([piece async for piece in pieces]) == data[1_048_570:2_100_000]
        await session.objects.remove(put)
        with pytest.raises(Exception, match="does not have this block"):
            await session.objects.get(put.capability)


async def test_a_follower_survives_restarts_of_the_server(tmp_path: Path) -> None:
    writer = WriteCapability.new()
    seen: list[str] = []
    with serving(tmp_path) as server:
        async with connect(server.url) as session:
            await session.chain(writer).append("0")

            async def follow() -> None:
                async with aclosing(session.chain(writer.to_read()).follow(1)) as entries:
                    async for entry in entries:
                        seen.append(entry.text())

            following = asyncio.create_task(follow())
            for number in range(1, 12):
                if number % 4 == 0:
                    await asyncio.to_thread(server.kill)
                    await asyncio.to_thread(server.start)
                await session.chain(writer).append(str(number))
            await session.chain(writer).close("end")
            await asyncio.wait_for(following, 60)
    assert seen == [*(str(number) for number in range(12)), "end"]


async def test_a_server_that_lost_entries_is_refused_by_a_later_run(tmp_path: Path) -> None:
    writer, state = WriteCapability.new(), tmp_path / "state"
    with serving(tmp_path / "server") as server:
        async with connect(server.url, state=state) as session:
            await session.chain(writer).append("one")
        server.stop()
        shutil.copytree(server.data, tmp_path / "kept")
        server.start()
        async with connect(server.url, state=state) as session:
            await session.chain(writer).append("two")
        server.stop()
        server.data.rename(tmp_path / "newer")
        (tmp_path / "kept").rename(server.data)
        server.start()
        async with connect(server.url, state=state) as session:
            with pytest.raises(Rollback):
                await session.chain(writer).append("three")
            with pytest.raises(Rollback):
                await session.chain(writer.to_verify()).verify()
        async with connect(server.url) as stranger:
            assert (await stranger.chain(writer.to_verify()).verify()).state.seq == 1


async def test_a_secret_is_rotated_and_earlier_receipts_keep_their_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_servers, "_is_loopback", lambda url: False)
    writer, state = WriteCapability.new(), tmp_path / "state"
    with serving(tmp_path / "server") as server:
        old, new = (server.data / "secret").read_text().strip(), "5a" * 32
        told, signed, held = [], [], []
        for lines in ([old], [old, new], [new, old], [new, old], [new]):
            with_secret(server, *lines)
            async with connect(server.url, state=state) as session:
                told.append(session.rotated_from)
                signed.append(bytes.fromhex((await session.info())["receipt_key"]))
                held.append(await receipt_key_of(session, writer))
                await session.chain(writer).append("x")
                assert await receipt_key_of(session, writer) == signed[-1]
        first, second = signed[0], signed[-1]
        assert signed == [first, first, second, second, second]
        assert told == [None, None, first, None, None]
        assert held == [None, first, first, second, second]
        with_secret(server, "77" * 32)
        with pytest.raises(ServerChanged):
            async with connect(server.url, state=state):
                pass


def with_secret(server: Server, *lines: str) -> None:
    """Start a server again with other lines in its secret file."""
    server.stop()
    (server.data / "secret").write_text("".join(f"{line}\n" for line in lines))
    server.start()


async def receipt_key_of(session: Session, writer: WriteCapability) -> bytes | None:
    """The key of the receipt that is held for a chain's pinned head, by which it is good; None if none is held."""
    seen = await session._pins.seen(writer.chain_id)
    if seen is None or seen.receipt is None or seen.receipt_key is None:
        return None
    verify_receipt(replace(seen.state.head, receipt=seen.receipt), seen.receipt_key)
    return seen.receipt_key


async def test_no_receipt_is_believed_by_a_key_that_is_only_named(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, strange = WriteCapability.new(), bytes(32)
    async with connect(server.url) as session:
        await session.chain(writer).append("x")
        own = await receipt_key_of(session, writer)
    assert own is not None
    monkeypatch.setattr(
        "cairn.client.session.receipt_keys_of", lambda info: ReceiptKeys(strange, frozenset((strange, own)))
    )
    async with connect(server.url) as session:
        assert (await session.chain(writer).verify()).state.seq == 1
        assert await receipt_key_of(session, writer) is None


async def test_accounts(server: Server) -> None:
    notes, plans = WriteCapability.new(), WriteCapability.new().to_read()
    async with connect(server.url) as session:
        with pytest.raises(NoAccount):
            await session.sign_in("example.org", "ann", "correct horse")
        account = await session.sign_up("example.org", " Ann ", "correct horse")
        await account.keep("notes", notes)
        await account.keep("plans", plans)
        recovery = await account.recovery()
    async with connect(server.url) as session:
        again = await session.sign_up("example.org", "ann", "correct horse")
        assert await again.keyring() == {"notes": notes, "plans": plans}
        await again.keep("notes", None)
        await again.compact()
        with pytest.raises(NoAccount):
            await session.sign_in("example.org", "ann", "wrong horse")
        with pytest.raises(NoAccount):
            await session.sign_in("elsewhere.org", "ann", "correct horse")
        changed = await again.change_password("example.org", "ann", "battery staple")
        assert await changed.keyring() == {"plans": plans}
        with pytest.raises(Closed):
            await session.sign_in("example.org", "ann", "correct horse")
    async with connect(server.url) as session:
        opened = await session.sign_in("example.org", "ann", "battery staple")
        recovered = await session.recover(recovery)
        assert await opened.keyring() == await recovered.keyring() == {"plans": plans}
        with pytest.raises(Invalid):
            await session.recover(str(notes))


async def test_a_doors_write_capability_opens_it_like_a_chain(server: Server) -> None:
    """Such as a recovery text, to look whether it is still good, or to end it."""
    async with connect(server.url) as session:
        account = await session.sign_up("example.org", "eve", "a password")
        recovery = await account.recovery()
    async with connect(server.url) as session:
        door = session.chain(recovery)
        assert [entry.kind for entry in await door.newest(5)] == [Kind.GENESIS, Kind.LINK]
        await door.close()
    async with connect(server.url) as session:
        with pytest.raises(Closed):
            await session.recover(recovery)


async def test_two_devices_that_sign_up_at_once_share_one_account(server: Server) -> None:
    async with connect(server.url) as one, connect(server.url) as other:
        accounts = await asyncio.gather(*(session.sign_up("example.org", "bo", "x" * 12) for session in (one, other)))
    assert accounts[0].capability == accounts[1].capability


async def test_grants_pay_and_are_needed(tmp_path: Path) -> None:
    with serving(tmp_path, interface={"admission": "grant"}) as server:
        words = [sys.executable, "-m", "cairn", "grant", "--bytes", "4KiB", "--config", str(tmp_path / "cairn.toml")]
        grant = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
        writer = WriteCapability.new()
        async with connect(server.url) as session:
            with pytest.raises(Forbidden):
                await session.chain(writer).append("x")
        async with connect(server.url, grant=grant) as session:
            await session.chain(writer).append("x")
            assert (await session.usage()).entry_bytes > 0
            with pytest.raises(Limited):
                await session.objects.put(os.urandom(8_192))
        async with connect(server.url) as session:
            assert (await session.chain(writer.to_read()).newest(1))[0].text() == "x"


async def test_nobody_there() -> None:
    with pytest.raises(Unreachable):
        async with connect("http://127.0.0.1:9"):
            pass


def test_the_blocking_face(server: Server, tmp_path: Path) -> None:
    writer, file = WriteCapability.new(), tmp_path / "file"
    file.write_bytes(os.urandom(3_000_000))
    with connect_blocking(server.url, state=tmp_path / "state") as session:
        chain = session.chain(writer)
        chain.append("one")
        put = session.objects.put_file(file, owner=writer)
        chain.append_json({"file": 1}, [put.capability.reference])
        kinds = [entry.kind for entry in session.chain(writer.to_read()).entries()]
        assert kinds == [Kind.GENESIS, Kind.LINK, Kind.LINK]
        assert b"".join(session.objects.stream(put.capability)) == file.read_bytes()
        streamed = session.objects.put_stream(iter([b"a", b"b"]))
        assert session.objects.get(streamed.capability) == b"ab"
        for entry in chain.follow(1):  # left early: the subscription goes
            assert entry.text() == "one"
            break
        account = session.sign_up("example.org", "cy", "a password")
        account.keep("it", writer)
        assert account.keyring() == {"it": parse_capability(str(writer))}


def test_the_blocking_face_is_as_generated() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "sync_face"), "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
