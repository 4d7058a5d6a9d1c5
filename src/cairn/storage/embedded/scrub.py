"""Scrub: read every record, and check every hash, checksum, link, count and total.

Each shard is read from one snapshot by a process of its own, since a damaged B-tree can crash who walks it. The shard's
digest, kept by every commit, shows records that can no longer be reached at all. While it runs on a store that is open,
pages that are freed meanwhile are not reused, so its files may grow.
"""

from __future__ import annotations

import json
import signal
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import lmdb

from cairn.core.block import Block, BlockId, GrantId, short
from cairn.core.chain import Entry
from cairn.core.errors import CairnError, Corrupt
from cairn.core.slot import slot_key
from cairn.core.store import Usage
from cairn.storage.embedded import folder as folders
from cairn.storage.embedded.environment import open_environment, open_tables
from cairn.storage.embedded.layout import (
    BLOCKS,
    DIGEST_KEY,
    DUE,
    ENTRIES,
    HEADS,
    ID_KEY_BYTES,
    META,
    PINS,
    USAGE,
    decode_argument,
    decode_digest,
    decode_due_key,
    decode_entry,
    decode_head,
    decode_pin,
    decode_usage,
    entry_key,
    id_of,
    record_digest,
    seq_of,
)  # fmt: skip
from cairn.storage.embedded.transaction import Reading

FINDINGS_MAX: Final = 1_000

_META_PAGE_BYTES: Final = 4096
_META_TXN: Final = struct.Struct("<Q")
_META_TXN_AT: Final = 144  # struct MDB_meta's mm_txnid, behind the page header (lmdb 0.9, 64 bits)
_PROGRESS_RECORDS: Final = 1_000
_COMMAND: Final = "from cairn.storage.embedded.scrub import main; main()"


@dataclass(frozen=True, slots=True)
class ScrubReport:
    """What a scrub found."""

    records: int
    bytes: int
    damaged: list[str] = field(default_factory=list)


def scrub(folder: Path, progress: Callable[[int, int], None] = lambda done, total: None) -> ScrubReport:
    """Check the store in `folder`, open elsewhere or not. Progress is in records.

    Raises:
        FolderError: there is no store.
    """
    description = folders.describe(folder)
    records = size = 0
    damaged: list[str] = []
    for path in folders.shard_folders(folder, description):
        report = _scrub_in_process(path, lambda done, total, base=records: progress(base + done, base + total))  # type: ignore[misc]
        records += report.records
        size += report.bytes
        damaged += [f"{path.name}: {finding}" for finding in report.damaged]
    try:
        with folders.locked(folder):
            damaged += [finding for path in folders.shard_folders(folder, description) for finding in _meta_pages(path)]
    except folders.InUse:
        pass  # the pages move under a writer's hands
    return ScrubReport(records, size, damaged[:FINDINGS_MAX])


def _scrub_in_process(path: Path, progress: Callable[[int, int], None]) -> ScrubReport:
    command = [sys.executable, "-c", _COMMAND, str(path)]
    report = None
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        for line in process.stdout:
            told = json.loads(line)
            if "total" in told:
                progress(told["done"], told["total"])
            else:
                report = ScrubReport(**told)
    if report is not None and process.returncode == 0:
        return report
    return ScrubReport(0, 0, [f"its structure is damaged: reading it ended with {_ending(process.returncode)}"])


