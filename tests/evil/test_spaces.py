"""The server that lies about the chains of a space: its roster, its members' chains, and their new keys."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.evil.broken import BROWSER_CHAIN_ID, BROWSER_PIN, BROWSER_SIGNATURES, Break
from tests.evil.runs import Sdk, run
from tests.evil.server import EvilServer, lying
from tests.evil.spaces import SpaceCase, space_case
from tests.evil.test_evil_server import COUNT, SEED

SHARE = 5
HONEST = 60
FIRST = 5_000_000

BREAKS = (
    Break(
        "who was removed", "browser",
        (("space/order.js", "member.lastSeq !== null && (entry.seq ?? Infinity) > member.lastSeq", "false"),),
        ("show another member",), count=10,
    ),
    Break("the pinned head", "browser", BROWSER_PIN, ("remove another", "fork"), count=10),
    Break("signatures", "browser", BROWSER_SIGNATURES, ("sign with another key", "forge by a reader"), count=10),
    Break("the chain's id", "browser", BROWSER_CHAIN_ID, ("show another member",), count=10, scenarios=("fresh",)),
    Break(
        "what was seen", "browser",
        (("chains/taking.js", "Math.min(this.seq, headSeq) < this.pin.seq", "false"),),
        ("withhold new keys", "roll back"), count=10,
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[EvilServer]:
    """The server that lies."""
    with lying() as evil:
        yield evil


def test_an_honest_server_is_believed(server: EvilServer) -> None:
    cases = (space_case(number, SEED, is_honest=True) for number in range(FIRST, FIRST + HONEST))
    outcome = run(server, Sdk.whole("browser"), cases)
    assert outcome.faults == []
    assert set(outcome.shown) == {"fine"}


@pytest.mark.timeout(0)
def test_no_lie_is_believed(server: EvilServer) -> None:
    count = max(1, COUNT // SHARE)
    outcome = run(server, Sdk.whole("browser"), (space_case(FIRST + number, SEED) for number in range(count)))
    print(f"\nspaces: seed {SEED}, {outcome.told} cases with {sum(outcome.lies.values())} lies")
    print(json.dumps({"what was told": outcome.shown, "lies": outcome.lies}, indent=1))
    assert not outcome.faults, "\n".join(outcome.faults)
    assert outcome.told >= 0.8 * count


@pytest.mark.parametrize("broken", [pytest.param(one, id=one.name) for one in BREAKS])
def test_a_check_that_is_taken_out_is_missed(server: EvilServer, tmp_path: Path, broken: Break) -> None:
    cases = (space_case(number) for number in itertools.count(2 * FIRST))
    missed = itertools.islice((case for case in cases if _is_missed(broken, case)), broken.count)
    outcome = run(server, broken.made(tmp_path / "sdk"), missed)
    assert outcome.faults, "the lie is found out all the same, or the harness does not see that it is believed"


def _is_missed(broken: Break, case: SpaceCase) -> bool:
    names = {lie.name.partition(": ")[2] for lie in case.lies}
    return names <= set(broken.lies) and case.scenario in (broken.scenarios or ("forgotten",))
