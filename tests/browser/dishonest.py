"""A server that lies: what passes between the real one and the page is altered on the way."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence

from playwright.sync_api import Page, Route, WebSocketRoute

from cairn.core.chain import ChainId
from cairn.wire.live import encode_frame
from cairn.wire.messages import decode_entries

Alter = Callable[[list[bytes]], list[bytes]]


def frames(raws: Sequence[bytes]) -> bytes:
    """Entries as a page of them, whatever is in them."""
    return b"".join(len(raw).to_bytes(4, "big") + raw for raw in raws)


def lie_about_entries(page: Page, alter: Alter, head_seq: int | None = None) -> None:
    """Alter every page of entries; and what is said of the head, so that the lie is consistent."""

    def answer(route: Route) -> None:
        response = route.fetch()
        headers = response.headers
        if head_seq is not None:
            headers["cairn-head"] = f"{head_seq} {bytes(32).hex()}"
        route.fulfill(response=response, headers=headers, body=frames(alter(decode_entries(response.body()))))

    page.route("**/v1/chains/*/entries?*", answer)


def lie_live(page: Page, raws: Sequence[bytes]) -> None:
    """Answer each live stream, on a socket or not, with these entries."""

    def answer(socket: WebSocketRoute) -> None:
        def asked(text: str | bytes) -> None:
            for chain_hex in json.loads(text).get("subscribe", {}):
                for raw in raws:
                    socket.send(encode_frame(ChainId(bytes.fromhex(chain_hex)), raw))

        socket.on_message(asked)

    page.route_web_socket("**/v1/live", answer)
    events = [
        f"event: entry\nid: {number}\ndata: {json.dumps({'entry': base64.b64encode(raw).decode()})}\n\n"
        for number, raw in enumerate(raws)
    ]
    page.route("**/v1/live?*", lambda route: route.fulfill(content_type="text/event-stream", body="".join(events)))


def flip(raw: bytes, at: int) -> bytes:
    """The bytes with one bit of one byte flipped."""
    changed = bytearray(raw)
    changed[at] ^= 1
    return bytes(changed)
