"""The server's rule of docs/format.md, 6, a second time: word by word, over plain bytes, with nothing of the product
but its error classes. Slow and without structure, so that it can be compared with the text."""

from __future__ import annotations

import hashlib

import nacl.exceptions
import nacl.signing

from cairn.core.errors import CairnError, Closed, Conflict, Invalid, NotFound


def number(raw: bytes, start: int, stop: int) -> int:
    return int.from_bytes(raw[start:stop], "big")


class RestatedChain:
    """One chain: the entries that were appended, and a judge of the next."""

    def __init__(self) -> None:
        self.entries: list[bytes] = []

    def append(self, raw: bytes) -> type[CairnError] | str:
        """ "appended", "already", or the class of the refusal."""
        verdict = self._judge(raw)
        if verdict == "appended":
            self.entries.append(raw)
        return verdict

    def _judge(self, raw: bytes) -> type[CairnError] | str:
        if not self._has_right_sizes(raw):
            return Invalid
        kind, seq = raw[4], number(raw, 16, 24)
        if not self.entries:
            if kind != 0:
                return NotFound
            return "appended" if self._is_signed(raw, raw[96:128]) else Invalid
        if seq < len(self.entries) and self.entries[seq] == raw:
            return "already"
        newest = self.entries[-1]
        if newest[4] == 4:
            return Closed
        if seq < len(self.entries) or seq > len(self.entries):
            return Conflict
        if raw[64:96] != hashlib.sha256(newest).digest():
            return Conflict
        return "appended" if self._obeys(raw, newest) and self._is_signed(raw, self.entries[0][96:128]) else Invalid

    @staticmethod
    def _has_right_sizes(raw: bytes) -> bool:
        if len(raw) < 96 + 64 or number(raw, 12, 16) != len(raw) - 160 or number(raw, 12, 16) > 65_536:
            return False
        if raw[:4] != b"CRE1" or raw[4] > 4 or raw[5] > 1 or raw[6:8] != b"\0\0":
            return False
        if number(raw, 16, 24) > 2**53 - 1 or number(raw, 24, 32) > number(raw, 16, 24):
            return False
        if raw[4] != 0:
            return len(raw) - 160 >= 208 and number(raw, 16, 24) > 0
        body = raw[96:-64]
        return (
            len(body) == 68
            and raw[8:12] == bytes(4)
            and raw[16:32] == bytes(16)
            and raw[64:96] == bytes(32)
            and hashlib.sha256(b"cairn/v1/chain\0" + body).digest() == raw[32:64]
            and body[64:] == bytes((1, raw[5], 0, 0))
        )

    def _obeys(self, raw: bytes, newest: bytes) -> bool:
        if raw[5] != self.entries[0][5] or raw[4] == 0:
            return False
        floor, epoch = number(raw, 24, 32), number(raw, 8, 12)
        if raw[4] in (3, 4):
            if floor < number(newest, 24, 32):
                return False
        elif floor != number(newest, 24, 32):
            return False
        return epoch == number(newest, 8, 12) + (1 if raw[4] == 2 else 0)

    @staticmethod
    def _is_signed(raw: bytes, key: bytes) -> bool:
        try:
            nacl.signing.VerifyKey(key).verify(b"cairn/v1/entry\0" + raw[:-64], raw[-64:])
        except nacl.exceptions.BadSignatureError:
            return False
        return True
