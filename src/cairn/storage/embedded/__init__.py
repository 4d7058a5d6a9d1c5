"""The Store of one machine, on LMDB: durable before it answers, and no other daemon.

`store.py` opens a folder; `blocks.py`, `chains.py` and `ledger.py` are the protocols on `shards.py`; `transaction.py`
is what they read and write with, and `engine.py` is where a commit happens; `environment.py` opens the files,
`layout.py` has the bytes; `sweep.py` does what is due; `backup.py` and `scrub.py` are tools for a folder, open
elsewhere or not.
"""

from cairn.storage.embedded.backup import backup, restore
from cairn.storage.embedded.folder import FolderError, InUse
from cairn.storage.embedded.scrub import ScrubReport, scrub
from cairn.storage.embedded.store import Embedded, Stats, open_embedded
from cairn.storage.embedded.sweep import Swept

__all__ = [
    "Embedded",
    "FolderError",
    "InUse",
    "ScrubReport",
    "Stats",
    "Swept",
    "backup",
    "open_embedded",
    "restore",
    "scrub",
]
