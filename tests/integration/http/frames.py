"""HTTP/2 frames by hand (RFC 9113), for what no library would send."""

from __future__ import annotations

import asyncio
from contextlib import suppress

DATA, HEADERS, RST_STREAM, SETTINGS = 0, 1, 3, 4
END_STREAM, END_HEADERS = 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """One frame."""
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def fields(*pairs: tuple[str, str]) -> bytes:
    """A header block of literals without Huffman coding (RFC 7541, 6.2.2); each under 127 bytes."""
    return b"".join(
        b"\0" + bytes((len(name),)) + name.encode() + bytes((len(value),)) + value.encode() for name, value in pairs
    )


def request(method: str, path: str, *more: tuple[str, str]) -> bytes:
    """The header block of a request."""
    return fields((":method", method), (":scheme", "http"), (":path", path), (":authority", "a.test"), *more)


async def talk(port: int, sent: bytes, is_enough: int = HEADERS) -> list[tuple[int, int, bytes]]:
    """Send the preface and frames; the frames that come, up to one of a kind on a stream, or the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    got = []
    try:
        writer.write(PREFACE + frame(SETTINGS, 0, 0, b"") + sent)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readexactly(9)
                payload = await reader.readexactly(int.from_bytes(head[:3], "big"))
                stream = int.from_bytes(head[5:9], "big")
                got.append((head[3], stream, payload))
                if stream and head[3] == is_enough:
                    return got
        return got
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
