"""Spaces in Chromium, on a real server: many writers, in one order for all; who is removed is left out."""

from __future__ import annotations

from collections.abc import Callable

from tests.browser.dishonest import flip, lie_about_entries
from tests.browser.pages import PASSWORD, Device

MAKE = "window.space = await cairn.newSpace('Garden', 'Ann');"
OPEN = "window.space = await cairn.openSpace(given);"
INVITE = "return space.invite(given, { page: location.origin + '/' });"
WATCH = "window.list = []; space.watch((list) => { window.list = list; });"
SEEN = "await space.catchUp(); return space.list.map(({ member, value }) => [member.name, value]);"


def test_all_members_see_what_all_wrote_in_one_order(device: Callable[[], Device]) -> None:
    ann, bob, eve = device(), device(), device()
    ann.run(MAKE)
    ann.run("await space.add('seeds');")
    bob.run(OPEN, ann.run(INVITE, "Bob"))
    eve.run(OPEN, ann.run(INVITE, "Eve"))
    for one in (ann, bob, eve):
        one.run(WATCH)
    bob.run("await until(() => list.length === 1); await space.add({ text: 'water' });")
    eve.run("await until(() => list.length === 2); await space.add(new Uint8Array([7, 8]));")
    ann.run("await until(() => list.length === 3); await space.add('sun');")
    for one in (ann, bob, eve):
        one.run("await until(() => list.length === 4 && list.every(({ entry }) => !entry.isPending));")
        shown = one.run(
            "return list.map(({ member, value }) => [member.name, value.length === 2 ? [...value] : value]);"
        )
        assert shown == [["Ann", "seeds"], ["Bob", {"text": "water"}], ["Eve", [7, 8]], ["Ann", "sun"]]
        assert one.run("return space.members.map(({ name }) => name);") == ["Ann", "Bob", "Eve"]
        assert one.run("return space.name;") == "Garden"
    assert [one.run("return [space.me.name, space.isOwner];") for one in (ann, bob)] == [["Ann", True], ["Bob", False]]


def test_at_once_they_come_to_the_same_order(device: Callable[[], Device]) -> None:
    ann, bob = device(), device()
    ann.run(MAKE)
    bob.run(OPEN, ann.run(INVITE, "Bob"))
    for one in (ann, bob):
        one.page.evaluate("() => { window.adding = Promise.all([...Array(20).keys()].map((n) => space.add(n))); }")
    for one in (ann, bob):
        one.run("await adding;")
    lists = [one.run(SEEN) for one in (ann, bob)]
    assert lists[0] == lists[1]
    for name in ("Ann", "Bob"):
        assert [value for who, value in lists[0] if who == name] == list(range(20))


def test_who_is_removed_reads_and_writes_nothing_that_comes_after(device: Callable[[], Device]) -> None:
    ann, bob, eve = device(), device(), device()
    ann.run(MAKE)
    bob.run(OPEN, ann.run(INVITE, "Bob"))
    eve.run(OPEN, ann.run(INVITE, "Eve"))
    for one in (ann, bob, eve):
        one.run(WATCH)
    eve.run("await space.add('before');")
    ann.run("await until(() => list.length === 1);")
    ann.run("await space.remove(space.members.find(({ name }) => name === 'Eve').id);")
    ann.run("await space.add('after');")
    bob.run("await until(() => list.length === 2); await space.add('after too');")
    eve.run("await space.add('in vain').catch(() => {});")
    expected = [["Eve", "before"], ["Ann", "after"], ["Bob", "after too"]]
    assert ann.run(SEEN) == expected
    assert bob.run(SEEN) == expected
    fresh = device()
    fresh.run(OPEN, ann.run("return space.link();"))
    assert fresh.run(SEEN) == expected
    assert not {"after", "after too"} & {value for _, value in eve.run(SEEN)}
    assert fresh.run("return attempt(() => space.add('x'));")["code"] == "forbidden"
    assert bob.run("return attempt(() => space.invite('Mallory'));")["code"] == "forbidden"
    assert bob.run("return attempt(() => space.remove(space.members[0].id));")["code"] == "forbidden"


