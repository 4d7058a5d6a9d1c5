"""Runs cases through an SDK, whole or with a check taken out, and gathers what it showed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.browser.known import ROOT
from tests.evil.oracle import Told, faults
from tests.evil.server import AnyCase, AnyRecord, EvilServer
from tests.evil.space_oracle import space_faults
from tests.evil.spaces import SpaceRecord

_HERE = Path(__file__).parent
_SECONDS_MAX = 3_000


@dataclass(frozen=True)
class Sdk:
    """One SDK: its name, and where its source is."""

    name: str
    source: Path

    @classmethod
    def whole(cls, name: str) -> Sdk:
        """As it is."""
        return cls(name, ROOT / "src" if name == "python" else ROOT / "web" / "sdk")

    @property
    def command(self) -> list[str]:
        """What reads cases and tells what it showed."""
        if self.name == "python":
            return [sys.executable, str(_HERE / "reader.py")]
        return ["node", "--no-warnings", str(_HERE / "reader.mjs"), str(self.source)]

    @property
    def environ(self) -> dict[str, str]:
        """The environment of the command."""
        return {**os.environ, "PYTHONPATH": str(self.source)} if self.name == "python" else dict(os.environ)


@dataclass
class Outcome:
    """What came of many cases."""

    faults: list[str] = field(default_factory=list)
    told: int = 0
    """How many cases were told something that is not true."""
    shown: Counter[str] = field(default_factory=Counter)
    """How many steps ended with which code."""
    lies: Counter[str] = field(default_factory=Counter)

    def add(self, record: AnyRecord, sdk: str, told: Sequence[Told]) -> None:
        found = space_faults(record, told) if isinstance(record, SpaceRecord) else faults(record, sdk, told)
        self.faults += [f"{record.case}: {fault}" for fault in found]
        self.told += record.was_altered
        self.shown.update(str(step["problem"]["code"]) if step["problem"] else "fine" for step in told)
        if record.was_altered:
            self.lies.update(lie.name for lie in record.case.lies)


def asked(server: EvilServer, case: AnyCase) -> dict[str, Any]:
    """A case as a client is told of it."""
    url = f"{server.url}/{case.number}"
    return {"number": case.number, "url": url, "capability": str(case.capability), "steps": case.steps}


def run(server: EvilServer, sdk: Sdk, cases: Iterable[AnyCase]) -> Outcome:
    """Have an SDK do what the cases say, and judge what it showed."""
    records = {case.number: server.announce(case) for case in cases}
    lines = "\n".join(json.dumps(asked(server, record.case)) for record in records.values())
    ended = subprocess.run(
        sdk.command, input=lines, capture_output=True, text=True, timeout=_SECONDS_MAX, env=sdk.environ
    )
    assert ended.returncode == 0, ended.stderr[-4_000:]
    outcome = Outcome()
    for line in ended.stdout.splitlines():
        answer = json.loads(line)
        assert "unhandled" not in answer, answer["unhandled"]
        outcome.add(records.pop(answer["number"]), sdk.name, answer["told"])
    assert not records, f"nothing was heard of {len(records)} cases"
    assert server.faults == []
    return outcome
