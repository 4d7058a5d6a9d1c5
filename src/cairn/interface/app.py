"""The interface: from a request to the handler that answers it. `carrier` carries requests here.

A request is counted against its address, found in the route table, answered, and what a handler raises becomes a
problem document here and nowhere else. Paths that are not the API's belong to the sites.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple

from cairn.config import Limits
from cairn.core.block import Block
from cairn.core.clock import Clock
from cairn.core.errors import CairnError, Limited
from cairn.core.spans import Spans
from cairn.core.store import Store
from cairn.interface.admission.access import Access
from cairn.interface.admission.rates import address_group
from cairn.interface.admission.traffic import Traffic
from cairn.interface.http.answers import COMMON, other_problem, problem_answer
from cairn.interface.http.exchange import Request, RequestHeaders, Response
from cairn.interface.http.traced import traced
from cairn.interface.live.events import LiveRoutes
from cairn.interface.live.feeds import Feeds
from cairn.interface.live.socket import LiveSockets
from cairn.interface.numbers.families import Source, layers
from cairn.interface.numbers.metrics import Metrics
from cairn.interface.routes.blocks import BlockRoutes, Near
from cairn.interface.routes.cache import NO_CACHE, CacheControl, CacheRoutes
from cairn.interface.routes.chains import ChainRoutes
from cairn.interface.routes.console import ConsoleRoutes
from cairn.interface.routes.info import InfoRoutes, Readiness
from cairn.wire.routes import ROUTES, Route

Handler = Callable[..., Awaitable[Response]]
SiteHandler = Callable[[Request], Awaitable[Response]]

_API: Final = "/v1/"
_BLOCK: Final = "/v1/blocks/"
_PREFLIGHT_HEADERS: Final = (
    ("access-control-allow-methods", "GET, HEAD, PUT, POST, DELETE"),
    (
        "access-control-allow-headers",
        "Authorization, Cairn-Pin, Cairn-Pin-Secret, Content-Type, If-None-Match, If-Range, Last-Event-ID, Range",
    ),
    ("access-control-max-age", "86400"),
)
_SLOW_SECONDS: Final = 5.0
_WHOLE_ANSWER_BYTES_MAX: Final = 1280 * 1024  # any block

_log = logging.getLogger("cairn.interface")


class _Found(NamedTuple):
    name: str
    handler: Handler
    arguments: tuple[str, ...]


class App:
    """Answers requests from one Store and the sites beside it."""

    def __init__(
        self, store: Store, access: Access, limits: Limits, clock: Clock, *, near: Near, sites: SiteHandler,
        receipt_keys: list[bytes], readiness: Readiness, restored_ms: Callable[[], int] = lambda: 0,
        cache: CacheControl = NO_CACHE, sources: tuple[Source, ...] = (), spans: Spans | None = None,
    ) -> None:  # fmt: skip
        self.metrics = Metrics(*sources)
        self.traffic = traffic = Traffic(limits, clock, is_free=access.is_free)
        self.room = traffic.answers
        self._sites = sites
        self._dispatch = traced(self._hand_on, spans)
        self._block_answers = self.metrics.answers("get_block")
        self._blocks = BlockRoutes(store.blocks, store.ledger, near, access, traffic, limits)
        chains = ChainRoutes(store.chains, access, traffic, limits)
        feeds = Feeds(store, chains.head_of)
        self._live = LiveRoutes(feeds, traffic, limits)
        self.sockets = LiveSockets(store, feeds, chains.head_of, traffic, limits, clock)
        info = InfoRoutes(access, limits, self.metrics, clock, receipt_keys, readiness, restored_ms)
        self.console = ConsoleRoutes(access, self.metrics, clock)
        self.metrics.add(self._live.metrics, self.sockets.metrics, lambda: layers(readiness()))
        owners = (self._blocks, chains, self._live, info, self.console, CacheRoutes(access, cache))
        self._routes = _Table(_bind(ROUTES, owners))

    def near_block(self, path: str, headers: RequestHeaders, client: Callable[[], str]) -> Block | None:
        """The block that `answer` gives (200) to GET, if no part of it has to wait: one that is near. Else None.

        Most requests are of this kind, and this is a fraction of the way (docs/performance.md).
        """
        if not path.startswith(_BLOCK):
            return None
        block = self._blocks.get_near_block(path[len(_BLOCK) :], headers)
        if block is None or not self.traffic.admits(client):
            return None
        self._block_answers.at_once += 1
        return block

    async def answer(self, request: Request) -> Response:
        """The answer to a request. Raises nothing but cancellation."""
        started = time.perf_counter()
        route, response = "site", None
        self.metrics.in_flight += 1
        client = address_group(request.client)
        try:
            self.traffic.in_flight.enter(client)
            try:
                self.traffic.check_request(request.client)
                route, response = await self._dispatch(request)
                self._take_room(request, response)
            except CairnError as error:
                response = problem_answer(error)
            finally:
                self.traffic.in_flight.leave(client)
        except Limited as error:
            response = problem_answer(error)
        except Exception:
            _log.exception("a request to route %s failed in an unexpected way", route)
            response = other_problem(500, "failed", "Failed", "something went wrong here: it was logged")
        finally:
            self.metrics.in_flight -= 1
        seconds = time.perf_counter() - started
        self.metrics.observe(route, response.status, seconds)
        if seconds > _SLOW_SECONDS:
            _log.warning("slow: route=%s status=%d seconds=%.1f", route, response.status, seconds)
        return response

    def _take_room(self, request: Request, response: Response) -> None:
        """Let a large answer take up room until its client has it. Raises Unavailable."""
        body = response.body
        if isinstance(body, bytes) and len(body) > _WHOLE_ANSWER_BYTES_MAX and request.method != "HEAD":
            self.room.take(request.client, len(body))
            response.held_bytes = len(body)

    def stop_live(self) -> None:
        """End all that would go on for ever."""
        self._live.stop()
        self.sockets.stop()

    async def _hand_on(self, request: Request) -> tuple[str, Response]:
        found = self._routes.find(request.method, request.path)
        if isinstance(found, _Found):
            try:
                return found.name, await found.handler(request, *found.arguments)
            except CairnError as error:
                return found.name, problem_answer(error)
        if found:
            return "other", _not_allowed(request.method, found)
        if request.path.startswith(_API):
            return "other", other_problem(
                404, "not_found", "Not found", "there is no such route: see /v1/openapi.json"
            )  # fmt: skip
        return "site", await self._sites(request)


class _Table:
    """Finds the handler of a method and path."""

    def __init__(self, handlers: Mapping[Route, Handler]) -> None:
        self._exact = {(r.method, r.path): _Found(r.name, h, ()) for r, h in handlers.items() if "{id}" not in r.path}
        self._by_shape = {
            (route.method, *route.path.split("{id}")): (route.name, handler)
            for route, handler in handlers.items()
            if "{id}" in route.path
        }
        self._routes = tuple(handlers)

    def find(self, method: str, path: str) -> _Found | list[str]:
        """The handler; or the methods that the path has, none if it is no route."""
        looked_for = "GET" if method == "HEAD" else method
        found = self._exact.get((looked_for, path))
        if found is not None:
            return found
        before, id_text, after = _cut_id(path)
        shaped = self._by_shape.get((looked_for, before, after))
        if shaped is not None:
            return _Found(*shaped, (id_text,))
        return [route.method for route in self._routes if route.pattern.fullmatch(path)]


def _cut_id(path: str) -> tuple[str, str, str]:
    """A path around its third segment: "/v1/chains/", the id, "/entries"."""
    start = path.find("/", 4) + 1
    stop = path.find("/", start)
    return (path[:start], path[start:], "") if stop < 0 else (path[:start], path[start:stop], path[stop:])


def _bind(routes: tuple[Route, ...], owners: tuple[object, ...]) -> dict[Route, Handler]:
    """Each route with the method of its name."""
    return {route: next(getattr(o, route.name) for o in owners if hasattr(o, route.name)) for route in routes}


def _not_allowed(method: str, methods: list[str]) -> Response:
    allowed = ", ".join([*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"])
    if method == "OPTIONS":
        return Response(204, [*COMMON, ("allow", allowed), *_PREFLIGHT_HEADERS])
    return other_problem(
        405, "method", "Method not allowed", "this route has other methods: see Allow", ("allow", allowed)
    )  # fmt: skip
