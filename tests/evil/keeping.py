"""What may be said of files that were put: the part of the oracle about blocks that a client sends.

A file is said to be kept falsely if the server did not say so of every block, by its id. That it is kept nobody can
know before it is asked for; then it is the file that was put, or something is told.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from tests.evil.record import Record


def false_keeping(record: Record, step: dict[str, Any], shown: dict[str, Any], before: Sequence[Any]) -> Iterator[str]:
    """What is wrong with a step that puts files, or fetches one."""
    if step["do"] == "put":
        yield from _unvouched(record, shown)
    else:
        yield from _another_file(record, step["file"], shown, before)


def _unvouched(record: Record, shown: dict[str, Any]) -> Iterator[str]:
    named = dict(_files(record))
    for name, block_id in named.items():
        if block_id not in record.vouched:
            yield f"file {name} is written down as kept, and the server has not said so"
    for at in shown.get("kept", ()):
        if str(at) not in named:
            yield f"file {at} is said to be kept, and no entry was sent for it"


def _files(record: Record) -> Iterator[tuple[str, bytes]]:
    for entry in record.posted:
        payload = record.payload(entry) if entry.seq else None
        for reference in payload.references if payload else ():
            yield json.loads(payload.data)["name"] if payload else "", reference.block_id


def _another_file(record: Record, at: int, shown: dict[str, Any], before: Sequence[Any]) -> Iterator[str]:
    put = next(step for step in record.case.steps if step["do"] == "put")
    data = bytes((7 * place + 31 * at + put["seed"]) % 256 for place in range(put["sizes"][at]))
    is_kept = any(name == str(at) and block_id in record.blocks_kept for name, block_id in _files(record))
    if "value" in shown and shown["value"] != hashlib.sha256(data).hexdigest():
        yield "a file is not the one that was put"
    if shown["problem"] and is_kept:
        yield f"a file that is kept is not given: {shown['problem']}"
    was_said = any(at in one.get("kept", ()) for one in before)
    was_told = any(one["problem"] for one in (*before, shown))
    if was_said and is_kept and "value" not in shown and not was_told:
        yield "a file is gone that was said to be kept, and nothing is told"
