"""Every route of the API: one table, from which requests are dispatched and the OpenAPI document is made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final

BYTES: Final = "application/octet-stream"
JSON: Final = "application/json"
TEXT: Final = "text/plain"
EVENTS: Final = "text/event-stream"
PROBLEM: Final = "application/problem+json"

ID_PATTERN: Final = "^[0-9a-f]{64}$"
CONSOLE_NAMES_MAX: Final = 32


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter or a header."""

    name: str
    place: str  # "query" | "header"
    about: str
    schema: tuple[tuple[str, object], ...] = (("type", "string"),)
    is_required: bool = False


@dataclass(frozen=True, eq=False)
class Route:
    """One method on one path. `name` is the handler's and the operation's."""

    name: str
    method: str
    path: str  # {id} stands for 64 lower-case hex digits
    summary: str
    answers: tuple[tuple[int, str, str], ...]  # status, media type ("" for none), what it says
    problems: tuple[int, ...] = ()
    body: str = ""  # media type of the request body
    body_about: str = ""
    parameters: tuple[Parameter, ...] = ()
    needs: str = ""  # "" for anyone, "grant", "admin"

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What a path of this route looks like. An id of another form matches as well: it gets its own error."""
        return re.compile(re.escape(self.path).replace(r"\{id\}", "([^/]*)"))


_SEQ: Final = (("type", "integer"), ("minimum", 0), ("maximum", 2**53 - 1))
_HEX: Final = (("type", "string"), ("pattern", ID_PATTERN))
_FROM: Final = Parameter("from", "query", "The first seq wanted.", _SEQ)
_TO: Final = Parameter("to", "query", "The first seq not wanted any more.", _SEQ)
_LIMIT: Final = Parameter(
    "limit", "query", "At most so many entries.", (("type", "integer"), ("minimum", 1), ("maximum", 256))
)
_RANGE: Final = Parameter("Range", "header", "One range of bytes (RFC 9110, 14).")
_IF_NONE_MATCH: Final = Parameter("If-None-Match", "header", "The ETag at hand: 304 if it still stands.")
_PIN: Final = Parameter("Cairn-Pin", "header", "SHA-256 of the pin that keeps this upload.", _HEX)
_PIN_SECRET: Final = Parameter("Cairn-Pin-Secret", "header", "The pin that an upload set.", _HEX, is_required=True)
_CHAINS: Final = Parameter(
    "chain",
    "query",
    "ID@SEQ, up to 64 times: a chain, and the first seq wanted.",
    (("type", "array"), ("items", {"type": "string", "pattern": "^[0-9a-f]{64}(@[0-9]{1,16})?$"}), ("maxItems", 64)),
    is_required=True,
)
_STEP: Final = Parameter(
    "step", "query", "Seconds from one row of the past to the next.", (("type", "integer"), ("enum", [1, 10, 60]))
)
_SINCE: Final = Parameter("since", "query", "Only rows after this time, in milliseconds.", _SEQ)
_NAMES: Final = Parameter(
    "names", "query", "Only numbers whose names begin so, with commas between.",
    (("type", "string"), ("pattern", f"^[a-z_]{{1,40}}(,[a-z_]{{1,40}}){{0,{CONSOLE_NAMES_MAX - 1}}}$")),
)  # fmt: skip
_LAST_EVENT: Final = Parameter("Last-Event-ID", "header", "The id of the last event seen: the stream goes on after it.")

_READS: Final = (400, 404, 429, 503)
_WRITES: Final = (400, 403, 413, 429, 503, 504, 507)


def _chain_routes(kind: str, base: str) -> tuple[Route, ...]:
    noun = kind.removesuffix("s")
    return (
        Route(
            f"get_{noun}", "GET", f"{base}/{{id}}", f"The head of a {noun}, with a receipt.",
            ((200, JSON, "The head."), (304, "", "It has not moved.")), _READS, parameters=(_IF_NONE_MATCH,),
        ),
        Route(
            f"get_{noun}_entries", "GET", f"{base}/{{id}}/entries", f"Entries of a {noun}, in order.",
            ((200, BYTES, "Frames: u32 length, entry. The header Cairn-Head has the head's seq and hash."),), _READS,
            parameters=(_FROM, _TO, _LIMIT),
        ),
        Route(
            f"post_{noun}_entries", "POST", f"{base}/{{id}}/entries", f"Append entries to a {noun}, all or none.",
            ((200, JSON, "They all stood already: the head."), (201, JSON, "Appended, durably: the new head.")),
            (404, 409, 410, *_WRITES), BYTES, "Frames: u32 length, entry.", needs="grant",
        ),
    )  # fmt: skip


ROUTES: Final[tuple[Route, ...]] = (
    Route(
        "get_block", "GET", "/v1/blocks/{id}", "The bytes of a block.",
        ((200, BYTES, "The block."), (206, BYTES, "The range asked for."), (304, "", "You have it.")),
        (*_READS, 416, 500), parameters=(_RANGE, _IF_NONE_MATCH),
    ),
    Route(
        "put_block", "PUT", "/v1/blocks/{id}", "Store a block under its SHA-256, durably before the answer.",
        ((200, "", "It was there already."), (201, "", "It is new.")), (422, *_WRITES),
        BYTES, "At most 1,179,648 bytes.", (_PIN,), needs="grant",
    ),
    Route(
        "delete_block", "DELETE", "/v1/blocks/{id}", "Remove one pin; the block goes with its last.",
        ((204, "", "That pin is gone."),), (400, 429, 503, 504), parameters=(_PIN_SECRET,),
    ),
    Route(
        "post_blocks_get", "POST", "/v1/blocks/get", "Many blocks in one answer, in the order asked.",
        ((200, BYTES, "Frames: id, u32 length, bytes. 0xFFFFFFFF: absent. 0xFFFFFFFE: unavailable now."),),
        (400, 413, 429, 503), BYTES, "n × id[32], n <= 1,024.",
    ),
    Route(
        "post_blocks_put", "POST", "/v1/blocks/put", "Store many blocks; each durable by itself.",
        ((200, BYTES, "n × (id[32], u8 status): 0 stored, 1 already, 2 refused, 3 unknown."),), _WRITES,
        BYTES, "Frames: SHA-256(pin)[32] or zeros, u32 length, bytes.", needs="grant",
    ),
    Route(
        "post_blocks_has", "POST", "/v1/blocks/has", "Which blocks are here.",
        ((200, BYTES, "n × u8: 1 present, 0 absent, 2 unavailable."),), (400, 413, 429, 503), BYTES, "n × id[32].",
    ),
    *_chain_routes("chains", "/v1/chains"),
    Route(
        "post_chains_read", "POST", "/v1/chains/read", "Catch up many chains in one request.",
        ((200, BYTES, "Frames: chain id[32], u32 count, count × (u32 length, entry)."),), (400, 413, 429, 503),
        BYTES, "n × (chain id[32], u64 from, u32 limit).",
    ),
    *_chain_routes("doors", "/v1/doors"),
    Route(
        "get_live", "GET", "/v1/live",
        "Entries as they are acknowledged, as Server-Sent Events; or, with `Upgrade: websocket`, on a socket.",
        (
            (101, "", "The upgrade was asked for: one socket for many chains, which are named on it."),
            (200, EVENTS, "Events of type entry, whose id resumes the stream."),
        ),
        (413, *_READS),
        parameters=(_CHAINS, _LAST_EVENT),
    ),
    Route(
        "get_own_grant", "GET", "/v1/grants/self", "Limits and usage of the grant presented.",
        ((200, JSON, "The grant."),), (403, 429, 503), needs="grant",
    ),
    Route(
        "post_grants", "POST", "/v1/grants", "Issue a grant.",
        ((201, JSON, "The grant, and its token."),), (400, 403, 413, 429), JSON,
        '{"bytes", "days", "appends_per_second"}, each optional.', needs="admin",
    ),
    Route(
        "get_cache", "GET", "/v1/cache", "What the cache's tiers may take, and hold.",
        ((200, JSON, "The tiers."),), (403, 429),
    ),
    Route(
        "post_cache", "POST", "/v1/cache", "Give the cache's tiers other sizes, until the next start.",
        ((200, JSON, "The tiers, as they are now."),), (400, 403, 413, 429, 503), JSON,
        '{"memory", "disk"}: sizes such as "1GiB", shares such as "10%", or "0"; each optional.', needs="admin",
    ),
    Route(
        "get_info", "GET", "/v1/info", "Version, limits, admission mode, receipt key, time.",
        ((200, JSON, "The server."),), (429,),
    ),
    Route("get_openapi", "GET", "/v1/openapi.json", "This document.", ((200, JSON, "OpenAPI 3.1."),), (429,)),
    Route(
        "get_metrics", "GET", "/metrics", "Counters, for Prometheus: from this machine, or with the metrics token.",
        ((200, TEXT, "Prometheus text."),), (403, 429),
    ),
    Route(
        "get_console_data", "GET", "/console/data", "The same numbers, now and in the past, for the console.",
        ((200, JSON, "Numbers by name, and rows of what changed."),), (400, 403, 429),
        parameters=(_STEP, _SINCE, _NAMES),
    ),
    Route("get_health", "GET", "/healthz", "Whether the process answers.", ((200, JSON, "It does."),), (429,)),
    Route(
        "get_readiness", "GET", "/readyz", "Whether each layer can serve.", ((200, JSON, "All can."),), (429, 503)
    ),
)  # fmt: skip
