"""S3-FIFO as the paper words it, in lists: slow and plain. What `MemoryCache` is tested against."""

from __future__ import annotations

from cairn.cache.memory import GHOST_BYTES, ITEM_BYTES


class Model:
    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.small: list[int] = []
        self.main: list[int] = []
        self.ghosts: list[int] = []
        self.hits: dict[int, int] = {}
        self.sizes: dict[int, int] = {}

    def bytes_of(self, queue: list[int]) -> int:
        return sum(self.sizes[key] for key in queue)

    @property
    def bytes(self) -> int:
        return self.bytes_of(self.small) + self.bytes_of(self.main) + GHOST_BYTES * len(self.ghosts)

    def get(self, key: int) -> bool:
        if key in self.small + self.main:
            self.hits[key] = min(self.hits[key] + 1, 3)
            return True
        return False

    def put(self, key: int, size: int) -> None:
        size += ITEM_BYTES
        if key in self.small + self.main or size > self.capacity:
            return
        queue = self.main if key in self.ghosts else self.small
        self.ghosts = [ghost for ghost in self.ghosts if ghost != key]
        self.evict(size)
        queue.append(key)
        self.hits[key], self.sizes[key] = 0, size

    def drop(self, key: int) -> None:
        for queue in (self.small, self.main, self.ghosts):
            if key in queue:
                queue.remove(key)

    def evict(self, size: int) -> None:
        while self.bytes + size > self.capacity:
            if len(self.ghosts) > len(self.small) + len(self.main):
                self.ghosts.pop(0)
            elif self.bytes_of(self.small) > self.capacity // 10 or not self.main:
                self.evict_small()
            else:
                self.evict_main()

    def evict_small(self) -> None:
        key = self.small.pop(0)
        if self.hits[key] > 1:
            self.hits[key] = 0
            self.main.append(key)
        else:
            self.ghosts.append(key)

    def evict_main(self) -> None:
        key = self.main.pop(0)
        if self.hits[key] > 0:
            self.hits[key] -= 1
            self.main.append(key)
