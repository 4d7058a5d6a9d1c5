"""The Yjs provider in Chromium, on a real server, with real Yjs: documents in logs and in spaces."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from cairn.interface.sites.bundled import web_folder
from tests.browser.known import ROOT
from tests.browser.pages import Device

YJS = web_folder("apps") / "editor" / "vendor" / "collab.js"
BIND = """
    const { Y, awarenessProtocol } = await import('/collab.js');
    const { bindYjs } = await import('/sdk/yjs.js');
    Object.assign(window, { Y, awarenessProtocol, bindYjs });
    window.bind = async (where, options = {}) => {
        window.doc = new Y.Doc();
        window.text = doc.getText('text');
        window.awareness = new awarenessProtocol.Awareness(doc);
        window.applied = [];
        doc.on('update', (update, origin) => { if (origin === binding) applied.push(update.length); });
        window.binding = bindYjs({ Y, doc, awareness, awarenessProtocol, ...where, ...options });
        await binding.loaded;
    };
    window.type = (at, words) => { for (const letter of words) text.insert(Math.min(at++, text.length), letter); };
    window.shows = (words) => until(() => text.toString() === words);
"""
NEW_LOG = "window.log = await cairn.newLog(); await bind({ log }, given); return log.capabilityText('write');"
OPEN_LOG = "window.log = await cairn.openLink(given); await bind({ log });"
NEW_SPACE = "window.space = await cairn.newSpace('Paper', 'Ann'); await bind({ space }, given);"
OPEN_SPACE = "window.space = await cairn.openSpace(given); await bind({ space });"
INVITE = "return space.invite(given, { page: location.origin + '/' });"
TEXT = "return text.toString();"
SAVED = "await binding.flush(); await until(() => cairn.pending.value === 0);"
ENTRIES = "await log.catchUp(); return log.list.map(({ kind, value }) => [kind, value.length]);"

HARM = """
    const random = (below) => Math.floor((given = (Math.imul(given, 1103515245) + 12345) >>> 0) / 2 ** 32 * below);
    const mutated = (update, times) => {
        const changed = Uint8Array.from(update);
        for (let n = 0; n < times; n++) changed[random(changed.length)] = random(256);
        return changed;
    };
    const harm = (doc) => {
        const words = doc.getText('text');
        words.insert(3, 'evil'); words.delete(0, 2); words.format(0, 2, { b: true });
        doc.getMap('m').set('k', { a: [1, 'x'] });
    };
