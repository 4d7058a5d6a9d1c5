"""Lies about blocks that are asked for."""

from __future__ import annotations

import random

from tests.evil.lies.catalogue import About, lie
from tests.evil.lies.damage import damaged, flipped


@lie("block", "altered")
def _flip_in_a_block(draw: random.Random, told: bytes, about: About) -> bytes:
    return flipped(draw, told)


@lie("block", "altered")
def _damage_a_block(draw: random.Random, told: bytes, about: About) -> bytes:
    return damaged(draw, told)


@lie("block", "altered")
def _another_block(draw: random.Random, told: bytes, about: About) -> bytes:
    others = [other for other in about.blocks.values() if other != told]
    alike = [other for other in others if len(other) == len(told)]
    return draw.choice(alike if alike and draw.random() < 0.7 else others)


@lie("block", "altered")
def _an_empty_block(draw: random.Random, told: bytes, about: About) -> bytes:
    return b""


@lie("block", "absent")
def _a_block_lost(draw: random.Random, told: bytes, about: About) -> None:
    return None


Frames = list[tuple[bytes, bytes | None]]
"""Answers to `POST /v1/blocks/get`, which one client uses: id and bytes, or None for absent."""


@lie("frames", "altered", "absent")
def _cross_blocks(draw: random.Random, told: Frames, about: About) -> Frames:
    """Each under the next one's id."""
    ids = [block_id for block_id, _ in told]
    if len(told) == 1:
        return [(ids[0], draw.choice([other for other in about.blocks.values() if other != told[0][1]]))]
    return [(ids[(number + 1) % len(ids)], data) for number, (_, data) in enumerate(told)]


@lie("frames", "altered")
def _blocks_that_nobody_asked_for(draw: random.Random, told: Frames, about: About) -> Frames:
    return [*told, draw.choice(list(about.blocks.items()))] if draw.random() < 0.5 else [*told, told[0]]


@lie("frames", "away")
def _leave_blocks_out(draw: random.Random, told: Frames, about: About) -> Frames:
    return told[: draw.randrange(len(told))]
