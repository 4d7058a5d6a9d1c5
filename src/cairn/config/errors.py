"""What is wrong with a configuration."""

from __future__ import annotations


class ConfigError(Exception):
    """A setting that is not known, not right, or not available here. The message names the place."""