def _ending(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"code {code}"


def _meta_pages(path: Path) -> list[str]:
    """The two meta pages carry the numbers of the last two commits: a flipped one would hide the last of them."""
    with (path / "data.mdb").open("rb") as file:
        first, second = (
            _META_TXN.unpack_from(file.read(_META_PAGE_BYTES).ljust(_META_PAGE_BYTES, b"\0"), _META_TXN_AT)[0]
            for _ in range(2)
        )
    is_right = abs(first - second) == 1 and first % 2 == 0 and second % 2 == 1
    is_fresh = first == second == 0
    return [] if is_right or is_fresh else [f"{path.name}: a meta page is damaged: the last commit may be hidden"]


# --- in the process --------------------------------------------------------------------------------------------------


class _Scrubber:
    """Checks one shard."""

    def __init__(self, reading: Reading, total: int) -> None:
        self._reading = reading
        self._total = total
        self.records = 0
        self.size = 0
        self.findings: list[str] = []
        self._count = 0
        self._digest = 0
        self._block_bytes: Counter[GrantId] = Counter()
        self._entry_bytes: Counter[GrantId] = Counter()

    def run(self) -> ScrubReport:
        """Check all tables, then what they sum up to."""
        for table, check in (
            (BLOCKS, self._block), (PINS, self._pin), (HEADS, self._head), (ENTRIES, self._entry),
            (DUE, self._due), (USAGE, self._usage),
        ):  # fmt: skip
            self._each(table, check)
        self._totals()
        count, digest = decode_digest(self._reading.get(META, DIGEST_KEY))
        if (count, digest) != (self._count, self._digest % (1 << 256)):
            self._found(f"records are missing or were altered: {count} were written, {self._count} are there")
        return ScrubReport(self.records, self.size, self.findings)

    def _each(self, table: str, check: Callable[[bytes, memoryview], None]) -> None:
        for key_view, record in self._reading.range(table, b""):
            key = bytes(key_view)
            self.records += 1
            self.size += len(key) + len(record)
            self._count += 1
            self._digest += record_digest(table, key, record)
            try:
                check(key, record)
            except (CairnError, struct.error, ValueError, IndexError) as error:
                self._found(f"{table} {short(id_of(key))}: {error}")
            if self.records % _PROGRESS_RECORDS == 0:
                _tell({"done": self.records, "total": max(self.records, self._total)})

    def _block(self, key: bytes, data: memoryview) -> None:
        block_id = BlockId(id_of(key))
        Block.verified(block_id, bytes(data))
        _require(key == slot_key(block_id), "stands in another's slot")
        first = next(self._reading.keys(PINS, key), b"")
        _require(first[:ID_KEY_BYTES] == key, "has no pin record")

    def _pin(self, key: bytes, record: memoryview) -> None:
        pin = decode_pin(key, record)
        self._block_bytes[pin.grant] += pin.bytes
        block = self._reading.get(BLOCKS, key[:ID_KEY_BYTES])
        _require(block is not None and len(block) == pin.bytes, "its block is missing or has another size")

    def _head(self, key: bytes, record: memoryview) -> None:
        """A head, and the whole of its chain."""
        state = decode_head(key, record)
        _require(key == slot_key(state.chain_id), "stands in another's slot")
        previous = self._stored(key, 0)
        _require(previous.hash == state.genesis_hash, "its genesis is another")
        size = len(previous.raw)
        for seq in range(state.first, state.seq + 1):
            entry = self._stored(key, seq)
            linked = entry.prev == previous.hash or (seq == state.first and seq > 1)
            _require(linked, f"entry {seq} is not linked to the one before")
            previous, size = entry, size + len(entry.raw)
        _require(previous.hash == state.hash, "its newest entry is not its head")
        _require(size == state.bytes, "its bytes are counted wrongly")
        _require(state.entries == state.seq - state.first + 2, "its entries are counted wrongly")

    def _stored(self, key: bytes, seq: int) -> Entry:
        record_key = entry_key(key, seq)
        record = self._reading.get(ENTRIES, record_key)
        if record is None:
            raise Corrupt(f"entry {seq} is missing")
        return Entry.decode(decode_entry(record_key, record)[1])

    def _entry(self, key: bytes, record: memoryview) -> None:
        grant, raw = decode_entry(key, record)
        self._entry_bytes[grant] += len(raw)
        head_key = key[:ID_KEY_BYTES]
        head = self._reading.get(HEADS, head_key)
        if head is None:
            raise Corrupt("an entry has no head")
        state = decode_head(head_key, head)
        seq = seq_of(key)
        _require(seq == 0 or state.first <= seq <= state.seq, f"entry {seq} should not be there")

    def _due(self, key: bytes, record: memoryview) -> None:
        decode_due_key(key)
        decode_argument(key, record)

    def _usage(self, key: bytes, record: memoryview) -> None:
        grant = GrantId(key)
        counted = Usage(self._block_bytes.pop(grant, 0), self._entry_bytes.pop(grant, 0))
        _require(decode_usage(key, record) == counted, "a grant's usage is counted wrongly")

    def _totals(self) -> None:
        if any(self._block_bytes.values()) or any(self._entry_bytes.values()):
            self._found("a grant's usage is missing")

    def _found(self, finding: str) -> None:
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(finding)


def _require(is_right: bool, otherwise: str) -> None:
    if not is_right:
        raise Corrupt(otherwise)


def _tell(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)  # noqa: T201 - the process's answer


def _scrub_shard(path: Path) -> ScrubReport:
    try:
        environment = open_environment(path, readonly=True)
        tables = open_tables(environment, create=False)
        with environment.begin(buffers=True) as transaction:
            total = sum(int(transaction.stat(table)["entries"]) for table in tables.values())
            return _Scrubber(Reading(transaction, tables), total).run()
    except (lmdb.Error, CairnError) as error:
        return ScrubReport(0, 0, [f"its structure is damaged: {type(error).__name__}"])


def main() -> None:
    """Scrub the shard named on the command line, and tell of it as a line of JSON."""
    found = _scrub_shard(Path(sys.argv[1]))
    _tell({"records": found.records, "bytes": found.bytes, "damaged": found.damaged})
