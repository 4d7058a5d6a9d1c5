"""What a server writes down of a busy and unhappy life: no id, key, pin or grant in full, and nothing that was sent."""

from __future__ import annotations

import os
import re
import socket

from cairn.core.chain import FLAG_DOOR
from cairn.interface.admission.secret import NodeSecret
from cairn.testing.chains import Writer, altered, random_block
from tests.harness import counts_alone, serving
from tests.integration.http.api import Holder, mint
from tests.integration.http.frames import PREFACE

_LIMITS = {
    "requests_per_second": 30, "door_requests_per_minute": 3, "bad_signatures_per_minute": 3, "header_seconds": 1,
    "body_idle_seconds": 1,
}  # fmt: skip
_LONG = re.compile(r"[0-9a-f]{32}|[A-Za-z0-9_-]{43}|crn1\w_\S{8}|crn1admin_\S")
_MARK = "s3cret-mark"


def _raw(server, sent):
    with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def _live_through(server, holder):
    """Everything that works, everything that is refused, and what breaks off."""
    block, writer, door = random_block("logs"), Writer("logs"), Writer("logs", FLAG_DOOR)
    writer.add_many(3)
    pin = os.urandom(32)
    assert holder.put(block, pin).status == 201
    assert holder.unpin(block, pin).status == 204
    assert holder.append(writer.entries).status == 201
    assert holder.put(block, under=bytes(32)).status == 422
    for count in range(6):
        holder.append(door.entries, kind="doors")
        forged = altered(writer.next(), -1)
        body = len(forged).to_bytes(4, "big") + forged
        assert holder.append_raw(writer.keys.chain_id, body).status == (400 if count < 3 else 429)
    chain = f"/v1/chains/{writer.keys.chain_id.hex()}"
    for path in (f"/v1/blocks/{_MARK}", f"/{_MARK}", f"/v1/live?chain={_MARK}", chain):
        server.ask("GET", path, None, {"Authorization": f"Bearer {_MARK}", "X-Mark": _MARK})
    Holder(server, holder.token[:-2]).append(writer.entries)
    _raw(server, b"GET /" + _MARK.encode() + b" HTTP/9.9\r\n\r\n")
    _raw(server, PREFACE)
    _raw(server, b"PUT /v1/blocks/" + block.id.hex().encode() + b" HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nab")
    _ask_more_than_the_rate(server, f"/v1/blocks/{block.id.hex()}")


def _ask_more_than_the_rate(server, path):
    """All at once, on one connection: however slow the machine is, the rate is slower."""
    requests = [f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"] * 199
    last = requests[0].replace("Host", "Connection: close\r\nHost")
    with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        connection.sendall("".join([*requests, last]).encode())
        answers = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert set(re.findall(rb"HTTP/1.1 (\d+) ", answers)) == {b"200", b"429"}


@counts_alone
def test_the_log_holds_no_id_key_or_grant(tmp_path):
    interface = {"admission": "grant", "limits": _LIMITS}
    with serving(tmp_path, interface=interface) as server:
        holder = Holder(server, mint(server))
        secret = NodeSecret.load(server.data / "secret")
        _live_through(server, holder)
        answers = iter(lambda: server.ask("GET", "/metrics"), None)
        metrics = next(answer.body for answer in answers if answer.status == 200).decode()  # the rate lets one more in
        assert server.stop() == 0
        log = server.log.read_text()
    print(log)
    for text in (log, metrics):
        assert _LONG.search(text) is None
        assert _MARK not in text
        assert secret.admin_token not in text
        assert "Traceback" not in text


def _flip_a_byte(folder, data):
    """Damage a block on disk."""
    for path in folder.rglob("*"):
        at = path.read_bytes().find(data) if path.is_file() else -1
        if at >= 0:
            with path.open("r+b") as file:
                file.seek(at + len(data) // 2)
                file.write(bytes((data[len(data) // 2] ^ 1,)))
            return
    raise AssertionError("the block is in no file")


def test_a_damaged_block_is_named_by_a_few_digits(tmp_path):
    with serving(tmp_path) as server:
        block = random_block("damaged", 3_000)
        assert Holder(server).put(block).status == 201
        assert server.stop() == 0
        _flip_a_byte(server.data, block.data[:2_000])
        server.start()
        answer = server.ask("GET", f"/v1/blocks/{block.id.hex()}")
        assert (answer.status, answer.code) == (500, "corrupt")
        log = server.keeper.log.read_text()
        assert block.id.hex()[:8] in log
        assert _LONG.search(log) is None
        server.assert_healthy()


def test_the_pattern_finds_what_it_looks_for(tmp_path):
    with serving(tmp_path) as server:
        for text in (os.urandom(32).hex(), mint(server), NodeSecret.load(server.data / "secret").admin_token):
            assert _LONG.search(f"2026-01-01T00:00:00Z warning: {text}") is not None
