/** The editor: the documents that this browser has, and the one that is open. Each is a space; the list of them is a log. */

import { connect } from "/sdk/cairn.min.js";
import { openPage } from "./page.js";

const cairn = connect();
const page = location.origin + location.pathname;
const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));

/** @param {string} name @param {object} given @param {Node[]} children */
function made(name, given, ...children) {
  const element = Object.assign(document.createElement(name), given);
  return element.append(...children), element;
}

/** @param {any} problem of an error's form */
const tell = (problem) =>
  Object.assign(byId("problem"), { hidden: !problem, textContent: problem && `${problem.message}. ${problem.hint ?? ""}` });

/** @param {HTMLElement} place that is busy meanwhile @param {() => Promise<unknown>} work whose failure is shown */
async function attempt(place, work) {
  tell(null);
  place.ariaBusy = "true";
  await work().catch(tell);
  place.ariaBusy = "false";
}

/** The same of a form. @param {string} id @param {() => Promise<unknown>} work */
function onSubmit(id, work) {
  byId(id).onsubmit = (/** @type {Event} */ event) => (event.preventDefault(), void attempt(byId(id), work));
}

/** @typedef {import("/sdk/chains/log.js").Log} Log @typedef {import("/sdk/space/space.js").Space} Space */
const documentsIn = (/** @type {Log} */ log) => new Map(log.list.map(({ value }) => [value.key, value]));

/** @param {Log} log */
function showHome(log) {
  byId("home").hidden = false;
  log.watch(() => {
    const cards = [...documentsIn(log).values()].reverse().map(({ key, title, as }) => {
      const about = made("p", { className: "help", textContent: as });
      return made("li", { className: "card" }, made("a", { href: `?d=${key}`, textContent: title }), about);
    });
    byId("empty").hidden = cards.length > 0;
    byId("documents").replaceChildren(...cards);
  });
  const { title, name } = byId("make").elements;
  onSubmit("make", async () => show(await keep(log, await cairn.newSpace(title.value, name.value))));
}

/** Notes a document in this browser's list, so that it opens by its address. @param {Log} log @param {Space} space */
async function keep(log, space) {
  await space.catchUp();
  const key = (space.me ?? space).id.slice(0, 16);
  const about = { title: space.name, as: space.me ? `You write as ${space.me.name}` : "You read" };
  if (!documentsIn(log).has(key)) await log.add({ key, ...about, cap: await space.capabilityText() });
  history.replaceState(null, "", `?d=${key}`);
  return space;
}

/** @param {Space} space */
async function show(space) {
  byId("home").hidden = true;
  byId("document").hidden = false;
  const hueOf = (/** @type {string} */ id) => space.members.findIndex((member) => member.id === id) * 137.5 + 150;
  const colorOf = (/** @type {string} */ id) => `light-dark(oklch(0.5 0.13 ${hueOf(id)}), oklch(0.8 0.11 ${hueOf(id)}))`;
  const { binding, awareness, lock } = openPage(byId("page"), space, colorOf);
  let shown = "";
  const refresh = () => {
    const { members, me, isOwner, name } = space;
    const here = [me, ...[...awareness.getStates().values()].map(({ user }) => user)].map((user) => user?.id);
    if (shown === (shown = JSON.stringify([name, me, members, here]))) return; // so that the focus stays where it is
    const isMember = me?.lastSeq === null;
    lock(!isMember);
    document.title = `${name} – Editor`;
    byId("title").textContent = name;
    const textContent = me ? "You were removed: what the others write now stays unread here." : "You read along.";
    Object.assign(byId("notice"), { hidden: isMember || !name, textContent });
    byId("sharing").className = isOwner ? "write" : "read";
    byId("people").replaceChildren(...members.map((member) => personOf(member, here.includes(member.id))));
  };
  const personOf = (/** @type {Space["members"][0]} */ { id, name, isOwner }, /** @type {boolean} */ isHere) => {
    const textContent = name + (id === space.me?.id ? " (you)" : isOwner ? " (owner)" : "");
    const style = `--who: ${isHere ? colorOf(id) : "var(--line)"}`;
    const person = made("li", { textContent, className: "connection", title: isHere ? "here" : "away", style });
    const remove = made("button", { textContent: "×", className: "plain danger", ariaLabel: `Remove ${name}` });
    remove.onclick = () => confirm(`Remove ${name} from what comes?`) && void attempt(person, () => space.remove(id));
    if (space.isOwner && !isOwner) person.append(remove);
    return person;
  };
  const showState = () => {
    const words = { connecting: "Connecting…", online: "Saved", offline: "Offline" };
    const waiting = { ...words, online: "Saving…", offline: "Offline: changes wait here" };
    const textContent = binding.unsent.value ? "Saving…" : (cairn.pending.value > 0 ? waiting : words)[cairn.status.value];
    Object.assign(byId("connection"), { textContent }).dataset.state = cairn.status.value;
  };
  const showLink = (/** @type {string} */ value, /** @type {string} */ textContent) =>
    byId("sharing").open && (Object.assign(byId("words"), { textContent }), Object.assign(byId("link"), { value }).select());
  const reading = async () => showLink(await space.link({ page }), "Who opens it reads, until a member is removed");
  const inviting = async (name = "") => showLink(await space.invite(name, { page }), `For ${name} alone, who writes by it`);
  onSubmit("invite", () => inviting(byId("invite").elements.name.value));
  byId("reader").onclick = () => attempt(byId("invite"), reading);
  byId("copy").onclick = () => navigator.clipboard.writeText(byId("link").value);
  byId("share").onclick = () => byId("sharing").showModal();
  byId("invite").onreset = () => byId("sharing").close();
  byId("sharing").onclose = () => ((byId("words").textContent = "Link"), byId("invite").reset()); // however it is closed
  for (const signal of [cairn.status, cairn.pending, binding.unsent]) signal.subscribe(showState);
  binding.problem.subscribe((problem) => problem && tell(problem));
  awareness.on("change", (/** @type {any} */ _, /** @type {any} */ origin) => origin === "local" || refresh());
  space.watch(refresh);
  await binding.loaded;
  refresh();
}

addEventListener("hashchange", () => location.hash.length > 1 && location.reload());
await attempt(document.body, async () => {
  void cairn.keepPage();
  const log = await cairn.open("documents");
  await log.catchUp().catch(() => {}); // without a connection: what this browser knows of it
  const known = documentsIn(log).get(new URLSearchParams(location.search).get("d") ?? "");
  if (location.hash.length > 1) await show(await keep(log, await cairn.openSpace()));
  else if (known) await show(await cairn.openSpace(known.cap));
  else showHome(log);
});
