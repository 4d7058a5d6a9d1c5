"""Puts the web files of `web/` into the package as `cairn/web/`; all else is in pyproject.toml."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

WEB = Path(__file__).parent / "web"


class BuildWithWeb(build_py):
    """Copies `web/` beside the Python modules. An editable install finds it in the source tree instead."""

    def run(self) -> None:
        """Build."""
        super().run()
        if not self.editable_mode:
            shutil.copytree(WEB, Path(self.build_lib) / "cairn" / "web", dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithWeb})
