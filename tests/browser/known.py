"""What both implementations must agree on: the vectors, and tables that the Python one computes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cairn.client.format.secret import padme

ROOT = Path(__file__).parents[2]
CHECKS_MIN = 23 + 200  # a run that finds fewer checks has lost some


def known() -> dict[str, Any]:
    """The input of checks.js and refused.js."""
    sizes = [*range(3000), *(2**power + delta for power in range(7, 28) for delta in (-1, 0, 1))]
    return {
        "vectors": json.loads((ROOT / "vectors" / "format-v1.json").read_text()),
        "refused": json.loads((ROOT / "vectors" / "refused-v1.json").read_text()),
        "padme": [[size, padme(size)] for size in sizes],
    }
