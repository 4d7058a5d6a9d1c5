"""The server does what its OpenAPI document says, for whatever that document allows, and for what it does not."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from cairn.testing.chains import Writer, random_block
from cairn.wire.routes import JSON, ROUTES
from tests.harness import serving
from tests.integration.http.api import FREE_OF_RATES, Holder

_CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    interface = {"admission": "open", "limits": {**FREE_OF_RATES, "body_idle_seconds": 2}}
    with serving(tmp_path_factory.mktemp("openapi"), interface=interface) as server:
        yield server
        server.assert_healthy()


@pytest.fixture(scope="module")
def document(server):
    return schemathesis.openapi.from_url(f"{server.url}/v1/openapi.json")


_FREE = {route.name for route in ROUTES if "{id}" not in route.path and not route.parameters and route.body != JSON}
"""Operations whose requests have nothing that could be wrong."""


@pytest.mark.parametrize(
    ("route", "mode"),
    [(route, GenerationMode.POSITIVE) for route in ROUTES]
    + [(route, GenerationMode.NEGATIVE) for route in ROUTES if route.name not in _FREE],
    ids=lambda value: getattr(value, "name", None),
)
def test_every_operation_answers_as_it_is_described(document, route, mode):
    """For requests that fit the document, and for such as break it somewhere."""
    operation = document[route.path][route.method]

    @seed(20)
    @settings(max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def answers(case):
        case.call_and_validate(checks=_CHECKS, timeout=20)

    answers()


def test_every_route_is_described_and_answers(server):
    paths = server.ask("GET", "/v1/openapi.json").json["paths"]
    described = {(method.upper(), path) for path, operations in paths.items() for method in operations}
    assert described == {(route.method, route.path) for route in ROUTES}
    for route in ROUTES:
        answer = server.ask(route.method, route.path.replace("{id}", "0" * 64))
        assert answer.status not in (405, 500), (route.name, answer)


@pytest.fixture(scope="module")
def known(server):
    """Ids that are there, by what the route's path begins with."""
    block, chain, door = random_block("openapi", 5_000), Writer("openapi"), Writer("openapi", 1)
    chain.add_many(5)
    assert Holder(server).put(block).status == 201
    assert Holder(server).append(chain.entries).status == 201
    assert Holder(server).append(door.entries, kind="doors").status == 201
    return {"blocks": block.id.hex(), "chains": chain.keys.chain_id.hex(), "doors": door.keys.chain_id.hex()}


_READS = [route for route in ROUTES if route.method == "GET" and "{id}" in route.path]


@pytest.mark.parametrize("route", _READS, ids=lambda route: route.name)
def test_what_is_there_is_answered_as_it_is_described(server, document, known, route):
    """Random ids are never found: these are."""
    wanted = known[route.path.split("/")[2]]
    operation = document[route.path]["GET"]
    for headers in ({}, {"If-None-Match": "*"}, {"Range": "bytes=1-9"}, {"Range": "bytes=9999-"}, {"Range": "x"}):
        case = operation.Case(path_parameters={"id": wanted}, headers=headers)
        response = case.call_and_validate(checks=_CHECKS, timeout=20)
        assert response.status_code in (200, 206, 304, 416)
