"""GET /console/data of a real server: the numbers of /metrics, and who may see them."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator

import pytest

from cairn.interface.admission.secret import NodeSecret
from cairn.testing.chains import random_block
from tests.command import Cairn
from tests.harness import Answer, Server, serving
from tests.waiting import wait_for

AFAR = {"X-Forwarded-For": "203.0.113.9"}
MOVING = re.compile(r"^process_|^cairn_connections|in_flight|route=\"get_(metrics|console_data)\"")
RIGHTS = ("admin", "console", "metrics")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server"), deployment="one") as started:
        yield started


def numbers_of(text: str) -> dict[str, float]:
    """The samples of a Prometheus text."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def metrics(server: Server) -> dict[str, float]:
    return numbers_of(server.ask("GET", "/metrics").body.decode())


def test_it_has_every_number_of_metrics_and_no_other(server: Server) -> None:
    block = random_block("console")
    server.ask("PUT", f"/v1/blocks/{block.id.hex()}", block.data)
    for _ in range(7):
        server.ask("GET", f"/v1/blocks/{block.id.hex()}")

    def same() -> bool:
        before, shown = metrics(server), server.ask("GET", "/console/data").json["now"]
        if before.keys() != shown.keys():  # both routes are counted themselves, from the first time on
            return False
        return all(before[name] == shown[name] for name in before if not MOVING.search(name))

    wait_for(same)
    shown = server.ask("GET", "/console/data").json["now"]
    assert shown['cairn_requests_total{route="put_block",status="201"}'] == 1
    assert shown['cairn_cache_hits_total{tier="memory"}'] == 7
    assert shown["cairn_storage_commit_jobs_sum"] >= 1


def test_it_remembers(server: Server) -> None:
    wait_for(lambda: len(server.ask("GET", "/console/data").json["rows"]) >= 3)
    document = server.ask("GET", "/console/data?names=cairn_requests_total,process_cpu").json
    assert document["series"]
    assert {name.split("{")[0] for name in document["series"]} == {"cairn_requests_total", "process_cpu_seconds_total"}
    assert set(document["series"]) == set(document["now"])
    times = [row[0] for row in document["rows"]]
    assert times == sorted(times)
    assert times[-1] == document["time_ms"]
    later = server.ask("GET", f"/console/data?since={times[-2]}").json
    assert later["rows"][0][0] == times[-1]
    assert server.ask("GET", "/console/data?step=10").json["step_seconds"] == 10


def test_it_is_compressed_for_those_who_ask(server: Server) -> None:
    plain = server.ask("GET", "/console/data", headers={"Accept-Encoding": "identity"})
    small = server.ask("GET", "/console/data", headers={"Accept-Encoding": "gzip, br"})
    assert (plain.headers.get("content-encoding"), small.headers["content-encoding"]) == (None, "gzip")
    assert json.loads(gzip.decompress(small.body))["version"] == plain.json["version"]
    assert len(small.body) < len(plain.body) / 3
    assert small.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "query",
    [
        "step=2",
        "step=",
        "step=x",
        "since=-1",
        "since=1e3",
        "since=" + "9" * 16,
        "names=" + "a," * 33,
        "names=" + "a" * 65,
        "a=1&" * 17,
    ],
)
def test_what_it_does_not_understand_it_says(server: Server, query: str) -> None:
    answer = server.ask("GET", f"/console/data?{query}")
    assert (answer.status, answer.code) == (400, "invalid")


def test_every_process_shows_the_whole(tmp_path) -> None:
    """Several serve one folder: whichever is asked tells of all, and of one beginning."""
    block = random_block("whole")
    path = f"/v1/blocks/{block.id.hex()}"
    with serving(tmp_path, deployment="one", interface={"workers": 3}) as server:
        server.ask("PUT", path, block.data)
        for _ in range(60):
            server.ask("GET", path)  # each on a connection of its own, so to any of them
        name = 'cairn_requests_total{route="get_block",status="200"}'
        wait_for(lambda: {server.ask("GET", "/console/data").json["now"].get(name) for _ in range(12)} == {60})
        assert len({server.ask("GET", "/console/data").json["started_ms"] for _ in range(12)}) == 1


