"""The command line as a real process, with an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its answer."""
        return json.loads(self.out)


class Cairn:
    """Runs `cairn`, with a home in `folder`, and without the caller's own settings."""

    def __init__(self, folder: Path, **environ: str) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("CAIRN_", "XDG_"))}
        self.folder = folder
        self.environ = {**clean, "HOME": str(folder), "COLUMNS": "80", "PYTHONWARNINGS": "error", **environ}

    def __call__(self, *arguments: str | Path, stdin: str = "", code: int | None = 0, **environ: str) -> Done:
        """Run a command to its end. `code` is the exit code it must have; None: any."""
        ended = subprocess.run(
            self.command(*arguments), input=stdin, capture_output=True, text=True, timeout=120,
            cwd=self.folder, env={**self.environ, **environ}, check=False,
        )  # fmt: skip
        done = Done(ended.returncode, ended.stdout, ended.stderr)
        assert code is None or done.code == code, f"cairn {arguments[:1]} ended with {done.code}: {done.err}{done.out}"
        return done

    def start(self, *arguments: str | Path, **environ: str) -> subprocess.Popen[str]:
        """Begin a command; the caller ends it."""
        return subprocess.Popen(
            self.command(*arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, cwd=self.folder, env={**self.environ, **environ},
        )  # fmt: skip

    @staticmethod
    def command(*arguments: str | Path) -> list[str]:
        """The words of the process."""
        return [sys.executable, "-m", "cairn", *map(str, arguments)]