"""


@pytest.fixture
def editor(device: Callable[[], Device]) -> Callable[[], Device]:
    """Makes browser profiles with Yjs and its provider."""

    def make() -> Device:
        one = device()
        one.context.route("**/collab.js", lambda route: route.fulfill(path=YJS, content_type="text/javascript"))
        one.run(BIND)
        return one

    return make


# --- a log


def test_what_one_device_types_another_shows(editor: Callable[[], Device]) -> None:
    one, other = editor(), editor()
    capability = one.run(NEW_LOG, {})
    other.run(OPEN_LOG, capability)
    one.run("type(0, 'hello'); await binding.flush();")
    other.run("await shows('hello'); type(5, ' world'); await binding.flush();")
    one.run("await shows('hello world');")
    assert one.run("return [binding.problem.value, binding.refused.length, binding.unsent.value];") == [None, 0, False]


def test_a_moment_is_one_entry_and_is_not_applied_again(editor: Callable[[], Device]) -> None:
    one, other = editor(), editor()
    capability = one.run(NEW_LOG, {"mergeMs": 60_000})
    one.run("type(0, 'a hundred letters '.repeat(10)); await binding.flush();")
    one.run("type(0, 'more '); text.delete(10, 20); await binding.flush();")
    assert [kind for kind, _ in one.run(ENTRIES)] == ["entry", "entry"]
    one.run("await until(() => log.list.every(({ isPending }) => !isPending)); log.watch(() => {});")
    assert one.run("return applied;") == []
    other.run(OPEN_LOG, capability)
    assert other.run(TEXT) == one.run(TEXT)
    assert len(other.run("return applied;")) == 1  # both in one transaction


def test_without_a_flush_it_goes_out_by_itself(editor: Callable[[], Device]) -> None:
    one, other = editor(), editor()
    other.run(OPEN_LOG, one.run(NEW_LOG, {}))
    one.run("type(0, 'by itself'); await until(() => !binding.unsent.value);")
    other.run("await shows('by itself');")


def test_what_a_document_holds_before_is_added(editor: Callable[[], Device]) -> None:
    one, other = editor(), editor()
    capability = one.run("window.log = await cairn.newLog(); return log.capabilityText('write');")
    one.run("const doc = new Y.Doc(); doc.getText('text').insert(0, 'held'); await bindYjs({ Y, doc, log }).destroy();")
    other.run(OPEN_LOG, capability)
    other.run("await shows('held');")


def test_offline_it_goes_on_over_a_restart_and_arrives_later(editor: Callable[[], Device]) -> None:
    one, other = editor(), editor()
    capability = one.run(NEW_LOG, {})
    one.run(f"type(0, 'before '); {SAVED}")
    other.run(OPEN_LOG, capability)
    one.page.route("**/v1/**", lambda route: route.abort())
    one.run("type(7, 'offline'); await binding.flush();")
    assert one.run("return cairn.pending.value;") == 1
    one.page.close()
    one.context.route("**/v1/**", lambda route: route.abort())
    one.page = one.open()
    one.run(BIND)
    one.run(OPEN_LOG, capability)
    assert one.run(TEXT) == "before offline"
    other.run("type(0, '> '); await binding.flush();")
    one.context.unroute("**/v1/**")
    one.run("await log.flush(); await shows('> before offline');")
    other.run("await shows('> before offline');")
    assert one.run("return binding.refused.length;") == 0


def test_a_large_paste_lies_in_pieces_and_is_whole(editor: Callable[[], Device]) -> None:
    one, other = editor(), editor()
    capability = one.run(NEW_LOG, {})
    other.run(OPEN_LOG, capability)
    one.run("window.paste = Array.from({ length: 60000 }, (_, n) => n.toString(36)).join(' ');")
    one.run(f"text.insert(0, paste); {SAVED}")
    entries = one.run(ENTRIES)
    assert len(entries) == 5
    assert all(size <= 60_000 for _, size in entries)
    whole = one.run(TEXT)
    assert len(whole) > 4 * 60_000
    other.run("await until(() => text.length > 0);")
    assert other.run(TEXT) == whole


def test_what_is_refused_is_kept_and_sent_again(editor: Callable[[], Device]) -> None:
    one, other = editor(), editor()
    other.run(OPEN_LOG, one.run(NEW_LOG, {}))
    one.run(f"type(0, 'first'); {SAVED}")
    one.page.route("**/v1/chains/*/entries", lambda route: route.fulfill(status=507, json={"code": "full"}))
    one.run("type(5, ' second'); await binding.flush();")
    assert one.run("return [binding.problem.value.code, binding.unsent.value];") == ["full", True]
    one.page.unroute("**/v1/chains/*/entries")
    one.run("type(12, ' third'); await binding.flush();")
    other.run("await shows('first second third');")
    assert one.run("return binding.unsent.value;") is False


def test_the_writer_of_many_entries_makes_a_snapshot(editor: Callable[[], Device]) -> None:
    one, other = editor(), editor()
    capability = one.run(NEW_LOG, {"snapshotEntries": 5})
    one.run("for (const word of 'abcdefg') { type(0, word); await binding.flush(); }")
    one.run("await until(() => log.list.some(({ kind }) => kind === 'snapshot'));")
    one.run("type(0, 'tail '); await binding.flush();")
    other.run(OPEN_LOG, capability)
    assert other.run(TEXT) == one.run(TEXT) == "tail gfedcba"
    kinds = [kind for kind, _ in one.run(ENTRIES)]
    assert kinds.count("snapshot") == 1
    assert other.run("return binding.source.rows[0].entry.kind;") == "snapshot"
    assert other.run("return binding.source.rows.length;") == len(kinds) - kinds.index("snapshot")


def test_a_snapshot_of_a_large_document_is_whole_or_not_there(editor: Callable[[], Device]) -> None:
    one, other = editor(), editor()
    capability = one.run(NEW_LOG, {})
    one.run("for (let n = 0; n < 9; n++) { text.insert(0, `${n} `.repeat(9000)); await binding.flush(); }")
    one.run("await binding.snapshot(); type(0, 'tail '); await binding.flush();")
    kinds = [kind for kind, _ in one.run(ENTRIES)]
    assert kinds[-4:] == ["snapshot", "entry", "entry", "entry"]  # three pieces, and the tail
    other.run(OPEN_LOG, capability)
    assert other.run(TEXT) == one.run(TEXT)
    assert other.run("return binding.source.rows.length;") == 4


def test_two_devices_that_snapshot_at_once_lose_nothing(editor: Callable[[], Device]) -> None:
    one, other = editor(), editor()
    other.run(OPEN_LOG, one.run(NEW_LOG, {}))
    for each, words in ((one, "abc"), (other, "xyz")):
        each.page.evaluate(
            """(words) => { window.working = (async () => {
                for (const word of words) { type(0, word); await binding.flush(); await binding.snapshot(); }
            })(); }""",
            words,
        )
    for each in (one, other):
        each.run("await working; await until(() => text.length === 6);")
    fresh = editor()
    fresh.run(OPEN_LOG, one.run("return log.capabilityText('read');"))
    assert fresh.run(TEXT) == one.run(TEXT) == other.run(TEXT)


def test_who_reads_alone_follows_and_is_told(editor: Callable[[], Device]) -> None:
    one, reader = editor(), editor()
    one.run(NEW_LOG, {})
    one.run("type(0, 'read'); await binding.flush();")
    reader.run(OPEN_LOG, one.run("return log.capabilityText('read');"))
    one.run("type(4, ' this'); await binding.flush();")
    reader.run("await shows('read this'); type(0, 'mine '); await binding.flush();")
    assert reader.run("return binding.problem.value.code;") == "forbidden"
    assert one.run(TEXT) == "read this"


def test_destroy_sends_what_was_typed_last(editor: Callable[[], Device]) -> None:
    one, other = editor(), editor()
    capability = one.run(NEW_LOG, {"mergeMs": 60_000})
    one.run("type(0, 'last words'); await binding.destroy(); type(0, 'nobody hears '); log.close();")
    other.run(OPEN_LOG, capability)
    assert other.run(TEXT) == "last words"


# --- a space


def test_three_editors_converge(editor: Callable[[], Device]) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    ann, bob, eve = editors = [editor(), editor(), editor()]
    ann.run(NEW_SPACE, {"snapshotEntries": 7})
    for one, name in ((bob, "Bob"), (eve, "Eve")):
        one.run(OPEN_SPACE, ann.run(INVITE, name))
    expected = 0
    for phase in range(6):
        away = editors[phase % 3]
        away.context.set_offline(True)
        for one in editors:
            script = [[chance.random(), chance.random(), chance.randrange(12)] for _ in range(25)]
            one.page.evaluate(
                """(script) => { window.editing = (async () => {
                    for (const [at, what, count] of script) {
                        const place = Math.floor(at * text.length);
                        if (what < 0.7) text.insert(place, String.fromCharCode(97 + count).repeat(1 + count));
                        else text.delete(place, Math.min(count, text.length - place));
                        if (what < 0.3) await binding.flush();
                        else await new Promise((done) => setTimeout(done, 5));
                    }
                    text.insert(0, '.');
                    await binding.flush();
                })(); }""",
                script,
            )
        for one in editors:
            one.run("await editing;")
        expected += 3
        away.context.set_offline(False)
    for one in editors:
        one.run("await until(() => cairn.pending.value === 0 && !binding.unsent.value);")
    texts = converged(editors)
    assert texts[0].count(".") <= expected
    fresh = editor()
    fresh.run(OPEN_SPACE, ann.run("return space.link();"))
    assert fresh.run(TEXT) == texts[0]
    for one in (*editors, fresh):
        assert one.run("return [binding.refused, doc.store.pendingStructs, binding.problem.value];") == [[], None, None]


def converged(editors: list[Device]) -> list[str]:
    """The texts of all, when they are the same."""
    for one in editors:
        one.run("await space.catchUp();")
    for _ in range(200):
        texts = [one.run(TEXT) for one in editors]
        if len(set(texts)) == 1:
            return texts
        editors[0].page.wait_for_timeout(50)
    raise AssertionError(texts)


def test_each_writers_snapshot_is_enough_when_others_take_theirs_away(editor: Callable[[], Device]) -> None:
    ann, bob = editor(), editor()
    ann.run(NEW_SPACE, {})
    bob.run(OPEN_SPACE, ann.run(INVITE, "Bob"))
    bob.run("type(0, 'from Bob'); await binding.flush();")
    ann.run("await shows('from Bob'); type(0, 'Ann, '); await binding.flush(); await binding.snapshot();")
    bob.run("await shows('Ann, from Bob'); await space.snapshotOf(() => [new Uint8Array([1, 0, 0])]);")
    fresh = editor()
    fresh.run(OPEN_SPACE, ann.run("return space.link();"))
    assert fresh.run(TEXT) == "Ann, from Bob"
    bob.run("type(0, 'More: '); await binding.flush();")
    fresh.run("await shows('More: Ann, from Bob');")


def test_a_member_is_found_by_an_invitation_after_snapshots(editor: Callable[[], Device]) -> None:
    ann, bob = editor(), editor()
    ann.run(NEW_SPACE, {})
    invitation = ann.run(INVITE, "Bob")
    bob.run(OPEN_SPACE, invitation)
    bob.run("type(0, 'kept'); await binding.flush(); await binding.snapshot();")
    other = editor()
    other.run(OPEN_SPACE, invitation)
    assert other.run("return [space.me.name, text.toString()];") == ["Bob", "kept"]


def test_nonsense_of_a_member_is_told_and_breaks_nothing(editor: Callable[[], Device]) -> None:
    ann, eve = editor(), editor()
    ann.run(NEW_SPACE, {})
    eve.run(OPEN_SPACE, ann.run(INVITE, "Eve"))
    ann.run("type(0, 'well'); await binding.flush();")
    eve.run("await shows('well');")
    sent = eve.run(
        HARM
        + """
        await binding.destroy();
        const updates = [];
        doc.on('update', (update) => updates.push(update));
        harm(doc);
        const good = Y.mergeUpdates(updates);
        const id = Array(8).fill(7);
        const bad = [[], [0], [1], [2, 0], [2, ...id, 0, 5, 0, 2], [9, 9, 9]].map((bytes) => Uint8Array.from(bytes));
        for (let n = 0; n < 200; n++) {
            const update = mutated(good, 12);
            try { Y.decodeUpdate(update); } catch { bad.push(Uint8Array.from([1, ...update])); }
        }
        await Promise.all(bad.map((value) => space.add(value)));
        await space.add({ chat: 'of the application' });
        return bad.length;
        """,
        20261126,
    )
    assert sent > 100
    ann.run("await until(() => binding.refused.length === given);", sent)
    assert ann.run("return text.toString();") == "well"
    assert ann.run("return binding.refused.every(({ member, seq }) => member.name === 'Eve' && seq > 1);")
    problem = ann.run("return binding.problem.value;")
    assert problem["code"] == "invalid"
    assert "Eve" in problem["message"]
    bob = editor()
    bob.run(OPEN_SPACE, ann.run(INVITE, "Bob"))
    bob.run("type(4, ' done'); await binding.flush();")
    ann.run("await shows('well done');")


def test_what_the_application_takes_from_nobody_is_passed_over(editor: Callable[[], Device]) -> None:
    ann, eve = editor(), editor()
    ann.run(
        """
        window.space = await cairn.newSpace('Paper', 'Ann');
        const accepts = ({ structs }) => structs.every(({ content }) => !(content instanceof Y.ContentEmbed));
        await bind({ space }, { accepts });
        """
    )
    eve.run(OPEN_SPACE, ann.run(INVITE, "Eve"))
    eve.run("type(0, 'text'); await binding.flush(); text.insertEmbed(2, { length: 5 }); await binding.flush();")
    ann.run("await until(() => binding.refused.length === 1);")
    assert ann.run("return text.toDelta();") == [{"insert": "text"}]


def test_what_was_held_back_outlives_a_change_that_fails(editor: Callable[[], Device]) -> None:
    """Eve writes what only fails when it is applied, while a change of Bob waits for an earlier one."""
    ann, bob, eve = editor(), editor(), editor()
    ann.run(NEW_SPACE, {})
    bob.run(OPEN_SPACE, ann.run(INVITE, "Bob"))
    eve.run(OPEN_SPACE, ann.run(INVITE, "Eve"))
    updates = bob.run(
        """
        await binding.destroy();
        const updates = [];
        const fresh = new Y.Doc();
        fresh.on('update', (update) => updates.push([1, ...update]));
        fresh.getText('text').insert(0, 'first ');
        fresh.getText('text').insert(6, 'second');
        return updates;
        """
    )
    bob.run("await space.add(Uint8Array.from(given));", updates[1])
    ann.run("await until(() => doc.store.pendingStructs);")
    eve.run("await space.add(Uint8Array.from(given));", failing(eve))
    ann.run("await until(() => binding.refused.length === 1);")
    bob.run("await space.add(Uint8Array.from(given));", updates[0])
    ann.run("await shows('first second');")
    assert ann.run("return binding.refused[0].member.name;") == "Eve"


def failing(one: Device) -> Any:
    """An update that can be decoded, and not applied."""
    found = one.run(
        HARM
        + """
        const base = new Y.Doc();
        base.getText('text').insert(0, 'hello world');
        const updates = [];
        base.on('update', (update) => updates.push(update));
        harm(base);
        const good = Y.mergeUpdates(updates);
        for (let n = 0; n < 100000; n++) {
            const update = mutated(good, 3);
            try { Y.decodeUpdate(update); } catch { continue; }
            try { Y.applyUpdate(new Y.Doc(), update); } catch { return [1, ...update]; }
        }
        """,
        7,
    )
    assert found
    return found


def test_who_was_removed_reads_and_changes_nothing_more(editor: Callable[[], Device]) -> None:
    ann, bob, eve = editor(), editor(), editor()
    ann.run(NEW_SPACE, {})
    bob.run(OPEN_SPACE, ann.run(INVITE, "Bob"))
    eve.run(OPEN_SPACE, ann.run(INVITE, "Eve"))
    eve.run("type(0, 'from Eve'); await binding.flush();")
    for one in (ann, bob):
        one.run("await shows('from Eve');")
    ann.run("await space.remove(space.members.find(({ name }) => name === 'Eve').id);")
    ann.run(
        "await until(() => space.list.some(({ entry }) => entry.kind === 'snapshot'));"
    )  # so Eve can take nothing away
    bob.run("await until(() => space.removed.length === 1); type(0, 'after: '); await binding.flush();")
    ann.run("await shows('after: from Eve');")
    eve.run("type(0, 'in vain '); await binding.flush(); await space.catchUp();")
    eve.run("await space.snapshotOf(() => [new Uint8Array([1, 0, 0])]);")
    fresh = editor()
    fresh.run(OPEN_SPACE, ann.run("return space.link();"))
    for one in (ann, bob, fresh):
        assert one.run(TEXT) == "after: from Eve"
    assert "after" not in eve.run(TEXT)


# --- who is there


def test_they_see_where_the_others_are(editor: Callable[[], Device]) -> None:
    ann, bob = editor(), editor()
    ann.run(NEW_SPACE, {})
    bob.run(OPEN_SPACE, ann.run(INVITE, "Bob"))
    ann.run("awareness.setLocalState({ user: { name: 'Somebody else' }, cursor: 3 });")
    bob.run("awareness.setLocalState({ cursor: 5 });")
    others = """
        await until(() => awareness.getStates().size === 2);
        const [, state] = [...awareness.getStates()].find(([client]) => client !== doc.clientID);
        return [state.user.name, state.cursor];
    """
    assert bob.run(others) == ["Ann", 3]  # the roster's name
    assert ann.run(others) == ["Bob", 5]
    ann.run("awareness.setLocalStateField('cursor', 8);")
    bob.run("await until(() => [...awareness.getStates().values()].some(({ cursor }) => cursor === 8));")
    ann.run("await binding.destroy();")
    bob.run("await until(() => awareness.getStates().size === 1);")
    assert bob.run("return space.list.length;") == 0  # nothing of it was kept


def test_who_says_nothing_for_long_is_forgotten(editor: Callable[[], Device]) -> None:
    ann, bob = editor(), editor()
    ann.run(NEW_SPACE, {})
    bob.run(OPEN_SPACE, ann.run(INVITE, "Bob"))
    bob.run("awareness.setLocalState({ cursor: 5 });")
    ann.run("await until(() => awareness.getStates().size === 2);")
    bob.page.close()  # without a good-bye that arrives, perhaps
    ann.run("for (const one of awareness.meta.values()) one.lastUpdated -= 30000;")
    ann.run("await until(() => awareness.getStates().size === 1);")


def test_nobody_speaks_for_another(editor: Callable[[], Device]) -> None:
    ann, bob, eve = editor(), editor(), editor()
    ann.run(NEW_SPACE, {})
    bob.run(OPEN_SPACE, ann.run(INVITE, "Bob"))
    eve.run(OPEN_SPACE, ann.run(INVITE, "Eve"))
    bob.run("awareness.setLocalState({ cursor: 5 });")
    ann.run("await until(() => awareness.getStates().has(given));", bob.run("return doc.clientID;"))
    forged = [bob.run("return doc.clientID;"), ann.run("return doc.clientID;"), -1, "x", None]
    say = "await space.say({ presence: { client, clock: 99, state: { cursor: 'forged' } } });"
    eve.run(f"for (const client of given) {say}", forged)
    eve.run("await space.say('of the application'); await space.say({ presence: null });")
    eve.run("awareness.setLocalState({ cursor: 'own' });")
    ann.run("await until(() => [...awareness.getStates().values()].some(({ cursor }) => cursor === 'own'));")
    assert "forged" not in ann.run("return JSON.stringify([...awareness.getStates()]);")


# --- what is documented


def test_the_example_of_the_documentation_works(editor: Callable[[], Device]) -> None:
    text = (ROOT / "docs" / "sdk.md").read_text("utf-8")
    example = next(block for block in text.split("```js\n")[1:] if "bindYjs" in block).partition("```")[0]
    given = {
        'import * as Y from "yjs";': "",
        'import * as awarenessProtocol from "y-protocols/awareness";': "",
        'import { connect } from "/sdk/cairn.min.js";': "const { connect } = await import('/sdk/cairn.min.js');",
        'import { bindYjs } from "/sdk/yjs.js";': "",
        "const cairn": "const page = document.body; const cairn",
    }
    for before, after in given.items():
        assert before in example
        example = example.replace(before, after)
    one, other = editor(), editor()
    one.run(f"{example} await binding.flush(); window.space = space;")
    assert one.run("return document.body.textContent;") == "Hello"
    other.run(OPEN_SPACE, one.run(INVITE, "Bob"))
    other.run("await shows('Hello'); await until(() => awareness.getStates().size === 1);")
    other.run("await until(() => [...awareness.getStates().values()].some(({ cursor }) => cursor === 5));")
