"""The web files that come with the program: the browser SDK, the console, and the applications of the demo."""

from __future__ import annotations

from pathlib import Path

import cairn

_PACKAGE = Path(cairn.__file__).parent


def web_folder(name: str) -> Path:
    """The folder of one part, such as "sdk" or "apps": in the installed package, else in the source tree around it."""
    installed = _PACKAGE / "web" / name
    return installed if installed.is_dir() else _PACKAGE.parents[1] / "web" / name
