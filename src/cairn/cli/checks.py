"""What `cairn doctor` looks at: each check is a small function from the configuration to a finding."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from cairn.config import Config, format_size, memory_bytes, nearest, parse_address, parse_size

Level = Literal["ok", "warn", "fail"]

_FSYNC_SAMPLES: Final = 32
_FSYNC_SLOW_MS: Final = 20.0
_NETWORK_FILESYSTEMS: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p", "ceph"})
_FORGETFUL_FILESYSTEMS: Final = frozenset({"tmpfs", "ramfs"})
_CLOCK_UNSYNCHRONISED: Final = 0x0040  # STA_UNSYNC of <sys/timex.h>


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    level: Level
    found: str
    remedy: str = ""


def examine(config: Config) -> Iterator[Finding]:
    """All findings, in order. Writes only a scratch file beside the data, and removes it."""
    for check in CHECKS:
        try:
            yield check(config)
        except OSError as error:
            yield Finding(check.__name__.strip("_"), "fail", error.strerror or str(error), "look at what it names")


def _python(_: Config) -> Finding:
    found = f"{platform.python_implementation()} {platform.python_version()}, {8 * ctypes.sizeof(ctypes.c_void_p)} bit"
    if sys.version_info < (3, 11) or ctypes.sizeof(ctypes.c_void_p) < 8:
        return Finding("python", "fail", found, "install a 64-bit Python 3.11 or newer")
    return Finding("python", "ok", found)


def _kernel(_: Config) -> Finding:
    found = f"{platform.system()} {platform.release()}"
    if platform.system() != "Linux":
        return Finding("kernel", "warn", found, "run it on Linux: nothing else is tested")
    return Finding("kernel", "ok", found)


def _disk(config: Config) -> Finding:
    folder = nearest(Path(config.node.data))
    usage = shutil.disk_usage(folder)
    reserve = parse_size(config.storage.reserve, usage.total)
    found = f"{format_size(usage.free)} free of {format_size(usage.total)}"
    if usage.free < reserve:
        return Finding("disk", "fail", f"{found}, under the reserve", "free space, or lower storage.reserve")
    if usage.free < 4 * reserve:
        return Finding("disk", "warn", f"{found}, near the reserve of {format_size(reserve)}", "plan for a larger disk")
    return Finding("disk", "ok", found)


def _file_system(config: Config) -> Finding:
    kind = _file_system_of(nearest(Path(config.node.data)))
    if kind in _NETWORK_FILESYSTEMS:
        return Finding("file system", "fail", kind, "put the data folder on a local disk: locks and fsync are not sure")
    if kind in _FORGETFUL_FILESYSTEMS:
        return Finding("file system", "warn", kind, "put the data folder on a disk: this is memory, and forgets")
    return Finding("file system", "ok", kind)


def _data_folder(config: Config) -> Finding:
    folder = Path(config.node.data)
    if not os.access(nearest(folder), os.W_OK | os.X_OK):
        return Finding("data folder", "fail", "not writable", "give it to the user that runs Cairn")
    if not folder.exists():
        return Finding("data folder", "ok", "will be made at the first start")
    mode = folder.stat().st_mode & 0o777
    if mode & 0o007:
        return Finding("data folder", "warn", f"mode {mode:o}", "chmod o-rwx: ids alone let passwords be tried offline")
    return Finding("data folder", "ok", f"mode {mode:o}")


def _secret_file(config: Config) -> Finding:
    path = config.node.secret_path
    if not path.exists():
        return Finding("secret file", "ok", "will be made at the first start")
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        return Finding("secret file", "fail", f"mode {mode:o}", "chmod 600: whoever reads it can mint grants")
    return Finding("secret file", "ok", f"mode {mode:o}")


def _fsync(config: Config) -> Finding:
    times = sorted(_fsync_times_ms(nearest(Path(config.node.data))))
    typical, worst = times[len(times) // 2], times[-1]
    found = f"{typical:.2f} ms, worst of {len(times)}: {worst:.2f} ms"
    if typical > _FSYNC_SLOW_MS:
        return Finding("fsync", "warn", found, "use a faster disk: every acknowledged write waits for one")
    return Finding("fsync", "ok", found)


def _fsync_times_ms(folder: Path) -> Iterator[float]:
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".cairn-doctor-") as file:
        for _ in range(_FSYNC_SAMPLES):
            file.write(os.urandom(4_096))
            file.flush()
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            yield (time.perf_counter() - begun) * 1_000


def _clock(_: Config) -> Finding:
    found = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    if time.gmtime().tm_year < 2025:
        return Finding("clock", "fail", found, "set the clock: receipts and expiry need it")
    if not _is_clock_disciplined():
        return Finding("clock", "warn", f"{found}, not synchronised", "run chrony or systemd-timesyncd")
    return Finding("clock", "ok", f"{found}, synchronised")


def _is_clock_disciplined() -> bool:
    """Whether the kernel says that a time service steers the clock (adjtimex(2), which here only asks)."""
    timex = (ctypes.c_long * 64)()  # struct timex: modes, offset, freq, maxerror, esterror, status, ...
    if ctypes.CDLL(None, use_errno=True).adjtimex(timex) < 0:
        return False
    return not timex[5] & _CLOCK_UNSYNCHRONISED


def _port(config: Config) -> Finding:
    address = parse_address(config.interface.listen)
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError as error:
            found = f"{address}: {(error.strerror or str(error)).lower()}"
            return Finding("port", "warn", found, "stop what uses it (a running Cairn, perhaps), or choose another")
    return Finding("port", "ok", f"{address} is free")


def _secure_context(config: Config) -> Finding:
    address = parse_address(config.interface.listen)
    if config.interface.tls is not None:
        return Finding("secure context", "ok", "TLS ends here")
    if address.is_loopback:
        return Finding("secure context", "ok", "loopback: browsers allow WebCrypto")
    remedy = "set interface.tls, or put a TLS proxy in front: browsers refuse WebCrypto over plain HTTP"
    return Finding("secure context", "warn", f"plain HTTP on {address}", remedy)


def _open_files(config: Config) -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = config.interface.limits.connections + 256
    found = f"{soft} (at most {'unlimited' if hard == resource.RLIM_INFINITY else hard})"
    if soft < wanted:
        return Finding("open files", "warn", found, f"ulimit -n {wanted}, or LimitNOFILE={wanted} in the unit")
    return Finding("open files", "ok", found)


def _address_space(_: Config) -> Finding:
    soft, _hard = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        return Finding("address space", "fail", format_size(soft), "ulimit -v unlimited: the engine maps its files")
    return Finding("address space", "ok", "unlimited")


def _memory(config: Config) -> Finding:
    whole = memory_bytes()
    cache = parse_size(config.cache.memory, whole)
    found = f"{format_size(whole)}, {format_size(cache)} of it for the cache"
    if cache > whole // 2:
        return Finding("memory", "warn", found, "lower cache.memory: the engine lives from the page cache")
    return Finding("memory", "ok", found)


CHECKS: Final[tuple[Callable[[Config], Finding], ...]] = (
    _python, _kernel, _memory, _disk, _file_system, _data_folder, _secret_file, _fsync, _clock, _port,
    _secure_context, _open_files, _address_space,
)  # fmt: skip


def _file_system_of(folder: Path) -> str:
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    under = [(len(point), kind) for _, point, kind, *_ in mounts if folder.resolve().is_relative_to(point)]
    return max(under)[1] if under else "unknown"
