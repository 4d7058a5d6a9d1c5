"""JSON in payloads: what every JSON reader takes, and nothing that only Python does."""

from __future__ import annotations

import pytest

from cairn.client.format.payload import ContentType, Payload
from cairn.core.errors import Invalid


@pytest.mark.parametrize("text", ['{"a":1}', " [1e5, -0] ", '"\\ud800"', "null"])
def test_json_is_read(text: str) -> None:
    Payload(text.encode(), ContentType.JSON).json()


@pytest.mark.parametrize(
    "data",
    [b"NaN", b"[-Infinity]", "\ufeff1".encode(), '{"a":1}'.encode("utf-16-le"), b"\xff", b"{", b""],
)
def test_other_forms_are_refused(data: bytes) -> None:
    with pytest.raises(Invalid):
        Payload(data, ContentType.JSON).json()
