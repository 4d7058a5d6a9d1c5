"""Configuration to running system: the only module that knows every layer."""
