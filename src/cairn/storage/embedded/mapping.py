"""Gives back the pages of a mapped file that only look used: whoever reads on gets them from the kernel's cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from cffi import FFI  # type: ignore[import-untyped]

_MADV_DONTNEED: Final = 4

_ffi: Final[Any] = FFI()
_ffi.cdef("int madvise(void *address, size_t length, int advice);")
_libc: Final[Any] = _ffi.dlopen(None)


def release(file: Path) -> None:
    """Drop the page tables' entries for a file that is mapped shared.

    The caller sees to it that the file is not unmapped meanwhile: what was mapped in its place would be lost.
    """
    name = str(file.resolve())
    for line in Path("/proc/self/maps").read_text().splitlines():
        fields = line.split(maxsplit=5)
        if len(fields) == 6 and fields[5] == name and fields[1].endswith("s"):
            start, stop = (int(part, 16) for part in fields[0].split("-"))
            _libc.madvise(_ffi.cast("void *", start), stop - start, _MADV_DONTNEED)
