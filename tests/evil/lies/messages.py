"""Lies in ephemeral messages, which a chain's writer says in passing."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from cairn.client.format.ephemeral import seal_ephemeral
from cairn.core.ephemeral import HEADER, MAGIC
from cairn.testing.chains import Writer
from tests.evil.lies.catalogue import About, lie
from tests.evil.lies.damage import another, damaged, flipped

NEVER_SAID = b'"never said"'
_SIGNATURE_BYTES = 64


@dataclass(frozen=True)
class Said:
    """The messages that a server passes on, in order."""

    messages: tuple[bytes, ...]
    time_ms: int


def _at(draw: random.Random, told: Said) -> int:
    return draw.randrange(len(told.messages))


def _with(told: Said, at: int, *messages: bytes) -> Said:
    return replace(told, messages=(*told.messages[:at], *messages, *told.messages[at + 1 :]))


def _beside(draw: random.Random, told: Said, message: bytes) -> Said:
    at = _at(draw, told)
    return _with(told, at, message, told.messages[at])


def _made(draw: random.Random, told: Said, about: About, *, later_ms: int = 0, epochs: int = 0) -> bytes:
    """A message that the writer's own keys make, at another time or in another key epoch."""
    time_ms = told.time_ms + later_ms
    epoch = about.story.main.state.key_epoch + epochs
    return seal_ephemeral(about.story.keys, epoch, NEVER_SAID, time_ms, salt=draw.randbytes(32)).raw


@lie("said", "altered")
def _flip_a_message(draw: random.Random, told: Said, about: About) -> Said:
    at = _at(draw, told)
    return _with(told, at, flipped(draw, told.messages[at]))


@lie("said", "altered")
def _damage_a_message(draw: random.Random, told: Said, about: About) -> Said:
    at = _at(draw, told)
    return _with(told, at, damaged(draw, told.messages[at]))


@lie("said", "altered")
def _forge_a_message(draw: random.Random, told: Said, about: About) -> Said:
    """Whoever reads could seal one that opens; only the signature is missing."""
    unsigned = _made(draw, told, about)[:-_SIGNATURE_BYTES]
    return _beside(draw, told, unsigned + Writer("evil/stranger").keys.sign("ephemeral", unsigned))


@lie("said", "altered")
def _lend_a_signature(draw: random.Random, told: Said, about: About) -> Said:
    """That of another message; or the writer's, but made for an entry."""
    unsigned = _made(draw, told, about)[:-_SIGNATURE_BYTES]
    others = (told.messages[0], about.story.main.entries[-1].raw)
    made_for_entry = about.story.keys.sign("entry", unsigned)
    return _beside(draw, told, unsigned + draw.choice((*(one[-_SIGNATURE_BYTES:] for one in others), made_for_entry)))


@lie("said", "altered")
def _replay_messages(draw: random.Random, told: Said, about: About) -> Said:
    """What was said, once more; one or all."""
    at = _at(draw, told)
    return replace(told, messages=(*told.messages, *draw.choice((told.messages, told.messages[at : at + 1]))))


@lie("said", "altered")
def _say_what_is_old(draw: random.Random, told: Said, about: About) -> Said:
    """The writer's own, of some other day."""
    later_ms = draw.choice((-86_400_000, -600_000, -300_000, 600_000, 86_400_000))
    return _beside(draw, told, _made(draw, told, about, later_ms=later_ms))


@lie("said", "altered")
def _say_it_in_another_epoch(draw: random.Random, told: Said, about: About) -> Said:
    epochs = -1 if about.story.main.state.key_epoch and draw.random() < 0.7 else 1
    return _beside(draw, told, _made(draw, told, about, epochs=epochs))


@lie("said", "altered")
def _say_what_another_said(draw: random.Random, told: Said, about: About) -> Said:
    """A message of another chain; or one by its keys that names this chain."""
    other = another(draw, about)
    made = seal_ephemeral(other.keys, other.main.state.key_epoch, NEVER_SAID, told.time_ms, salt=draw.randbytes(32)).raw
    if draw.random() < 0.5:
        return _beside(draw, told, made)
    renamed = made[:4] + about.story.keys.chain_id + made[36:-_SIGNATURE_BYTES]
    return _beside(draw, told, renamed + other.keys.sign("ephemeral", renamed))


@lie("said", "altered")
def _say_nonsense(draw: random.Random, told: Said, about: About) -> Said:
    garbage = MAGIC + draw.randbytes(draw.choice((0, 10, HEADER.size, 400)))
    entry = draw.choice(about.story.main.entries).raw
    return _beside(draw, told, draw.choice((garbage, MAGIC + entry[4:])))


@lie("said", "altered")
def _shuffle_messages(draw: random.Random, told: Said, about: About) -> Said:
    """Nobody promises their order; what is heard is still what was said."""
    messages = list(told.messages)
    draw.shuffle(messages)
    return replace(told, messages=tuple(messages))


@lie("said", "altered")
def _keep_messages_back(draw: random.Random, told: Said, about: About) -> Said:
    at = _at(draw, told)
    return replace(told, messages=told.messages[:at] + told.messages[at + 1 :])
