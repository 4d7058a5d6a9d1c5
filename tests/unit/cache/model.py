"""S3-FIFO of the paper, with sizes and more ghosts at first; slow and plain. `MemoryCache` is compared to it."""

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
        self.count = 0

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
        is_wanted = key in self.ghosts and size - ITEM_BYTES <= 16 * self.average
        queue = self.main if is_wanted else self.small
        self.ghosts = [ghost for ghost in self.ghosts if ghost != key]
        self.evict(size)
        queue.append(key)
        self.count += 1
        self.hits[key], self.sizes[key] = 0, size

    def drop(self, key: int) -> None:
        self.count -= key in self.small + self.main
        for queue in (self.small, self.main, self.ghosts):
            if key in queue:
                queue.remove(key)

    def evict(self, size: int) -> None:
        while self.bytes + size > self.capacity:
            is_filling = self.bytes_of(self.small) > self.capacity // 5
            if len(self.ghosts) > self.count * (2 if is_filling else 1):
                self.ghosts.pop(0)
            elif self.bytes_of(self.small) > self.capacity // 20 or not self.main:
                self.evict_small()
            else:
                self.evict_main()

    def evict_small(self) -> None:
        key = self.small.pop(0)
        if self.hits[key] >= self.price(key):
            self.hits[key] = 0
            self.main.append(key)
        else:
            self.left()
            self.ghosts.append(key)

    def evict_main(self) -> None:
        key = self.main.pop(0)
        price = self.price(key)
        if self.hits[key] >= price:
            self.hits[key] -= price
            self.main.append(key)
        else:
            self.left()

    @property
    def average(self) -> int:
        """Bytes of what is in the queues, over how many items there are, the one that is being moved among them."""
        return (self.bytes_of(self.small) + self.bytes_of(self.main)) // max(1, self.count)

    def price(self, key: int) -> int:
        size = self.sizes[key] - ITEM_BYTES
        return 1 if size < self.average else 2 if size < 4 * self.average else 3

    def left(self) -> None:
        self.count -= 1
