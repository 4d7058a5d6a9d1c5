"""What the figures were measured on, and the CPU time of a process and all it started."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
_GIB: Final = 1 << 30

NOT_DURABLE: Final = ("tmpfs", "ramfs")
"""File systems on which nothing is ever synced."""


def describe(folder: Path) -> dict[str, str]:
    """The machine, the file system of a folder, and the commit, in words."""
    return {
        "cpu": f"{os.cpu_count()} x {_cpu_model()}",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / _GIB:.0f} GiB",
        "disk": _file_system(folder),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "commit": _commit(),
    }


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, its children that ended, and those that run."""
    stats = _all_stats()
    children: dict[int, list[int]] = {}
    for each, fields in stats.items():
        children.setdefault(int(fields[1]), []).append(each)
    family = [pid]
    for each in family:
        family += children.get(each, [])
    return sum(_seconds(stats[each]) for each in family if each in stats)


def _all_stats() -> dict[int, list[str]]:
    """By process, the fields of its /proc stat from the state on (proc(5))."""
    stats = {}
    for folder in _PROC.iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError):
                stats[int(folder.name)] = (folder / "stat").read_text().rpartition(")")[2].split()
    return stats


def _seconds(fields: list[str]) -> float:
    return sum(int(ticks) for ticks in fields[11:15]) / _TICKS_PER_SECOND  # utime, stime, cutime, cstime


def _file_system(folder: Path) -> str:
    """The type of the file system that holds a folder (proc(5), mounts)."""
    mounts = [line.split()[1:3] for line in (_PROC / "self/mounts").read_text().splitlines()]
    holding = [(len(Path(at).parts), kind) for at, kind in mounts if folder.resolve().is_relative_to(at)]
    return max(holding)[1] if holding else "unknown"


def _cpu_model() -> str:
    lines = (_PROC / "cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _commit() -> str:
    here = Path(__file__).parent
    result = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=here, capture_output=True, text=True, check=False
    )
    return result.stdout.strip() or "unknown"
