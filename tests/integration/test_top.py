"""`cairn top` on a real server: in a pipe, in a terminal of 80 by 24, and when it is not let in."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cairn.interface.admission.secret import NodeSecret
from cairn.testing.chains import random_block
from tests.command import Cairn
from tests.harness import Server, serving
from tests.waiting import wait_for

_HOME = "\x1b[H"
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that has kept two blocks, and answered for them."""
    with serving(tmp_path_factory.mktemp("top"), deployment="one") as started:
        for number in range(2):
            block = random_block(f"top {number}", 3_000)
            started.ask("PUT", f"/v1/blocks/{block.id.hex()}", block.data)
            for _ in range(5):
                started.ask("GET", f"/v1/blocks/{block.id.hex()}")
        wait_for(lambda: started.ask("GET", "/console/data").json["now"].get("cairn_storage_blocks") == 2)
        yield started


@pytest.fixture
def cairn(tmp_path: Path) -> Cairn:
    return Cairn(tmp_path)


def test_once_as_json(server: Server, cairn: Cairn) -> None:
    shown = cairn("top", "--once", "--json", "--server", server.url).json
    assert shown["layers"] == {"interface": True, "cache": True, "storage": True}
    assert shown["routes"]["put_block"]["by_status"] == {"201": 2}
    assert shown["routes"]["get_block"]["by_status"] == {"200": 10}
    assert (shown["storage"]["blocks"], shown["storage"]["full"], shown["storage"]["damaged"]) == (2, 0, 0)
    assert shown["cache"]["memory"]["blocks"] == 2
    assert shown["process"]["resident_bytes"] > 10_000_000


def test_in_a_pipe_it_shows_itself_once_and_fits(server: Server, cairn: Cairn) -> None:
    out = cairn("top", "--server", server.url).out
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in out
    assert "interface ready   cache ready   storage ready" in lines[1]
    assert re.search(r"storage +2 blocks, 0 chains, ", out)
    assert re.search(r"^put_block +\S+ .* 2 *$", out, re.MULTILINE)


def test_json_goes_on_line_by_line(server: Server, cairn: Cairn) -> None:
    process = cairn.start("top", "--json", "--interval", "0.5", "--server", server.url)
    try:
        assert process.stdout is not None
        times = [json.loads(process.stdout.readline())["time_ms"] for _ in range(4)]
        assert times == sorted(times)
        assert len(set(times)) > 1
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 130


def test_who_is_not_let_in_is_told_how(tmp_path: Path, cairn: Cairn) -> None:
    with (
        serving(tmp_path / "server", deployment="one", interface={"trusted_proxies": ["127.0.0.1"]}) as server,
        _proxy(server) as url,
    ):
        token = NodeSecret.load(server.data / "secret").tokens("console")[0]
        refused = cairn("top", "--once", "--server", url, code=4)
        assert "console token" in refused.err
        assert "cairn grant --console-token" in refused.err
        assert cairn("top", "--once", "--server", url, "--token", "wrong", code=4).out == ""
        (tmp_path / "token").write_text(token + "\n")
        assert cairn("top", "--once", "--json", "--server", url, "--token", f"@{tmp_path / 'token'}").json["storage"]
        assert cairn("top", "--once", "--json", "--server", url, CAIRN_TOKEN=token).json["storage"]


def test_where_storage_is_apart(tmp_path: Path, cairn: Cairn) -> None:
    with serving(tmp_path / "server", deployment="split") as server:
        shown: dict[str, Any] = {"link": {"connections": 0}}
        while not shown["link"]["connections"]:  # the first sample may be older than the link
            shown = cairn("top", "--once", "--json", "--server", server.url).json
        assert shown["storage"] == {}
        out = cairn("top", "--server", server.url).out
        assert re.search(r"^link +\d connection", out, re.MULTILINE)


def test_nobody_there(cairn: Cairn) -> None:
    assert "no answer from" in cairn("top", "--once", "--server", "http://127.0.0.1:9", code=3).err


def test_in_a_terminal_it_fills_the_screen_and_marks_what_is_old(tmp_path: Path, cairn: Cairn) -> None:
    with serving(tmp_path / "server", deployment="one") as server:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        process = subprocess.Popen(
            cairn.command("top", "--interval", "0.5", "--server", server.url),
            stdin=theirs, stdout=theirs, stderr=theirs, env={**cairn.environ, "TERM": "xterm"}, cwd=tmp_path,
        )  # fmt: skip
        os.close(theirs)
        try:
            screen = _read_until(ours, "get_console_data")
            assert "interface ready   cache ready   storage ready" in screen
            assert max(len(line) for line in screen.split("\r\n")) <= 81
            server.kill()
            _read_until(ours, " s old")
            _read_until(ours, f"no answer from {server.url}: connection refused")
        finally:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(OSError):
                _read_until(ours, "never", seconds=2)
            code = process.wait(20)
            os.close(ours)
        assert code == 130


def _read_until(descriptor: int, text: str, seconds: float = 30) -> str:
    """What a terminal has shown up to some text, without what steers it."""
    seen, began = "", time.monotonic()
    while text not in seen and time.monotonic() - began < seconds:
        if select.select([descriptor], [], [], 0.2)[0]:
            read = os.read(descriptor, 65_536).decode("utf-8", "replace")
            seen += _ESCAPE.sub("", read.replace(_HOME, "\r\n"))
    assert text in seen or text == "never", seen
    return seen


@contextlib.contextmanager
def _proxy(server: Server) -> Iterator[str]:
    """A proxy on the way to the server, as one from afar comes through."""
    import http.server
    import threading

    class Forward(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {"X-Forwarded-For": "203.0.113.9"}
            if "Authorization" in self.headers:
                headers["Authorization"] = self.headers["Authorization"]
            answer = server.ask("GET", self.path, headers=headers)
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Forward) as proxy:
        thread = threading.Thread(target=proxy.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{proxy.server_port}"
        finally:
            proxy.shutdown()
            thread.join()
