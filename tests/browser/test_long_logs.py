"""Logs that grow for ever: who only reads begins at the newest snapshot, and holds what has come since."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route

from cairn.client.format.capability import Capability, ReadCapability
from cairn.client.format.payload import Payload
from cairn.core.chain import Kind
from tests.browser.pages import Device
from tests.browser.published import Published
from tests.harness import Server

OPEN = "window.log = await cairn.openLink(given); await log.catchUp();"
SEQS = "return log.list.map(({ seq }) => seq);"
ASKED = r"""
    const urls = performance.getEntriesByType('resource').map(({ name }) => name);
    return urls.map((url) => /entries\?from=(\d+)/.exec(url)?.[1]).filter(Boolean).map(Number);
"""


@pytest.fixture
def chain(app: Server, request: pytest.FixtureRequest) -> Published:
    """900 entries, of which a checkpoint at 700 gives up those before it."""
    chain = Published(app, request.node.name)
    add(chain, 699)
    checkpoint(chain)
    add(chain, 200)
    return chain


def add(chain: Published, count: int) -> None:
    first = chain.writer.state.seq + 1
    entries = [chain.writer.add(Payload.of_text(str(seq)).encode()) for seq in range(first, first + count)]
    for start in range(0, count, 256):
        chain.send(entries[start : start + 256])


def checkpoint(chain: Published) -> None:
    seq = chain.writer.state.seq + 1
    chain.add(Payload.of_text(str(seq)), Kind.CHECKPOINT, seq)


def reader_of(chain: Published) -> Capability:
    return ReadCapability(chain.writer.keys.chain_id, 0, chain.writer.keys.read_key(0))


def test_a_reader_begins_at_the_newest_snapshot(device: Callable[[], Device], chain: Published) -> None:
    one = device()
    one.run(OPEN, str(reader_of(chain)))
    assert one.run("return log.list[0].kind;") == "snapshot"
    assert one.run(SEQS) == list(range(700, 901))
    assert one.run("return log.list.map(({ value }) => value);") == [str(seq) for seq in range(700, 901)]
    assert one.run("return log.list[0].missingBefore;") == 700 - 256
    assert one.run(ASKED) == [0, 700]
    assert one.run("return log.reduce((count) => count + 1, 0);") == "700" + "1" * 200
    report = one.run("const { isGood, entries, missing } = await log.verify(); return [isGood, entries, missing];")
    assert report == [True, 901, 0]


def test_what_is_given_up_while_it_is_watched_goes(device: Callable[[], Device], chain: Published) -> None:
    one = device()
    one.run(OPEN, str(reader_of(chain)))
    one.run("window.lists = []; log.watch((list) => lists.push(list.map(({ seq }) => seq)));")
    for last in (1151, 1152):
        add(chain, last - chain.writer.state.seq - 1)
        checkpoint(chain)
        one.run("await until(() => lists.at(-1)?.at(-1) === given);", last)
    assert one.run("return lists.at(-1);") == [1151, 1152]  # what is little may stay
    lists = one.run("return lists;")
    assert all(seqs == list(range(seqs[0], seqs[-1] + 1)) for seqs in lists)
    assert {seq for seqs in lists for seq in seqs} == set(range(700, 1153))  # before it went, each was shown


def test_who_was_away_goes_on_at_the_newest_snapshot(device: Callable[[], Device], chain: Published) -> None:
    one = device()
    one.run(OPEN, str(reader_of(chain)))
    add(chain, 700)
    checkpoint(chain)
    add(chain, 3)
    page = one.open()
    one.run(OPEN, str(reader_of(chain)), page)
    assert one.run(SEQS, page=page) == list(range(1601, 1605))
    assert one.run(ASKED, page=page) == [901, 1601]
    assert one.run("return (await log.verify()).isGood;", page=page) is True


def test_who_falls_behind_goes_on_at_the_newest_snapshot(device: Callable[[], Device], chain: Published) -> None:
    one = device()
    one.run(OPEN, str(reader_of(chain)))
    one.run("window.lists = []; log.watch((list) => lists.push(list.map(({ seq }) => seq)));")
    one.run("await until(() => cairn.status.value === 'online');")
    one.context.set_offline(True)
    add(chain, 2_000)
    checkpoint(chain)
    add(chain, 3)
    one.context.set_offline(False)
    one.run("await until(() => lists.at(-1)?.at(-1) === 2904);")
    assert one.run(SEQS) == list(range(2901, 2905))


def test_who_writes_reads_all(device: Callable[[], Device], chain: Published) -> None:
    one = device()
    one.run(OPEN, chain.write_link())
    assert one.run(SEQS) == list(range(1, 901))
    assert one.run("return log.add('mine');") == {"seq": 901}


@pytest.mark.parametrize("floor", [100, 650, 701, 900, 5_000])
def test_a_floor_that_is_none_hides_nothing(device: Callable[[], Device], chain: Published, floor: int) -> None:
    one = device()
    lie_about_floor(one.page, floor)
    one.run("window.log = await cairn.openLink(given);", str(reader_of(chain)))
    told = one.run("return attempt(() => log.catchUp());")
    if floor > 700:
        assert told["code"] == "tampered"
        assert one.run(SEQS) == []
    else:
        assert one.run(SEQS)[-201:] == list(range(700, 901))


def test_what_was_seen_is_not_passed_over(device: Callable[[], Device], chain: Published) -> None:
    one = device()
    one.run(OPEN, str(reader_of(chain)))
    add(chain, 300)
    chain.add(Payload.of_text("a checkpoint that gives up nothing more"), Kind.CHECKPOINT, 700)
    lie_about_floor(one.page, 1_201)
    assert one.run("return attempt(() => log.catchUp());")["code"] == "tampered"
    assert one.run("return log.seq;") == 900


def lie_about_floor(page: Page, floor: int) -> None:
    def answer(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, body=json.dumps({**response.json(), "floor": floor}))

    page.route("**/v1/chains/*", answer)
