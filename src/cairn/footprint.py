"""Keeps a serving process small: gives back what only looks used.

The store's files are mapped, so every page that was ever read counts as this process's until somebody unmaps it; and
the C library keeps what large requests freed. Neither is needed: the kernel keeps the files' pages as long as there is
room, with or without a mapping, and a freed buffer is made again in microseconds.
"""

from __future__ import annotations

import asyncio
import mmap
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from cffi import FFI  # type: ignore[import-untyped]

_INTERVAL_SECONDS: Final = 0.1
_MAPPED_BYTES_MAX: Final = 32 * 1024 * 1024
_FREED_BYTES_MAX: Final = 16 * 1024 * 1024
_MADV_DONTNEED: Final = 4

_ffi: Final[Any] = FFI()
_ffi.cdef("int madvise(void *address, size_t length, int advice); int malloc_trim(size_t pad);")
_libc: Final[Any] = _ffi.dlopen(None)


class Footprint:
    """Watches the memory of this process, and gives back mappings of `folder`'s files and freed heap."""

    def __init__(self, folder: Path) -> None:
        self._prefix = str(folder.resolve()) + "/"
        self._own_bytes = 0

    async def keep_small(self) -> None:
        """Go on until cancelled. On a C library that is not glibc the heap is left alone."""
        with suppress(FileNotFoundError):  # no /proc: nothing can be told, so nothing is done
            while True:
                await asyncio.sleep(_INTERVAL_SECONDS)
                mapped, own = _resident_bytes()
                if mapped > _MAPPED_BYTES_MAX:
                    await asyncio.to_thread(self._unmap)
                if own > self._own_bytes + _FREED_BYTES_MAX:
                    await asyncio.to_thread(_trim_heap)
                    own = _resident_bytes()[1]
                    self._own_bytes = own
                self._own_bytes = min(self._own_bytes, own)

    def _unmap(self) -> None:
        """Drop the page tables' entries for the files. Whoever reads on gets the pages back from the kernel's cache."""
        for line in Path("/proc/self/maps").read_text().splitlines():
            fields = line.split(maxsplit=5)
            if len(fields) == 6 and fields[5].startswith(self._prefix) and fields[1].endswith("s"):
                start, stop = (int(part, 16) for part in fields[0].split("-"))
                _libc.madvise(_ffi.cast("void *", start), stop - start, _MADV_DONTNEED)


def _resident_bytes() -> tuple[int, int]:
    """Bytes of mapped files in memory, and of this process's own."""
    _, resident, shared = Path("/proc/self/statm").read_text().split(maxsplit=3)[:3]
    return int(shared) * mmap.PAGESIZE, (int(resident) - int(shared)) * mmap.PAGESIZE


def _trim_heap() -> None:
    with suppress(AttributeError):
        _libc.malloc_trim(0)
