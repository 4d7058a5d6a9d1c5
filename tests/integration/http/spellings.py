"""Requests that two parsers may cut in two ways, each with a second request hidden where one of them would find it.

RFC 9112, 6.3 and 11.2. `{h}` is the hidden request, `{n}` its length in decimal, `{x}` in hex, `{n+K}` with K more.
"""

from __future__ import annotations

import random
import re
from typing import Final

from cairn.core.block import Block

_HEAD: Final = "POST /v1/blocks/has HTTP/1.1\r\nHost: a.test\r\n"
_CHUNKED: Final = "Transfer-Encoding: chunked\r\n"


def _lengths(*lines: str) -> str:
    """A request with these header lines, and the hidden request as what may be its body."""
    return _HEAD + "".join(line + "\r\n" for line in lines) + "\r\n{h}"


def _both(*lines: str) -> str:
    """An empty chunked body by one reading; by another a body of 5 bytes and the hidden request."""
    return _HEAD + "".join(line + "\r\n" for line in lines) + "\r\n0\r\n\r\n{h}"


def _chunks(body: str) -> str:
    return _HEAD + _CHUNKED + "\r\n" + body


def _line(line: str, rest: str = "Host: a.test\r\n\r\n{h}") -> str:
    return line + rest


REFUSED: Final[dict[str, str]] = {
    # Content-Length that conflicts or is no number
    "length 0 then n": _lengths("Content-Length: 0", "Content-Length: {n}"),
    "length n then 0": _lengths("Content-Length: {n}", "Content-Length: 0"),
    "length 0, n": _lengths("Content-Length: 0, {n}"),
    "length n, 0": _lengths("Content-Length: {n}, 0"),
    "length plus": _lengths("Content-Length: +{n}"),
    "length minus": _lengths("Content-Length: -{n}"),
    "length minus zero": _lengths("Content-Length: -0"),
    "length hex": _lengths("Content-Length: 0x{x}"),
    "length octal": _lengths("Content-Length: 0o777"),
    "length float": _lengths("Content-Length: {n}.0"),
    "length exponent": _lengths("Content-Length: 1e3"),
    "length underscore": _lengths("Content-Length: {n}_0"),
    "length inner space": _lengths("Content-Length: 1 {n}"),
    "length empty": _lengths("Content-Length: "),
    "length comma": _lengths("Content-Length: ,"),
    "length trailing text": _lengths("Content-Length: {n}abc"),
    "length over 64 bits": _lengths("Content-Length: 18446744073709551616"),
    "length far over": _lengths("Content-Length: 9" + "9" * 60),
    "length space before colon": _lengths("Content-Length : {n}"),
    "length tab before colon": _lengths("Content-Length\t: {n}"),
    "length quoted": _lengths('Content-Length: "{n}"'),
    "length folded": _lengths("Content-Length:\r\n {n}"),
    "length with NUL": _lengths("Content-Length: {n}\x00"),
    "length with vertical tab": _lengths("Content-Length:\x0b{n}"),
    "length other digits": _lengths("Content-Length: \xb2\xb3"),
    "name with NUL": _lengths("Content-Length\x00: {n}"),
    "name with space": _lengths("Content Length: {n}"),
    "name with high byte": _lengths("Content-Length\xa0: {n}"),
    "line begins with space": _HEAD + " Content-Length: {n}\r\n\r\n{h}",
    "line without colon": _lengths("Content-Length {n}"),
    "line empty name": _lengths(": {n}"),
    "first line folded": "POST /v1/blocks/has HTTP/1.1\r\n Host: a.test\r\n\r\n{h}",
    # Transfer-Encoding beside Content-Length
    "both, chunked first": _both("Transfer-Encoding: chunked", "Content-Length: {n+5}"),
    "both, length first": _both("Content-Length: {n+5}", "Transfer-Encoding: chunked"),
    "both, upper case": _both("Content-Length: {n+5}", "TRANSFER-ENCODING: CHUNKED"),
    "both, length zero": _both("Content-Length: 0", "Transfer-Encoding: chunked"),
    "both, tab before value": _both("Content-Length: {n+5}", "Transfer-Encoding:\tchunked"),
    "both, space after value": _both("Content-Length: {n+5}", "Transfer-Encoding: chunked "),
    "both, identity": _both("Content-Length: {n+5}", "Transfer-Encoding: identity"),
    "both, xchunked": _both("Content-Length: {n+5}", "Transfer-Encoding: xchunked"),
    "both, quoted": _both("Content-Length: {n+5}", 'Transfer-Encoding: "chunked"'),
    "both, chunked twice": _both("Content-Length: {n+5}", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    "both, chunked then identity": _both(
        "Content-Length: {n+5}", "Transfer-Encoding: chunked", "Transfer-Encoding: identity"
    ),
    "both, identity then chunked": _both(
        "Content-Length: {n+5}", "Transfer-Encoding: identity", "Transfer-Encoding: chunked"
    ),
    "both, list": _both("Content-Length: {n+5}", "Transfer-Encoding: chunked, identity"),
    "both, empty list": _both("Content-Length: {n+5}", "Transfer-Encoding: ,chunked"),
    "both, empty": _both("Content-Length: {n+5}", "Transfer-Encoding: "),
    "both, folded": _both("Content-Length: {n+5}", "Transfer-Encoding:\r\n chunked"),
    "both, folded twice": _both("Content-Length: {n+5}", "Transfer-Encoding: x\r\n\tchunked"),
    "both, space before colon": _both("Content-Length: {n+5}", "Transfer-Encoding : chunked"),
    "both, vertical tab": _both("Content-Length: {n+5}", "Transfer-Encoding:\x0bchunked"),
    "both, form feed": _both("Content-Length: {n+5}", "Transfer-Encoding: chunked\x0c"),
    "both, NUL": _both("Content-Length: {n+5}", "Transfer-Encoding: chunked\x00"),
    "both, parameter": _both("Content-Length: {n+5}", "Transfer-Encoding: chunked;a=b"),
    "both, bare CR": _both("Content-Length: {n+5}", "X: y\rTransfer-Encoding: chunked"),
    "both, 1.0": _both("Content-Length: {n+5}", "Transfer-Encoding: chunked").replace("HTTP/1.1", "HTTP/1.0"),
    # Transfer-Encoding alone
    "encoding identity": _both("Transfer-Encoding: identity"),
    "encoding gzip": _both("Transfer-Encoding: gzip"),
    "encoding chunked, gzip": _both("Transfer-Encoding: chunked, gzip"),
    "encoding unknown": _both("Transfer-Encoding: cow"),
    "encoding in 1.0": _both("Transfer-Encoding: chunked").replace("HTTP/1.1", "HTTP/1.0"),
    # chunks
    "chunk size hex prefix": _chunks("0x{x}\r\n{h}\r\n0\r\n\r\n"),
    "chunk size plus": _chunks("+{x}\r\n{h}\r\n0\r\n\r\n"),
    "chunk size minus": _chunks("-1\r\n{h}\r\n0\r\n\r\n"),
    "chunk size empty": _chunks("\r\n{h}\r\n0\r\n\r\n"),
    "chunk size not hex": _chunks("{x}g\r\n{h}\r\n0\r\n\r\n"),
    "chunk size over 64 bits": _chunks("1000000000000000{x}\r\n{h}\r\n0\r\n\r\n"),
    "chunk size wraps to zero": _chunks("10000000000000000\r\n\r\n{h}"),
    "chunk size underscore": _chunks("0_{x}\r\n{h}\r\n0\r\n\r\n"),
    "chunk size too short": _chunks("3\r\n{h}\r\n0\r\n\r\n"),
    "chunk size bare LF": _chunks("{x}\n{h}\r\n0\r\n\r\n"),
    "chunk size bare CR": _chunks("{x}\r{h}\r\n0\r\n\r\n"),
    "chunk end LF": _chunks("20\r\n" + "a" * 32 + "\n0\r\n\r\n{h}"),
    "chunk end missing": _chunks("20\r\n" + "a" * 32 + "0\r\n\r\n{h}"),
    "chunk extension LF": _chunks("20;a\n" + "a" * 32 + "\r\n0\r\n\r\n{h}"),
    "chunk extension CR": _chunks("20;a\rb\r\n" + "a" * 32 + "\r\n0\r\n\r\n{h}"),
    "chunk extensions huge": _chunks("20;" + "a" * 70_000 + "\r\n" + "a" * 32 + "\r\n0\r\n\r\n{h}"),
    "chunk last bare LF": _chunks("20\r\n" + "a" * 32 + "\r\n0\n\n{h}"),
    "trailer is no header": _chunks("20\r\n" + "a" * 32 + "\r\n0\r\n{h}"),
    # chunks with nothing wrong: where such a body breaks off cannot be told from its end, so there are none
    "chunked": _chunks("{x}\r\n{h}\r\n0\r\n\r\n"),
    "chunked, leading zeros": _chunks("00{x}\r\n{h}\r\n000\r\n\r\n"),
    "chunked, extension": _chunks("{x};a=b\r\n{h}\r\n0\r\n\r\n"),
    "chunked, in two": _chunks("20\r\n" + "a" * 32 + "\r\n{x}\r\n{h}\r\n0\r\n\r\n"),
    "chunked body where none is wanted": _chunks("{x}\r\n{h}\r\n0\r\n\r\n").replace(
        "POST /v1/blocks/has", "GET /v1/info"
    ),
    "trailers that look like headers": _chunks("{x}\r\n{h}\r\n0\r\nContent-Length: 7\r\nHost: b\r\n\r\n"),
    # the request line
    "version 0.9": _line("POST /v1/blocks/has\r\n"),
    "version 1.2": _line("POST /v1/blocks/has HTTP/1.2\r\n"),
    "version 2.0": _line("POST /v1/blocks/has HTTP/2.0\r\n"),
    "version 1": _line("POST /v1/blocks/has HTTP/1\r\n"),
    "version 01.1": _line("POST /v1/blocks/has HTTP/01.1\r\n"),
    "version lower case": _line("POST /v1/blocks/has http/1.1\r\n"),
    "version other protocol": _line("POST /v1/blocks/has ICAP/1.0\r\n"),
    "version trailing space": _line("POST /v1/blocks/has HTTP/1.1 \r\n"),
    "line with two targets": _line("POST /v1/blocks/has /healthz HTTP/1.1\r\n"),
    "line without target": _line("POST HTTP/1.1\r\n"),
    "line with tabs": _line("POST\t/v1/blocks/has\tHTTP/1.1\r\n"),
    "line with NUL": _line("POST /v1/blocks/has\x00 HTTP/1.1\r\n"),
    "line with CR": _line("POST /v1/blocks/has\r HTTP/1.1\r\n"),
    "request line begins with space": _line(" POST /v1/blocks/has HTTP/1.1\r\n"),
    "method with space": _line("PO ST /v1/blocks/has HTTP/1.1\r\n"),
    "method with colon": _line("POST: /v1/blocks/has HTTP/1.1\r\n"),
    "method no token": _line("P(ST /v1/blocks/has HTTP/1.1\r\n"),
    "connect": "CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\n{h}",
    # Host
    "no host": "POST /v1/blocks/has HTTP/1.1\r\nContent-Length: {n}\r\n\r\n{h}",
    "two hosts": _lengths("Host: b.test", "Content-Length: {n}"),
    "bare CR in a value": _lengths("X: y\rContent-Length: {n}"),
    "NUL in a value": _lengths("X: y\x00", "Content-Length: {n}"),
    # ends of the header section
    "end CR LF CR": _HEAD + "Content-Length: 0\r\n\r{h}",
}
"""Must end in a 4xx, or in silence, and in a closed connection."""

ANSWERED: Final[dict[str, str]] = {
    "length": _lengths("Content-Length: {n}"),
    "length upper case": _lengths("CONTENT-LENGTH: {n}"),
    "length padded": _lengths("Content-Length: \t {n} \t"),
    "length leading zeros": _lengths("Content-Length: 000{n}"),
    "length in 1.0": _lengths("Content-Length: {n}").replace("HTTP/1.1", "HTTP/1.0"),
    "empty lines before": "\r\n\r\n" + _lengths("Content-Length: {n}"),
    "absolute form": _lengths("Content-Length: {n}").replace("/v1", "http://a.test/v1", 1),
    "unknown method": _lengths("Content-Length: {n}").replace("POST", "FROB"),
    "no such route": _lengths("Content-Length: {n}").replace("/has", "/hat"),
    "refused before its body": _lengths("Content-Length: {n}").replace("POST /v1/blocks/has", "PUT /v1/blocks/no-id"),
    "refused for its grant": _lengths("Authorization: Basic x", "Content-Length: {n}").replace(
        "POST /v1/blocks/has", "POST /v1/blocks/put"
    ),
    "body where none is wanted": _lengths("Content-Length: {n}").replace("POST /v1/blocks/has", "GET /v1/info"),
    "body of a HEAD": _lengths("Content-Length: {n}").replace("POST /v1/blocks/has", "HEAD /healthz"),
    "body of an OPTIONS": _lengths("Content-Length: {n}").replace("POST", "OPTIONS"),
    "body of a site's page": _lengths("Content-Length: {n}").replace("POST /v1/blocks/has", "GET /nothing"),
    "upgrade to h2c": _lengths(
        "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__", "Content-Length: {n}"
    ),
    "upgrade to websocket": _lengths(
        "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Content-Length: {n}",
    ),
    "length named hop by hop": _lengths("Connection: Content-Length", "Content-Length: {n}"),
    "expect": _lengths("Expect: 100-continue", "Content-Length: {n}"),
}  # fmt: skip
"""One request by any reading: answered once, its body taken as a body."""


def hidden_put(seed: str) -> tuple[Block, bytes]:
    """A block, and a whole request that would store it; as long as a row of ids."""
    for size in range(64, 96):
        block = Block.of(random.Random(seed).randbytes(size).replace(b"\r", b"x").replace(b"\n", b"x"))
        request = b"PUT /v1/blocks/%s HTTP/1.1\r\nHost: a.test\r\nContent-Length: %d\r\n\r\n%s" % (
            block.id.hex().encode(), size, block.data,
        )  # fmt: skip
        if len(request) % 32 == 0:
            return block, request
    raise AssertionError("no size fits")


def spelled(template: str, hidden: bytes) -> bytes:
    """The bytes of a spelling."""
    before, _, after = template.partition("{h}")
    fill = {"{n}": str(len(hidden)), "{x}": f"{len(hidden):x}"}

    def filled(text: str) -> bytes:
        text = re.sub(r"\{n\+(\d+)\}", lambda found: str(len(hidden) + int(found[1])), text)
        for name, value in fill.items():
            text = text.replace(name, value)
        return text.encode("latin-1")

    return filled(before) + (hidden if "{h}" in template else b"") + filled(after)
