"""A Store that is kept by another process: every call is a request of the link (`cairn.link`)."""

from cairn.core.store import Store
from cairn.link import Link
from cairn.storage.remote.about import StorageAbout, removals, told_about
from cairn.storage.remote.blocks import RemoteBlocks
from cairn.storage.remote.chains import RemoteChains
from cairn.storage.remote.ledger import RemoteLedger
from cairn.storage.remote.relay import RemoteRelay

__all__ = ["StorageAbout", "remote_store", "removals", "told_about"]


def remote_store(link: Link) -> Store:
    """The Store at the other end of a link. Raises what that one raises; and `Unavailable` or `Unknown` of its own."""
    return Store(RemoteBlocks(link), RemoteChains(link), RemoteLedger(link), RemoteRelay(link))
