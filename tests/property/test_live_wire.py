"""The live socket's wire: what is encoded comes back, and on any input a decoder gives a value or refuses."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.core.chain import ENTRY_BYTES_MAX, SEQ_MAX, ChainId, Entry, Seq
from cairn.core.ephemeral import Ephemeral
from cairn.core.errors import Invalid, NotFound, TooLarge
from cairn.testing.chains import Writer
from cairn.wire import live

ids = st.binary(min_size=32, max_size=32).map(ChainId)
seqs = st.integers(0, SEQ_MAX).map(Seq)
WRITER = Writer("live")
WRITER.add_many(3)
MESSAGE = WRITER.message(b"in passing", 1_700_000_000_000)


@given(st.dictionaries(ids, seqs), st.lists(ids, max_size=8), st.one_of(st.none(), st.integers(-(2**62), 2**62)))
def test_commands_come_back(subscribe: dict[ChainId, Seq], unsubscribe: list[ChainId], beat: int | None) -> None:
    command = live.Command(subscribe, tuple(unsubscribe), beat)
    text = live.encode_command(command)
    assert len(text) <= live.COMMAND_BYTES_PER_CHAIN * (len(subscribe) + len(unsubscribe)) + 80
    if subscribe or unsubscribe or beat is not None:
        assert live.decode_command(text) == command
    else:
        with pytest.raises(Invalid):
            live.decode_command(text)


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    for decode in (live.decode_command, live.decode_notice):
        with suppress(Invalid):
            decode(text)


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=70)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(st.sampled_from(["subscribe", "unsubscribe", "beat", "problem", "0" * 64]), inner),
        ),
        max_leaves=12,
    )
)
def test_any_json(document: object) -> None:
    test_any_text.hypothesis.inner_test(json.dumps(document))  # type: ignore[attr-defined]


def test_frames_come_back() -> None:
    """Entries and messages alike, even of a chain whose id looks like either."""
    everything: list[Entry | Ephemeral] = [*WRITER.entries, MESSAGE]
    for held in everything:
        frame = live.encode_frame(held.chain_id, held.raw)
        assert live.decode_frame(frame) == held
        assert len(frame) <= 36 + ENTRY_BYTES_MAX
        for cut in (0, 4, 35, 36, len(frame) - 1):
            with pytest.raises(Invalid):
                live.decode_frame(frame[:cut])
        for longer in (frame + b"\0", bytes(32) + frame[32:], b"CRX1" + frame[4:]):
            with pytest.raises(Invalid):
                live.decode_frame(longer)


@given(
    st.binary(max_size=300), st.sampled_from([b"", bytes(32), live.encode_frame(MESSAGE.chain_id, MESSAGE.raw)[:90]])
)
def test_any_frame(data: bytes, start: bytes) -> None:
    with suppress(Invalid, TooLarge):
        live.decode_frame(start + data)


@given(st.lists(ids, max_size=5), ids)
def test_notices_come_back(chain_ids: list[ChainId], chain_id: ChainId) -> None:
    assert live.decode_notice(live.encode_ended(chain_ids)).ended == tuple(chain_ids)
    assert live.decode_notice(live.encode_lagged(chain_ids)).lagged == tuple(chain_ids)
    assert live.decode_notice(live.encode_beat(5)) == live.Notice()
    assert live.decode_notice(live.encode_beat(5, 7)).echo == 7
    notice = live.decode_notice(live.encode_problem(NotFound("gone"), chain_id))
    assert (type(notice.problem), str(notice.problem), notice.chain_id) == (NotFound, "gone", chain_id)
    assert live.decode_notice(live.encode_problem(Invalid("bad"))).chain_id is None
