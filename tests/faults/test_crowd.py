"""A crowd and a failing storage at once: cached blocks go on, nobody who follows misses an entry, memory is bounded."""

from __future__ import annotations

from pathlib import Path

from tests.faults.crowd import crowd

MIB = 1 << 20


async def test_a_crowd_and_a_storage_that_fails(tmp_path: Path) -> None:
    outcome = await crowd(tmp_path, stuck=200, sockets=100, seconds=2)
    print(outcome)
    assert {name: probe.refused for name, probe in outcome.probes.items()} == dict.fromkeys(outcome.probes, 0)
    assert all(len(probe.milliseconds) > 8 for probe in outcome.probes.values())
    assert outcome.received == outcome.sockets
    assert outcome.appended > 2
    assert outcome.rss_bytes_max < 300 * MIB
