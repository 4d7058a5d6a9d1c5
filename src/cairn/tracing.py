"""Spans go to a collector, by OpenTelemetry (`pip install cairn[otel]`): the only module that calls it.

Off unless `OTEL_EXPORTER_OTLP_ENDPOINT`, or the one for traces, names a collector; then nothing is imported, and no
store or request is wrapped. The other variables of OpenTelemetry count as everywhere: OTEL_SERVICE_NAME,
OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS. What a client sends about traces of its own is ignored.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Final

from cairn import __version__
from cairn.core.errors import CairnError, NotFound
from cairn.core.spans import Spans

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_FLUSH_MS: Final = 3_000

_log = logging.getLogger("cairn")


@asynccontextmanager
async def open_tracing() -> AsyncIterator[Spans | None]:
    """Spans for the collector that the environment names; None where it names none. At the end the last are sent."""
    provider = _provider() if any(os.environ.get(name) for name in _ENDPOINTS) else None
    if provider is None:
        yield None
        return
    try:
        yield _Traces(provider.get_tracer("cairn", __version__))
    finally:
        await asyncio.to_thread(provider.force_flush, _FLUSH_MS)
        await asyncio.to_thread(provider.shutdown)


def _provider() -> Any:
    """What gathers spans and sends them, from a thread of its own; None where the library is missing."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        _log.warning("a collector of traces is named, but not the library: pip install 'cairn[otel]'")
        return None
    about = {"service.name": os.environ.get("OTEL_SERVICE_NAME") or "cairn", "service.version": __version__}
    provider = TracerProvider(resource=Resource.create(about), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


class _Traces:
    """`Spans`, by a tracer."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    @contextmanager
    def within(self, name: str) -> Iterator[_Piece]:
        """See `Spans.within`."""
        begun = self._tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False)
        with begun as span, _noting(span) as piece:
            yield piece

    @contextmanager
    def beside(self, name: str) -> Iterator[_Piece]:
        """See `Spans.beside`."""
        span = self._tracer.start_span(name)
        try:
            with _noting(span) as piece:
                yield piece
        finally:
            span.end()


class _Piece:
    """`Span`, by one of theirs."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def rename(self, name: str) -> None:
        """See `Span.rename`."""
        self._span.update_name(name)

    def note(self, name: str, value: str | int) -> None:
        """See `Span.note`."""
        self._span.set_attribute(name, value)

    def fail(self, code: str) -> None:
        """See `Span.fail`."""
        from opentelemetry.trace import StatusCode

        self._span.set_attribute("error.type", code)
        self._span.set_status(StatusCode.ERROR)


@contextmanager
def _noting(span: Span) -> Iterator[_Piece]:
    piece = _Piece(span)
    try:
        yield piece
    except NotFound as error:  # an answer like another
        piece.note("error.type", error.code)
        raise
    except CairnError as error:
        piece.fail(error.code)
        raise
    except Exception as error:
        piece.fail(type(error).__name__)
        raise
