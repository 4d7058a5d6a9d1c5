"""What a share such as "10%" is a share of."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def memory_bytes() -> int:
    """The memory of this machine, or of the control group that bounds this process."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        bound = Path("/sys/fs/cgroup/memory.max").read_text().strip()
    except OSError:
        return whole
    return min(whole, int(bound)) if bound.isdigit() else whole


def disk_bytes(folder: Path) -> int:
    """The size of the disk that holds a folder, or will hold it."""
    return shutil.disk_usage(nearest(folder)).total


def nearest(path: Path) -> Path:
    """The folder itself, or the nearest above it that exists."""
    path = path.absolute()
    return next(folder for folder in (path, *path.parents) if folder.is_dir())
