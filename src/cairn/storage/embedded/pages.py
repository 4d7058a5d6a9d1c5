"""Whether a read would wait for the disk: asks the kernel if the pages behind a buffer are in memory (mincore(2))."""

from __future__ import annotations

import mmap
from typing import Any, Final

from cffi import FFI  # type: ignore[import-untyped]

_ffi: Final[Any] = FFI()
_ffi.cdef("int mincore(void *address, size_t length, unsigned char *resident);")
_libc: Final[Any] = _ffi.dlopen(None)
_PAGE_BYTES: Final = mmap.PAGESIZE


def is_resident(buffer: memoryview) -> bool:
    """Whether all of a mapped buffer is in memory, so that touching it does not wait for a disk."""
    address = int(_ffi.cast("uintptr_t", _ffi.from_buffer(buffer)))
    start = address - address % _PAGE_BYTES
    length = address + len(buffer) - start
    resident = _ffi.new("unsigned char[]", -(-length // _PAGE_BYTES))
    if _libc.mincore(_ffi.cast("void *", start), length, resident):
        return False
    return all(page & 1 for page in bytes(_ffi.buffer(resident)))
