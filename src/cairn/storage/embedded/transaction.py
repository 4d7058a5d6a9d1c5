"""What reads and writes the records of one shard, within a transaction of LMDB.

A `Writing` keeps in step what sums up records: the shard's digest and the totals of grants, which a commit writes once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import lmdb

from cairn.core.block import GrantId
from cairn.core.store import Usage
from cairn.storage.embedded.layout import (
    BLOCKS,
    DIGEST_KEY,
    META,
    USAGE,
    decode_digest,
    decode_usage,
    encode_digest,
    encode_usage,
    record_digest,
)  # fmt: skip


class Reading:
    """A short snapshot of one shard. Values are memoryviews, valid until it ends."""

    def __init__(self, transaction: lmdb.Transaction, tables: dict[str, Any]) -> None:
        self._transaction = transaction
        self._tables = tables

    def get(self, table: str, key: bytes) -> memoryview | None:
        """The record under a key. All of it is in memory then: a large one may have waited for the disk."""
        return cast("memoryview | None", self._transaction.get(key, db=self._tables[table]))

    def range(self, table: str, start: bytes, stop: bytes | None = None) -> Iterator[tuple[memoryview, memoryview]]:
        """Keys and records with start <= key < stop, in order."""
        with self._transaction.cursor(self._tables[table]) as cursor:
            if not cursor.set_range(start):
                return
            for key, value in cast("Iterator[tuple[memoryview, memoryview]]", iter(cursor)):
                if stop is not None and bytes(key) >= stop:
                    return
                yield key, value

    def keys(self, table: str, start: bytes, stop: bytes | None = None) -> Iterator[bytes]:
        """Keys with start <= key < stop, in order."""
        with self._transaction.cursor(self._tables[table]) as cursor:
            if not cursor.set_range(start):
                return
            for key in cursor.iternext(keys=True, values=False):
                if stop is not None and bytes(key) >= stop:
                    return
                yield bytes(key)


class Writing(Reading):
    """The transaction of one commit. Keeps in step what sums up records: the shard's digest, the totals of grants."""

    def __init__(self, transaction: lmdb.Transaction, tables: dict[str, Any]) -> None:
        super().__init__(transaction, tables)
        self.changes = 0
        self._totals: dict[GrantId, Usage] = {}  # of the grants that this commit charges
        self._count, self._digest = decode_digest(self.get(META, DIGEST_KEY))

    def add(self, table: str, key: bytes, record: bytes) -> bool:
        """Set a record where there is none; False where one stands, which stays."""
        if not self._transaction.put(key, record, overwrite=False, db=self._tables[table]):
            return False
        self._count += 1
        self._digest += record_digest(table, key, record)
        self.changes += 1
        return True

    def put(self, table: str, key: bytes, record: bytes) -> None:
        """Set a record, whatever stands there."""
        if self.add(table, key, record):
            return  # most are new: that is one descent instead of two
        digest = self._digest_of(table, key)
        self._transaction.put(key, record, db=self._tables[table])
        self._digest += record_digest(table, key, record) - digest
        self.changes += 1

    def delete(self, table: str, key: bytes) -> None:
        """Remove a record, if it is there."""
        digest = self._digest_of(table, key)
        if self._transaction.delete(key, db=self._tables[table]):
            self._count -= 1
            self._digest -= digest
            self.changes += 1

    def charge(self, grant: GrantId, *, block_bytes: int = 0, entry_bytes: int = 0) -> None:
        """Add to what a grant pays for; negative: take off. Raises Corrupt, with nothing changed."""
        total = self._totals.get(grant) or self._usage(grant)
        self._totals[grant] = total.plus(block_bytes, entry_bytes)
        self.changes += 1

    def seal(self) -> None:
        """Write the totals and the digest: the last thing before the commit."""
        for grant, total in self._totals.items():
            if total.bytes:
                self.put(USAGE, grant, encode_usage(grant, total))
            else:
                self.delete(USAGE, grant)
        record = encode_digest(self._count, self._digest % (1 << 256))
        self._transaction.put(DIGEST_KEY, record, db=self._tables[META])

    def _usage(self, grant: GrantId) -> Usage:
        record = self.get(USAGE, grant)
        return decode_usage(grant, record) if record is not None else Usage()

    def _digest_of(self, table: str, key: bytes) -> int:
        """What the record under a key, if there is one, adds to the digest. A block is not read: its key is enough."""
        record = b"" if table == BLOCKS else self.get(table, key)
        return record_digest(table, key, record) if record is not None else 0
