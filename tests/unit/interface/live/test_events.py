"""What event streams share."""

from __future__ import annotations

import base64
import json

from cairn.core.chain import BODY_BYTES_MAX, ChainId, Seq
from cairn.interface.live.events import _SHARED_BYTES_MAX, _SharedData
from cairn.wire.live import encode_frame

CHAIN = ChainId(b"c" * 32)


def test_the_events_of_long_entries_fill_no_memory() -> None:
    shared = _SharedData()
    for seq in range(1_000):
        raw = seq.to_bytes(4, "big") * (BODY_BYTES_MAX // 4)
        data = json.loads(shared.of(CHAIN, Seq(seq), encode_frame(CHAIN, raw)))
        assert data == {"chain": CHAIN.hex(), "seq": seq, "entry": base64.b64encode(raw).decode()}
    assert _SHARED_BYTES_MAX - 100_000 < shared.newest.bytes <= _SHARED_BYTES_MAX
    assert shared.newest.bytes == sum(map(len, shared.newest._made.values()))


def test_an_event_is_made_once() -> None:
    shared = _SharedData()
    frame = encode_frame(CHAIN, b"an entry")
    assert shared.of(CHAIN, Seq(1), frame) is shared.of(CHAIN, Seq(1), frame)
