"""A small disk of its own: a tmpfs in a mount namespace, so that no privilege and no real disk is touched."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_HOLD = 'mount -t tmpfs -o size="$2" none "$1" && echo held && exec sleep infinity'


@dataclass(frozen=True)
class SmallDisk:
    """A mounted disk. `mount` is where processes in its namespace see it, `seen` where we do."""

    holder: int
    mount: Path

    @property
    def seen(self) -> Path:
        return Path(f"/proc/{self.holder}/root{self.mount}")

    @property
    def command(self) -> list[str]:
        """`cairn`, in the namespace."""
        user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        enter = ["nsenter", f"--target={self.holder}", "--mount", *user, "--wd=."]
        return [*enter, sys.executable, "-m", "cairn"]

    @property
    def free_bytes(self) -> int:
        disk = os.statvfs(self.seen)
        return disk.f_bavail * disk.f_frsize

    def fill(self, but_bytes: int = 0) -> None:
        """Let another file take what is free, but for so much."""
        with (self.seen / "filler").open("ab", buffering=0) as file:
            while (size := min(1 << 20, self.free_bytes - but_bytes)) > 0:
                file.write(bytes(size))

    def empty(self) -> None:
        """Remove the other file."""
        (self.seen / "filler").unlink()


@contextmanager
def small_disk(mount: Path, size: str) -> Iterator[SmallDisk]:
    """A disk of so many bytes (`64m`) at `mount`, until the end."""
    mount.mkdir(parents=True)
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    words = ["unshare", "--mount", *user, "sh", "-c", _HOLD, "hold", str(mount), size]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            if holder.stdout.readline() != b"held\n":
                assert holder.stderr is not None
                pytest.skip(f"needs a mount namespace: {holder.stderr.read().decode().strip()}")
            yield SmallDisk(holder.pid, mount)
        finally:
            holder.kill()
