"""Power cuts with lost unsynced writes: the right build loses nothing acknowledged, and each broken one is caught."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.faults.power import compile_layer
from tests.faults.power_rounds import PowerCuts
from tests.faults.verify import Lie

STORES = 4
STORES_TO_CATCH = 12


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_layer(tmp_path_factory.mktemp("library"))


async def test_nothing_acknowledged_is_lost_by_power_cuts(tmp_path: Path, library: Path) -> None:
    first = random.randrange(1 << 32)
    taken_back = writes = 0
    for seed in range(first, first + STORES):
        print(f"seed {seed}")
        cuts = PowerCuts(tmp_path / f"store-{seed}", library, seed)
        await cuts.run()
        taken_back, writes = taken_back + cuts.taken_back, writes + cuts.writes
    print(f"{taken_back} writes to disk taken back, {writes} writes acknowledged")
    assert taken_back > 50
    assert writes > 100


@pytest.mark.parametrize("way", ["no-sync", "no-meta-sync", "early", "no-names"])
async def test_a_build_that_breaks_its_word_is_caught(tmp_path: Path, library: Path, way: str) -> None:
    """Caught is only a lie that a client meets: that a broken store does not start again is not enough."""
    first = random.randrange(1 << 32)
    for seed in range(first, first + STORES_TO_CATCH):
        print(f"seed {seed}")
        try:
            await PowerCuts(tmp_path / f"store-{seed}", library, seed, way).run()
        except Lie as lie:
            print(f"caught at store {seed - first + 1}: {lie}")
            return
        except AssertionError as error:
            print(f"not started again: {error}")
    pytest.fail(f"{STORES_TO_CATCH} stores lost nothing")
