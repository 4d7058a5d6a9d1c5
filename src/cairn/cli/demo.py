"""`cairn demo`: an unchanged server, the applications that come with it, and a stream to look at."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cairn.cli import options
from cairn.cli.output import say, say_json, show_pairs
from cairn.cli.serve import run
from cairn.cli.settings import load
from cairn.logs import log_as_json

if TYPE_CHECKING:
    from cairn.client.format.capability import WriteCapability
    from cairn.compose import Ready


def demo(
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Where to take requests.")
    ] = "127.0.0.1:8420",
    data: options.Data = None,
    as_json: options.Json = False,
) -> None:
    """Serve all applications from one page, with a stream to look at. Without --data, all of it goes when it ends."""
    if data is not None:
        _serve(listen, data, as_json=as_json)
        return
    with tempfile.TemporaryDirectory(prefix="cairn-demo-") as folder:
        _serve(listen, Path(folder), as_json=as_json)


def _serve(listen: str, data: Path, *, as_json: bool) -> None:
    import msgspec

    from cairn.client.format.capability import WriteCapability
    from cairn.config import Site
    from cairn.interface.sites.bundled import web_folder

    log_as_json()
    config = load(None, {"interface": {"listen": listen}, "node": {"data": str(data)}})
    config = msgspec.structs.replace(config, site=(Site(static=str(web_folder("apps"))),))
    writer, tasks = WriteCapability.new(), set[asyncio.Task[None]]()

    def on_ready(ready: Ready) -> None:
        tasks.add(asyncio.get_running_loop().create_task(_begin(ready, writer, as_json=as_json)))

    run(config, on_ready)


async def _begin(ready: Ready, writer: WriteCapability, *, as_json: bool) -> None:
    """Write the stream as any client would, and say where it is shown."""
    from cairn.client.session import connect

    async with connect(ready.url) as session:
        chain = session.chain(writer)
        await chain.append_json({"title": "A stream to look at"})
        await chain.append_json(
            _post("A Python program wrote this, sealed it and signed it. Your browser has checked that.")
        )
        picture = await session.objects.put(_picture(), owner=writer)
        reference = picture.capability.reference
        await chain.append_json(
            _post("Entries can refer to blocks. This one has a picture: see it as a chain."), [reference]
        )
        await chain.append_json(_post("Append to it from another terminal, and watch it arrive here."))
    reader = writer.to_read()
    page, link = f"{ready.url}/#{reader}", f"{ready.url}/chain/#{reader}"
    if as_json:
        say_json({"url": ready.url, "page": page, "link": link, "cap": str(writer)})
        return
    say(f"{typer.style('Cairn demo', bold=True)}: open this link")
    say()
    say(f"  {typer.style(page, fg='cyan')}")
    say()
    show_pairs([
        ("  its stream, as a chain", link),
        ("  add to it", f'cairn chain append --server {ready.url} {writer} "hello"'),
        ("  begin one of your own", "cairn new notes DIR"),
        ("  stop", "Ctrl-C"),
    ])  # fmt: skip


def _post(text: str) -> dict[str, Any]:
    return {"text": text, "at": time.time_ns() // 1_000_000}


def _picture() -> bytes:
    """A small cairn: stacked stones, as a PNG of three greys drawn here."""
    import struct
    import zlib

    width, height = 160, 120
    stones = [(80, 100, 58, 14), (76, 76, 42, 12), (84, 56, 30, 10), (79, 39, 20, 8), (82, 26, 11, 6)]

    def shade(x: int, y: int) -> int:
        for number, (left, top, across, down) in enumerate(stones):
            if ((x - left) / across) ** 2 + ((y - top) / down) ** 2 <= 1:
                return 90 + 22 * number + (12 if y < top else 0)
        return 244

    rows = b"".join(b"\0" + bytes(shade(x, y) for x in range(width)) for y in range(height))

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
