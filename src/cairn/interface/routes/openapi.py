"""The OpenAPI 3.1 document, made from the route table."""

from __future__ import annotations

from typing import Any, Final

from cairn import __version__
from cairn.wire.routes import BYTES, ID_PATTERN, JSON, PROBLEM, ROUTES, Parameter, Route
from cairn.wire.status import STATUS_OF

_TITLES: Final = dict(STATUS_OF.values()) | {
    411: "Length required",
    416: "Range not satisfiable",
    422: "The bytes do not match the id",
    431: "Headers too large",
}
_HEX64: Final = {"type": "string", "pattern": ID_PATTERN}
_NATURAL: Final = {"type": "integer", "minimum": 0}

_SIZE: Final = {"type": ["string", "integer", "null"], "pattern": "^[0-9]{1,15}([KMGT]iB|%)?$", "minimum": 0}

_SCHEMAS: Final[dict[str, Any]] = {
    "Head": {
        "type": "object",
        "required": ["chain", "seq", "hash", "floor", "key_epoch", "closed", "entries", "bytes"],
        "properties": {
            "chain": _HEX64, "seq": _NATURAL, "hash": _HEX64, "floor": _NATURAL, "key_epoch": _NATURAL,
            "closed": {"type": "boolean"}, "entries": _NATURAL, "bytes": _NATURAL,
            "receipt": {
                "type": "object", "required": ["time_ms", "signature"],
                "properties": {"time_ms": _NATURAL, "signature": {"type": "string", "pattern": "^[0-9a-f]{128}$"}},
            },
        },
    },
    "Problem": {
        "type": "object",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
            "code": {"type": "string"}, "detail": {"type": "string"}, "head": {"$ref": "#/components/schemas/Head"},
        },
    },
    "Grant": {
        "type": "object",
        "required": ["id", "bytes_max", "appends_per_second", "expires", "used"],
        "properties": {
            "id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            "bytes_max": _NATURAL, "appends_per_second": {"type": "number"}, "expires": _NATURAL,
            "used": {
                "type": "object", "required": ["block_bytes", "entry_bytes"],
                "properties": {"block_bytes": _NATURAL, "entry_bytes": _NATURAL},
            },
            "token": {"type": "string"},
        },
    },
    "GrantWanted": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "bytes": _NATURAL, "days": _NATURAL, "appends_per_second": {"type": "number", "minimum": 0},
        },
    },
    "Tier": {
        "type": "object",
        "required": ["capacity_bytes", "bytes", "blocks"],
        "properties": {"capacity_bytes": _NATURAL, "bytes": _NATURAL, "blocks": _NATURAL},
    },
    "Cache": {
        "type": "object",
        "properties": {"memory": {"$ref": "#/components/schemas/Tier"}, "disk": {"$ref": "#/components/schemas/Tier"}},
    },
    "CacheSizes": {
        "type": "object",
        "additionalProperties": False,
        "properties": {"memory": _SIZE, "disk": _SIZE},
    },
    "Any": {"type": "object"},
}  # fmt: skip

_JSON_SCHEMA_OF: Final = {
    "get_chain": "Head", "get_door": "Head", "post_chain_entries": "Head", "post_door_entries": "Head",
    "get_own_grant": "Grant", "post_grants": "Grant",
    "get_cache": "Cache", "post_cache": "Cache",
}  # fmt: skip


_BODY_SCHEMA_OF: Final = {"post_grants": "GrantWanted", "post_cache": "CacheSizes"}


def openapi_document() -> dict[str, Any]:
    """The document that /v1/openapi.json serves."""
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Cairn",
            "version": __version__,
            "description": "Stores encrypted blocks and signed chains, and serves them. See docs/protocol.md.",
            "license": {"name": "See the project"},
        },
        "paths": paths,
        "components": {
            "schemas": _SCHEMAS,
            "securitySchemes": {
                "grant": {"type": "http", "scheme": "bearer", "description": "A grant, crn1g_…"},
                "admin": {"type": "http", "scheme": "bearer", "description": "The admin token."},
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": [*_path_parameters(route), *map(_parameter, route.parameters)],
        "responses": _responses(route),
    }
    if route.body:
        operation["requestBody"] = _body(route)
    if route.needs:
        operation["security"] = [{route.needs: []}] if route.needs == "admin" else [{route.needs: []}, {}]
    return operation


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    if "{id}" not in route.path:
        return []
    return [{"name": "id", "in": "path", "required": True, "schema": _HEX64}]


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.is_required,
        "description": parameter.about,
        "schema": dict(parameter.schema),
    }


def _responses(route: Route) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, kind, about in route.answers:
        responses[str(status)] = {"description": about, "content": _content(route, kind)} if kind else {
            "description": about
        }  # fmt: skip
    for status in sorted({*route.problems, 400, 405, 411, 431}):
        responses[str(status)] = {
            "description": _TITLES.get(status, "Not allowed"),
            "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    return responses


def _content(route: Route, kind: str) -> dict[str, Any]:
    if kind == JSON:
        name = _JSON_SCHEMA_OF.get(route.name, "Any")
        return {JSON: {"schema": {"$ref": f"#/components/schemas/{name}"}}}
    return {kind: {"schema": {} if kind == BYTES else {"type": "string"}}}


def _body(route: Route) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "format": "binary"}
    if route.body == JSON:
        schema = {"$ref": f"#/components/schemas/{_BODY_SCHEMA_OF[route.name]}"}
    return {"required": True, "description": route.body_about, "content": {route.body: {"schema": schema}}}
