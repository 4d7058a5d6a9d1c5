import { connect } from "/sdk/cairn.min.js";
import { byId, keyOf, make, sizeText } from "./page.js";
import { Upload } from "./uploads.js";
import { viewer } from "./viewer.js";

/** @import { LogEntry } from "/sdk/chains/log_entry.js" */

/** @type {Map<string, LogEntry>} those that are not removed, newest first */
let files = new Map();
/** @type {Map<string, HTMLElement>} */
const tiles = new Map();

/** @param {any} error of the SDK, or null */
function tell(error) {
  byId("problem").hidden = !error;
  byId("problem").textContent = error && `${error.message}. ${error.hint ?? ""}`;
}

async function start() {
  const cairn = connect();
  cairn.status.subscribe((now) => Object.assign(byId("connection"), { textContent: now }).setAttribute("data-state", now));
  const log = await (cairn.hasLink ? cairn.openLink() : cairn.open("files"));
  const streaming = await cairn.streaming("worker.js");
  streaming.problem.subscribe((error) => error && tell(error));
  const canWrite = log.can === "write";
  if (!canWrite) byId("lead").textContent = "Somebody shares these with you: look, and save what you like.";
  byId("drop").hidden = byId("writing").hidden = byId("remove").hidden = !canWrite;

  const show = viewer(streaming, () => files, {
    save: (entry) => streaming.save(entry).catch(tell),
    remove: async (entry) => {
      if (!confirm(`Remove ${entry.value.name} for all who see it?`)) return;
      byId("viewer").close();
      await log.removeFile(entry).then(() => log.add({ removed: keyOf(entry) })).catch(tell);
    },
  });

  /** @param {LogEntry} entry @returns {HTMLElement} */
  function tileOf(entry) {
    const { name, bytes } = entry.value;
    const extension = /\.(\w{1,5})$/.exec(name)?.[1] ?? "file";
    const picture = entry.references[1]
      ? make("img", { src: streaming.url(entry, { preview: true }), alt: "", loading: "lazy" })
      : make("span", { className: "kind" }, extension);
    const words = make("span", { className: "name" }, make("bdi", {}, name), make("small", {}, sizeText(bytes)));
    const button = { className: streaming.kindOf(entry) ?? "", onclick: () => show(entry) };
    return make("li", {}, make("button", button, picture, words));
  }

  log.watch((list) => {
    const removed = new Set(list.map(({ value }) => value?.removed));
    const kept = list.filter((one) => typeof one.value?.name === "string" && keyOf(one) && !removed.has(keyOf(one)));
    files = new Map(kept.reverse().map((one) => [keyOf(one), one]));
    for (const [key, tile] of tiles) if (!files.has(key)) tile.remove();
    for (const [key, one] of [...files].reverse()) {
      if (!tiles.has(key)) byId("grid").prepend(tiles.set(key, tileOf(one)).get(key));
    }
    const bytes = kept.reduce((sum, { value }) => sum + (Number(value.bytes) || 0), 0);
    byId("count").textContent = files.size > 0 ? `${files.size} ${files.size > 1 ? "files" : "file"}, ${sizeText(bytes)}` : "";
    byId("empty").hidden = files.size > 0;
    byId("share").hidden = files.size === 0;
  }, tell);

  byId("share").onclick = async () => {
    byId("sharing-title").textContent = "Share these files";
    byId("read-link").value = await log.link({ can: "read" });
    byId("write-link").value = canWrite ? await log.link({ can: "write" }) : "";
    byId("sharing").showModal();
  };
  byId("sharing").onclick = (/** @type {any} */ { target }) =>
    target.readOnly && navigator.clipboard.writeText(target.value).then(() => (byId("sharing-title").textContent = "Copied"));
  if (!canWrite) return;
  const add = (/** @type {Iterable<File>} */ chosen) => [...chosen].forEach((file) => new Upload(log, file));
  byId("choose").onchange = () => (add(byId("choose").files), (byId("choose").value = ""));
  addEventListener("paste", ({ clipboardData }) => add(clipboardData?.files ?? []));
  for (const type of /** @type {const} */ (["dragover", "dragleave", "drop"])) {
    addEventListener(type, (event) => {
      event.preventDefault();
      byId("drop").classList.toggle("over", type === "dragover");
      if (type === "drop") add(event.dataTransfer?.files ?? []);
    });
  }
}

start().catch(tell);
