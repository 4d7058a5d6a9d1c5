"""Three interface nodes before one storage, with and without asking each other for hot blocks: what the storage is
spared, and what a read takes. `python -m benchmarks.neighbours`
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import os
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks import machine
from benchmarks.contenders import base, cairn
from cairn.core.block import Block

_NODES: Final = ("a", "b", "c")
_BLOCKS: Final = 600
_BLOCK_BYTES: Final = 16_384
_MEMORY: Final = "2MiB"
_REQUESTS: Final = 15_000
_ROUNDS: Final = 3
_ZIPF: Final = 0.9


class _Run(NamedTuple):
    storage_reads: int
    p50_ms: float
    p99_ms: float
    cpu_seconds_per_1000: float


def main() -> None:
    """Measure both ways in turn, and print each round."""
    with tempfile.TemporaryDirectory(prefix="cairn-bench-") as path:
        for name, value in machine.describe(Path(path)).items():
            print(f"{name:8} {value}")
        print(
            f"load     {_REQUESTS} reads, Zipf {_ZIPF}, of {_BLOCKS} blocks of 16 KiB, at 3 nodes with {_MEMORY} each\n"
        )
        for number, asks in itertools.product(range(_ROUNDS), (False, True)):
            run = _run(Path(path) / f"{number}-{asks}", asks=asks)
            print(
                f"{'neighbours asked' if asks else 'storage alone':18} {run.storage_reads:6} reads of the storage, "
                f"p50 {run.p50_ms:5.2f} ms, p99 {run.p99_ms:5.2f} ms, {run.cpu_seconds_per_1000:.3f} s CPU / 1,000"
            )


def _run(folder: Path, *, asks: bool) -> _Run:
    rand = random.Random(7)
    bodies = [rand.randbytes(_BLOCK_BYTES) for _ in range(_BLOCKS)]
    with _deployment(folder, asks=asks) as (storage_port, ports, pids):
        paths = [f"/v1/blocks/{Block.of(body).id.hex()}" for body in bodies]
        for path, body in zip(paths, bodies, strict=True):
            base.put_or_fail(ports[0], path, body)
        weights = [1 / (rank + 1) ** _ZIPF for rank in range(_BLOCKS)]
        asked = rand.choices(paths, weights, k=_REQUESTS)
        before, cpu = _answered(storage_port), sum(map(machine.cpu_seconds, pids))
        times = _ask_all(ports, asked, rand)
        spent = sum(map(machine.cpu_seconds, pids)) - cpu
        reads = _answered(storage_port) - before
    return _Run(reads, times[len(times) // 2], times[len(times) * 99 // 100], spent / _REQUESTS * 1_000)


@contextlib.contextmanager
def _deployment(folder: Path, *, asks: bool) -> Iterator[tuple[int, list[int], list[int]]]:
    """The ports of the storage and the nodes, and the pids of all."""
    folder.mkdir()
    with contextlib.ExitStack() as stack:
        storage = {"CAIRN_NODE_ROLES": "storage", "CAIRN_STORAGE_LISTEN": "127.0.0.1:0"}
        kept = _folder(folder / "storage")
        storage_port, storage_pid = stack.enter_context(cairn.serving(kept, **storage))
        near = {name: base.free_port() for name in _NODES}
        ports, pids = [], [storage_pid]
        for name in _NODES:
            own = _folder(folder / name)
            (own / "cairn.toml").write_text(_config(name, kept, storage_port, near, asks=asks))
            port, pid = stack.enter_context(cairn.serving(own))
            ports.append(port)
            pids.append(pid)
        if asks:
            time.sleep(2)  # the links between them
        yield storage_port, ports, pids


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _config(name: str, kept: Path, storage_port: int, near: dict[str, int], *, asks: bool) -> str:
    others = ", ".join(f'{other} = "127.0.0.1:{port}"' for other, port in near.items() if other != name)
    neighbourly = f'listen = "127.0.0.1:{near[name]}"\nneighbours = {{ {others} }}\n' if asks else ""
    return (
        f'[node]\nname = "{name}"\nroles = ["interface"]\nsecret_file = "{kept / "data" / "secret"}"\n'
        f'[storage]\nengine = "remote"\nservers = ["127.0.0.1:{storage_port}"]\n'
        f'[cache]\nmemory = "{_MEMORY}"\n{neighbourly}'
    )


def _ask_all(ports: Sequence[int], paths: Sequence[str], rand: random.Random) -> list[float]:
    """Milliseconds of each request, sorted; each goes to a node drawn at random."""
    connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=30) for port in ports]
    times = []
    for path in paths:
        connection = rand.choice(connections)
        began = time.perf_counter()
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        times.append((time.perf_counter() - began) * 1_000)
        assert answer.status == 200, answer.status
        assert len(body) == _BLOCK_BYTES
    return sorted(times)


def _answered(storage_port: int) -> int:
    _, text = base.ask(storage_port, "GET", "/metrics")
    name = 'cairn_link_round_trip_seconds_count{end="answers"}'
    return round(next(float(line.split()[-1]) for line in text.decode().splitlines() if line.startswith(name)))


if __name__ == "__main__":
    os.environ.pop("CAIRN_CONFIG", None)
    main()
