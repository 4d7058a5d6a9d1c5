"""A server that lies to an application: each lie has its name, nothing false is shown, and writing stops."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from functools import partial

import pytest
from playwright.sync_api import Route

from cairn.client.format.capability import WriteCapability
from cairn.client.format.payload import Payload
from cairn.core.chain import Entry, Kind
from cairn.testing.chains import Writer
from cairn.wire.messages import encode_entries
from tests.browser.dishonest import flip, lie_about_entries
from tests.browser.pages import Device
from tests.browser.published import Published
from tests.harness import Server

Raws = list[bytes]

OPEN = "window.log = await cairn.openLink(given); return attempt(() => values(log));"
REPORT = "const { isGood, problem } = await log.verify(); return [isGood, problem?.code, Boolean(problem?.hint)];"

LIES: dict[str, Callable[[Raws], Raws]] = {
    "ciphertext": lambda raws: [*raws[:2], flip(raws[2], 150), *raws[3:]],
    "signature": lambda raws: [*raws[:-1], flip(raws[-1], -1)],
    "left out": lambda raws: [*raws[:2], *raws[3:]],
    "swapped": lambda raws: [raws[0], raws[2], raws[1], *raws[3:]],
    "cut off": lambda raws: raws[:-1],
    "no genesis": lambda raws: raws[1:],
    "spliced": lambda raws: [*raws[:2], Writer("other").add_many(2)[1].raw, *raws[3:]],
}


@pytest.fixture
def chain(app: Server, request: pytest.FixtureRequest) -> Published:
    """A chain with three entries."""
    published = Published(app, seed=request.node.name)
    for words in ("first words", "second words", "third words"):
        published.add(words)
    return published


def write_cap(chain: Published) -> str:
    return str(WriteCapability(chain.writer.keys))


@pytest.mark.parametrize("lie", LIES)
def test_an_altered_history_is_named_and_nothing_of_it_shown(
    device: Callable[[], Device], chain: Published, lie: str
) -> None:
    one = device()
    lie_about_entries(one.page, LIES[lie])
    answer = one.run(OPEN, write_cap(chain))
    assert answer["code"] == "tampered"
    assert answer["hint"]
    assert one.run(REPORT) == [False, "tampered", True]
    assert one.run("return log.list.length;") == 0
    assert one.run("return attempt(() => log.add('mine'));")["code"] == "tampered"


def test_a_rollback_a_fork_and_a_lost_chain(device: Callable[[], Device], chain: Published) -> None:
    one = device()
    assert len(one.run(OPEN, write_cap(chain))["value"]) == 3
    other = Writer(chain.seed)
    for words in ("first words", "another second", "another third", "and a fourth"):
        other.add(Payload.of_text(words).encode())
    forked = [entry.raw for entry in other.entries]
    stories: dict[str, tuple[Callable[[Raws], Raws], int]] = {
        "rollback": (lambda raws: raws[:-1], 2),
        "fork": (lambda _: forked, 4),
    }
    for code, (alter, head_seq) in stories.items():
        page = one.open()
        lie_about_entries(page, alter, head_seq)
        one.run("window.log = await cairn.openLink(given);", write_cap(chain), page=page)
        assert one.run(REPORT, page=page) == [False, code, True]
        page.close()
    page = one.open()
    page.route("**/v1/chains/*/entries?*", lambda route: route.fulfill(status=404, body="{}"))
    one.run("window.log = await cairn.openLink(given);", write_cap(chain), page=page)
    assert one.run("return attempt(() => log.catchUp());", page=page)["code"] == "rollback"
    assert one.run("return log.list.length;", page=page) == 3


def test_a_forged_entry_is_refused_by_the_server_and_by_the_reader(
    device: Callable[[], Device], app: Server, chain: Published
) -> None:
    one = device()
    genuine = chain.writer.next(Payload.of_text("never said").encode())
    unsigned = genuine.raw[:-64]
    forged = Entry.decode(unsigned + Writer("a stranger").keys.sign("entry", unsigned))
    answer = app.ask("POST", f"/v1/chains/{chain.id}/entries", encode_entries([forged]))
    assert (answer.status, answer.code) == (400, "invalid")
    lie_about_entries(one.page, lambda raws: [*raws, forged.raw], head_seq=4)
    assert one.run(OPEN, chain.read_link())["code"] == "tampered"
    assert "never said" not in one.run("return JSON.stringify(log.list);")


def test_an_acknowledgement_that_is_a_lie(device: Callable[[], Device], chain: Published) -> None:
    one = device()
    one.run(OPEN, write_cap(chain))
    for seq, code in ((4, "fork"), (3, "tampered")):
        head = json.dumps({"chain": chain.id, "seq": seq, "hash": "00" * 32, "closed": False})
        one.page.route("**/v1/chains/*/entries", partial(answer, head))
        assert one.run("return attempt(() => log.add('mine'));")["code"] == code
        one.page.unroute("**/v1/chains/*/entries")
    assert one.run("return values(log);") == ["first words", "second words", "third words"]


def answer(head: str, route: Route) -> None:
    """Acknowledge an append that the server never saw."""
    route.fulfill(status=201, body=head)


def test_random_lies_are_never_believed(device: Callable[[], Device], chain: Published) -> None:
    """Whatever is changed: either what is shown is what was written, or the change has a name."""
    chain.rotate()
    chain.add("fourth words")
    chain.add("the state", Kind.CHECKPOINT)
    draw = random.Random(7)
    one = device()
    written = ["first words", "second words", "third words", "fourth words", "the state"]

    def alter(raws: Raws) -> Raws:
        raws = list(raws)
        change, at = draw.randrange(5), draw.randrange(len(raws))
        if change == 0:
            raws[at] = flip(raws[at], draw.randrange(len(raws[at])))
        elif change == 1:
            del raws[at]
        elif change == 2:
            raws.insert(at, draw.choice(raws))
        elif change == 3:
            raws = raws[:at]
        else:
            draw.shuffle(raws)
        return raws

    lie_about_entries(one.page, alter)
    one.run("window.text = given;", str(WriteCapability(chain.writer.keys)))
    for _ in range(60):
        told = one.run("""
            localStorage.clear();
            const fresh = await sdk.connect({ realm: 'fresh' }).openLink(text);
            const { database } = await fresh.browser.storage();
            await database.clear('entries', fresh.id);
            const report = await fresh.verify();
            const read = await attempt(() => values(fresh));
            fresh.close();
            return [report.isGood, report.problem?.code, read];
        """)
        assert told[0] is True or told[1] in ("tampered", "rollback", "fork"), told
        read = told[2]
        assert read.get("value", written) == written or read.get("code") in ("tampered", "rollback", "fork"), read
