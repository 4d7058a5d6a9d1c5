"""HTTP caches in memory, before an origin that serves files: Varnish, and nginx with `proxy_cache` on a RAM disk.

Only the cache's CPU time counts; while all answers are hits, the origin rests.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks import load as loads
from benchmarks.contenders import base, nginx

_RAM_DISK: Final = Path("/dev/shm")
_CONFIGURATION: Final = """
{user} daemon off; master_process on; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; open_file_cache max=100;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    proxy_cache_path {kept} levels=1:2 keys_zone=kept:1m max_size=64m use_temp_path=off;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{origin}; proxy_cache kept; proxy_cache_valid 200 1h; proxy_http_version 1.1;
        }}
    }}
}}
"""


class Cache(base.Contender):
    """Answers GETs from memory, after the first."""

    def __init__(self, name: str, port: int, pid: int) -> None:
        self.name = name
        self._port = port
        self._pid = pid

    def get(self, load: base.Get) -> base.Measure | None:
        if load.size != base.CACHED_SIZE:
            return None
        path = f"/{load.size}"
        status, body = base.ask(self._port, "GET", path)
        if status != 200 or body != base.body_of(load.size):
            raise RuntimeError(f"{self.name} gave {status}")
        connections = base.same(base.head("GET", path))
        return functools.partial(loads.run, loads.Load(self._port, self._pid, connections))


@contextlib.contextmanager
def start_varnish(folder: Path) -> Iterator[Cache]:
    program = shutil.which("varnishd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise base.MissingError("install Varnish (Debian: varnish)")
    port = base.free_port()
    with _origin(folder) as origin:
        command = [
            program, "-F", "-j", "none", "-n", folder / "varnish", "-a", f"127.0.0.1:{port}",
            "-b", f"127.0.0.1:{origin}", "-s", "malloc,64m",
        ]  # fmt: skip
        with base.running(command, folder, lambda: base.answers(port)) as pid:
            yield Cache("Varnish", port, pid)


@contextlib.contextmanager
def start_nginx(folder: Path) -> Iterator[Cache]:
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise base.MissingError("install nginx (Debian: nginx-light)")
    port = base.free_port()
    ram_disk = _RAM_DISK if _RAM_DISK.is_dir() else folder
    with _origin(folder) as origin, tempfile.TemporaryDirectory(dir=ram_disk) as kept:
        configuration = folder / "nginx.conf"
        user = "user root;" if os.geteuid() == 0 else ""
        configuration.write_text(_CONFIGURATION.format(folder=folder, kept=kept, port=port, origin=origin, user=user))
        command = [program, "-c", configuration, "-p", folder, "-e", folder / "error.log"]
        with base.running(command, folder, lambda: base.answers(port)) as pid:
            yield Cache("nginx proxy_cache", port, pid)


@contextlib.contextmanager
def _origin(folder: Path) -> Iterator[int]:
    """The port of a server that has the file."""
    own = folder / "origin"
    own.mkdir()
    with nginx.start(own) as origin:
        yield origin.port
