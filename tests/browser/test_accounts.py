"""Accounts in Chromium, on a real server: made, opened elsewhere, recovered, their password changed, signed out."""

from __future__ import annotations

from collections.abc import Callable

from tests.browser.pages import PASSWORD, Device

SIGN_UP = "window.me = await cairn.signUp('ann', given); return me.recoveryCode;"
SIGN_IN = "return attempt(async () => { window.me = await cairn.signIn('ann', given); return me.name; });"


def test_a_second_browser_signs_in_and_sees_the_data(device: Callable[[], Device]) -> None:
    first, second = device(), device()
    code = first.run(SIGN_UP, PASSWORD)
    assert code.startswith("crn1w_")
    first.run("window.notes = await me.open('notes'); await notes.add({ text: 'hello' }); await notes.add('plain');")
    assert second.run(SIGN_IN, PASSWORD) == {"value": "ann"}
    assert second.run("window.notes = await me.open('notes'); return values(notes);") == [{"text": "hello"}, "plain"]
    second.run("await notes.add(new Uint8Array([1, 2]));")
    assert first.run("return [...(await values(notes))[2]];") == [1, 2]
    assert second.run("return me.names();") == ["notes"]


def test_a_wrong_password_or_name_is_one_error(device: Callable[[], Device]) -> None:
    first, second = device(), device()
    first.run(SIGN_UP, PASSWORD)
    answer = second.run(SIGN_IN, "Correct horse battery staple")
    assert answer["code"] == "no_account"
    assert "recovery code" in answer["hint"]
    assert second.run("return attempt(() => cairn.signIn('anna', given));", PASSWORD)["code"] == "no_account"
    assert second.run("return attempt(() => cairn.signIn('an na', given));", PASSWORD)["code"] == "invalid"
    assert second.run("return cairn.resume();") is None


def test_the_same_name_and_password_are_the_same_account(device: Callable[[], Device]) -> None:
    first, second = device(), device()
    first.run(SIGN_UP, PASSWORD)
    first.run("await (await me.open('notes')).add('mine');")
    assert second.run(SIGN_UP, PASSWORD) is None
    assert second.run("return values(await me.open('notes'));") == ["mine"]


def test_a_recovery_code_opens_the_account_and_sets_a_password(device: Callable[[], Device]) -> None:
    first, second, third = device(), device(), device()
    code = first.run(SIGN_UP, PASSWORD)
    first.run("await (await me.open('notes')).add('kept');")
    second.run("window.me = await cairn.recover(given, 'ann', 'another password');", code)
    assert second.run("return values(await me.open('notes'));") == ["kept"]
    assert third.run(SIGN_IN, "another password") == {"value": "ann"}
    assert third.run("return values(await me.open('notes'));") == ["kept"]
    assert third.run("return attempt(() => cairn.recover('crn1w_AAAA', 'ann', 'x'));")["code"] == "wrong_capability"
    link = first.run("return (await me.open('notes')).capabilityText('write');")
    assert third.run("return attempt(() => cairn.recover(given, 'ann', 'x'));", link)["code"] == "wrong_capability"


def test_a_changed_password_leaves_the_old_one_shut(device: Callable[[], Device]) -> None:
    first, second = device(), device()
    first.run(SIGN_UP, PASSWORD)
    first.run("await (await me.open('notes')).add('kept');")
    assert first.run("return attempt(() => me.changePassword('wrong', 'new one'));")["code"] == "no_account"
    first.run("await me.changePassword(given, 'new one');", PASSWORD)
    assert second.run(SIGN_IN, PASSWORD)["code"] == "closed"
    assert second.run(SIGN_IN, "new one") == {"value": "ann"}
    assert second.run("return values(await me.open('notes'));") == ["kept"]
    assert second.run("return attempt(() => me.changePassword('new one', given));", PASSWORD)["code"] == "closed"


