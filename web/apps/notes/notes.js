/**
 * Notes: a door, and behind it the notebook of an account; or a notebook that somebody shares by a link.
 *
 * @import { Account } from "/sdk/account/account.js"
 * @import { Cairn, Log } from "/sdk/cairn.js"
 * @import { Note } from "./notebook.js"
 */

import { connect } from "/sdk/cairn.min.js";
import { showNotes } from "./list.js";
import { matching, notesOf } from "./notebook.js";

/** @type {Record<string, any>} the elements of index.html, by id */
const page = Object.fromEntries([...document.querySelectorAll("[id]")].map((element) => [element.id, element]));
/** @type {Record<string, [button: string, which: string, about: string]>} */
const WAYS = {
  signIn: ["Sign in", "Password", "With the name and the password of your account."],
  signUp: ["Sign up", "Password", "No mail address is asked for. Nobody can reset a password: choose a long one."],
  recover: ["Recover", "New password", "With the recovery code that you kept when you signed up."],
};

/** Says something above all else. @param {any} [what] words, or an error */
function say(what = "") {
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  page.word.hidden = !what;
  page.word.className = what instanceof Error ? "notice bad" : "notice";
  page.word.textContent = what.hint ? `${what.message}. ${what.hint}` : String(what);
  if (what instanceof Error && !("hint" in what)) reportError(what);
}

/** Does work when a form is sent or a button pressed, once at a time. @param {any} element @param {() => unknown} work */
function when(element, work) {
  element[element.localName === "form" ? "onsubmit" : "onclick"] = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (element.ariaBusy) return;
    element.ariaBusy = "true";
    await Promise.resolve().then(work).catch(say);
    element.ariaBusy = null;
  };
}

/** @param {string} id of the section to show */
function turnTo(id) {
  say();
  for (const section of document.querySelectorAll("section")) section.hidden = section.id !== id;
  page[id].querySelector("h1").focus();
}

/** @param {any} cairn */
function knock(cairn) {
  const { way, name, password, code } = page.door.elements;
  page.door.onchange = () => {
    [page.enter.textContent, page.which.textContent, page.about.textContent] = WAYS[way.value] ?? [];
    page.code.hidden = !(code.required = way.value === "recover");
    password.minLength = way.value === "signIn" ? 1 : 8;
    password.autocomplete = way.value === "signIn" ? "current-password" : "new-password";
  };
  when(page.door, async () => {
    const me = await cairn[way.value](...(code.required ? [code.value] : []), name.value, password.value);
    page.door.reset();
    if (!me.recoveryCode) return enter(me);
    page.recovery.value = me.recoveryCode;
    when(page.keeping, () => enter(me));
    turnTo("paper");
  });
  page.door.onchange();
  turnTo("welcome");
}

/** @param {Account} me */
async function enter(me) {
  const log = await me.open("notes");
  [page.recovery.value, page.title.textContent] = ["", `Notes of ${me.name}`];
  me.isOpen.subscribe((isOpen) => isOpen || location.reload());
  when(page.share, async () => {
    page.link.value = await log.link();
    page.sharing.showModal();
  });
  when(page.settings, () => page.account.showModal());
  when(page.close, () => say());
  when(page.password, async () => {
    const { from, to } = page.password.elements;
    await me.changePassword(from.value, to.value);
    page.password.reset();
    say("The password is changed. The recovery code stays as it was.");
  });
  when(page.leave, async () => {
    const ask = "Something here has not reached the server yet. Sign out, and lose it?";
    await me.signOut({ discard: log.browser.pending.value > 0 && confirm(ask) });
  });
  read(log);
}

/** @param {Log} log */
function read(log) {
  let changed = /** @type {Note | null} */ (null);
  const keep = (/** @type {Partial<Note>} */ { id, text, at, isPinned }) => log.add({ id, text, at, isPinned }).catch(say);
  const show = () => {
    const notes = notesOf(log.list);
    const found = matching(notes, page.search.value);
    showNotes(page.list, found, page.note);
    page.empty.hidden = found.length > 0;
    page.empty.textContent = notes.length > 0 ? "No note has all of these words." : "Nothing is written here yet.";
  };
  const change = (/** @type {Note | null} */ note) => {
    changed = note;
    page.draft.value = note?.text ?? "";
    page.add.textContent = note ? "Save" : "Add";
    page.cancel.hidden = !note;
    page.draft.focus();
  };
  page.list.onclick = (/** @type {any} */ { target }) => {
    const note = notesOf(log.list).find(({ id }) => id === target.closest("li")?.dataset.id);
    if (!note) return;
    if (target.dataset.act === "edit") change(note);
    if (target.dataset.act === "pin") void keep({ ...note, isPinned: !note.isPinned });
    if (target.dataset.act === "remove" && confirm(`Delete this note?\n\n${note.text.slice(0, 200)}`)) void keep({ id: note.id });
  };
  when(page.write, () => {
    void keep({ id: crypto.randomUUID(), ...changed, text: page.draft.value, at: Date.now() });
    change(null);
  });
  page.cancel.onclick = () => change(null);
  page.search.oninput = show;
  page.notebook.className = `stack ${log.can}`;
  turnTo("notebook");
  show();
  log.watch(show, say);
}

/** @param {Cairn} cairn */
async function begin(cairn) {
  const tell = () => {
    const words = { connecting: "", online: "Online", offline: "Offline" }[cairn.status.value];
    page.connection.dataset.state = cairn.status.value;
    page.connection.textContent = words + (cairn.pending.value > 0 ? `, ${cairn.pending.value} waiting` : "");
  };
  for (const signal of [cairn.status, cairn.pending]) signal.subscribe(tell);
  const me = cairn.hasLink ? null : await cairn.resume();
  if (cairn.hasLink) read(await cairn.openLink());
  else if (me) await enter(me);
  else knock(cairn);
  await cairn.keepPage();
}

addEventListener("hashchange", () => location.reload());
document.onclick = (/** @type {any} */ { target }) => {
  const { copy } = target.dataset;
  if (copy) navigator.clipboard.writeText(page[copy].value).then(() => (target.textContent = "Copied"), say);
};
await Promise.resolve().then(() => begin(connect())).catch(say); // prettier-ignore
