from __future__ import annotations

import contextlib
import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from cairn.cache.counts import Counts
from cairn.cache.disk.index import index_bytes
from cairn.cache.disk.shelf import BusyError, Offer, Shelf
from cairn.core.block import BLOCK_BYTES_MAX, Block

MIB = 1024 * 1024
BOOT = 7


class Now:
    def __init__(self) -> None:
        self.ms = 1_000_000

    def __call__(self) -> int:
        self.ms += 1
        return self.ms


class Bench:
    """A folder and the processes that share it; here they share one clock."""

    def __init__(self, folder: Path, capacity: int = 4 * MIB) -> None:
        self.folder = folder
        self.now = Now()
        self.counts = Counts()
        self.shelf = self.open()
        self.shelf.resize(capacity)

    def open(self, boot: int = BOOT) -> Shelf:
        return Shelf(self.folder, self.counts, self.now, boot)

    def offer(self, *blocks: Block, shelf: Shelf | None = None) -> None:
        for block in blocks:
            (shelf or self.shelf).offer([Offer(block, self.now())])

    def keep(self, *blocks: Block) -> None:
        """Let blocks in, which are new, whether the ring was full before or not."""
        for block in blocks:
            self.offer(block, block)

    def has(self, block: Block) -> bool:
        kept = self.shelf.find(block.id)
        assert kept is None or kept.block.data == block.data
        return kept is not None

    def since(self, block: Block, shelf: Shelf | None = None) -> int | None:
        kept = (shelf or self.shelf).find(block.id)
        assert kept is not None
        return kept.since_ms

    def counted(self) -> int:
        """How many entries really stand for a block, beside what the header says."""
        return self.shelf._index.sweep(1 << 62)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "cache")


def blocks_of(rng: random.Random, count: int, size: int) -> list[Block]:
    return [Block.of(rng.randbytes(size)) for _ in range(count)]


def du_bytes(folder: Path) -> int:
    return int(subprocess.check_output(["du", "-s", "--block-size=1", folder]).split()[0])


@pytest.mark.parametrize("size", [0, 1, 7, 8, 4_095, 100_000, BLOCK_BYTES_MAX])
def test_gives_what_came_in(bench: Bench, size: int) -> None:
    block = Block.of(random.Random(size).randbytes(size))
    assert bench.shelf.find(block.id) is None
    bench.offer(block)
    kept = bench.shelf.find(block.id)
    assert kept is not None
    assert kept.block.data == block.data
    assert kept.since_ms is not None
    assert 0 < kept.since_ms < bench.now.ms


def test_survives_a_restart_of_the_process(bench: Bench) -> None:
    blocks = blocks_of(random.Random(1), 20, 10_000)
    bench.offer(*blocks)
    bench.shelf = bench.open()
    bench.shelf.resize(4 * MIB)
    assert all(map(bench.has, blocks))
    assert bench.shelf.header.blocks == bench.counted() == 20


def test_after_a_restart_of_the_machine_nothing_is_known_of_deletions(bench: Bench) -> None:
    (block,) = blocks_of(random.Random(1), 1, 1_000)
    bench.offer(block)
    later = bench.open(boot=BOOT + 1)
    found = later.find(block.id)
    assert found is not None
    assert found.since_ms is None
    later.confirm(block.id, 77)
    again = later.find(block.id)
    assert again is not None
    assert again.since_ms == 77


def test_everything_comes_in_until_it_is_full_and_then_what_is_seen_twice(bench: Bench) -> None:
    rng = random.Random(3)
    bench.offer(*blocks_of(rng, 500, 10_000))
    assert bench.shelf.header.is_filled
    once, twice = blocks_of(rng, 2, 10_000)
    bench.offer(once, twice, twice)
    assert not bench.has(once)
    assert bench.has(twice)


def test_a_ghost_is_forgotten_after_as_much_as_there_is_room_for(bench: Bench) -> None:
    rng = random.Random(4)
    bench.offer(*blocks_of(rng, 500, 10_000))
    (late,) = blocks_of(rng, 1, 10_000)
    bench.offer(late, *blocks_of(rng, 500, 10_000), late)
    assert not bench.has(late)


