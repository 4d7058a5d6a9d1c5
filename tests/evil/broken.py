"""SDKs with one check taken out: the lies that it is there for are then believed, and the harness must say so."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.evil.cases import Case
from tests.evil.lies.catalogue import CATALOGUE
from tests.evil.runs import Sdk


@dataclass(frozen=True)
class Break:
    """One check, and what takes it out: in a file, these words for those."""

    name: str
    sdk: str
    changes: tuple[tuple[str, str, str], ...]
    lies: tuple[str, ...]
    """The names of the lies that it lets through."""
    stories: tuple[str, ...] = ()
    """Of which chains; none: of any."""
    count: int = 12
    scenarios: tuple[str, ...] = ()
    """In which of these; none: in any."""

    def __post_init__(self) -> None:
        known = {name.partition(": ")[2] for name in CATALOGUE}
        assert known >= set(self.lies), f"there are no such lies: {set(self.lies) - known}"

    def is_missed_by(self, case: Case) -> bool:
        """Whether a case may show that the check is not there."""
        names = [lie.name.partition(": ")[2] for lie in case.lies]
        is_where = case.scenario in (self.scenarios or (case.scenario,))
        is_of = case.story.name in (self.stories or (case.story.name,))
        return len(names) == 1 and names[0] in self.lies and is_where and is_of

    def made(self, folder: Path) -> Sdk:
        """The SDK without it."""
        whole = Sdk.whole(self.sdk).source
        shutil.copytree(whole, folder, ignore=shutil.ignore_patterns("web", "__pycache__", "*.egg-info", "vendor"))
        for name, old, new in self.changes:
            file = folder / name
            text = file.read_text()
            assert text.count(old) == 1, f"{name} has no longer, or more than once: {old}"
            file.write_text(text.replace(old, new))
        return Sdk(self.sdk, folder)


_CHAIN, _TAKING, _READER = "format/chain.js", "chains/taking.js", "cairn/client/format/reader.py"
_HISTORY = "cairn/client/chains/history.py"

_SIGNED = ("sign with another key", "forge by a reader")
_FORKED = ("fork", "fork cut")
_ROLLED = ("roll back", "roll back past what was seen")
_BLOCKS = ("flip in a block", "another block", "cross blocks")

BROWSER_SIGNATURES = ((_CHAIN, "if (!results.every(Boolean))", "if (false)"),)
_PYTHON_SIGNATURES = (
    ("cairn/core/chain.py", "    entry.verify_signature(state.public_key)\n    return", "    return"),
)

_NAMED = ("swap ids of blocks", "answer for another block", "answer for one block twice")

BROWSER_PIN = ((_TAKING, "if (!isOther && !isEarlyEnd)", "if (true)"),)
BROWSER_CHAIN_ID = (
    (_CHAIN, "|| !equal(genesis.chainId, chainId)", ""),
    (_CHAIN, "!equal(entry.chainId, state.chainId) ||", ""),
)

BREAKS = (
    Break(
        "signatures of messages", "browser",
        (("format/ephemeral.js", "await state.publicKey.verifies(signed, raw.subarray(-SIGNATURE_BYTES))", "true"),),
        ("forge a message", "lend a signature"), count=10,
    ),
    Break(
        "messages heard before", "browser", (("format/ephemeral.js", "if (this.#seen.has(digest))", "if (false)"),),
        ("replay messages",), count=10,
    ),
    Break(
        "the time of messages", "browser",
        (("format/ephemeral.js", "if (Math.abs(timeMs - now) > SKEW_MS_MAX)", "if (false)"),),
        ("say what is old",), count=10,
    ),
    Break(
        "signatures of messages", "python",
        (("cairn/core/ephemeral.py", "verify_signature(state.public_key,", "(lambda *_: None)(state.public_key,"),),
        ("forge a message", "lend a signature"), count=10,
    ),
    Break(
        "messages heard before", "python",
        (("cairn/client/format/ephemeral.py", "if digest in self._seen:", "if False:"),),
        ("replay messages",), count=10,
    ),
    Break(
        "the time of messages", "python",
        (("cairn/core/ephemeral.py", "if abs(self.time_ms - now_ms) > CLOCK_SKEW_MS_MAX:", "if False:"),),
        ("say what is old",), count=10,
    ),
    Break("signatures", "browser", BROWSER_SIGNATURES, _SIGNED),
    Break("signatures of events", "browser", BROWSER_SIGNATURES, ("forge live",), scenarios=("stream",), count=10),
    Break("signatures of events", "python", _PYTHON_SIGNATURES, ("forge live",), scenarios=("stream",), count=10),
    Break(
        "the chain's id", "browser",
        BROWSER_CHAIN_ID,
        ("another chain",),
    ),
    Break(
        "the pinned head", "browser", BROWSER_PIN, _FORKED,
        scenarios=("reopen",),
    ),
    Break("what was seen", "browser", ((_TAKING, "Math.min(this.seq, headSeq) < this.pin.seq", "false"),), _ROLLED),
    Break("the end", "browser", ((_TAKING, "if (this.seq < headSeq)", "if (false)"),), ("hold back", "a later head")),
    Break(
        "gaps", "browser", ((_CHAIN, "entry.kind !== KIND.CLOSE && entry.floor <= state.seq", "false"),),
        ("leave out before a start",), ("kept",),
    ),
    Break(
        "blocks", "browser", (("format/block.js", "|| !equal(await sha256(stored), reference.blockId)", ""),), _BLOCKS
    ),
    Break(
        "acknowledgements", "browser",
        (("chains/writer.js", "if (head.seq === last.seq && head.hash !== toHex(last.hash))", "if (false)"),),
        ("acknowledge another",),
    ),
    Break(
        "ids of blocks", "browser",
        (("remote/blocks.js", "if (!equal(outcome.subarray(0, -1), blockId))", "if (false)"),), _NAMED, count=10,
    ),
    Break(
        "the same bytes again", "browser",
        (("chains/writer.js", "!built || this.#isOvertaken(built.entries)", "true"),), ("feign a conflict",), count=5,
    ),
    Break(
        "the key epoch", "browser", ((_TAKING, "if (this.state.keyEpoch < keyEpoch)", "if (false)"),),
        _ROLLED, ("rotated",),
    ),
    Break("signatures", "python", _PYTHON_SIGNATURES, _SIGNED),
    Break(
        "the chain's id", "python", ((_READER, "if entry.chain_id != self.chain_id:", "if False:"),), ("another chain",)
    ),
    Break("the pinned head", "python", ((_READER, "if is_other or is_early_end:", "if False:"),), _FORKED),
    Break(
        "what was seen", "python",
        (
            (_READER, "if self._seen and self.state.seq < self._seen.state.seq:", "if False:"),
            (_HISTORY, "if seen is not None and head.seq < seen.state.seq and not head.closed:", "if False:"),
        ),
        _ROLLED,
    ),
    Break("the end", "python", ((_HISTORY, "if state.seq < head.seq:", "if False:"),), ("hold back", "a later head")),
    Break(
        "gaps", "python",
        ((_READER, "if entry.kind != Kind.CLOSE and not (entry.floor > state.seq and passes_seen):", "if False:"),),
        ("leave out before a start",), ("kept",),
    ),
    Break(
        "blocks", "python",
        (
            ("cairn/core/block.py", "if block.id != block_id:", "if False:"),
            ("cairn/client/format/reference.py", "if block.id != reference.block_id or len(block)", "if len(block)"),
        ),
        _BLOCKS,
    ),
    Break(
        "acknowledgements", "python",
        ((_HISTORY, "if head.seq == state.seq and head.hash != state.hash:", "if False:"),), ("acknowledge another",),
    ),
    Break(
        "ids of blocks", "python",
        (
            (
                "cairn/client/remote/store.py",
                "if [block_id for block_id, _ in outcomes] != [call.item.block.id for call in left]:",
                "if len(outcomes) != len(left):",
            ),
        ),
        _NAMED, count=10,
    ),
    Break(
        "receipts", "python",
        ((_HISTORY, "verify_receipt(head, key)", "assert verify_receipt"),), ("vouch falsely and forget",), count=10,
    ),
    Break(
        "the same bytes again", "python",
        (("cairn/client/chains/writer.py", "if state.hash != entries[0].prev:", "if error is not None:"),),
        ("feign a conflict",), count=5,
    ),
    Break(
        "the key epoch", "python",
        ((_HISTORY, 'raise Withheld("the server shows an', 'return found or Withheld("the server shows an'),),
        _ROLLED, ("rotated",),
    ),
)  # fmt: skip
