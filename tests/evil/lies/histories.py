"""Lies about a whole chain, which the server then keeps to; and about its head."""

from __future__ import annotations

import random
from dataclasses import replace

from cairn.client.format.payload import Payload
from cairn.core.chain import Kind as EntryKind
from cairn.core.crypto import sha256
from cairn.testing.chains import Writer
from tests.evil.lies.catalogue import About, History, lie
from tests.evil.lies.damage import another, damaged, flipped, other_field


def _entry_at(draw: random.Random, told: History) -> int:
    """Where to lie: mostly near the end, and never nowhere."""
    count = len(told.rows)
    return draw.randrange(count) if draw.random() < 0.6 else draw.randrange(max(0, count - 3), count)


def _changed(told: History, at: int, raw: bytes) -> History:
    rows = list(told.rows)
    rows[at] = (rows[at][0], raw)
    return replace(told, rows=tuple(rows))


@lie("history", "altered", "rollback")
def _flip(draw: random.Random, told: History, about: About) -> History:
    at = _entry_at(draw, told)
    return _changed(told, at, flipped(draw, told.rows[at][1]))


@lie("history", "altered", "rollback")
def _damage(draw: random.Random, told: History, about: About) -> History:
    at = _entry_at(draw, told)
    return _changed(told, at, damaged(draw, told.rows[at][1]))


@lie("history", "altered", "rollback")
def _edit_header(draw: random.Random, told: History, about: About) -> History:
    at = _entry_at(draw, told)
    return _changed(told, at, other_field(draw, told.rows[at][1]))


@lie("history", "altered")
def _sign_with_another_key(draw: random.Random, told: History, about: About) -> History:
    at = _entry_at(draw, told)
    unsigned = told.rows[at][1][:-64]
    return _changed(told, at, unsigned + Writer("evil/stranger").keys.sign("entry", unsigned))


@lie("history", "altered")
def _swap_signatures(draw: random.Random, told: History, about: About) -> History:
    at, other = _entry_at(draw, told), _entry_at(draw, told)
    return _changed(told, at, told.rows[at][1][:-64] + told.rows[other][1][-64:])


@lie("history", "altered")
def _forge_by_a_reader(draw: random.Random, told: History, about: About) -> History:
    """Whoever reads could seal an entry that opens; only the signature is missing."""
    made = Writer(f"evil/forger/{draw.random()}")
    payload = Payload.of_text("never said").encode()
    forged = about.story.keys.follow(about.story.main.state, EntryKind.LINK, payload, salt=draw.randbytes(32)).raw
    raw = forged[:-64] + made.keys.sign("entry", forged[:-64])
    return replace(told, rows=(*told.rows, (told.seq + 1, raw)), seq=told.seq + 1, hash=sha256(raw).hex())


@lie("history", "altered", "rollback")
def _leave_out(draw: random.Random, told: History, about: About) -> History:
    at = _entry_at(draw, told)
    return replace(told, rows=told.rows[:at] + told.rows[at + 1 :])


@lie("history", "altered", "rollback")
def _leave_out_many(draw: random.Random, told: History, about: About) -> History:
    first, last = sorted((_entry_at(draw, told), _entry_at(draw, told)))
    return replace(told, rows=told.rows[:first] + told.rows[last + 1 :])


@lie("history", "altered", "rollback")
def _leave_out_before_a_start(draw: random.Random, told: History, about: About) -> History:
    """What lies before a checkpoint or an end, whether its writer gave it up or not."""
    starts = [at for at, (_, raw) in enumerate(told.rows) if raw[4:5] in (b"\x03", b"\x04") and at > 1]
    stop = draw.choice(starts) if starts else len(told.rows)
    return replace(told, rows=told.rows[: draw.randrange(1, max(2, stop))] + told.rows[stop:])


@lie("history", "altered", "rollback")
def _hold_back(draw: random.Random, told: History, about: About) -> History:
    """Less than the head that is named."""
    return replace(told, rows=told.rows[: _entry_at(draw, told)])


@lie("history", "altered")
def _repeat(draw: random.Random, told: History, about: About) -> History:
    at, to = _entry_at(draw, told), _entry_at(draw, told)
    return replace(told, rows=(*told.rows[:to], told.rows[at], *told.rows[to:]))


@lie("history", "altered")
def _swap(draw: random.Random, told: History, about: About) -> History:
    rows = list(told.rows)
    one, other = _entry_at(draw, told), _entry_at(draw, told)
    rows[one], rows[other] = rows[other], rows[one]
    return replace(told, rows=tuple(rows))