def test_what_is_asked_for_stays_when_the_ring_turns(bench: Bench) -> None:
    rng = random.Random(5)
    hot, cold = blocks_of(rng, 20, 10_000), blocks_of(rng, 20, 10_000)
    bench.keep(*hot, *cold)
    for _ in range(12):
        assert all(map(bench.has, hot))
        bench.keep(*blocks_of(rng, 100, 10_000))
    assert not any(map(bench.has, cold))
    assert bench.counts.evictions > 500
    assert bench.shelf.header.blocks == bench.counted()
    assert bench.counts.admissions - bench.counts.evictions == bench.counted()
    assert sum(bench.counts.eviction_ages.counts) == bench.counts.evictions


def test_even_if_all_were_hot_a_block_comes_in_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench, rng = Bench(tmp_path / "cache", 40 * MIB), random.Random(6)
    kept = blocks_of(rng, 600, 60_000)
    bench.keep(*kept)
    for _ in range(3):
        assert all(map(bench.has, kept))
    moved: list[int] = []
    keep_again = Shelf._keep_again

    def counted(self: Shelf, header, record, found) -> None:
        moved.append(record.size)
        keep_again(self, header, record, found)

    monkeypatch.setattr(Shelf, "_keep_again", counted)
    for block in blocks_of(rng, 200, 60_000):
        moved.clear()
        bench.keep(block)
        assert bench.has(block)
        assert sum(moved) <= 8 * MIB
    assert bench.shelf.header.blocks == bench.counted()


def test_a_block_larger_than_the_ring_is_refused(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "cache", MIB)
    bench.keep(Block.of(bytes(BLOCK_BYTES_MAX)))
    assert bench.counts.refused == 2
    assert bench.shelf.header.blocks == 0


# --- deletions -------------------------------------------------------------------------------------------------------


def test_a_deletion_shows_in_all_processes(bench: Bench) -> None:
    (block,) = blocks_of(random.Random(1), 1, 1_000)
    bench.offer(block)
    other = bench.open()
    assert other.find(block.id) is not None
    bench.shelf.drop(block.id)
    assert other.find(block.id) is None
    bench.offer(*blocks_of(random.Random(2), 1, 1_000))
    assert bench.shelf.header.blocks == bench.counted() == 1


def test_what_another_process_fetched_before_a_deletion_does_not_come_in(bench: Bench) -> None:
    (block,) = blocks_of(random.Random(1), 1, 1_000)
    fetched = bench.now()
    other = bench.open()
    bench.shelf.drop(block.id)
    other.offer([Offer(block, fetched)])
    assert not bench.has(block)
    other.offer([Offer(block, bench.now())])
    assert bench.has(block), "who fetched it after that knows that it is there again"


