"""Cuts the power at random moments under sixteen writers, again and again: nothing acknowledged may be lost.

python -m tests.faults.power_rounds --stores 100 --seed 1
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import signal
import tempfile
import time
from pathlib import Path

from tests.faults.api import Lost, open_api
from tests.faults.crash import scrubbed
from tests.faults.power import PoweredDisk, compile_layer
from tests.faults.verify import Verifier
from tests.faults.workload import Workload
from tests.harness import Server

CUTS = 12  # of one store
_MOMENTS_MAX = 400  # a first start has about 180, a later one 20


class PowerCuts:
    """One store that loses its power again and again. `way` is a broken build of `broken.py`."""

    def __init__(self, folder: Path, library: Path, seed: int, way: str = "") -> None:
        folder.mkdir(exist_ok=True)
        self._disk = PoweredDisk(folder / "disk", folder / "side", library)
        self._server = Server(folder, {"node": {"data": str(folder / "disk" / "data")}})
        if way:
            self._server.command[1:] = [str(Path(__file__).with_name("broken.py")), way]
        self._rand = random.Random(f"power {seed}")
        # Of what was not durable nothing is left, or by chance some: a disk writes in any order.
        self._survival = self._rand if self._rand.random() < 0.5 else None
        self._workload = Workload(seed)
        self._verifier = Verifier(self._workload.acknowledged, self._rand)
        self.taken_back = 0

    @property
    def writes(self) -> int:
        """How many were acknowledged."""
        return self._workload.acknowledged.writes

    async def run(self, cuts: int = CUTS) -> None:
        """Cut so often, then check everything. Raises AssertionError when something acknowledged is lost or wrong."""
        try:
            for _ in range(cuts):
                self._server.environ = self._disk.environ(self._rand.randint(1, _MOMENTS_MAX))
                await self._live()
                self.taken_back += self._disk.cut(self._survival)
            await self._check_end()
        finally:
            if self._server.process is not None:
                self._server.kill()

    async def _live(self) -> None:
        """Start, be checked and written to, until the power goes."""
        try:
            await asyncio.to_thread(self._server.start)
        except AssertionError:
            self._assert_cut()
            return
        async with open_api(self._server.url) as api:
            with contextlib.suppress(Lost):
                await self._verifier.check_new(api)
            await self._workload.run(api)
        self._assert_cut()

    def _assert_cut(self) -> None:
        assert self._server.process is not None
        code = self._server.process.wait(60)
        assert code == -signal.SIGKILL, f"it ended by itself, with {code}: {self._server.log.read_text()[-2000:]}"

    async def _check_end(self) -> None:
        self._server.environ = {}
        await asyncio.to_thread(self._server.start)
        async with open_api(self._server.url) as api:
            await self._verifier.check_all(api)
        assert await asyncio.to_thread(self._server.stop) == 0
        await asyncio.to_thread(scrubbed, self._server.data)


def main() -> None:
    """Run so many stores, one after the other, and tell what came of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stores", type=int, default=100)
    parser.add_argument("--cuts", type=int, default=CUTS)
    parser.add_argument("--way", default="", help="a broken build of broken.py")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    began, writes, taken_back = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        library = compile_layer(Path(folder))
        for seed in range(options.seed, options.seed + options.stores):
            print(f"seed {seed}", flush=True)
            cuts = PowerCuts(Path(folder) / f"store-{seed}", library, seed, options.way)
            asyncio.run(cuts.run(options.cuts))
            writes, taken_back = writes + cuts.writes, taken_back + cuts.taken_back
    print(
        f"{options.stores * options.cuts} power cuts, {taken_back} writes to disk taken back, {writes} writes "
        f"acknowledged, nothing lost; {time.monotonic() - began:.0f} s"
    )


if __name__ == "__main__":
    main()
