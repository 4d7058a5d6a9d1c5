"""The user's commands, as real processes against a real server: keys, chains, files; and a folder shared by a link."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import Cairn
from tests.harness import Server, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture
def cairn(tmp_path: Path, server: Server) -> Cairn:
    return Cairn(tmp_path, CAIRN_SERVER=server.url)


@pytest.fixture
def writer(cairn: Cairn) -> str:
    return str(cairn("new", "write", "--json").json["cap"])


def reader_of(cairn: Cairn, cap: str) -> str:
    return str(cairn("cap", "diminish", cap, "--to", "read", "--json").json["cap"])


def a_folder(path: Path) -> Path:
    draw = random.Random(7)
    for name, size in {"a.txt": 11, "empty": 0, "deep/er/ü b.bin": 2_500_000, "deep/c.json": 300}.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(draw.randbytes(size))
    return path


def content_of(path: Path) -> dict[str, bytes]:
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_a_chain_from_its_first_entry_to_its_close(cairn: Cairn, writer: str) -> None:
    cairn("chain", "append", writer, "hello", "world")
    cairn("chain", "append", writer, "--json-value", '{"a": [1, null]}')
    cairn("chain", "append", writer, "-", stdin="from\nstdin\n")
    (cairn.folder / "raw").write_bytes(b"\0\1\2")
    assert cairn("chain", "append", writer, "--file", "raw", "--json").json["seq"] == 4
    reader = reader_of(cairn, writer)
    found = cairn("chain", "read", reader, "--json").json
    assert found == [
        {"seq": 0, "kind": "genesis", "base64": "", "refs": []},
        {"seq": 1, "kind": "link", "text": "hello world", "refs": []},
        {"seq": 2, "kind": "link", "json": {"a": [1, None]}, "refs": []},
        {"seq": 3, "kind": "link", "text": "from\nstdin", "refs": []},
        {"seq": 4, "kind": "link", "base64": "AAEC", "refs": []},
    ]
    assert [entry["seq"] for entry in cairn("chain", "read", reader, "--from", "2", "--limit", "2", "--json").json] == [
        2,
        3,
    ]
    assert cairn("chain", "head", reader, "--json").json["seq"] == 4
    verifier = cairn("cap", "diminish", reader, "--to", "verify", "--json").json["cap"]
    for cap in (writer, reader, verifier):
        assert cairn("chain", "verify", cap, "--json").json["entries"] == 5
    newest = cairn("chain", "rotate", writer, "--json").json["cap"]
    cairn("chain", "checkpoint", writer, "state", "--trim")
    assert cairn("chain", "close", writer, "bye", "--json").json["seq"] == 7
    assert cairn("chain", "tail", newest, "-n", "1").out.strip().endswith("bye")
    problem = cairn("chain", "read", reader, "--from", "7", "--json").json[0]["problem"]
    assert problem["code"] == "key_missing"
    refused = cairn("chain", "append", writer, "more", code=1)
    assert "closed" in refused.err
    assert "try:" in refused.err


def test_who_may_not_write_is_told_so(cairn: Cairn, writer: str) -> None:
    cairn("chain", "append", writer, "x")
    refused = cairn("chain", "append", reader_of(cairn, writer), "y", code=4)
    assert "does not write" in refused.err
    assert cairn("chain", "read", "crn1r_nonsense", code=2).err.count("error:") == 1
    assert cairn("chain", "read", reader_of(cairn, cairn("new", "write", "--json").json["cap"]), code=1).err
    assert cairn("chain", "read", writer, "--server", "http://127.0.0.1:9", code=3).err


def test_what_somebody_wrote_does_not_steer_the_terminal(cairn: Cairn, writer: str) -> None:
    cairn("chain", "append", writer, "red\x1b[31m\x07 line\nline")
    assert "\x1b[31m" not in cairn("chain", "read", writer).out
    assert "\x07" not in cairn("chain", "read", writer).out


def test_tail_follows(cairn: Cairn, writer: str) -> None:
    cairn("chain", "append", writer, "first")
    tail = cairn.start("chain", "tail", "-f", reader_of(cairn, writer), "--json")
    try:
        assert tail.stdout is not None
        assert '"genesis"' in tail.stdout.readline()
        assert '"first"' in tail.stdout.readline()
        cairn("chain", "append", writer, "second")
        assert '"second"' in tail.stdout.readline()
        tail.send_signal(signal.SIGINT)
        _, complaints = tail.communicate(timeout=30)
        assert tail.returncode == 130
        assert complaints == ""
    finally:
        tail.kill()


def test_a_file_there_and_back(cairn: Cairn) -> None:
    path = cairn.folder / "file"
    path.write_bytes(os.urandom(1_500_000))
    put = cairn("put", path, "--json")
    assert put.err == ""
    done = put.json
    assert (done["bytes"], len(done["pin"])) == (1_500_000, 64)
    cairn("get", done["cap"], "-o", "back")
    assert (cairn.folder / "back").read_bytes() == path.read_bytes()
    cairn("remove", done["cap"], "--pin", done["pin"])
    assert "does not have this block" in cairn("get", done["cap"], "-o", "gone", code=1).err
    assert not list(cairn.folder.glob(".gone*"))


def test_an_object_to_standard_output(cairn: Cairn) -> None:
    (cairn.folder / "file").write_text("text")
    cap = cairn("put", "file").out.strip()
    assert cairn("get", cap).out == "text"
    assert cairn("get", "-", stdin=cap + "\n").out == "text"


def test_a_folder_is_shared_by_a_link_over_a_kill_of_the_server(tmp_path: Path) -> None:
    with serving(tmp_path / "server") as server:
        here, there = Cairn(tmp_path / "here", CAIRN_SERVER=server.url), Cairn(tmp_path / "there")
        there.folder.mkdir()
        source = a_folder(here.folder / "photos")
        writer = here("new", "write", "--json").json["cap"]
        assert len(here("put", "photos", "--chain", writer, "--json").json["files"]) == 4
        server.kill()
        server.start()
        (source / "a.txt").write_bytes(b"changed")
        (source / "new").write_bytes(b"new")
        before = int(here("chain", "head", writer, "--json").json["seq"])
        here("put", "photos", "--chain", writer)
        assert int(here("chain", "head", writer, "--json").json["seq"]) == before + 2  # the others stand already
        reader = reader_of(here, writer)
        there("get", reader, "-o", "copy", "--server", server.url)
        assert content_of(there.folder / "copy" / "photos") == content_of(source)
        assert there("get", reader, "-o", "copy", "--server", server.url, "--json").json["files"]
        (there.folder / "copy" / "photos" / "new").write_bytes(b"my own")
        assert "is another" in there("get", reader, "-o", "copy", "--server", server.url, code=1).err
        there("get", reader, "-o", "copy", "--server", server.url, "--force")
        assert content_of(there.folder / "copy" / "photos") == content_of(source)


@pytest.mark.parametrize("name", ["../out", "/etc/out", "a/../../out", "", ".", "a\0b"])
def test_a_chain_cannot_write_outside_of_the_folder(cairn: Cairn, writer: str, name: str) -> None:
    import asyncio

    from cairn.client import connect

    async def write() -> None:
        async with connect(cairn.environ["CAIRN_SERVER"]) as session:
            put = await session.objects.put(b"evil")
            record = {"name": name, "bytes": 4, "type": "text/plain", "modified_ms": 1}
            await session.chain(writer).append_json(record, [put.capability.reference])

    asyncio.run(write())
    inner = cairn.folder / "in" / "ner"
    inner.mkdir(parents=True)
    cairn("get", reader_of(cairn, writer), "-o", inner, code=5)
    assert not [path for path in cairn.folder.rglob("*") if path.is_file() and path.read_bytes() == b"evil"]


def test_a_killed_put_goes_on(cairn: Cairn, server: Server) -> None:
    path = cairn.folder / "large"
    path.write_bytes(random.Random(3).randbytes(120 * 1_048_572))
    sent = blocks_of(server)
    first = cairn.start("put", path)
    while blocks_of(server) - sent < 20:
        assert first.poll() is None, "it was done before it could be killed"
        time.sleep(0.01)
    first.kill()
    first.communicate()
    between = blocks_of(server) - sent
    done = cairn("put", path, "--json").json
    again = blocks_of(server) - sent - between
    assert between + again <= 121 + 32  # what was under way at the kill may be sent twice
    assert again < 121
    cairn("get", done["cap"], "-o", "back")
    assert (cairn.folder / "back").read_bytes() == path.read_bytes()


def blocks_of(server: Server) -> int:
    lines = server.ask("GET", "/metrics").body.decode().splitlines()
    return next(int(float(line.split()[1])) for line in lines if line.startswith("cairn_storage_blocks "))


def test_an_account(cairn: Cairn) -> None:
    made = cairn("new", "account", "dora", "--json", CAIRN_PASSWORD="long enough").json
    again = cairn("new", "account", "Dora", "--json", CAIRN_PASSWORD="long enough").json
    assert made["cap"] == again["cap"]
    assert made["recovery"] != again["recovery"]
    assert "CAIRN_PASSWORD" in cairn("new", "account", "dora", code=2).err


def test_bench_runs_and_cleans_up(cairn: Cairn, server: Server) -> None:
    before = blocks_of(server)
    found = cairn("bench", "--seconds", "0.2", "--concurrency", "4", "--json").json
    assert [one["name"] for one in found][:2] == ["put 1 KiB", "get 1 KiB"]
    assert all(one["operations"] > 0 for one in found)
    assert blocks_of(server) == before


def test_the_demo_shows_a_chain(cairn: Cairn) -> None:
    demo = cairn.start("demo", "--listen", "127.0.0.1:0", "--json")
    try:
        import json

        assert demo.stdout is not None
        told = json.loads(demo.stdout.readline())
        reader = told["link"].partition("#")[2]
        assert len(cairn("chain", "read", reader, "--json", "--server", told["url"]).json) == 5
        cairn("chain", "append", told["cap"], "more", "--server", told["url"])
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(30) == 0
    finally:
        demo.kill()
        demo.communicate()
