"""A hundred kills under sixteen writers. `python -m tests.faults.crash` does a thousand."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.faults.crash import crash_rounds
from tests.harness import Server

ROUNDS = 100


@pytest.mark.timeout(600)
async def test_nothing_acknowledged_is_lost_by_kills(tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    server = Server(tmp_path)
    try:
        outcome = await crash_rounds(server, ROUNDS, seed)
    finally:
        if server.process is not None:
            server.kill()
    print(outcome)
    assert outcome.rounds == ROUNDS
    assert outcome.blocks > ROUNDS
    assert outcome.entries > ROUNDS
