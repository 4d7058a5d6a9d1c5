"""Requests as spans, named by their routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from cairn.core.spans import Spans
from cairn.interface.http.exchange import Request, Response

Dispatch = Callable[[Request], Awaitable[tuple[str, Response]]]
"""From a request to the name of its route, and the answer."""


def traced(dispatch: Dispatch, spans: Spans | None) -> Dispatch:
    """The same with a span around each; where nobody wants spans, `dispatch` itself.

    A block that is answered at once from memory never comes this way, and has no span.
    """
    if spans is None:
        return dispatch

    async def dispatch_traced(request: Request) -> tuple[str, Response]:
        with spans.within("request") as span:
            span.note("http.request.method", request.method)
            route, response = await dispatch(request)
            span.rename(route)
            span.note("http.route", route)
            span.note("http.response.status_code", response.status)
            if response.status >= 500:
                span.fail(str(response.status))
        return route, response

    return dispatch_traced