def test_a_deletion_between_look_and_put_is_seen(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = blocks_of(random.Random(1), 1, 1_000)
    other = bench.open()
    append = Shelf._append

    def deleted_meanwhile(self: Shelf, *arguments: object) -> int:
        place = append(self, *arguments)  # type: ignore[arg-type]
        other.drop(block.id)
        return place

    monkeypatch.setattr(Shelf, "_append", deleted_meanwhile)
    bench.offer(block)
    assert not bench.has(block)


def test_what_was_deleted_while_it_came_in_is_storages_to_know(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even in the moment before it is taken back."""
    (block,) = blocks_of(random.Random(1), 1, 1_000)
    other = bench.open()
    append, take_back = Shelf._append, Shelf._clear_if_marked
    served = []

    def deleted_meanwhile(self: Shelf, *arguments: object) -> int:
        place = append(self, *arguments)  # type: ignore[arg-type]
        other.drop(block.id)
        return place

    def asked_before(self: Shelf, *arguments: object) -> None:
        served.append(bench.since(block, other))
        take_back(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Shelf, "_append", deleted_meanwhile)
    monkeypatch.setattr(Shelf, "_clear_if_marked", asked_before)
    bench.offer(block)
    assert served == [None]


def test_what_shares_the_mark_of_another_is_known_again_when_storage_has_it(bench: Bench) -> None:
    (block,) = blocks_of(random.Random(1), 1, 1_000)
    bench.offer(block)
    bench.shelf._index.mark(block.id, bench.now())
    assert bench.since(block) is None
    bench.shelf.confirm(block.id, bench.now())
    assert bench.since(block) is not None


def test_a_deletion_while_a_block_is_kept_again_is_seen(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(1)
    (block,) = blocks_of(rng, 1, 10_000)
    bench.keep(block)
    assert bench.has(block)
    other = bench.open()
    keep_again = Shelf._keep_again

    def deleted_meanwhile(self: Shelf, header, record, found) -> None:
        if record.block_id == block.id:
            other.drop(block.id)
        keep_again(self, header, record, found)

    monkeypatch.setattr(Shelf, "_keep_again", deleted_meanwhile)
    bench.keep(*blocks_of(rng, 450, 10_000))
    assert not bench.has(block)


def test_marks_of_another_boot_keep_nothing_out(bench: Bench) -> None:
    (block,) = blocks_of(random.Random(1), 1, 1_000)
    bench.now.ms += 10**9
    bench.shelf.drop(block.id)
    bench.now.ms -= 10**9
    bench.offer(block)
    assert bench.has(block)


# --- room ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("capacity", [2 * MIB, 5 * MIB, 24 * MIB])
@pytest.mark.parametrize("size", [100, 3_000, 60_000, BLOCK_BYTES_MAX])
def test_the_disk_is_never_used_beyond_the_capacity(tmp_path: Path, capacity: int, size: int) -> None:
    bench = Bench(tmp_path / "cache", capacity)
    rng = random.Random(size)
    used = 0
    count = min(9_000, 2 * capacity // size)
    for _ in range(count):
        bench.keep(*blocks_of(rng, 1, size))
        used = max(used, bench.shelf.disk_bytes)
    assert used <= du_bytes(bench.folder) <= capacity
    if count * size > capacity and size >= 3_000:
        assert bench.shelf.header.is_filled
        assert used > 0.9 * capacity - size


@pytest.mark.parametrize("larger", [5 * MIB, 12 * MIB, 200 * MIB])
def test_growing_loses_nothing(bench: Bench, larger: int) -> None:
    blocks = blocks_of(random.Random(1), 300, 10_000)
    bench.keep(*blocks)
    bench.shelf.resize(larger)
    if larger < 200 * MIB:  # beyond eight times the size the index would be too small: it begins anew
        assert all(map(bench.has, blocks))
    bench.keep(*blocks_of(random.Random(2), 3_000, 10_000))
    assert bench.shelf.disk_bytes > 0.7 * min(larger, 30 * MIB)
    assert bench.shelf.disk_bytes <= larger
    assert bench.shelf.header.blocks == bench.counted()


@pytest.mark.parametrize("rounds", [1, 100, 390, 700])
def test_shrinking_keeps_what_there_is_room_for(bench: Bench, rounds: int) -> None:
    blocks = blocks_of(random.Random(1), rounds, 10_000)
    bench.keep(*blocks)
    before = bench.counted()
    bench.shelf.resize(2 * MIB)
    assert du_bytes(bench.folder) <= 2 * MIB
    left = sum(map(bench.has, blocks))
    assert left == bench.counted() == bench.shelf.header.blocks
    assert left >= min(before, 1) if rounds == 1 else left > min(before, 180) * 0.8
    bench.keep(*blocks_of(random.Random(2), 400, 10_000))
    assert du_bytes(bench.folder) <= 2 * MIB
    assert bench.shelf.damaged == 0
    assert bench.shelf.header.blocks == bench.counted()


def test_off_takes_next_to_nothing_and_on_begins_anew(bench: Bench) -> None:
    (block,) = blocks_of(random.Random(1), 1, 1_000_000)
    bench.offer(block)
    bench.shelf.resize(0)
    assert bench.shelf.disk_bytes < 200_000
    assert not bench.has(block)
    bench.offer(block)
    assert not bench.has(block)
    bench.shelf.resize(4 * MIB)
    bench.offer(block)
    assert bench.has(block)


def test_another_process_sees_a_new_layout(bench: Bench) -> None:
    old, new = blocks_of(random.Random(1), 2, 1_000)
    other = bench.open()
    other.resize(4 * MIB)
    bench.offer(old)
    assert other.find(old.id) is not None
    bench.shelf.resize(400 * MIB)
    assert other.find(old.id) is None
    bench.offer(new)
    assert other.find(new.id) is not None
    other.drop(new.id)
    assert not bench.has(new)


def test_one_that_holds_the_lock_for_long_is_not_waited_for(bench: Bench) -> None:
    (block,) = blocks_of(random.Random(1), 1, 1_000)
    other = bench.open()
    with other._locked(), pytest.raises(BusyError):
        bench.offer(block)
    bench.offer(block)
    assert bench.has(block)


# --- random ----------------------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("offer"), st.integers(0, 120)),
        st.tuples(st.just("ask"), st.integers(0, 120)),
        st.tuples(st.just("drop"), st.integers(0, 120)),
        st.tuples(st.just("resize"), st.integers(0, 3)),
        st.tuples(st.just("restart"), st.just(0)),
    ),
    max_size=400,
)
CAPACITIES = (300_000, 700_000, 1_500_000, 4_000_000)
RNG = random.Random(11)
POOL = [Block.of(RNG.randbytes(RNG.choice((10, 500, 5_000, 40_000, 120_000)))) for _ in range(121)]


@seed(20251125)
@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_whatever_happens_it_gives_the_right_bytes_within_its_room(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    bench = Bench(tmp_path_factory.mktemp("shelf"), CAPACITIES[1])
    capacity = CAPACITIES[1]
    maybe: set[int] = set()  # offered since it was dropped: anything else must not be there
    for verb, number in steps:
        if verb == "offer":
            bench.keep(POOL[number])
            maybe.add(number)
        elif verb == "ask":
            assert not bench.has(POOL[number]) or number in maybe
        elif verb == "drop":
            bench.shelf.drop(POOL[number].id)
            maybe.discard(number)
        elif verb == "resize":
            capacity = CAPACITIES[number]
            bench.shelf.resize(capacity)
        else:
            bench.shelf.offer([])  # as a graceful stop does, so that what was dropped is counted
            bench.shelf = bench.open()
            bench.shelf.resize(capacity)
        assert bench.shelf.disk_bytes <= capacity
    bench.shelf.offer([])
    assert bench.shelf.header.blocks == bench.counted()
    assert bench.shelf.damaged == 0
    assert bench.shelf.header.ring == max(0, capacity - index_bytes(bench.shelf.header.buckets) - 16_384) // 8 * 8


@pytest.mark.parametrize("is_over_itself", [True, False])
def test_who_dies_while_a_record_is_written_again_leaves_no_entry_to_what_is_written_over(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, is_over_itself: bool
) -> None:
    """Where the head is close behind, a record that is kept is written where it lies, some bytes before. Where it is
    further behind, the old one stays whole until its entry leads to the new one."""
    rng = random.Random(4)
    blocks = blocks_of(rng, 500, 10_000)
    bench.keep(*blocks)
    keep_again, deaths = Shelf._keep_again, 0

    def dies(self: Shelf, header, record, found) -> None:
        nonlocal deaths
        with monkeypatch.context() as dying:
            ahead = found.entry.place - header.head
            if ahead and is_over_itself == (ahead < record.size):
                dying.setattr(self._index, "replace", _die)
                deaths += 1
            keep_again(self, header, record, found)

    for _ in range(40):
        for block in blocks if is_over_itself else rng.sample(blocks, len(blocks) // 2):
            bench.has(block)
        with monkeypatch.context() as dying:
            dying.setattr(Shelf, "_keep_again", dies)
            with contextlib.suppress(KeyboardInterrupt):
                bench.keep(*blocks_of(rng, *((30, 9_000) if is_over_itself else (5, 60_000))))
        bench.shelf = bench.open()
        bench.shelf.resize(4 * MIB)
        bench.keep(*blocks_of(rng, 2, 9_000))
        assert sum(map(bench.has, blocks)) > 0
        assert bench.shelf.damaged == 0
    assert deaths > 10


def _die(*_: object) -> None:
    raise KeyboardInterrupt
