"""`cairn bench`: what one Python client gets from a server. `make bench` measures the server by itself."""

from __future__ import annotations

import asyncio
import itertools
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from cairn.cli import options
from cairn.cli.output import note, say_json, show, table

if TYPE_CHECKING:
    from cairn.client.chains.chain import Chain
    from cairn.client.session import Session

_BLOCK_BYTES: Final = (1_024, 65_536, 1_048_000)
_ENTRY_BYTES: Final = 200


@dataclass(frozen=True, slots=True)
class _Measured:
    name: str
    operations: int
    per_second: float
    p50_ms: float
    p99_ms: float


def bench(
    seconds: Annotated[float, typer.Option("--seconds", min=0.2, max=60, help="How long each measurement takes.")] = 2,
    clients: Annotated[int, typer.Option("--concurrency", min=1, max=256, help="Operations at a time.")] = 32,
    server: options.Server = options.SERVER_DEFAULT,
    grant: options.Grant = None,
    state: options.State = None,
    as_json: options.Json = False,
) -> None:
    """Measure puts, gets and appends as this program's client does them: sealed, signed, verified. Cleans up behind."""
    from cairn.cli.client import with_session

    found = with_session(lambda session: _measure_all(session, seconds, clients), server, grant, state)
    if as_json:
        say_json([{field: getattr(one, field) for field in _Measured.__slots__} for one in found])
        return
    shown = table("operation", "per second>", "p50 ms>", "p99 ms>")
    for one in found:
        shown.add_row(one.name, f"{one.per_second:,.0f}", f"{one.p50_ms:.1f}", f"{one.p99_ms:.1f}")
    show(shown)
    note(f"{clients} at a time; the client is in this: `make bench` measures the server alone")


async def _measure_all(session: Session, seconds: float, clients: int) -> list[_Measured]:
    from cairn.client.format.capability import WriteCapability

    found = []
    for size in _BLOCK_BYTES:
        found += await _measure_blocks(session, size, seconds, clients)
    for count in (1, clients):
        chains = [session.chain(WriteCapability.new()) for _ in range(count)]
        await asyncio.gather(*(chain.create() for chain in chains))
        name = f"append on {count} chain" + ("s" if count > 1 else "")
        found.append(await _measure(name, _appending(chains), seconds, clients))
        await asyncio.gather(*(chain.close() for chain in chains))
    return found


def _appending(chains: list[Chain]) -> Callable[[], Awaitable[Any]]:
    turns, data = itertools.cycle(chains), os.urandom(_ENTRY_BYTES)
    return lambda: next(turns).append(data)


async def _measure_blocks(session: Session, size: int, seconds: float, clients: int) -> list[_Measured]:
    puts: list[Any] = []

    async def put() -> None:
        puts.append(await session.objects.put(os.urandom(size)))

    done = [await _measure(f"put {_size(size)}", put, seconds, clients)]
    turns = itertools.cycle(list(puts))
    done.append(
        await _measure(f"get {_size(size)}", lambda: session.objects.get(next(turns).capability), seconds, clients)
    )
    await asyncio.gather(*(session.objects.remove(one) for one in puts))
    return done


async def _measure(name: str, operation: Callable[[], Awaitable[Any]], seconds: float, clients: int) -> _Measured:
    taken: list[float] = []
    begun = time.perf_counter()

    async def client() -> None:
        while (before := time.perf_counter()) - begun < seconds:
            await operation()
            taken.append(time.perf_counter() - before)

    await asyncio.gather(*(client() for _ in range(clients)))
    spent = time.perf_counter() - begun
    cuts = statistics.quantiles(taken, n=100) if len(taken) > 1 else taken * 99
    return _Measured(name, len(taken), round(len(taken) / spent, 1), round(cuts[49] * 1e3, 2), round(cuts[98] * 1e3, 2))


def _size(size: int) -> str:
    return f"{size // 1_024} KiB" if size < 1_000_000 else "1 MiB"