@lie("history", "altered", "rollback")
def _shuffle(draw: random.Random, told: History, about: About) -> History:
    rows = list(told.rows)
    draw.shuffle(rows)
    return replace(told, rows=tuple(rows))


@lie("history", "rollback")
def _roll_back(draw: random.Random, told: History, about: About) -> History:
    """An older state, and a head that fits it."""
    rows = told.rows[: max(1, _entry_at(draw, told))]
    seq, raw = rows[-1]
    return History(rows, seq, sha256(raw).hex())


@lie("history", "rollback")
def _roll_back_past_what_was_seen(draw: random.Random, told: History, about: About) -> History:
    rows = tuple(row for row in told.rows if row[0] < max(1, about.seen)) or told.rows[:1]
    seq, raw = rows[-1]
    return History(rows, seq, sha256(raw).hex())


@lie("history", "rollback", "absent")
def _lose_all(draw: random.Random, told: History, about: About) -> History:
    return replace(told, is_gone=True)


@lie("history", "altered", "rollback")
def _show_nothing(draw: random.Random, told: History, about: About) -> History:
    return replace(told, rows=())


@lie("history", "fork", "rollback")
def _fork(draw: random.Random, told: History, about: About) -> History:
    return History.of(about.story.branches[1].entries)


@lie("history", "fork", "rollback")
def _fork_cut(draw: random.Random, told: History, about: About) -> History:
    entries = about.story.branches[1].entries
    return History.of(entries[: draw.randrange(1, len(entries) + 1)])


@lie("history", "fork", "altered", "rollback")
def _cross_branches(draw: random.Random, told: History, about: About) -> History:
    """One branch up to a place, and from there on the other."""
    one, other = about.story.branches if draw.random() < 0.5 else about.story.branches[::-1]
    at = draw.randrange(1, min(len(one.entries), len(other.entries)) + 1)
    return History.of([*one.entries[:at], *other.entries[at:]])


@lie("history", "altered", "fork", "rollback")
def _mix_branches(draw: random.Random, told: History, about: About) -> History:
    pairs = zip(*(branch.entries for branch in about.story.branches), strict=False)
    return History.of([draw.choice(pair) for pair in pairs])


@lie("history", "altered")
def _splice(draw: random.Random, told: History, about: About) -> History:
    """An entry of another chain in the place of one."""
    at = _entry_at(draw, told)
    others = another(draw, about).main.entries
    return _changed(told, at, draw.choice(others[max(0, told.rows[at][0] - 1) :] or others).raw)


@lie("history", "altered")
def _put_in(draw: random.Random, told: History, about: About) -> History:
    """An entry of another chain between two."""
    at = _entry_at(draw, told)
    row = (told.rows[at][0], draw.choice(another(draw, about).main.entries).raw)
    return replace(told, rows=(*told.rows[:at], row, *told.rows[at:]))


@lie("history", "altered", "rollback")
def _another_chain(draw: random.Random, told: History, about: About) -> History:
    """Another chain under this one's id: whoever holds a capability for one is shown the other."""
    return History.of(another(draw, about).main.entries)


@lie("history", "altered")
def _another_genesis(draw: random.Random, told: History, about: About) -> History:
    genesis = another(draw, about).main.entries[0].raw
    return replace(told, rows=((0, genesis), *told.rows[1:]))


@lie("history", "altered", "fork")
def _go_on_with_another_chain(draw: random.Random, told: History, about: About) -> History:
    others = another(draw, about).main.entries
    last = others[-1]
    rows = (*told.rows, *((int(entry.seq), entry.raw) for entry in others[told.seq + 1 :] or others[-1:]))
    return replace(told, rows=rows, seq=max(told.seq + 1, int(last.seq)), hash=last.hash.hex())


# --- heads ------------------------------------------------------------------------------------------------------------


@lie("head", "altered", "large")
def _a_later_head(draw: random.Random, told: History, about: About) -> History:
    return replace(told, seq=told.seq + draw.choice((1, 2, 1000, 2**53 - 1 - told.seq)))


@lie("head", "rollback", "altered")
def _an_earlier_head(draw: random.Random, told: History, about: About) -> History:
    return replace(told, seq=draw.randrange(max(1, told.seq)))


@lie("head", "altered", "fork")
def _another_hash(draw: random.Random, told: History, about: About) -> History:
    return replace(told, hash=draw.randbytes(32).hex())


@lie("head", "altered", "rollback")
def _another_floor(draw: random.Random, told: History, about: About) -> History:
    return replace(told, floor=draw.choice((0, 1, told.seq // 2, told.seq, told.seq + 1, 2**53 - 1)))


@lie("head", "altered")
def _another_end(draw: random.Random, told: History, about: About) -> History:
    return replace(told, closed=not told.closed)
