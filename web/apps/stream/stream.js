/**
 * A published stream: whoever has the link reads along, and sees that every entry is the writer's.
 *
 * @import { Cairn, Log } from "/sdk/cairn.js"
 * @import { Report } from "/sdk/chains/verification.js"
 */

import { connect } from "/sdk/cairn.min.js";
import { feedOf, streamOf } from "./posts.js";
import { showPosts } from "./list.js";
import { isOpen, showReport } from "./verdict.js";

/** @type {Record<string, any>} the elements of index.html, by id */
const page = Object.fromEntries([...document.querySelectorAll("[id]")].map((element) => [element.id, element]));

/** Says something above all else. @param {any} [what] words, or an error */
function say(what = "") {
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

/** @param {Log} log */
function publishing(log) {
  const add = async (/** @type {object} */ value) => {
    await log.add(value);
    page.link.value = await log.link();
  };
  when(page.publish, () => {
    void add({ text: page.post.value, at: Date.now() }).catch(say);
    page.publish.reset();
  });
  when(page.naming, () => add({ title: page.name.value }));
  when(page.writing, async () => {
    await navigator.clipboard.writeText(await log.link({ can: "write" }));
    page.writing.textContent = "Copied: keep it secret";
  });
}

/** @param {Cairn} cairn */
async function begin(cairn) {
  const tell = () => {
    const words = { connecting: "", online: "Live", offline: "Offline" }[cairn.status.value];
    page.connection.dataset.state = cairn.status.value;
    page.connection.textContent = words + (cairn.pending.value > 0 ? `, ${cairn.pending.value} waiting` : "");
  };
  cairn.pending.subscribe(tell);
  cairn.status.subscribe(tell);
  const log = cairn.hasLink ? await cairn.openLink() : await cairn.open("stream");
  let report = /** @type {Report | null} */ (null);
  const check = async () => {
    report = await log.verify();
    showReport(page, log, report);
    if (report.problem && !isOpen(log, report)) say(report.problem);
  };
  const show = () => {
    const { name, posts } = streamOf(log.list);
    page.title.textContent = document.title = name || (log.can === "write" ? "Your stream" : "A stream");
    if (document.activeElement !== page.name) page.name.value = name;
    showPosts(page.posts, posts, page.item);
    page.empty.hidden = posts.length > 0;
    page.empty.textContent = log.problem.value ? "Nothing is here that can be trusted." : "Nothing is published yet.";
    URL.revokeObjectURL(page.feed.href);
    page.feed.href = URL.createObjectURL(feedOf(page.title.textContent, log.id, posts));
    if (report?.isGood) showReport(page, log, report);
    else if (report && isOpen(log, report)) void check();
  };
  page.stream.className = `stack ${log.can}`;
  page.stream.hidden = false;
  when(page.check, check);
  if (log.can === "write") publishing(log);
  show();
  log.watch(show, (problem) => {
    say(problem);
    show();
    void check();
  });
  await check();
  cairn.status.subscribe((state) => void (state === "online" && report && isOpen(log, report) && check()));
  page.link.value = await log.link({ can: log.can === "verify" ? "verify" : "read" });
  await cairn.keepPage();
}

addEventListener("hashchange", () => location.reload());
document.onclick = (/** @type {any} */ { target }) => {
  const { copy } = target.dataset;
  if (copy) navigator.clipboard.writeText(page[copy].value).then(() => (target.textContent = "Copied"), say);
};
await Promise.resolve().then(() => begin(connect())).catch(say); // prettier-ignore
