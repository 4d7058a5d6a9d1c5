"""Traces of a real server, at a collector of OTLP over HTTP in the test's own process."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cairn.testing.chains import Writer, random_block
from cairn.wire.messages import encode_entries
from tests.harness import serving
from tests.waiting import wait_for

trace_service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")

ERROR = 2


class Collector:
    """What has come, as it came and as spans."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.port = 0

    def spans(self) -> list[Any]:
        requests = [trace_service.ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        scopes = [scope for each in requests for resource in each.resource_spans for scope in resource.scope_spans]
        return [span for scope in scopes for span in scope.spans]

    def names(self) -> list[str]:
        return [span.name for span in self.spans()]

    def tree(self, name: str) -> dict[str, list[str]]:
        """For each span of a name, the names of those within it, by its status or so."""
        spans = self.spans()
        return {
            span.span_id.hex(): [inner.name for inner in spans if inner.parent_span_id == span.span_id]
            for span in spans if span.name == name
        }  # fmt: skip


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Take(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            collector.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Take) as server:
        collector.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()


def test_requests_are_followed_through_cache_and_storage(tmp_path: Path) -> None:
    block, writer = random_block("traced"), Writer("traced")
    path, chain = f"/v1/blocks/{block.id.hex()}", writer.keys.chain_id.hex()
    with collecting() as collector:
        environ = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.port}",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        with serving(tmp_path, deployment="one", environ=environ, cache={"memory": "0"}) as server:
            server.ask("PUT", path, block.data)
            assert server.ask("GET", path).body == block.data
            server.ask("POST", f"/v1/chains/{chain}/entries", encode_entries(writer.entries))
            server.ask("GET", f"/v1/chains/{chain}/entries")
            assert server.ask("GET", "/v1/blocks/" + "0" * 64).status == 404
            wait_for(lambda: collector.names().count("get_block") == 2)
            server.ask("GET", "/healthz")
            assert server.stop() == 0
        assert collector.names().count("get_health") == 1  # the last ones are sent at the end
        assert b"Traceback" not in server.log.read_bytes()
    assert list(collector.tree("put_block").values()) == [["cache.put"]]
    assert list(collector.tree("cache.put").values()) == [["storage.put"]]
    assert list(collector.tree("get_block").values()) == [["cache.get"]] * 2
    assert list(collector.tree("cache.get").values()) == [["storage.get"]] * 2
    assert list(collector.tree("post_chain_entries").values()) == [["cache.append"]]
    assert "cache.read" in next(iter(collector.tree("get_chain_entries").values()))
    _check_what_they_say(collector)
    for secret in (block.id.hex().encode(), bytes(block.id), chain.encode(), writer.keys.chain_id):
        assert not any(secret in body for body in collector.bodies)


def _check_what_they_say(collector: Collector) -> None:
    resource = trace_service.ExportTraceServiceRequest.FromString(collector.bodies[0]).resource_spans[0].resource
    assert {item.key: item.value.string_value for item in resource.attributes}["service.name"] == "cairn"
    said = []
    for span in collector.spans():
        if span.name == "get_block":
            said.append({item.key: item.value.string_value or item.value.int_value for item in span.attributes})
            assert span.status.code != ERROR
            assert not span.events
    common = {"http.request.method": "GET", "http.route": "get_block"}
    assert said == [{**common, "http.response.status_code": 200}, {**common, "http.response.status_code": 404}]


def test_a_collector_that_is_gone_harms_nothing(tmp_path: Path) -> None:
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_BSP_SCHEDULE_DELAY": "50"}
    with serving(tmp_path, deployment="one", environ=environ) as server:
        for _ in range(20):
            assert server.ask("GET", "/healthz").status == 200
        assert server.stop() == 0


def test_without_a_collector_the_library_is_not_even_loaded() -> None:
    code = """
import asyncio, sys
from cairn.compose.interface import open_tracing
async def main():
    async with open_tracing() as spans:
        assert spans is None
asyncio.run(main())
assert not [name for name in sys.modules if name.startswith("opentelemetry")]
"""
    ended = subprocess.run([sys.executable, "-c", code], env={"PATH": ""}, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr


def test_without_the_library_it_serves_and_says_so(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked" / "opentelemetry"
    blocked.mkdir(parents=True)
    (blocked / "__init__.py").write_text("raise ImportError")
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "PYTHONPATH": str(blocked.parent)}
    with serving(tmp_path / "server", deployment="one", environ=environ) as server:
        assert server.ask("GET", "/healthz").status == 200
        assert "pip install 'cairn[otel]'" in server.log.read_text()
