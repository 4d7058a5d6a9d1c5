"""Five megabytes of plaintext through the real client: nobody but the client ever has a byte of it, or of a key."""

from __future__ import annotations

import asyncio
import base64
import random
from collections.abc import Iterable
from pathlib import Path

from cairn.client import BlockCapability, ReadCapability, Session, WriteCapability, connect, parse_capability
from cairn.client.format.door import door_keys
from cairn.client.format.manifest import Manifest
from cairn.client.format.reference import MANIFEST_MAGIC, Reference, open_block
from cairn.core.chain import Entry
from tests.command import Cairn
from tests.faults.api import open_api
from tests.faults.wiretap import wiretap
from tests.harness import Server, serving
from tests.leaks import leaked

MARKER = b"a plaintext marker, number "
MEGABYTE = 1_000_000
PASSWORD = "correct horse battery staple"
NAME = "ann-of-the-markers"


def markers(size: int, rand: random.Random) -> bytes:
    """So many bytes of lines that begin with the marker and go on at random."""
    lines = [MARKER + b"%d %s\n" % (number, rand.randbytes(8).hex().encode()) for number in range(size // 40)]
    return b"".join(lines)[:size]


def test_a_leak_would_be_seen() -> None:
    secret = random.Random(1).randbytes(32)
    texts = [secret, secret.hex().encode(), base64.urlsafe_b64encode(b"x" + secret), base64.b64encode(secret + b"yz")]
    for text in texts:
        assert leaked({"secret": secret}, [b"before" + text + b"after"]) == ["secret"]
    assert leaked({"secret": secret}, [secret[1:], secret[:-1]]) == []


async def test_no_plaintext_and_no_key_leaves_the_client(tmp_path: Path) -> None:
    rand = random.Random(5)
    secrets = {"marker": MARKER, "password": PASSWORD.encode(), "name": NAME.encode()}
    with serving(tmp_path / "server") as server:
        async with wiretap(server.port) as tap:
            async with connect(tap.url) as session:
                entries, stored = await _write_chain(session, rand, secrets)
                await _put_object(session, rand, secrets)
                await _make_account(session, secrets)
            await _put_by_command(tmp_path, tap.url, rand, secrets)
            async with open_api(tap.url) as api:
                for path in ("/v1/info", "/metrics", "/healthz", "/readyz", "/v1/openapi.json", "/v1/blocks/no-id"):
                    await api.ask("GET", path)
        assert server.stop() == 0
        files, wire = _files(server), tap.streams
    assert all(any(entry.raw in stream for stream in wire) for entry in entries), "the capture is not complete"
    assert any(stored in file for file in files.values()), "the search does not reach what is stored"
    assert sum(map(len, wire)) > 10 * MEGABYTE
    print(f"{len(secrets)} secrets, {sum(map(len, files.values()))} bytes of files, {sum(map(len, wire))} on the wire")
    assert leaked(secrets, [*files.values(), *wire]) == []


async def _write_chain(session: Session, rand: random.Random, secrets: dict[str, bytes]) -> tuple[list[Entry], bytes]:
    """Half a megabyte in entries of each kind, with a block, and read back by a reader of either epoch."""
    cap = WriteCapability.new()
    chain = session.chain(cap)
    texts = [markers(20_000, rand).decode() for _ in range(24)]
    entries = [await chain.append(text) for text in texts[:12]]
    put = await session.objects.put(markers(MEGABYTE // 2, rand), owner=cap)
    entries.append(await chain.append_json({"note": MARKER.decode()}, [put.capability.reference]))
    first = cap.to_read()
    second = await chain.rotate(MARKER)
    entries += [await chain.append(text) for text in texts[12:]]
    entries.append(await chain.checkpoint(markers(10_000, rand)))
    read = [entry.payload.data async for entry in session.chain(second).entries() if entry.seq]
    assert {text.encode() for text in texts} <= set(read)
    _add_chain(secrets, "chain", cap, (first, second))
    _add_references(secrets, "owned", [put.capability.reference])
    return entries, entries[-1].raw[:256]


async def _put_object(session: Session, rand: random.Random, secrets: dict[str, bytes]) -> None:
    """Three megabytes in chunks, got again."""
    data = markers(3 * MEGABYTE, rand)
    put = await session.objects.put(data)
    assert await session.objects.get(put.capability) == data
    _add_references(secrets, "object", await _references(session, put.capability))


async def _make_account(session: Session, secrets: dict[str, bytes]) -> None:
    account = await session.sign_up("example.org", NAME, PASSWORD)
    kept = WriteCapability.new()
    await account.keep(MARKER.decode(), kept)
    assert (await session.sign_in("example.org", NAME, PASSWORD)).capability.keys == account.capability.keys
    secrets["recovery"] = (await account.recovery()).encode()
    for name, cap in (("account", account.capability), ("kept", kept)):
        _add_chain(secrets, name, cap, (cap.to_read(),))
    door = WriteCapability(await asyncio.to_thread(door_keys, "example.org", NAME, PASSWORD))
    _add_chain(secrets, "door", door, (door.to_read(),))


async def _put_by_command(folder: Path, url: str, rand: random.Random, secrets: dict[str, bytes]) -> None:
    file = folder / "file"
    file.write_bytes(markers(MEGABYTE + MEGABYTE // 2, rand))
    cairn = Cairn(folder, CAIRN_SERVER=url)
    done = await asyncio.to_thread(cairn, "put", file, "--json")
    cap = parse_capability(done.json["cap"])
    assert isinstance(cap, BlockCapability)
    await asyncio.to_thread(cairn, "get", str(cap), "-o", folder / "got")
    assert (folder / "got").read_bytes() == file.read_bytes()
    async with connect(url) as session:
        _add_references(secrets, "command", await _references(session, cap))


async def _references(session: Session, cap: BlockCapability) -> list[Reference]:
    """The object's manifest and its chunks."""
    block = await session._store.blocks.get(cap.reference.block_id)
    manifest = Manifest.decode(open_block(cap.reference, block, head=MANIFEST_MAGIC))
    assert len(manifest.references) > 1
    return [cap.reference, *manifest.references]


def _add_references(secrets: dict[str, bytes], name: str, references: list[Reference]) -> None:
    secrets.update({f"block key {number} of {name}": ref.block_key for number, ref in enumerate(references)})


def _add_chain(secrets: dict[str, bytes], name: str, cap: WriteCapability, readers: Iterable[ReadCapability]) -> None:
    secrets[f"write secret of {name}"] = cap.keys.write_secret
    secrets[f"signing key of {name}"] = bytes(cap.keys._signing_key)
    secrets[f"capability of {name}"] = str(cap).encode()
    secrets.update({f"read key {reader.key_epoch} of {name}": reader.read_key for reader in readers})


def _files(server: Server) -> dict[str, bytes]:
    """All that the server has on disk: its data and its log."""
    paths = [path for path in [*server.data.rglob("*"), server.log] if path.is_file()]
    assert len(paths) > 5
    return {str(path): path.read_bytes() for path in paths}
