"""`cairn serve`: run a node until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cairn.cli import options
from cairn.cli.output import note, say, say_json, show_pairs
from cairn.cli.settings import load

if TYPE_CHECKING:
    from cairn.compose import Changes, Ready
    from cairn.config import Config

_log = logging.getLogger("cairn")


def serve(
    path: options.ConfigFile = None,
    listen: Annotated[str | None, typer.Option("--listen", metavar="HOST:PORT", help="Where to take requests.")] = None,
    data: options.Data = None,
    www: Annotated[Path | None, typer.Option("--www", metavar="DIR", help="A folder to serve as a site.")] = None,
    ready_file: Annotated[
        Path | None, typer.Option("--ready-file", metavar="FILE", help="Write the JSON of the start here, when ready.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Serve blocks and chains. Works with no file and no option at all."""

    def configured() -> Config:
        return _with_site(load(path, _flags(listen, data)), www)

    config = configured()
    run(config, lambda ready: announce(config, ready, as_json=as_json, ready_file=ready_file), configured)


def run(config: Config, announce: Callable[[Ready], None], configured: Callable[[], Config] | None = None) -> None:
    """Run a node until a signal ends it, and say when it is ready. At SIGHUP it is `configured` anew."""
    from cairn.logs import log_as_json

    log_as_json()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_run(config, announce, configured or (lambda: config)))


async def _run(config: Config, announce: Callable[[Ready], None], configured: Callable[[], Config]) -> None:
    from cairn.compose import Changes, run

    stop, changes, loop = asyncio.Event(), Changes(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _on_signal, stop)
    loop.add_signal_handler(signal.SIGHUP, _on_hangup, configured, changes)

    def on_ready(ready: Ready) -> None:
        announce(ready)
        _tell_systemd("READY=1")

    await run(config, stop=stop, on_ready=on_ready, changes=changes)


def _on_signal(stop: asyncio.Event) -> None:
    """The first signal lets requests in flight finish; the second does not wait. Neither loses what is acknowledged."""
    if stop.is_set():
        note("stopped at once")
        os._exit(1)
    _tell_systemd("STOPPING=1")
    if sys.stderr.isatty():
        note("\nstopping: requests under way finish; once more stops at once")
    stop.set()


def _on_hangup(configured: Callable[[], Config], changes: Changes) -> None:
    """Load the configuration anew. One that is wrong changes nothing."""
    from cairn.config import ConfigError

    try:
        changes.load(configured())
    except ConfigError as error:
        _log.warning("the configuration stays as it was: %s", error)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    import uvloop

    return uvloop.new_event_loop


def _flags(listen: str | None, data: Path | None) -> dict[str, dict[str, Any]]:
    flags: dict[str, dict[str, Any]] = {}
    if listen is not None:
        flags["interface"] = {"listen": listen}
    if data is not None:
        flags["node"] = {"data": str(data)}
    return flags


def _with_site(config: Config, folder: Path | None) -> Config:
    """The same configuration with `folder` as the site of every host that has none of its own."""
    import msgspec

    from cairn.config import Site

    if folder is None:
        return config
    others = tuple(site for site in config.site if site.host)
    return msgspec.structs.replace(config, site=(*others, Site(static=str(folder))))


# --- what it says of itself ------------------------------------------------------------------------------------------


def announce(config: Config, ready: Ready, *, as_json: bool, ready_file: Path | None) -> None:
    """Say that requests are answered: to people, as a line of JSON, and into a file for whoever started us."""
    document = {**dataclasses.asdict(ready), "pid": os.getpid()}
    if as_json:
        say_json(document)
    else:
        _banner(config, ready)
    sys.stdout.flush()
    if ready_file is not None:
        draft = ready_file.with_name(ready_file.name + ".new")
        draft.write_text(json.dumps(document) + "\n")
        draft.replace(ready_file)


def _banner(config: Config, ready: Ready) -> None:
    from cairn import __version__

    say(f"{typer.style('Cairn', bold=True)} {__version__} serves at {typer.style(ready.url, fg='cyan')}")
    say()
    pairs = [("  who may write", _admission(config, ready)), _keeper(config, ready)]
    pairs += [("  site", f"{site.static} ({', '.join(site.host) or 'every host'})") for site in config.site]
    if ready.admission != "link":
        pairs += [("  look", f"cairn status --server {ready.url}"), ("  console", f"{ready.url}/console/")]
    show_pairs([*pairs, ("  stop", "Ctrl-C")])


def _keeper(config: Config, ready: Ready) -> tuple[str, str]:
    """Where the data is."""
    if config.storage.engine == "remote":
        return "  storage", ", ".join(config.storage.servers)
    return "  data", str(Path(ready.data).absolute())


def _admission(config: Config, ready: Ready) -> str:
    from cairn.config import format_size

    if ready.admission == "link":
        return "interfaces with the same secret file"
    if ready.admission == "grant":
        return "holders of a grant (`cairn grant` makes one)"
    if ready.is_free:
        return "anyone on this machine, without limits"
    return f"anyone, {format_size(config.interface.limits.free_grant_bytes)} per address"


def _tell_systemd(state: str) -> None:
    """sd_notify(3), where systemd asks for it."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)
