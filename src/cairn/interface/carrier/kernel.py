"""What the kernel tells of a TCP connection, and how to end one (linux/tcp.h, tcp(7))."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import termios
from contextlib import suppress
from typing import Final, NamedTuple

_TCP_INFO: Final = struct.Struct("=120xQQ")  # tcpi_bytes_acked, tcpi_bytes_received
_NO_LINGER: Final = struct.pack("ii", 1, 0)


class Moved(NamedTuple):
    """How many bytes went either way since the connection began."""

    acked: int  # by the other end
    received: int  # also what the process has not read yet


def duplicate(descriptor: int, inode: int) -> socket.socket | None:
    """The same socket under another descriptor; None if it was closed meanwhile."""
    with suppress(OSError):
        connection = socket.socket(fileno=os.dup(descriptor))
        if os.fstat(connection.fileno()).st_ino == inode:
            return connection
        connection.close()
    return None


def peer_of(descriptor: int, port: int) -> str:
    """The other end ("host:port") of a connection that was made to our port; empty for another socket."""
    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as connection:
        if connection.family in (socket.AF_INET, socket.AF_INET6) and connection.getsockname()[1] == port:
            host, peer_port = connection.getpeername()[:2]
            return f"[{host}]:{peer_port}" if ":" in host else f"{host}:{peer_port}"
    return ""


def moved(connection: socket.socket) -> Moved:
    """What was moved so far; nothing where the connection has ended."""
    with suppress(OSError):
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        return Moved(*_TCP_INFO.unpack(info.ljust(_TCP_INFO.size, b"\0")))
    return Moved(0, 0)


def unsent_bytes(connection: socket.socket) -> int:
    """SIOCOUTQ: bytes not yet acknowledged by the other end."""
    return _queued(connection, termios.TIOCOUTQ)


def unread_bytes(connection: socket.socket) -> int:
    """SIOCINQ: bytes that came, and that the process has not read."""
    return _queued(connection, termios.FIONREAD)


def cut(connection: socket.socket) -> None:
    """End it for both sides, and forget what was not sent."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        connection.shutdown(socket.SHUT_RDWR)


def _queued(connection: socket.socket, request: int) -> int:
    try:
        return int(struct.unpack("i", fcntl.ioctl(connection, request, b"\0\0\0\0"))[0])
    except OSError:
        return 0