def test_an_account_key_is_part_of_the_password(device: Callable[[], Device]) -> None:
    first, second = device(), device()
    first.run("window.me = await cairn.signUp('ann', given, { accountKey: new Uint8Array(16).fill(7) });", PASSWORD)
    assert second.run(SIGN_IN, PASSWORD)["code"] == "no_account"
    short = "return attempt(() => cairn.signIn('ann', given, { accountKey: new Uint8Array(15) }));"
    assert second.run(short, PASSWORD)["code"] == "invalid"
    second.run("window.right = { accountKey: new Uint8Array(16).fill(7) };")
    right = "return attempt(async () => (await cairn.signIn('ann', given, right)).name);"
    assert second.run(right, PASSWORD) == {"value": "ann"}


def test_a_visit_later_it_is_resumed_until_it_signs_out(device: Callable[[], Device]) -> None:
    first = device()
    first.run(SIGN_UP, PASSWORD)
    first.run("await (await me.open('notes')).add('kept');")
    later = first.open()
    assert first.run("window.me = await cairn.resume(); return values(await me.open('notes'));", page=later) == ["kept"]
    first.run("await me.signOut();", page=later)
    assert first.run("return cairn.resume();", page=first.open()) is None


def test_signing_out_ends_it_in_all_tabs(device: Callable[[], Device]) -> None:
    first = device()
    first.run(SIGN_UP, PASSWORD)
    other = first.open()
    first.run("window.me = await cairn.resume(); window.log = await me.open('notes');", page=other)
    first.run("await log.add('kept');", page=other)
    first.run("await me.signOut();")
    first.run("await until(() => !me.isOpen.value);", page=other)
    assert first.run("return cairn.resume();", page=other) is None
    left = "const { database } = await cairn.browser.storage(); return database.count('entries');"
    assert first.run(left, page=other) == 0


def test_what_waits_for_a_log_that_is_not_open_is_not_lost_by_signing_out(device: Callable[[], Device]) -> None:
    first = device()
    first.run(SIGN_UP, PASSWORD)
    later = first.open()
    first.run("window.notes = await me.open('notes'); await notes.add('sent');")
    first.run("window.me = await cairn.resume();", page=later)
    first.context.set_offline(True)
    first.run("await notes.add('waits');")
    first.page.close()
    assert first.run("return attempt(() => me.signOut());", page=later)["code"] == "unsent"
    assert first.run("return me.isOpen.value;", page=later)
    first.context.set_offline(False)
    first.run("await me.signOut();", page=later)
    first.run("await cairn.signIn('ann', given); window.me = await cairn.resume();", PASSWORD, page=later)
    assert first.run("return values(await me.open('notes'));", page=later) == ["sent", "waits"]


def test_the_root_cannot_be_read_out_of_the_browser(device: Callable[[], Device]) -> None:
    first = device()
    code = first.run(SIGN_UP, PASSWORD)
    first.run("await (await me.open('notes')).add('marker-of-content');")
    kept = first.run("""
        const { database } = await cairn.browser.storage();
        const account = (await database.list('keys', `account  ${cairn.realm}`))[0].value;
        const outcome = await crypto.subtle.exportKey('raw', account.root).then(() => 'read', () => 'refused');
        const all = [];
        for (const store of ['keys', 'entries', 'outbox', 'uploads']) {
            for (const shelf of await database.shelves(store)) {
                for (const { key, value } of await database.list(store, shelf)) {
                    const texts = value instanceof Uint8Array ? [new TextDecoder().decode(value)] : [];
                    all.push(JSON.stringify([key, value, texts]));
                }
            }
        }
        return [outcome, all.join(), JSON.stringify(localStorage)];
    """)
    assert kept[0] == "refused"
    for secret in ("marker-of-content", code, PASSWORD):
        assert all(secret not in text for text in kept)


def test_two_devices_that_open_a_name_at_once_have_one_log(device: Callable[[], Device]) -> None:
    first, second = device(), device()
    first.run(SIGN_UP, PASSWORD)
    second.run(SIGN_IN, PASSWORD)
    for one in (first, second):
        one.page.evaluate("() => { window.opened = me.open('shared'); }")
    first.run("await (await opened).add(1);")
    second.run("await (await opened).add(2);")
    assert first.run("return values(await opened);") == [1, 2]
    assert second.run("return values(await me.open('shared'));") == [1, 2]
