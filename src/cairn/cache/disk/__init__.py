"""The disk tier: blocks that survive a restart, shared by the processes of one machine."""

from cairn.cache.disk.tier import DiskTier

__all__ = ["DiskTier"]
