"""What may be shown: judges what an application was shown against what was written, and what it was told of the rest.

Shown falsely is: a value that the writer did not write at that place, in that branch; an entry twice or out of order; a
gap that no checkpoint or end allows; an older state than was seen, or than the server itself named, as if it were the
present one; an addition that was acknowledged and is not there, without a word. Told wrongly is: no problem where
something is held back, or one that has another name than the lie.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from cairn.core.chain import Entry, Kind
from cairn.core.crypto import verify_signature
from cairn.core.errors import Invalid
from cairn.core.receipt import receipt_message
from tests.evil.cases import Case, least_epoch
from tests.evil.keeping import false_keeping
from tests.evil.lies.catalogue import CATALOGUE, NAMES
from tests.evil.record import SIGNER, Record
from tests.evil.world import KINDS, Branch, behind

Told = dict[str, Any]


def faults(record: Record, sdk: str, told: Sequence[Told]) -> list[str]:
    """All that is wrong with what an SDK showed in a case; nothing, if it did well."""
    found = []
    for number, (step, shown) in enumerate(zip(record.case.steps, told, strict=True)):
        before = told[:number] if number >= record.case.turn_at else None
        for fault in _faults_of(record, step, shown, before):
            found.append(f"step {number} ({step['do']}): {fault}")
        found += [f"step {number} ({step['do']}): {fault}" for fault in _ill_told(record, sdk, shown)]
    if record.case.writes:
        found += _signed_twice(record)
    return found


def _faults_of(record: Record, step: Told, shown: Told, before: Sequence[Told] | None) -> Iterator[str]:
    """`before`: what was shown before; None where what is shown need not be the present state."""
    name, problem = step["do"], shown["problem"]
    if "crash" in shown:
        yield f"it fails by {shown['crash']}"
    if not record.case.lies and problem:
        yield f"an honest server is refused: {problem}"
    for sighting in (problem or {}).get("evidence", ()):
        yield from _false_evidence(record, *sighting)
    if "entries" in shown:
        yield from _false_entries(record, shown, before, step)
    if "heard" in shown:
        yield from _false_hearing(record, shown["heard"])
    if "value" in shown and name in ("get", "door"):
        yield from _false_value(record, step, shown["value"])
    if name in ("put", "fetch"):
        yield from false_keeping(record, step, shown, before or ())
    if not problem and "crash" not in shown:
        yield from _false_success(record, step, shown)


def _false_success(record: Record, step: Told, shown: Told) -> Iterator[str]:
    if step["do"] == "verify":
        yield from _false_report(record, shown)
    texts, seqs = step.get("texts", [step.get("text")]), shown.get("seqs", [shown.get("seq")])
    if step["do"] in ("add", "add_many"):
        for text, seq in zip(texts, seqs, strict=True):
            yield from _false_addition(record, text, seq) if seq is not None else ()


def _false_value(record: Record, step: Told, value: str) -> Iterator[str]:
    if step["do"] == "get" and value != record.case.story.files[step["seq"]]:
        yield "a file is not the one that was put"
    if step["do"] == "door" and value not in map(behind, range(3)):
        yield "a door leads where nobody made it lead"


# --- entries ----------------------------------------------------------------------------------------------------------


def _false_entries(record: Record, shown: Told, before: Sequence[Told] | None, step: Told) -> Iterator[str]:
    rows = shown["entries"]
    seqs = [row[0] for row in rows]
    if seqs != sorted(set(seqs)):
        yield f"entries are shown twice or out of order: {seqs}"
        return
    is_present = before is not None and not shown["problem"]
    branch = _branch_of(record, rows, is_present=is_present)
    if branch is None:
        yield f"what is shown was never written so: {rows}"
        return
    yield from _unlawful_gaps(branch, rows)
    if not shown["problem"] and before is not None:
        yield from _stale(record, shown, before, step)


def _branch_of(record: Record, rows: Sequence[Any], *, is_present: bool) -> Branch | None:
    """The branch to which all that is shown belongs; and what was seen before, if this is to be the present state."""
    if record.case.writes:
        return _added_branch(record, rows)
    case = record.case
    branches = [one for one in case.story.branches if not is_present or _holds(one, case)]
    return next((one for one in branches if all(_is_true(case, one, row) for row in rows)), None)


def _holds(branch: Branch, case: Case) -> bool:
    """Whether a branch holds the newest entry that the client was shown before."""
    seen = case.story.main.entries[case.seen]
    return case.seen < len(branch.entries) and branch.entries[case.seen].hash == seen.hash


def _added_branch(record: Record, rows: Sequence[Any]) -> Branch | None:
    """The history of a case that writes: each place holds what was sent for it, whether the server kept it or not."""
    entries, said = list(record.case.story.main.entries), list(record.case.story.main.said)
    for seq, _, value, _, _ in rows[len(entries) - 1 :]:
        sent = [entry for entry in (*record.kept, *record.posted) if entry.seq == seq and record.said(entry) == value]
        if not sent or seq != len(entries):
            return None
        entries.append(sent[0])
        said.append(value)
    branch = Branch(tuple(entries), tuple(said), record.case.story.main.state)
    return branch if all(_is_true(record.case, branch, row) for row in rows) else None


def _is_true(case: Case, branch: Branch, row: Sequence[Any]) -> bool:
    seq, kind, value, code, _ = row
    if not 0 < seq < len(branch.entries) or kind != KINDS[branch.entries[seq].kind]:
        return False
    expected = branch.value(seq, case.capability)
    return bool(value == expected and code == (None if expected is not None else "key_missing"))


def _unlawful_gaps(branch: Branch, rows: Sequence[Any]) -> Iterator[str]:
    last = 0
    for at, (seq, _, _, _, missing) in enumerate(rows):
        gap = seq - last - 1
        if missing > gap or (missing != gap and at):  # before the first, what was given up may have been shown and gone
            yield f"{missing} entries are said to be missing before {seq}, after {last}"
        later = [branch.entries[row[0]] for row in rows[at:]]
        if seq > last + 1 and not any(_allows_gap(entry, last) for entry in later):
            yield f"entries between {last} and {seq} are left out, which nobody allowed"
        last = seq


def _allows_gap(entry: Entry, last: int) -> bool:
    return entry.kind == Kind.CLOSE or (entry.kind == Kind.CHECKPOINT and entry.floor > last)


def _stale(record: Record, shown: Told, before: Sequence[Told], step: Told) -> Iterator[str]:
    """Nothing is told, so this is to be the present state."""
    case, newest = record.case, max([row[0] for row in shown["entries"]], default=0)
    seen = max([row[0] for told in before for row in told.get("entries", ())], default=0)
    seen = max([seen, *(told["seq"] for told in before if told.get("seq") is not None and "count" not in told)])
    if newest < seen:
        yield f"{newest} is shown as the newest, and {seen} was seen before"
    if record.claimed and max(record.claimed) < seen and not record.is_honest:
        yield f"the server names {max(record.claimed)}, and {seen} was seen before"
    claimed = min(record.claimed, default=0)
    if newest < claimed and not record.is_honest and "until" not in step:
        yield f"{newest} is shown as the newest, and the server names {claimed}"
    if newest < step.get("until", 0) and not (shown["entries"] and shown["entries"][-1][1] == "end"):
        yield f"{newest} is the newest, and {step['until']} came live"
    epoch = case.story.main.entries[min(newest, len(case.story.main.entries) - 1)].key_epoch
    if epoch < least_epoch(case.capability):
        yield f"the state is of key epoch {epoch}, and the capability of {least_epoch(case.capability)}"
    if not case.lies and not case.writes and newest != case.story.main.entries[-1].seq:
        yield f"an honest server has {case.story.main.entries[-1].seq}, and {newest} is shown"


def _false_report(record: Record, shown: Told) -> Iterator[str]:
    if shown["count"] + shown["missing"] != shown["seq"] + 1:
        yield f"a report does not add up: {shown}"
    if shown["seq"] < min(record.claimed, default=0):
        yield f"{shown['seq']} is reported good as the newest, and the server names {record.claimed}"
    if not any(shown["seq"] < len(branch.entries) for branch in record.case.story.branches):
        yield f"{shown['seq']} is reported good, and was never written"


def _false_hearing(record: Record, heard: Sequence[Any]) -> Iterator[str]:
    """Messages may be lost, and nobody promises their order; but none is heard that was not said, nor twice."""
    if not set(heard) <= set(record.said_aloud) or len(heard) > len(set(heard)):
        yield f"{heard} is heard, and this was said: {record.said_aloud}"
    if not record.case.lies and heard != record.said_aloud:
        yield f"an honest server passed on {record.said_aloud}, and {heard} is heard"


# --- what was added ---------------------------------------------------------------------------------------------------


def _false_addition(record: Record, text: str, seq: int) -> Iterator[str]:
    sent = [entry for entry in record.posted if entry.seq == seq and record.said(entry) == f"t:{text}"]
    if not sent:
        yield f"it is said to stand at {seq}, where something else was sent"
    elif all(entry.hash in record.contradicted for entry in sent):
        yield f"it is said to stand at {seq}, and the server has acknowledged something else"


def _signed_twice(record: Record) -> Iterator[str]:
    """A second signature on the same words at the same place is what a server could accuse the writer with."""
    made: dict[tuple[int, bytes, str], set[bytes]] = {}
    for entry in record.posted:
        if entry.seq:
            made.setdefault((entry.seq, entry.prev, record.said(entry)), set()).add(entry.hash)
    for (seq, _, _), hashes in made.items():
        if len(hashes) > 1:
            yield f"the same words were signed {len(hashes)} times for {seq}"


def _false_evidence(record: Record, seq: int, digest: str, time_ms: int, signature: str) -> Iterator[str]:
    """A receipt is shown to others, as the server's own word."""
    message = receipt_message(record.case.story.keys.chain_id, seq, bytes.fromhex(digest), time_ms)
    try:
        verify_signature(SIGNER.public_key, message, bytes.fromhex(signature))
    except Invalid:
        yield f"a receipt that the server never signed is given as evidence: {seq} at {time_ms}"


# --- what is told -----------------------------------------------------------------------------------------------------


def _ill_told(record: Record, sdk: str, shown: Told) -> Iterator[str]:
    problem = shown["problem"]
    if problem is None or not record.case.lies:
        return
    names = {name for lie in record.case.lies for name in CATALOGUE[lie.name].codes}
    if record.case.scenario == "door":
        names.add("absent")
    if least_epoch(record.case.capability):
        names |= {"rollback", "altered"}
    codes = {code for name in names for code in NAMES[sdk][name]}
    if problem["code"] not in codes:
        yield f"it is called {problem['code']!r} ({problem['message']}), and is one of {sorted(codes)}"
    words = [problem["message"], *([problem["hint"]] if sdk == "browser" else [])]
    if not all(words) or re.search(r"[0-9a-f]{32}|crn1", " ".join(words)):
        yield f"the words are empty, or hold what they should not: {words}"
