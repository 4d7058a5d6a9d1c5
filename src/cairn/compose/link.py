"""The storage role's own listener: the link for interfaces elsewhere, and a few plain pages for who watches over it."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import msgspec

from cairn.compose.measures import link_measures
from cairn.compose.storage import Below
from cairn.compose.workers import workers_place
from cairn.config import Address, Config, parse_address
from cairn.interface.admission.forwarded import host_name, is_of_this_machine
from cairn.interface.numbers.metrics import Metrics
from cairn.interface.numbers.siblings import Siblings
from cairn.interface.peers.link import StoreResponder
from cairn.link import AnsweringLink, Counts, HttpAnswer, Place, open_answering
from cairn.wire.link import About
from cairn.wire.routes import JSON, TEXT

_METRICS: Final = "text/plain; version=0.0.4; charset=utf-8"


def open_listener(config: Config, below: Below) -> AbstractAsyncContextManager[AnsweringLink]:
    """Answer at `storage.listen` while this is open."""
    address = parse_address(config.storage.listen)
    counts = Counts()
    responder = StoreResponder(below.store, _about(below), removals=below.removals)
    pages = _Pages(below, counts, address)
    return open_answering(
        Place(address.host, address.port), below.secret.keys("link"), responder,
        tls=config.storage.link_tls, http=pages.answer, counts=counts,
    )  # fmt: skip


def open_workers_listener(
    config: Config, below: Below, siblings: Siblings
) -> AbstractAsyncContextManager[AnsweringLink]:
    """Answer the further workers of this data folder while this is open."""
    responder = StoreResponder(below.store, _about(below), removals=below.removals, report=siblings.answer)
    return open_answering(workers_place(config), below.secret.keys("link"), responder)


def _about(below: Below) -> Callable[[], About]:
    return lambda: About(below.restored_ms(), below.trouble())


class _Pages:
    """/healthz, /readyz and /metrics of a process that has no other interface."""

    def __init__(self, below: Below, counts: Counts, address: Address) -> None:
        def measures() -> Iterator[Any]:
            return link_measures(counts, "answers")

        self._below = below
        self._metrics = Metrics(measures, *below.sources)
        tokens = (*below.secret.tokens("metrics"), below.secret.admin_token)
        self._authorizations = [f"Bearer {token}".encode() for token in tokens]
        self._is_local = address.is_loopback

    def answer(self, path: str, headers: Mapping[str, str]) -> HttpAnswer | None:
        """The page at a path."""
        if path == "/healthz":
            return HttpAnswer(200, JSON, msgspec.json.encode({"status": "ok"}))
        if path == "/readyz":
            trouble = self._below.trouble()
            document = {"ready": not trouble, "layers": {"storage": trouble or "ok"}}
            return HttpAnswer(503 if trouble else 200, JSON, msgspec.json.encode(document))
        if path == "/metrics":
            return HttpAnswer(200, _METRICS, self._metrics.text()) if self._may_read(headers) else _FORBIDDEN
        return None

    def _may_read(self, headers: Mapping[str, str]) -> bool:
        """Programs of this machine, where it listens there alone, and who has a token. A page that a stranger's name
        leads here comes under that name."""
        if self._is_local and is_of_this_machine(host_name(headers.get("Host", ""))):
            return True
        shown = headers.get("Authorization", "").encode()
        return any(hmac.compare_digest(shown, known) for known in self._authorizations)


_FORBIDDEN: Final = HttpAnswer(403, TEXT, b"this needs the metrics token: `cairn grant --metrics-token` shows it\n")
