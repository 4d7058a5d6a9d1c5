"""Configuration to running system: the only package that knows every layer. A deployment is an expression:

    one process     serve(cached(with_receipts(embedded(folder))))
    apart           serve(cached(neighbourly(remote(link))))
                    and at the link's other end  answer(with_receipts(embedded(folder)))

`storage.py` makes what lies below the cache, `neighbours.py` the way to other interfaces, `interface.py` what serves
over HTTP, `link.py` what answers other processes; `node.py` opens these in order and closes them in the other.
"""

from cairn.compose.changes import Changes
from cairn.compose.node import Ready, StorageFailed, run
from cairn.compose.settings import admission_of, check_supported, is_free, storage_settings

__all__ = [
    "Changes",
    "Ready",
    "StorageFailed",
    "admission_of",
    "check_supported",
    "is_free",
    "run",
    "storage_settings",
]
