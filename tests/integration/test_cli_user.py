"""The user's commands, as real processes against a real server: keys, chains, files; and a folder shared by a link."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import pty
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cairn.cli.applications import application_names
from cairn.client import ContentType, Payload, connect
from cairn.interface.sites.bundled import web_folder
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
    cairn("chain", "checkpoint", writer, "state", "--trim", "--yes")
    assert cairn("chain", "close", writer, "bye", "--yes", "--json").json["seq"] == 7
    assert cairn("chain", "tail", newest, "-n", "1").out.strip().endswith("bye")
    problem = cairn("chain", "read", reader, "--from", "7", "--json").json[0]["problem"]
    assert problem["code"] == "key_missing"
    refused = cairn("chain", "append", writer, "more", code=1)
    assert "closed" in refused.err
    assert "try:" in refused.err


def test_without_a_terminal_nothing_final_happens_unless_it_is_said(cairn: Cairn, writer: str) -> None:
    (cairn.folder / "file").write_text("kept")
    done = cairn("put", "file", "--json").json
    cairn("chain", "append", writer, "x")
    for words in (
        ("chain", "close", writer),
        ("chain", "checkpoint", writer, "--trim"),
        ("remove", done["cap"], "--pin", done["pin"]),
    ):
        refused = cairn(*words, stdin="y\n", code=2)
        assert "--yes" in refused.err
        assert refused.out == ""
    assert cairn("get", done["cap"]).out == "kept"
    head = cairn("chain", "head", writer, "--json").json
    assert (head["seq"], head["floor"], head["closed"]) == (1, 0, False)
    assert cairn("chain", "checkpoint", writer, "state", "--json").json["seq"] == 2


@pytest.mark.parametrize(("typed", "code"), [("n\n", 1), ("\n", 1), ("\x04", 1), ("y\n", 0)])
def test_in_a_terminal_what_is_final_is_asked(cairn: Cairn, writer: str, typed: str, code: int) -> None:
    cairn("chain", "append", writer, "x")
    screen, terminal = pty.openpty()
    with os.fdopen(screen, "wb", buffering=0) as keys:
        keys.write(typed.encode())
        words = cairn.command("chain", "close", writer)
        done = subprocess.run(words, stdin=terminal, capture_output=True, text=True, env=cairn.environ, timeout=60)
        os.close(terminal)
    assert done.returncode == code, done.stderr
    assert "for ever?" in done.stderr
    assert ("nothing was done" in done.stderr) == (code == 1)
    assert cairn("chain", "head", writer, "--json").json["closed"] == (code == 0)


def test_who_may_not_write_is_told_so(cairn: Cairn, writer: str) -> None:
    cairn("chain", "append", writer, "x")
    refused = cairn("chain", "append", reader_of(cairn, writer), "y", code=4)
    assert "does not write" in refused.err
    assert cairn("chain", "read", "crn1r_nonsense", code=2).err.count("error:") == 1
    assert cairn("chain", "read", reader_of(cairn, cairn("new", "write", "--json").json["cap"]), code=1).err
    assert cairn("chain", "read", writer, "--server", "http://127.0.0.1:9", code=3).err


def test_a_capability_of_another_kind_is_named_so(cairn: Cairn, writer: str) -> None:
    (cairn.folder / "a").write_text("a")
    kept = cairn("put", "a", "--chain", writer)
    assert "1 file in the chain" in kept.err
    verifier = cairn("cap", "diminish", writer, "--to", "verify").out.strip()
    assert "opens no files" in cairn("get", verifier, "-o", "x", code=4).err
    block = kept.out.split()[0]
    assert "none weaker" in cairn("cap", "diminish", block, code=2).err
    for pin in ("00", "0" * 63 + "x", ""):
        assert "64 hex digits" in cairn("remove", block, "--pin", pin, "--yes", code=2).err
    assert cairn("get", block).out == "a"


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
    cairn("remove", done["cap"], "--pin", done["pin"], "--yes")
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


BLOCKS = 120  # and a manifest


def test_a_killed_put_goes_on(cairn: Cairn, server: Server) -> None:
    path = cairn.folder / "large"
    path.write_bytes(random.Random(3).randbytes(BLOCKS * 1_048_572))
    sent = blocks_of(server)
    first = cairn.start("put", path)
    while blocks_of(server) - sent < 20:  # it never gets far while it is looked at
        first.send_signal(signal.SIGCONT)
        time.sleep(0.02)
        first.send_signal(signal.SIGSTOP)
        assert first.poll() is None, "it was done before it could be killed"
    first.kill()
    first.communicate()
    between = blocks_of(server) - sent
    done = cairn("put", path, "--json").json
    again = blocks_of(server) - sent - between
    assert between + again <= BLOCKS + 1 + 32  # what was under way at the kill may be sent twice
    assert again < BLOCKS + 1
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


def test_the_demo_shows_a_stream(cairn: Cairn) -> None:
    demo = cairn.start("demo", "--listen", "127.0.0.1:0", "--json")
    try:
        assert demo.stdout is not None
        told = json.loads(demo.stdout.readline())
        page, _, reader = told["page"].partition("#")
        assert (page, told["link"]) == (f"{told['url']}/", f"{told['url']}/chain/#{reader}")
        assert len(cairn("chain", "read", reader, "--json", "--server", told["url"]).json) == 5
        cairn("chain", "append", told["cap"], "more", "--server", told["url"])
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(30) == 0
    finally:
        demo.kill()
        demo.communicate()


@pytest.mark.parametrize("name", application_names())
def test_an_application_of_ones_own_begins_with_a_copy(cairn: Cairn, name: str) -> None:
    told = cairn("new", name, "mine here", "--json").json
    assert (told["application"], told["folder"]) == (name, "mine here")
    assert told["next"] == "cairn serve --www 'mine here'"
    assert {"index.html", "base.css", "icon.svg"} <= set(told["files"])
    for path in (web_folder("apps") / name).rglob("*.*"):
        copied = cairn.folder / "mine here" / path.relative_to(web_folder("apps") / name)
        assert copied.read_bytes() == path.read_bytes()
    (cairn.folder / "mine here" / "index.html").write_text("changed")
    refused = cairn("new", name, "mine here", code=2)
    assert "not empty" in refused.err
    assert "a new folder" in refused.err
    assert (cairn.folder / "mine here" / "index.html").read_text() == "changed"
    (cairn.folder / "empty").mkdir()
    assert "cairn serve --www empty" in cairn("new", name, "empty").out
    (cairn.folder / "file").write_text("")
    cairn("new", name, "file", code=2)


STEERING = "\x1b]0;title\x07\x9b31m\x7f\u202e"


@contextmanager
def answering(status: int, document: object) -> Iterator[str]:
    """A server that says the same to everything."""

    class Same(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Same) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}"
        finally:
            listening.shutdown()
            thread.join()


def steers(text: str) -> bool:
    return any(not char.isprintable() and char not in "\n\t" for char in text)


def test_what_a_server_says_does_not_steer_the_terminal(cairn: Cairn, writer: str) -> None:
    with answering(403, {"code": "forbidden", "detail": "red" + STEERING}) as url:
        refused = cairn("chain", "read", writer, "--server", url, code=4)
    assert "red" in refused.err
    assert not steers(refused.err)


def write_file_record(cairn: Cairn, writer: str, record: object) -> None:
    async def write() -> None:
        async with connect(cairn.environ["CAIRN_SERVER"]) as session:
            put = await session.objects.put(b"kept")
            data = Payload(json.dumps(record).encode(), ContentType.JSON)
            await session.chain(writer).append(data, [put.capability.reference])

    asyncio.run(write())


def test_a_file_name_does_not_steer_the_terminal(cairn: Cairn, writer: str) -> None:
    name = "name" + STEERING
    write_file_record(cairn, writer, {"name": name, "bytes": 4, "type": "", "modified_ms": 1})
    (cairn.folder / name).write_bytes(b"mine")
    refused = cairn("get", reader_of(cairn, writer), code=1)
    assert "is another" in refused.err
    assert not steers(refused.err)
    assert (cairn.folder / name).read_bytes() == b"mine"
    for command in (("chain", "read"), ("chain", "tail")):
        shown = cairn(*command, writer, "--json").out
        assert not steers(shown)
        last = json.loads(shown.splitlines()[-1])
        assert (last[-1] if isinstance(last, list) else last)["json"]["name"] == name


def test_strange_entries_do_not_hide_the_others(cairn: Cairn, writer: str) -> None:
    values = [r'"\ud800"', "1e999", "[" * 900 + "]" * 900, r'{"\udfff":1}']

    async def write() -> None:
        async with connect(cairn.environ["CAIRN_SERVER"]) as session:
            for value in values:
                await session.chain(writer).append(Payload(value.encode(), ContentType.JSON))
            await session.chain(writer).append("good")

    asyncio.run(write())
    for found in (
        cairn("chain", "read", writer, "--json").json,
        [json.loads(line) for line in cairn("chain", "tail", writer, "--json").out.splitlines()],
    ):
        assert [base64.b64decode(entry["base64"]).decode() for entry in found[1:5] if "base64" in entry] == [
            value for value, entry in zip(values, found[1:5], strict=True) if "base64" in entry
        ]
        assert [entry["json"] for entry in found[1:5] if "json" in entry] in ([], [json.loads(values[2])])
        assert found[5]["text"] == "good"
    assert "good" in cairn("chain", "read", writer).out


def test_a_file_with_a_strange_size_is_none(cairn: Cairn, writer: str) -> None:
    write_file_record(cairn, writer, {"name": "good", "bytes": 4, "type": "", "modified_ms": -5_000})
    for number in (10**30, -(10**30), 1e999, 1.5, "1", True, None):
        write_file_record(cairn, writer, {"name": "bad", "bytes": number, "type": "", "modified_ms": 1})
        write_file_record(cairn, writer, {"name": "bad", "bytes": 4, "type": "", "modified_ms": number})
    fetched = cairn("get", reader_of(cairn, writer), "-o", "in", "--json").json["files"]
    assert [file["name"] for file in fetched] == ["good"]


def test_what_cannot_be_kept_is_refused_before_anything_is_sent(cairn: Cairn, server: Server, writer: str) -> None:
    before = blocks_of(server)
    (cairn.folder / "one").mkdir()
    (cairn.folder / "good").write_text("good")
    (cairn.folder / "one" / "good").write_text("another")
    os.mkfifo(cairn.folder / "pipe")
    strange = os.fsencode(cairn.folder) + b"/caf\xe9"
    Path(os.fsdecode(strange)).write_text("x")
    assert "size" in cairn("put", "good", "pipe", code=2).err
    assert "size" in cairn("put", "/dev/null", code=2).err
    assert "UTF-8" in cairn("put", "good", os.fsdecode(strange), code=2).err
    assert "two files" in cairn("put", "good", "one/good", "--chain", writer, code=2).err
    assert blocks_of(server) == before
    assert len(cairn("put", "good", "one/good", "--json").json["files"]) == 2


def test_what_was_put_before_a_failure_is_told(cairn: Cairn) -> None:
    (cairn.folder / "good").write_text("good")
    (cairn.folder / "locked").write_text("x")
    words = [sys.executable, "-c", _PUT_THAT_FAILS, "put", "good", "locked"]
    failed = subprocess.run(words, capture_output=True, text=True, cwd=cairn.folder, env=cairn.environ, timeout=60)
    assert failed.returncode == 1
    cap, name = failed.stdout.split()
    assert name == "good"
    assert cairn("get", cap).out == "good"


_PUT_THAT_FAILS = """
from cairn.cli import main
from cairn.client.objects.objects import Objects

