"""What the kernel tells of a TCP connection, and how to have it forget one (linux/tcp.h, tcp(7))."""

from __future__ import annotations

import fcntl
import socket
import struct
import termios
from contextlib import suppress
from typing import Any, Final, NamedTuple

_TCP_INFO: Final = struct.Struct("=120xQQ")  # tcpi_bytes_acked, tcpi_bytes_received
_NO_LINGER: Final = struct.pack("ii", 1, 0)


class Moved(NamedTuple):
    """How many bytes went either way since the connection began."""

    acked: int  # by the other end
    received: int  # also what the process has not read yet


def moved(connection: Any) -> Moved:
    """What was moved so far; nothing where the connection has ended."""
    with suppress(OSError, ValueError):  # uvloop's sockets have no descriptor then
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        return Moved(*_TCP_INFO.unpack(info.ljust(_TCP_INFO.size, b"\0")))
    return Moved(0, 0)


def unsent_bytes(descriptor: int) -> int:
    """SIOCOUTQ: bytes not yet acknowledged by the other end."""
    try:
        return int(struct.unpack("i", fcntl.ioctl(descriptor, termios.TIOCOUTQ, b"\0\0\0\0"))[0])
    except OSError:
        return 0


def forget_unsent(connection: Any) -> None:
    """Let the connection's end be a reset, with which nothing is sent any more. Raises OSError."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
