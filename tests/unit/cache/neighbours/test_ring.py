"""Rendezvous: even, the same for all, and moving only what it must."""

from __future__ import annotations

from collections import Counter

from cairn.cache.neighbours import Ring
from cairn.core.block import BlockId
from cairn.core.crypto import sha256

IDS = [BlockId(sha256(b"%d" % number)) for number in range(4_000)]


def test_every_node_has_its_share() -> None:
    names = [f"node-{number}" for number in range(5)]
    first = Counter(Ring(names).preferred(block_id)[0] for block_id in IDS)
    assert set(first) == set(names)
    assert all(abs(count - 800) < 120 for count in first.values())


def test_who_knows_the_same_names_agrees() -> None:
    one, other = Ring(["a", "b", "c"]), Ring(["c", "a", "b"])
    assert [one.preferred(block_id, 2) for block_id in IDS] == [other.preferred(block_id, 2) for block_id in IDS]


def test_when_a_node_goes_only_its_blocks_move() -> None:
    before, after = Ring(["a", "b", "c", "d"]), Ring(["a", "b", "d"])
    for block_id in IDS:
        ranked = [name for name in before.preferred(block_id, 4) if name != "c"]
        assert after.preferred(block_id, 3) == ranked


def test_more_copies_are_more_nodes_and_never_more_than_there_are() -> None:
    ring = Ring(["a", "b", "c"])
    for block_id in IDS[:100]:
        assert ring.preferred(block_id, 2)[:1] == ring.preferred(block_id, 1)
        assert sorted(ring.preferred(block_id, 9)) == ["a", "b", "c"]


def test_pins_come_first_the_longest_before_the_others() -> None:
    ring = Ring(["a", "b", "c"], {"0": "a", "0f": "b", "1": "gone"})
    for block_id in IDS:
        block_hex = block_id.hex()
        if block_hex.startswith("0"):
            assert ring.preferred(block_id)[0] == ("b" if block_hex.startswith("0f") else "a")
            assert len(set(ring.preferred(block_id, 3))) == 3
        else:
            assert ring.preferred(block_id, 3) == Ring(["a", "b", "c"]).preferred(block_id, 3)
