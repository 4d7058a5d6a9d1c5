"""The rule by which a client believes a chain: a pure state machine that takes entries in order (docs/format.md, 6).

It begins with the genesis, which the chain id proves, or with a state that was accepted earlier (a pin). Each further
entry must follow by `core.chain.accept`. Entries may be missing only before a *start*: a close, or a checkpoint whose
signed floor lies above all that was seen; then `Step.skipped` tells. A head seen earlier (`seen`) must be met on the
way or be jumped over by such a start.
"""

from __future__ import annotations

from dataclasses import dataclass

from cairn.client.format.errors import Fork, Rollback, Sighting, Withheld
from cairn.core.chain import ChainId, ChainState, Entry, Kind, Receipt, accept, begin, start_at
from cairn.core.errors import Conflict, Invalid


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest head of a chain that this client accepted, and the server's word on it, if it gave one."""

    state: ChainState
    receipt: Receipt | None = None
    receipt_key: bytes | None = None

    @property
    def sighting(self) -> Sighting:
        """As evidence."""
        return Sighting(self.state.seq, self.state.hash, None, self.receipt, self.receipt_key)


@dataclass(frozen=True, slots=True)
class Step:
    """An entry that was accepted, the state after it, and how many before it the reader did not see."""

    entry: Entry
    state: ChainState
    skipped: int = 0


class Reader:
    """Judges one chain's entries. `state` is what has been accepted so far."""

    def __init__(self, chain_id: ChainId, seen: Seen | None = None, state: ChainState | None = None) -> None:
        """From the genesis on; or, with `state`, from an entry that was accepted earlier."""
        self.chain_id = chain_id
        self.state = state
        self.shown = state.seq if state else -1
        """The highest seq that was shown, accepted or passed over."""
        self._seen = seen
        self._is_lost = False

    @property
    def seen_seq(self) -> int:
        """The seq of the head that was seen earlier; -1: none was."""
        return self._seen.state.seq if self._seen else -1

    def accept(self, entry: Entry) -> Step | None:
        """Accept the next entry; None for one that is passed over, as the entries before it were dropped.

        Raises:
            Invalid: it breaks a rule, or is not the writer's.
            Fork: it is the writer's, and contradicts what was seen. Withheld: entries are missing before it.
        """
        if entry.chain_id != self.chain_id:
            raise Invalid("the server sent an entry of another chain")
        before = self.state.seq if self.state else -1
        state = self._judge(entry)
        self.shown = entry.seq
        if state is None:
            self._is_lost = True
            return None
        self._check_seen(entry)
        self.state = state
        self._is_lost = False
        return Step(entry, state, max(0, entry.seq - before - 1))

    def finish(self) -> ChainState:
        """Say that the history ends here.

        Raises:
            Rollback: the head that was seen earlier did not come. Withheld: no start came after missing entries.
        """
        if self.state is None:
            raise Invalid("the server shows a chain without its genesis")
        if self._seen and self.state.seq < self._seen.state.seq:
            raise rollback(self._seen, Sighting(self.state.seq, self.state.hash))
        if self._is_lost:
            raise _withheld()
        return self.state

    def _judge(self, entry: Entry) -> ChainState | None:
        state = self.state
        if state is None:
            return _first(entry)
        if entry.seq <= state.seq or state.closed:
            raise Invalid("the server sent entries out of order, or after a close")
        if entry.seq == state.seq + 1:
            return self._follow(state, entry)
        if entry.kind not in (Kind.CHECKPOINT, Kind.CLOSE):
            return None
        return self._jump(state, entry)

    def _follow(self, state: ChainState, entry: Entry) -> ChainState:
        try:
            return accept(state, entry)
        except Conflict:
            entry.verify_signature(state.public_key)
            before = self._seen.sighting if self._seen else Sighting(state.seq, state.hash)
            raise Fork(
                "the chain's writer signed two histories: compare with the other devices before going on",
                before, Sighting(entry.seq, entry.hash, entry.raw),
            ) from None  # fmt: skip

    def _jump(self, state: ChainState, entry: Entry) -> ChainState:
        """The state at a start, if entries may be missing before it."""
        after = start_at(state, entry)
        if after.floor < state.floor or after.key_epoch < state.key_epoch:
            raise Invalid("the floor or the key epoch falls")
        seen_seq = self._seen.state.seq if self._seen else 0
        passes_seen = entry.floor > seen_seq or entry.seq <= seen_seq
        if entry.kind != Kind.CLOSE and not (entry.floor > state.seq and passes_seen):
            raise _withheld()
        return after

    def _check_seen(self, entry: Entry) -> None:
        if self._seen is None:
            return
        seen = self._seen.state
        is_other = entry.seq == seen.seq and entry.hash != seen.hash
        is_early_end = entry.kind == Kind.CLOSE and entry.seq < seen.seq
        if is_other or is_early_end:
            raise Fork(
                "the server shows another history than this device saw: the writer signed two, or a backup of its "
                "keys is in use elsewhere; do not go on before you know which is right",
                self._seen.sighting, Sighting(entry.seq, entry.hash, entry.raw),
            )  # fmt: skip


def rollback(seen: Seen, now: Sighting) -> Rollback:
    """The error for a server that shows less than was seen."""
    return Rollback(
        f"the server shows the chain up to seq {now.seq}, but this device has seen seq {seen.state.seq}: it was "
        "restored from a backup, or hides entries; ask its operator, or another server",
        seen.sighting, now,
    )  # fmt: skip


def _first(entry: Entry) -> ChainState:
    if entry.kind != Kind.GENESIS:
        raise Invalid("the server shows a chain without its genesis")
    return begin(entry)


def _withheld() -> Withheld:
    return Withheld("the server leaves out entries that the writer did not allow to be dropped: try another server")
