"""A server that lies to both SDKs: nothing false is shown, and what it did is called by its name.

`CAIRN_LIES=10000 pytest -s tests/evil` tells so many, each to both, and says what came of them; `CAIRN_LIES_SEED` draws
others. By itself it tells a tenth.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.evil.broken import BREAKS, Break
from tests.evil.cases import Lie, case
from tests.evil.lies.catalogue import CATALOGUE
from tests.evil.runs import Outcome, Sdk, run
from tests.evil.server import EvilServer, lying

COUNT = int(os.environ.get("CAIRN_LIES", "1000"))
SEED = int(os.environ.get("CAIRN_LIES_SEED", "0"))
HONEST = 200
ALL_KINDS = 1_000  # among so many cases there is each kind of lie
SPARE = 1.1  # a few lies change nothing: an entry changes places with itself

SDKS = ("python", "browser")


@pytest.fixture(scope="module")
def server() -> Iterator[EvilServer]:
    """The server that lies."""
    with lying() as evil:
        yield evil


@pytest.mark.parametrize("sdk", SDKS)
def test_an_honest_server_is_believed(server: EvilServer, sdk: str) -> None:
    outcome = run(server, Sdk.whole(sdk), (case(number, SEED, is_honest=True) for number in range(HONEST)))
    assert outcome.faults == []
    assert outcome.told == 0
    assert set(outcome.shown) == {"fine"}


@pytest.mark.timeout(0)
@pytest.mark.parametrize("sdk", SDKS)
def test_no_lie_is_believed(server: EvilServer, sdk: str) -> None:
    outcome = run(server, Sdk.whole(sdk), (case(number, SEED) for number in range(round(COUNT * SPARE))))
    print(f"\n{sdk}: seed {SEED}, {outcome.told} cases with {sum(outcome.lies.values())} lies")
    print(json.dumps({"what was told": outcome.shown, "lies": outcome.lies}, indent=1))
    assert not outcome.faults, "\n".join(outcome.faults)
    assert outcome.told >= COUNT
    if COUNT >= ALL_KINDS:
        assert_all_were_told(outcome, sdk)


def assert_all_were_told(outcome: Outcome, sdk: str) -> None:
    """Every lie of the catalogue, but for those about what this SDK never asks."""
    never = {"browser": ("frames", "info"), "python": ()}[sdk]
    assert {name for name, kind in CATALOGUE.items() if kind.aim not in (*never, "member")} <= set(outcome.lies)


def test_a_conflict_is_feigned_for_what_was_refused_before(server: EvilServer) -> None:
    """What waits in an outbox is then sent again as it is, or given up: never signed anew for the same place."""
    drawn = (one for one in map(case, itertools.count(6_000_000)) if one.scenario == "add")
    cases = [
        replace(one, lies=(Lie("ack: feign a conflict", "0"), Lie("ack: refuse to append", f"{number}", always=False)))
        for number, one in enumerate(itertools.islice(drawn, 30))
    ]
    assert run(server, Sdk.whole("browser"), cases).faults == []


def test_the_server_goes_back_while_it_is_followed(server: EvilServer) -> None:
    """It breaks a stream off, and then has less than was seen: who follows is told, and waits no more."""
    drawn = (one for one in map(case, itertools.count(7_000_000)) if one.scenario == "stream" and one.seen > 1)
    cases = [
        replace(one, lies=(Lie("event: break the stream", f"{number}"), Lie("history: fork cut", f"{number}")))
        for number, one in enumerate(itertools.islice(drawn, 60))
    ]
    assert run(server, Sdk.whole("python"), cases).faults == []


@pytest.mark.parametrize("broken", [pytest.param(one, id=f"{one.name}-{one.sdk}") for one in BREAKS])
def test_a_check_that_is_taken_out_is_missed(server: EvilServer, tmp_path: Path, broken: Break) -> None:
    cases = (case(number) for number in itertools.count(1_000_000))
    missed = itertools.islice((one for one in cases if broken.is_missed_by(one)), broken.count)
    outcome = run(server, broken.made(tmp_path / "sdk"), missed)
    assert outcome.faults, "the lie is found out all the same, or the harness does not see that it is believed"
