"""The link: what carries requests between layers on different machines, or in different processes of one.

`open_link` makes the end that asks, `open_answering` the one that answers; between them are a few kept WebSocket
connections (`socket.py`), on which frames of `cairn.wire.link` travel in any order. Neither end knows what a request
means: `storage/remote` and `interface/peers/link.py` do. See docs/protocol.md and docs/architecture.md.
"""

from cairn.link.answering import Answer, AnsweringLink, Responder, open_answering
from cairn.link.counts import Counts
from cairn.link.link import Link, open_link
from cairn.link.socket import HttpAnswer, Place

__all__ = [
    "Answer",
    "AnsweringLink",
    "Counts",
    "HttpAnswer",
    "Link",
    "Place",
    "Responder",
    "open_answering",
    "open_link",
]