# --- who may look -----------------------------------------------------------------------------------------------------


def ask_as(server: Server, path: str, token: str | None, headers: dict[str, str] = AFAR) -> Answer:
    return server.ask("GET", path, headers={**headers, **({"Authorization": f"Bearer {token}"} if token else {})})


@pytest.mark.parametrize(
    ("path", "rights"), [("/console/data", {"admin", "console"}), ("/metrics", {"admin", "metrics"})]
)
def test_from_afar_it_takes_the_right_token(server: Server, path: str, rights: set[str]) -> None:
    secret = NodeSecret.load(server.data / "secret")
    answers = {right: ask_as(server, path, secret.tokens(right)[0]).status for right in RIGHTS}
    assert answers == {right: 200 if right in rights else 403 for right in RIGHTS}
    right = "console" if "console" in rights else "metrics"
    token = secret.tokens(right)[0]
    for wrong in (None, "x", token[:-1], token + "0", token.upper(), "crn1g_" + "A" * 91):
        refused = ask_as(server, path, wrong)
        assert (refused.status, refused.code) == (403, "forbidden")
        assert f"cairn grant --{right}-token" in refused.json["detail"]
        assert token not in refused.body.decode()
    assert ask_as(server, path, None, {"Origin": "https://elsewhere.example"}).status == 403
    assert ask_as(server, path, None, {}).status == 200
    for host, status in {"stranger.example": 403, "localhost": 200, "a.localhost:80": 200, "[::1]:80": 200}.items():
        assert ask_as(server, path, None, {"Host": host}).status == status
    assert ask_as(server, path, token, {"Host": "stranger.example"}).status == 200


def test_a_token_to_look_does_not_issue_grants(server: Server) -> None:
    secret = NodeSecret.load(server.data / "secret")
    for right in ("console", "metrics"):
        headers = {"Authorization": f"Bearer {secret.tokens(right)[0]}"}
        assert server.ask("POST", "/v1/grants", b"{}", headers).status == 403


def test_the_command_line_prints_the_tokens(server: Server, tmp_path) -> None:
    cairn = Cairn(tmp_path)
    config = ("--config", server.folder / "cairn.toml")
    printed = {right: cairn("grant", f"--{right}-token", *config).out.strip() for right in RIGHTS}
    assert len(set(printed.values())) == 3
    for right, token in printed.items():
        assert re.fullmatch(rf"crn1{right}_[0-9a-f]{{64}}", token)
        assert cairn("grant", f"--{right}-token", "--json", *config).json == {f"{right}_token": token}
    assert ask_as(server, "/console/data", printed["console"]).status == 200
    assert "one token at a time" in cairn("grant", "--console-token", "--metrics-token", *config, code=2).err


def test_a_former_secret_still_opens_it(tmp_path) -> None:
    with serving(tmp_path, deployment="one") as server:
        old = NodeSecret.load(server.data / "secret").tokens("console")[0]
        path = server.data / "secret"
        assert server.stop() == 0
        path.write_text("ab" * 32 + "\n" + path.read_text())
        server.start()
        new = NodeSecret.load(path).tokens("console")[0]
        assert new != old
        assert [ask_as(server, "/console/data", token).status for token in (new, old)] == [200, 200]


# --- the page ---------------------------------------------------------------------------------------------------------


def test_the_page_is_there_on_every_host_and_strict(server: Server) -> None:
    answer = server.ask("GET", "/console/", headers={"Host": "somewhere.example"})
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    moved = server.ask("GET", "/console")
    assert (moved.status, moved.headers["location"]) == (308, "./console/")


def test_its_files_are_sent_compressed(server: Server) -> None:
    path = "/console/vendor/uplot/uPlot.iife.min.js"
    plain = server.ask("GET", path)
    small = server.ask("GET", path, headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(small.body) == plain.body
    assert small.headers["etag"] != plain.headers["etag"]
    again = server.ask("GET", path, headers={"Accept-Encoding": "gzip", "If-None-Match": small.headers["etag"]})
    assert again.status == 304