put_file = Objects.put_file

async def fails(self, path, **options):
    if path.name == "locked":
        raise PermissionError(13, "denied", str(path))
    return await put_file(self, path, **options)

Objects.put_file = fails
main()
"""


def test_what_is_wrong_with_the_own_state_is_no_defect(cairn: Cairn, writer: str) -> None:
    state = cairn.folder / "state"
    cairn("chain", "append", writer, "x", "--state", state)
    (pin,) = (state / "pins").glob("*.json")
    pin.write_text("{}")
    refused = cairn("chain", "read", writer, "--state", state, code=5)
    assert "damaged" in refused.err
    assert "defect" not in refused.err


def test_a_server_that_says_it_rotated_its_secret_is_warned_of_once(tmp_path: Path, cairn: Cairn, writer: str) -> None:
    with serving(tmp_path / "server") as rotating:
        words = [sys.executable, "-c", _MAIN_AS_IF_FAR_AWAY, "chain", "append", writer, "x", "--server", rotating.url]

        def append(*, code: int = 0) -> str:
            done = subprocess.run(
                words, capture_output=True, text=True, cwd=cairn.folder, env=cairn.environ, timeout=60
            )
            assert done.returncode == code, done.stderr
            return done.stderr

        assert append() == ""
        secret = rotating.data / "secret"
        rotating.stop()
        secret.write_text("5a" * 32 + "\n" + secret.read_text())
        rotating.start()
        assert "warning: this server signs with another key than before" in append()
        assert append() == ""
        rotating.stop()
        secret.write_text("77" * 32 + "\n")
        rotating.start()
        assert "servers.json" in append(code=5)


_MAIN_AS_IF_FAR_AWAY = """
from cairn.cli import main
from cairn.client.state import known_servers

known_servers._is_loopback = lambda url: False
main()
"""


def test_a_folder_of_which_a_part_cannot_be_had(cairn: Cairn, writer: str) -> None:
    for name in ("a", "b", "c"):
        (cairn.folder / name).write_text(name)
    files = cairn("put", "a", "b", "--chain", writer, "--json").json["files"]
    old = reader_of(cairn, writer)
    newest = cairn("chain", "rotate", writer, "--json").json["cap"]
    cairn("put", "c", "--chain", writer)
    behind = cairn("get", old, "-o", "old", code=4)
    assert "do not open with this capability (2)" in behind.err
    assert content_of(cairn.folder / "old") == {"a": b"a", "b": b"b"}
    cairn("remove", files[0]["cap"], "--chain", writer, "--yes")
    gone = cairn("get", newest, "-o", "new", code=1)
    assert "not there any more: a" in gone.err
    assert content_of(cairn.folder / "new") == {"b": b"b", "c": b"c"}
