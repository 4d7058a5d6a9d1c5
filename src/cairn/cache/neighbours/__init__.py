"""Hot blocks by way of other interface nodes: `ring.py` says of which, `blocks.py` asks them, `linked.py` by a link."""

from cairn.cache.neighbours.blocks import Neighbour, NeighbourlyBlocks
from cairn.cache.neighbours.linked import LinkedNeighbour
from cairn.cache.neighbours.ring import Ring

__all__ = ["LinkedNeighbour", "Neighbour", "NeighbourlyBlocks", "Ring"]