def test_who_sees_that_a_member_was_removed_may_rely_on_it(device: Callable[[], Device]) -> None:
    ann, bob, eve = device(), device(), device()
    ann.run(MAKE)
    bob.run(OPEN, ann.run(INVITE, "Bob"))
    eve.run(OPEN, ann.run(INVITE, "Eve"))
    for one in (ann, bob, eve):
        one.run(WATCH)
    eve.run("await space.add('before');")
    ann.run("await until(() => list.length === 1);")
    ann.page.evaluate(  # each of her requests takes its time
        """() => {
            const send = window.fetch;
            window.fetch = async (...given) => (await new Promise((done) => setTimeout(done, 400)), send(...given));
            window.removing = space.remove(space.members.find(({ name }) => name === 'Eve').id);
        }"""
    )
    bob.run("await until(() => space.removed.length === 1); await space.add('after');")
    ann.run("await removing; await until(() => list.length === 2);")
    assert ["Bob", "after"] in ann.run(SEEN)
    assert ["Bob", "after"] not in eve.run(SEEN)


def test_what_is_said_is_heard_and_not_kept(device: Callable[[], Device]) -> None:
    ann, bob = device(), device()
    ann.run(MAKE)
    bob.run(OPEN, ann.run(INVITE, "Bob"))
    for one in (ann, bob):
        one.run(WATCH)
        one.run("window.heard = []; space.hear((value, member) => heard.push([member.name, value]));")
    ann.run("await space.add('ready');")
    bob.run("await until(() => list.length === 1);")
    ann.run("await until(async () => { await space.say({ cursor: 3 }); return cairn.status.value === 'online'; });")
    bob.run("await until(async () => { await space.say({ cursor: 4 }); return heard.length > 0; });")
    ann.run("await until(() => heard.length > 0);")
    assert bob.run("return heard[0];") == ["Ann", {"cursor": 3}]
    assert ann.run("return heard[0];") == ["Bob", {"cursor": 4}]
    assert ann.run(SEEN) == [["Ann", "ready"]]


def test_an_account_keeps_its_spaces(device: Callable[[], Device]) -> None:
    ann, other, bob = device(), device(), device()
    ann.run("window.me = await cairn.signUp('ann', given);", PASSWORD)
    ann.run("window.space = await me.space('garden'); await space.add('seeds');")
    other.run("window.me = await cairn.signIn('ann', given);", PASSWORD)
    other.run("window.space = await me.space('garden');")
    assert other.run(SEEN) == [["ann", "seeds"]]
    assert other.run("return [space.isOwner, await me.names()];") == [True, []]
    bob.run("window.me = await cairn.signUp('bob', given);", PASSWORD)
    bob.run("await me.keepSpace('theirs', await cairn.openSpace(given));", other.run(INVITE, "Bob"))
    bob.run("window.space = await me.space('theirs'); await space.add('rain');")
    assert ann.run(SEEN) == [["ann", "seeds"], ["Bob", "rain"]]


def test_a_snapshot_stands_for_what_its_member_wrote(device: Callable[[], Device]) -> None:
    ann, bob = device(), device()
    ann.run(MAKE)
    invitation = ann.run(INVITE, "Bob")
    bob.run(OPEN, invitation)
    ann.run("await space.add('of Ann');")
    bob.run("for (const n of [1, 2, 3]) await space.add(n);")
    bob.run(
        "await space.snapshotOf(() => [space.list.filter(({ member }) => member.name === 'Bob').length, 'and more']);"
    )
    bob.run("await space.snapshotOf(() => []);")
    bob.run("await space.add(4);")
    for one, opens in ((ann, ""), (bob, ""), (device(), OPEN), (device(), OPEN)):
        one.run(opens, invitation if one is not ann else None)
        assert one.run(SEEN) == [["Ann", "of Ann"], ["Bob", 3], ["Bob", "and more"], ["Bob", 4]]
        kinds = one.run("return space.list.map(({ entry }) => entry.kind);")
        assert kinds == ["entry", "snapshot", "entry", "entry"]


def test_what_a_server_does_to_a_members_chain_is_told(device: Callable[[], Device]) -> None:
    ann, bob = device(), device()
    ann.run(MAKE)
    bob.run(OPEN, ann.run(INVITE, "Bob"))
    bob.run("for (const n of [1, 2, 3]) await space.add(n);")
    reader = device()
    lie_about_entries(reader.page, flip_one_of_five)
    reader.run(OPEN, ann.run("return space.link();"))
    reader.run(WATCH)
    reader.run("await until(() => space.problem.value);")
    assert reader.run("return space.problem.value.code;") == "tampered"


def flip_one_of_five(entries: list[bytes]) -> list[bytes]:
    """Bob's chain alone has five entries."""
    return [*entries[:3], flip(entries[3], 200), *entries[4:]] if len(entries) == 5 else entries
