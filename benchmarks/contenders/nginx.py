"""nginx: static files of the same bytes, one worker process."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from benchmarks import load as loads
from benchmarks.contenders import base

_CONFIGURATION = """
{user} daemon off; master_process on; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; open_file_cache max=100;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    server {{ listen 127.0.0.1:{port}; root {folder}/files; default_type application/octet-stream; }}
}}
"""


class Nginx(base.Contender):
    name = "nginx"

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self._pid = pid

    def get(self, load: base.Get) -> base.Measure:
        connections = base.same(base.head("GET", f"/{load.size}"))
        return functools.partial(loads.run, loads.Load(self.port, self._pid, connections))


@contextlib.contextmanager
def start(folder: Path) -> Iterator[Nginx]:
    program = shutil.which("nginx")
    if program is None:
        raise base.MissingError("install nginx (Debian: nginx-light)")
    port = base.free_port()
    files = folder / "files"
    files.mkdir()
    for size in base.GET_SIZES:
        (files / str(size)).write_bytes(base.body_of(size))
    user = "user root;" if os.geteuid() == 0 else ""  # else the worker may not read a private folder
    configuration = folder / "nginx.conf"
    configuration.write_text(_CONFIGURATION.format(folder=folder, port=port, user=user))
    command = [program, "-c", configuration, "-p", folder, "-e", folder / "error.log"]
    with base.running(command, folder, lambda: base.answers(port)) as pid:
        yield Nginx(port, pid)
