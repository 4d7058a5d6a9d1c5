"""Receipts: what a server signs, and how anyone checks it. See docs/format.md, 6."""

from __future__ import annotations

import struct
from typing import Final

from cairn.core.chain import Head
from cairn.core.crypto import domain, verify_signature
from cairn.core.errors import Invalid

_LABEL: Final = domain("receipt")


def receipt_message(chain_id: bytes, seq: int, entry_hash: bytes, time_ms: int) -> bytes:
    """The bytes under a receipt's signature."""
    return _LABEL + chain_id + struct.pack(">Q", seq) + entry_hash + struct.pack(">Q", time_ms)


def verify_receipt(head: Head, receipt_key: bytes) -> None:
    """Check that the server with this public key vouches for this head.

    Raises:
        Invalid: there is no receipt, or it is not by this key.
    """
    if head.receipt is None:
        raise Invalid("the head comes without a receipt")
    message = receipt_message(head.chain_id, head.seq, head.hash, head.receipt.time_ms)
    verify_signature(receipt_key, message, head.receipt.signature)
