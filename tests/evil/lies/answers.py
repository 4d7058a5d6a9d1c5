"""Lies in one answer to who reads a chain, and in what a server says of itself."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any, Final

from tests.evil.lies.catalogue import About, Answer, lie
from tests.evil.lies.damage import damaged, flipped


@lie("page", "altered")
def _flip_a_bit(draw: random.Random, told: Answer, about: About) -> Answer:
    return replace(told, body=flipped(draw, told.body))


@lie("page", "altered", "away", "rollback")
def _damage_the_answer(draw: random.Random, told: Answer, about: About) -> Answer:
    return replace(told, body=damaged(draw, told.body))


@lie("page", "altered")
def _say_it_twice(draw: random.Random, told: Answer, about: About) -> Answer:
    return replace(told, body=told.body * 2)


@lie("page", "away")
def _break_off(draw: random.Random, told: Answer, about: About) -> Answer:
    return replace(told, is_broken=True)


@lie("page", "altered")
def _name_no_head(draw: random.Random, told: Answer, about: About) -> Answer:
    garbage = draw.choice((None, "", "-1", "x", "1 2 3", "9" * 40, "1e3 " + "00" * 32, "٣"))
    headers = {name: value for name, value in told.headers.items() if name != "Cairn-Head"}
    body = draw.choice((b"{}", b"null", b"[1]", b'{"seq": true}', b"<html>")) if told.body[:1] == b"{" else told.body
    return replace(told, headers=headers if garbage is None else {**headers, "Cairn-Head": garbage}, body=body)


@lie("page", "away", "absent", "refused", "closed", "altered", "rollback")
def _refuse(draw: random.Random, told: Answer, about: About) -> Answer:
    return refusal(draw.choice((400, 403, 404, 410, 413, 429, 500, 503, 504, 507)), draw.random() < 0.8)


@lie("page", "away", "altered")
def _send_elsewhere(draw: random.Random, told: Answer, about: About) -> Answer:
    return Answer(draw.choice((301, 302, 307, 308)), {"Location": "http://127.0.0.1:9/"}, b"")


@lie("page", "altered")
def _a_web_page(draw: random.Random, told: Answer, about: About) -> Answer:
    """What a captive portal answers."""
    return Answer(200, {"Content-Type": "text/html"}, b"<!doctype html><title>Log in to the network</title>")


_CODES: Final = {
    400: "invalid", 403: "forbidden", 404: "not_found", 409: "conflict", 410: "closed", 413: "too_large",
    429: "limited", 500: "corrupt", 503: "unavailable", 504: "unknown", 507: "full",
}  # fmt: skip


def refusal(status: int, is_documented: bool = True, **more: Any) -> Answer:
    """A problem document, or a status without one."""
    document = {
        "type": "about:blank",
        "title": "no",
        "status": status,
        "code": _CODES[status],
        "detail": "refused",
        **more,
    }
    body = json.dumps(document).encode() if is_documented else b"nope"
    return Answer(status, {"Content-Type": "application/problem+json"}, body)


# --- what a server says of itself -------------------------------------------------------------------------------------


@lie("info", "altered")
def _be_something_else(draw: random.Random, told: dict[str, Any], about: About) -> Any:
    return draw.choice((
        {}, [], None, {**told, "name": "nginx"}, {**told, "format": 2}, {**told, "receipt_key": "00"},
        {**told, "receipt_keys": 7}, {**told, "receipt_key": None},
    ))  # fmt: skip
