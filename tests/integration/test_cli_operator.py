"""The operator's commands, as real processes: serve, status, grant, doctor, config, version; and what errors say."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path

import pytest

from cairn import __version__
from tests.command import Cairn
from tests.waiting import wait_for


@pytest.fixture
def cairn(tmp_path):
    return Cairn(tmp_path)


@pytest.fixture
def node(cairn):
    """A served data folder: the process, and what it said when it was ready."""
    with _serving(cairn, "--data", "data", "--listen", "127.0.0.1:0") as (process, ready):
        cairn.environ["CAIRN_SERVER"] = ready["url"]
        yield process, ready


class _serving:  # noqa: N801  # reads as the function it is
    def __init__(self, cairn, *arguments, **environ):
        self.process = cairn.start("serve", "--json", *arguments, **environ)

    def __enter__(self):
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(self.process.stderr.read())
        return self.process, json.loads(line)

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate(timeout=60)


def test_version(cairn):
    assert cairn("version").out == f"cairn {__version__} (format 1)\n"
    assert cairn("--version").out == cairn("version").out
    assert cairn("version", "--json").json == {"name": "cairn", "version": __version__, "format": 1}


def test_every_command_has_help(cairn):
    listed = cairn("--help").out
    for command in ("serve", "status", "grant", "doctor", "config", "version"):
        assert command in listed
        assert "Usage" in cairn(command, "--help").out


def test_an_unknown_command_or_option_is_a_usage_error(cairn):
    assert "serve" in cairn("srve", code=2).err
    assert "--help" in cairn("status", "--srver", "x", code=2).err.replace("-h'", "--help'")


def test_the_help_lists_commands_in_sections_and_whole_sentences(cairn):
    listed = cairn("--help").out
    titles = re.findall(r"^([A-Z][a-z ]+):$", listed, re.MULTILINE)
    assert titles == ["Options", "Run a server", "Keys", "Chains", "Files", "Care for a store"]
    assert not re.search(r"\.\.\.$", listed.partition("Options:")[2] + cairn("chain", "-h").out[80:], re.MULTILINE)
    assert "bool" not in cairn("serve", "--help").out
    assert cairn(code=2).err == listed


@pytest.mark.parametrize(
    ("words", "says", "asks"),
    [
        (["srve"], "no such command 'srve'", "cairn --help"),
        (["chain", "reed"], "no such command 'reed'. Did you mean 'read'?", "cairn chain --help"),
        (["put"], "missing argument 'FILE'", "cairn put --help"),
        (["grant", "--days", "-1"], "invalid value for '--days'", "cairn grant --help"),
        (["new", "write", "more"], "unexpected extra argument", "cairn new write --help"),
        (["status", "--server", "example.org"], "'example.org' is not the URL of a server", "--server http://"),
        (["bench", "--server", "http://"], "'http://' is not the URL of a server", "--server http://"),
        (["chain", "read", "x", "--server", "ftp://x"], "'ftp://x' is not the URL of a server", "--server http://"),
        (["grant", "--bytes", "much"], "--bytes: expected a size", "--bytes 10GiB"),
        (["get", "crn1b_x"], "this is not a capability", "crn1b_"),
    ],
)
def test_whatever_is_wrong_with_the_words_is_said_in_one_form(cairn, words, says, asks):
    first, second = cairn(*words, code=2).err.splitlines()
    assert first.startswith("error: ")
    assert says in first
    assert second.startswith("  try: ")
    assert asks in second


def test_a_server_that_does_not_answer_is_named(cairn):
    for words in (["status"], ["chain", "head", cairn("new", "write").out.strip()]):
        assert "http://127.0.0.1:9" in cairn(*words, "--server", "http://127.0.0.1:9", code=3).err


def test_serve_says_where_and_stops_when_told(node):
    process, ready = node
    assert ready["url"] == f"http://127.0.0.1:{ready['port']}"
    assert (ready["admission"], ready["pid"]) == ("open", process.pid)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")


def test_the_banner_is_for_people(cairn):
    process = cairn.start("serve", "--data", "data", "--listen", "127.0.0.1:0", "--ready-file", "ready.json")
    wait_for((cairn.folder / "ready.json").exists, 60)
    process.terminate()
    out, _ = process.communicate(timeout=30)
    url = json.loads((cairn.folder / "ready.json").read_text())["url"]
    assert out.startswith(f"Cairn {__version__} serves at {url}\n")
    assert "anyone on this machine" in out


def test_systemd_is_told(cairn, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(30)
        arguments = ("--data", "data", "--listen", "127.0.0.1:0")
        with _serving(cairn, *arguments, NOTIFY_SOCKET=str(tmp_path / "notify")) as (process, _):
            assert systemd.recv(64) == b"READY=1"
            process.terminate()
            assert systemd.recv(64) == b"STOPPING=1"


def test_a_second_signal_does_not_wait(cairn):
    """A request whose body never comes would hold the first one up."""
    with (
        _serving(cairn, "--data", "data", "--listen", "127.0.0.1:0") as (process, ready),
        socket.create_connection(("127.0.0.1", ready["port"])) as stuck,
    ):
        stuck.sendall(b"PUT /v1/blocks/" + b"0" * 64 + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        _wait_until(lambda: "cairn_requests_in_flight 2.0" in _metrics(ready["port"]))
        process.terminate()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=1)
        process.terminate()
        assert process.wait(timeout=10) == 1


def _metrics(port):
    with socket.create_connection(("127.0.0.1", port)) as asking:
        asking.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return b"".join(iter(lambda: asking.recv(65536), b"")).decode()


def _wait_until(is_so):
    for _ in range(600):
        if is_so():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come true")


def test_a_data_folder_is_one_process_alone(cairn, node):
    refused = cairn("serve", "--data", "data", "--listen", "127.0.0.1:0", code=1)
    assert f"in use by process {node[1]['pid']}" in refused.err
    assert "try:" in refused.err


def test_a_port_that_is_taken_is_named_so(cairn, node):
    refused = cairn("serve", "--data", "other", "--listen", f"127.0.0.1:{node[1]['port']}", code=1)
    assert "Address already in use" in refused.err
    assert "try: choose another port" in refused.err


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"CAIRN_STORAGE_ENGINE": "cluster"}, "storage.engine"),
        ({"CAIRN_STORAGE_ENGINE": "s3://bucket/prefix"}, "storage.engine"),
        ({"CAIRN_NODE_ROLES": "storage"}, "storage.listen"),
        ({"CAIRN_NODE_ROLES": "interface"}, "node.roles"),
        ({"CAIRN_INTERFACE_LISTEN": "nowhere"}, "interface.listen"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_is_made(cairn, environ, says):
    refused = cairn("serve", "--data", "data", code=2, **environ)
    assert says in refused.err
    assert "try:" in refused.err
    assert not (cairn.folder / "data").exists()
    assert says in cairn("config", "check", code=2, **environ).err


def test_the_file_in_the_working_directory_is_read(cairn):
    (cairn.folder / "cairn.toml").write_text('[node]\ndata = "here"\n[interface]\nlisten = "127.0.0.1:0"\n')
    with _serving(cairn) as (_, ready):
        assert ready["data"] == "here"
    assert (cairn.folder / "here" / "secret").exists()


def test_a_site_is_served(cairn):
    (cairn.folder / "www").mkdir()
    (cairn.folder / "www" / "index.html").write_text("<h1>here</h1>")
    with (
        _serving(cairn, "--data", "data", "--listen", "127.0.0.1:0", "--www", "www") as (_, ready),
        socket.create_connection(("127.0.0.1", ready["port"])) as asking,
    ):
        asking.sendall(b"GET / HTTP/1.1\r\nHost: any.example\r\nConnection: close\r\n\r\n")
        assert b"<h1>here</h1>" in b"".join(iter(lambda: asking.recv(65536), b""))


def test_a_site_that_is_no_folder_is_refused(cairn):
    assert "site.static" in cairn("serve", "--data", "data", "--www", "nowhere", code=2).err


def test_status_of_a_server_that_is_well(cairn, node):
    found = cairn("status", "--json").json
    assert found["layers"] == {"interface": "ok", "cache": "ok", "storage": "ok"}
    assert (found["degraded"], found["storage"]["blocks"]) == ([], 0)
    assert "all is well" in cairn("status").out


def test_status_of_a_full_disk_is_degraded(cairn):
    arguments = ("--data", "data", "--listen", "127.0.0.1:0")
    with _serving(cairn, *arguments, CAIRN_STORAGE_RESERVE="100%") as (_, ready):
        told = cairn("status", "--server", ready["url"], code=6)
    assert "writes are refused" in told.err


def test_status_of_nothing_is_unreachable(cairn):
    told = cairn("status", "--server", "http://127.0.0.1:1", code=3)
    assert "connection refused" in told.err
    assert "cairn serve" in told.err
    assert "URL" in cairn("status", "--server", "localhost", code=2).err


def test_a_grant_is_made_and_shown(cairn, node):
    made = cairn("grant", "--data", "data", "--bytes", "20MiB", "--days", "7", "--json").json
    assert made["bytes"] == 20 * 2**20
    (cairn.folder / "grant").write_text(made["grant"] + "\n")
    assert "0 B of 20.0 MiB used" in cairn("status", "--grant", "@grant").out
    assert cairn("status", "--json", CAIRN_GRANT=made["grant"]).json["grant"]["bytes_max"] == 20 * 2**20
    forged = made["grant"][:-2] + ("A" if made["grant"][-2] != "A" else "B") + made["grant"][-1]
    assert "try:" in cairn("status", CAIRN_GRANT=forged, code=4).err


def test_a_grant_needs_the_secret(cairn):
    assert "secret file" in cairn("grant", "--data", "nowhere", code=1).err
    (cairn.folder / "secret").write_text("ab" * 32 + "\n")
    (cairn.folder / "secret").chmod(0o644)
    refused = cairn("grant", code=1, CAIRN_NODE_SECRET_FILE="secret")
    assert "chmod 600" in refused.err
    (cairn.folder / "secret").chmod(0o600)
    assert cairn("grant", CAIRN_NODE_SECRET_FILE="secret").out.startswith("crn1g_")
    assert cairn("grant", "--admin-token", CAIRN_NODE_SECRET_FILE="secret").out.startswith("crn1admin_")


def test_the_secret_file_is_made_for_its_owner_alone(cairn, node):
    secret = cairn.folder / "data" / "secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert len(secret.read_text().strip()) == 64


def test_doctor_looks_at_everything(cairn):
    findings = {found["name"]: found for found in cairn("doctor", "--json", code=None).json}
    assert {"python", "disk", "fsync", "clock", "port", "secure context", "open files"} <= set(findings)
    assert findings["python"]["level"] == "ok"
    assert all(found["remedy"] for found in findings.values() if found["level"] != "ok")
    assert not [path for path in cairn.folder.iterdir() if "doctor" in path.name]


def test_doctor_finds_what_is_wrong(cairn):
    (cairn.folder / "data").mkdir()
    (cairn.folder / "data" / "secret").write_text("x")
    (cairn.folder / "data" / "secret").chmod(0o644)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environ = {
            "CAIRN_INTERFACE_LISTEN": f"127.0.0.1:{taken.getsockname()[1]}",
            "CAIRN_STORAGE_RESERVE": "100%",
            "CAIRN_INTERFACE_LIMITS_CONNECTIONS": str(2**40),
        }
        found = cairn("doctor", "--data", "data", "--json", code=1, **environ).json
    levels = {finding["name"]: finding["level"] for finding in found}
    assert levels["secret file"] == "fail"
    assert levels["disk"] == "fail"
    assert levels["port"] == "warn"
    assert levels["open files"] == "warn"


def test_doctor_warns_of_plain_http(cairn):
    found = cairn("doctor", "--json", code=None, CAIRN_INTERFACE_LISTEN="0.0.0.0:0").json
    assert next(finding for finding in found if finding["name"] == "secure context")["level"] == "warn"


def test_config_init_show_and_check(cairn):
    cairn("config", "init")
    before = cairn("config", "show").out
    assert "there already" in cairn("config", "init", code=2).err
    (cairn.folder / "cairn.toml").write_text(before.replace("127.0.0.1:8420", "127.0.0.1:9"))
    assert cairn("config", "show", "--json").json["interface"]["listen"] == "127.0.0.1:9"
    assert "127.0.0.1:9" in cairn("config", "check").out
    cairn("config", "init", "--force")
    assert cairn("config", "show").out == before
    assert cairn("config", "init", "-").out.startswith("# Cairn.")


def test_a_misspelt_setting_is_an_error_with_a_suggestion(cairn):
    (cairn.folder / "cairn.toml").write_text('[interface]\nlissten = "x"\n')
    for command in (("config", "check"), ("serve",), ("doctor",)):
        refused = cairn(*command, code=2)
        assert 'did you mean "interface.listen"?' in refused.err
        assert "cairn.toml" in refused.err


def test_no_colours_without_a_terminal(cairn, node):
    for command in (("status",), ("doctor",), ("status", "--server", "http://127.0.0.1:1")):
        done = cairn(*command, code=None)
        assert "\x1b" not in done.out + done.err


def test_a_reader_that_leaves_is_no_error(cairn):
    process = cairn.start("config", "init", "-")
    process.stdout.close()
    process.wait(timeout=30)
    assert process.stderr.read() == ""
    process.stdin.close()
    process.stderr.close()


def test_shell_completion(cairn):
    asked = {"_CAIRN_COMPLETE": "complete_bash", "COMP_WORDS": "cairn do", "COMP_CWORD": "1"}
    assert cairn(code=None, **asked).out.split() == ["doctor"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to take a folder away from itself")
def test_a_folder_that_holds_something_else_is_left_alone(cairn):
    folder = Path(cairn.folder / "data")
    folder.mkdir()
    (folder / "thesis.tex").write_text("mine")
    assert cairn("serve", "--data", "data", "--listen", "127.0.0.1:0", code=1).err.count("try:") == 1
    assert [path.name for path in folder.iterdir() if path.name != "lock"] == ["thesis.tex"]
