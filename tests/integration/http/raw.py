"""Bytes to a server and back, without an HTTP library between."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d) [^\r\n]*\Z")


@dataclass(frozen=True)
class Got:
    """All that a connection gave: the final answers in order, and whether the server closed it."""

    statuses: tuple[int, ...]
    bodies: tuple[bytes, ...]
    is_closed: bool
    rest: bytes  # what is no answer


async def exchange(port: int, sent: bytes, quiet_seconds: float, is_head: bool = False) -> Got:
    """Send bytes and collect what comes until the server closes, or says nothing for so long."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received, is_closed = b"", False
    try:
        writer.write(sent)
        with suppress(ConnectionError):
            await writer.drain()
        while True:
            async with asyncio.timeout(quiet_seconds):
                piece = await reader.read(65_536)
            if not piece:
                is_closed = True
                break
            received += piece
    except TimeoutError:
        pass
    except ConnectionError:
        is_closed = True
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    answers, rest = parsed(received, is_head)
    return Got(tuple(status for status, _ in answers), tuple(body for _, body in answers), is_closed, rest)


def parsed(received: bytes, is_head: bool = False) -> tuple[list[tuple[int, bytes]], bytes]:
    """The answers in a stream of bytes, 1xx left out, and what follows the last whole one."""
    answers: list[tuple[int, bytes]] = []
    while True:
        head, ended, rest = received.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        status_line = _STATUS_LINE.match(lines[0])
        if not ended or status_line is None:
            return answers, received
        status = int(status_line[1])
        fields = dict(line.lower().split(b": ", 1) for line in lines[1:])
        length = 0 if is_head or status in (204, 304) or status < 200 else int(fields.get(b"content-length", b"0"))
        if len(rest) < length:
            return answers, received
        if status >= 200:
            answers.append((status, rest[:length]))
        received = rest[length:]
