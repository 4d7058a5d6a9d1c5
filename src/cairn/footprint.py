"""Keeps a serving process small: gives back what only looks used.

The store's files are mapped, so every page that was ever read counts as this process's until somebody unmaps it; and
the C library keeps what large requests freed. Neither is needed: the kernel keeps the files' pages as long as there is
room, with or without a mapping, and a freed buffer is made again in microseconds.
"""

from __future__ import annotations

import asyncio
import mmap
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from cffi import FFI  # type: ignore[import-untyped]

_INTERVAL_SECONDS: Final = 0.1
_MAPPED_BYTES_MAX: Final = 32 * 1024 * 1024
_FREED_BYTES_MAX: Final = 16 * 1024 * 1024

_ffi: Final[Any] = FFI()
_ffi.cdef("int malloc_trim(size_t pad);")
_libc: Final[Any] = _ffi.dlopen(None)


class Footprint:
    """Watches the memory of this process, and gives back freed heap, and by `release` what only is mapped."""

    def __init__(self, release: Callable[[], None]) -> None:
        self._release = release
        self._own_bytes = 0

    async def keep_small(self) -> None:
        """Go on until cancelled. On a C library that is not glibc the heap is left alone."""
        with suppress(FileNotFoundError):  # no /proc: nothing can be told, so nothing is done
            while True:
                await asyncio.sleep(_INTERVAL_SECONDS)
                mapped, own = _resident_bytes()
                if mapped > _MAPPED_BYTES_MAX:
                    await asyncio.to_thread(self._release)
                if own > self._own_bytes + _FREED_BYTES_MAX:
                    await asyncio.to_thread(_trim_heap)
                    own = _resident_bytes()[1]
                    self._own_bytes = own
                self._own_bytes = min(self._own_bytes, own)


def _resident_bytes() -> tuple[int, int]:
    """Bytes of mapped files in memory, and of this process's own."""
    _, resident, shared = Path("/proc/self/statm").read_text().split(maxsplit=3)[:3]
    return int(shared) * mmap.PAGESIZE, (int(resident) - int(shared)) * mmap.PAGESIZE


def _trim_heap() -> None:
    with suppress(AttributeError):
        _libc.malloc_trim(0)
