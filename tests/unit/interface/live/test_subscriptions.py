"""What is decided about one live socket, against a model of what its client would see."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.core.chain import ChainId, Seq
from cairn.core.errors import TooLarge
from cairn.interface.live.subscriptions import Subscriptions

CHAINS = [ChainId(bytes((number,)) * 32) for number in range(3)]
steps = st.lists(
    st.tuples(
        st.sampled_from(["grow", "follow", "leave", "send"]), st.integers(0, 2), st.integers(0, 6), st.integers(1, 3)
    ),
    max_size=60,
)


@given(steps)
def test_what_is_sent_has_no_gap_and_no_repeat(steps: list[tuple[str, int, int, int]]) -> None:
    """Whatever grows, comes and goes between: each chain goes on from the place that was asked for last."""
    subscriptions = Subscriptions(8)
    stops = dict.fromkeys(CHAINS, 1)
    wanted: dict[ChainId, int] = {}
    for what, which, seq, count in steps:
        chain_id = CHAINS[which]
        if what == "grow":
            stops[chain_id] += count
            subscriptions.grew(chain_id, Seq(stops[chain_id]))
        elif what == "follow":
            wanted[chain_id] = seq
            subscriptions.put(chain_id, Seq(seq))
            subscriptions.grew(chain_id, Seq(stops[chain_id]))
        elif what == "leave":
            wanted.pop(chain_id, None)
            subscriptions.drop(chain_id)
        else:
            _send_page(subscriptions, stops, wanted, count)
    while subscriptions.behind:
        _send_page(subscriptions, stops, wanted, 2)
    assert all(place >= stops[chain_id] for chain_id, place in wanted.items())
    assert set(subscriptions.chains) == set(wanted)


def _send_page(subscriptions: Subscriptions, stops: dict[ChainId, int], wanted: dict[ChainId, int], count: int) -> None:
    behind = subscriptions.next_behind()
    if behind is None:
        assert all(place >= stops[chain_id] for chain_id, place in wanted.items())
        return
    chain_id, place = behind
    assert place == wanted[chain_id] < stops[chain_id]
    for seq in range(place, min(place + count, stops[chain_id])):
        assert subscriptions.move(chain_id, Seq(seq), Seq(seq + 1), Seq(stops[chain_id]))
        wanted[chain_id] = seq + 1


def test_chains_take_turns() -> None:
    subscriptions = Subscriptions(8)
    for chain_id in CHAINS:
        subscriptions.put(chain_id, Seq(0))
        subscriptions.grew(chain_id, Seq(100))
    turns = [turn for _ in range(6) if (turn := subscriptions.next_behind())]
    assert [chain_id for chain_id, _ in turns] == CHAINS * 2


def test_a_page_of_a_place_that_was_left_is_not_sent() -> None:
    """The client asked otherwise while the page was fetched."""
    subscriptions, chain_id = Subscriptions(8), CHAINS[0]
    subscriptions.put(chain_id, Seq(5))
    subscriptions.put(chain_id, Seq(2))
    assert not subscriptions.move(chain_id, Seq(5), Seq(6), Seq(9))
    subscriptions.drop(chain_id)
    assert not subscriptions.move(chain_id, Seq(2), Seq(3), Seq(9))
    subscriptions.grew(chain_id, Seq(9))
    assert subscriptions.next_behind() is None


def test_the_end_of_a_chain_waits_like_an_entry() -> None:
    subscriptions, chain_id = Subscriptions(8), CHAINS[0]
    subscriptions.put(chain_id, Seq(9))
    subscriptions.grew(chain_id, Seq(3))
    assert subscriptions.next_behind() is None
    subscriptions.grew(chain_id, Seq(3), is_closed=True)
    assert subscriptions.next_behind() == (chain_id, 9)


def test_bounds() -> None:
    """So many chains and no more, those that are followed not counted twice; and the newest messages."""
    subscriptions = Subscriptions(2)
    subscriptions.put(CHAINS[0], Seq(0))
    subscriptions.check_room(CHAINS[:2])
    with pytest.raises(TooLarge):
        subscriptions.check_room(CHAINS)
    for number in range(1_000):
        subscriptions.hear(b"%d" % number)
    heard = []
    while (frame := subscriptions.next_heard()) is not None:
        heard.append(int(frame))
    assert heard == list(range(1_000 - len(heard), 1_000))
    assert 64 <= len(heard) < 1_000
