"""How many descriptors this process may have open."""

from __future__ import annotations

import resource


def raise_descriptor_limit() -> None:
    """As many as the system lets it: each connection needs one, strangers' among them (setrlimit(2))."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
